//! What a database's errors come to. Only codes and kinds are kept, for their texts may repeat a parameter or the query.

use std::sync::Arc;

use sqlx::error::{DatabaseError, Error};

/// Why a database gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// Nobody can be reached, whatever is asked.
    #[error("{0}")]
    Away(Arc<str>),
    /// It answered, and would not say. It may say more when something else is asked.
    #[error("{0}")]
    Refused(Arc<str>),
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
    // SQLSTATE classes: no connection, no resources, an operator, no login. They are true of whatever is asked.
    let is_of_database = ["08", "53", "57", "28"].iter().any(|class| code.starts_with(class));
    match is_of_database {
        true => away(format_args!("the database answered with the error {shown}")),
        false => refused(format_args!("the database answered with the error {shown}")),
    }
}
