//! Keys in a database: the operator's own query finds them, so that the table which is there already will do.
//!
//! The key id goes to the database as a bound text and is never part of the query. How a database is reached is
//! [`sql_link`]'s.

mod statement;
mod write;

use std::sync::Arc;

pub use statement::{Parameter, Statement, StatementFault};
pub use write::Write;

use super::{Asked, Encoding, KeyRecord, Remote, Row, Trouble, rows};
use crate::{
    clock::Clock,
    errands::Errands,
    sql_link::{self, Database, SqlError},
};

/// Rows read of one id. More than can be live secrets, for some may be over.
const MOST_ROWS: usize = 32;

/// Where keys are and how they are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The database.
    pub database: sql_link::Settings,
    /// Takes the key id as its one parameter. Columns: see [`Row`] and `docs/keys-elsewhere.md`.
    pub query: String,
    /// How secrets are written, where no column says so.
    pub encoding: Encoding,
    /// How keys are changed there; a gateway never does.
    pub write: Write,
}

/// A database that is asked.
pub struct Source {
    database: Database,
    query: Arc<str>,
    encoding: Encoding,
    write: Write,
    clock: Clock,
}

impl Source {
    /// Nothing is connected yet.
    pub fn new(settings: &Settings, errands: &Errands, clock: Clock) -> Source {
        let database = Database::new(&settings.database, errands);
        let (query, write) = (settings.query.as_str().into(), settings.write.clone());
        Source { database, query, encoding: settings.encoding, write, clock }
    }

    async fn rows(&self, id: &str) -> Result<Vec<Row<'static>>, Trouble> {
        let rows = self.database.rows(&self.query, &[id], MOST_ROWS).await?;
        self.check(&rows).map(|()| rows)
    }

    fn check(&self, rows: &[Row<'_>]) -> Result<(), Trouble> {
        match self.database.compares_loosely() && !has_ids(rows) {
            true => Err(Trouble::unreadable("the query must select the id as `id`, for MySQL compares text loosely")),
            false => Ok(()),
        }
    }

    async fn record(&self, id: &[u8]) -> Result<Option<KeyRecord>, Trouble> {
        // A key id is visible ASCII.
        let text = std::str::from_utf8(id).map_err(|_| Trouble::refused("the key id is no text"))?;
        let rows = self.rows(text).await?;
        rows::record(id, &rows, self.encoding, self.clock.unix_millis()).map_err(Trouble::unreadable)
    }
}

impl Remote for Source {
    fn ask<'r>(&'r self, id: &'r [u8]) -> Asked<'r> {
        Box::pin(self.record(id))
    }
}

/// By its rules `DEV-1` finds `dev-1`; whoever signs could then go by many names, and replay one request under each.
fn has_ids(rows: &[Row<'_>]) -> bool {
    rows.iter().all(|row| row.iter().any(|(name, _)| name == "id"))
}

impl From<SqlError> for Trouble {
    fn from(error: SqlError) -> Trouble {
        match error {
            SqlError::Away(why) => Trouble::Away(why),
            SqlError::Refused(why) | SqlError::Raced(why) | SqlError::Held(why) => Trouble::Refused(why),
            SqlError::Unreadable(why) => Trouble::Unreadable(why),
            SqlError::TooMany(most) => Trouble::unreadable(format_args!("more than {most} rows for one id")),
            SqlError::TimedOut => Trouble::TimedOut,
        }
    }
}
