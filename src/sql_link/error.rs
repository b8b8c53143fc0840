//! What a database's errors come to. Only codes and kinds are kept, for their texts may repeat a parameter or the query.

use std::sync::Arc;

use sqlx::{
    error::{DatabaseError, Error},
    mysql::MySqlDatabaseError,
};

/// Why a database gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// Nobody can be reached, whatever is asked.
    #[error("{0}")]
    Away(Arc<str>),
    /// It answered, and would not say. It may say more when something else is asked.
    #[error("{0}")]
    Refused(Arc<str>),
    /// It changed nothing for another's sake, who was at the same rows. At once it may do so.
    #[error("{0}")]
    Raced(Arc<str>),
    /// It changed nothing, because others held what it needed for too long, or it took too long.
    #[error("{0}")]
    Held(Arc<str>),
    /// A column that cannot be read, or could be read in two ways.
    #[error("{0}")]
    Unreadable(Arc<str>),
    /// There are more rows than can be read.
    #[error("more than {0} rows")]
    TooMany(usize),
    /// No connection came free, or came to be, in time.
    #[error("no answer in time")]
    TimedOut,
}

impl SqlError {
    /// What the crate's error comes to.
    pub(super) fn of(error: Error) -> SqlError {
        match error {
            Error::PoolTimedOut => SqlError::TimedOut,
            Error::Database(error) => of_database(&*error),
            Error::Io(error) => away(format_args!("no connection to the database: {}", error.kind())),
            Error::Tls(_) => away("no TLS with the database"),
            Error::Configuration(_) => away("the database's URL cannot be used"),
            Error::Protocol(_) | Error::WorkerCrashed | Error::PoolClosed => {
                away("the connection to the database broke")
            }
            Error::ColumnDecode { .. } | Error::Decode(_) | Error::TypeNotFound { .. } => {
                SqlError::unreadable("a column cannot be read")
            }
            // The crate may add some; those that there are do not come of a query.
            _ => refused("the database's driver failed"),
        }
    }

    /// What cannot be read, and why not.
    pub(super) fn unreadable(why: impl std::fmt::Display) -> SqlError {
        SqlError::Unreadable(why.to_string().into())
    }
}

fn away(why: impl std::fmt::Display) -> SqlError {
    SqlError::Away(why.to_string().into())
}

fn refused(why: impl std::fmt::Display) -> SqlError {
    SqlError::Refused(why.to_string().into())
}

fn of_database(error: &dyn DatabaseError) -> SqlError {
    let code = error.code().unwrap_or_default();
    let shown: String = code.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let told = format!("the database answered with the error {shown}").into();
    let number = error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number);
    match () {
        () if is_raced(&code) => SqlError::Raced(told),
        () if is_held(&code, number) => SqlError::Held(told),
        () if is_read_only(&code, number) => SqlError::Away("the database can be read and not written".into()),
        () if is_away(&code) => SqlError::Away(told),
        () => SqlError::Refused(told),
    }
}

/// SQLSTATE: a transaction that cannot be one after the other, a deadlock.
fn is_raced(code: &str) -> bool {
    matches!(code, "40001" | "40P01")
}

/// SQLSTATE: no lock in time, cancelled, a statement's longest time. MySQL's numbers of the first and the last, and
/// SQLite's that a file or a table is locked, with what it says besides in the higher bits.
fn is_held(code: &str, number: Option<u16>) -> bool {
    matches!(code, "55P03" | "57014" | "70100")
        || matches!(number, Some(1205 | 3024))
        || matches!(sqlite(code), Some(5 | 6))
}

/// SQLSTATE: a transaction that may only read; what a replica says too. MySQL's numbers of it, and SQLite's.
fn is_read_only(code: &str, number: Option<u16>) -> bool {
    code == "25006" || matches!(number, Some(1290 | 1792 | 1836)) || sqlite(code) == Some(8)
}

/// SQLSTATE classes: no connection, no resources, an operator, no login. They are true of whatever is asked. And that it is not
/// known whether a statement was done, of which no more can be said than where the connection is gone.
fn is_away(code: &str) -> bool {
    code == "40003" || ["08", "53", "57", "28"].iter().any(|class| code.starts_with(class))
}

/// SQLite's codes are numbers, and none has the five places of a SQLSTATE.
fn sqlite(code: &str) -> Option<u32> {
    code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|code| code & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_code_says_of_the_database_and_of_the_statement_is_told_apart() {
        assert!(is_raced("40P01") && is_raced("40001"));
        assert!(!is_raced("40003") && is_away("40003"), "it may be done");
        assert!(is_held("55P03", None) && is_held("HY000", Some(1205)) && is_held("261", None));
        assert!(!is_held("57P01", None) && is_away("57P01"));
        assert!(is_read_only("25006", None) && is_read_only("HY000", Some(1290)) && is_read_only("264", None));
        assert!(!is_read_only("HY000", Some(1205)) && !is_read_only("00008", None));
    }
}
