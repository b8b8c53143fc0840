//! What a database's errors come to. Only codes and kinds are kept, for their texts may repeat a key id or the query.

use sqlx::error::{DatabaseError, Error};

use crate::keys::Trouble;

/// What `error` says of this id, or of the database.
pub(super) fn of(error: Error) -> Trouble {
    match error {
        Error::PoolTimedOut => Trouble::TimedOut,
        Error::Database(error) => of_database(&*error),
        Error::Io(error) => Trouble::away(format_args!("no connection to the database: {}", error.kind())),
        Error::Tls(_) => Trouble::away("no TLS with the database"),
        Error::Configuration(_) => Trouble::away("the database's URL cannot be used"),
        Error::Protocol(_) | Error::WorkerCrashed | Error::PoolClosed => {
            Trouble::away("the connection to the database broke")
        }
        Error::ColumnDecode { .. } | Error::Decode(_) | Error::TypeNotFound { .. } => {
            Trouble::unreadable("a column cannot be read")
        }
        // The crate may add some; those that there are do not come of a query.
        _ => Trouble::refused("the database's driver failed"),
    }
}

fn of_database(error: &dyn DatabaseError) -> Trouble {
    let code = error.code().unwrap_or_default();
    let shown: String = code.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    // SQLSTATE classes: no connection, no resources, an operator, no login. They are true of any id.
    let is_of_database = ["08", "53", "57", "28"].iter().any(|class| code.starts_with(class));
    match is_of_database {
        true => Trouble::away(format_args!("the database answered with the error {shown}")),
        false => Trouble::refused(format_args!("the database answered with the error {shown}")),
    }
}
