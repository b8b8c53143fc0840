//! Keys in a database: the operator's own query finds them, so that the table which is there already will do.
//!
//! The key id goes to the database as a bound text and is never part of the query. Connections are kept among the
//! [errands](crate::errands), a few for the process: a pool a worker would multiply what the database has to hold, for
//! look-ups that the cache makes rare.

mod address;
mod cells;
mod trouble;

use std::{sync::Arc, time::Duration};

use futures_core::stream::BoxStream;
use sqlx::{
    AssertSqlSafe, MySql, Pool, Postgres, Sqlite, mysql::MySqlPoolOptions, postgres::PgPoolOptions,
    sqlite::SqlitePoolOptions,
};

pub use address::{Address, AddressFault, Kind};

use super::{Asked, Encoding, KeyRecord, Remote, Row, Trouble, rows};
use crate::{clock::Clock, errands::Errands};

/// Rows read of one id. More than can be live secrets, for some may be over.
const MOST_ROWS: usize = 32;
/// How long a connection is kept that nobody uses, and how long at all.
const KEPT: Duration = Duration::from_secs(10 * 60);
const OLDEST: Duration = Duration::from_secs(60 * 60);

/// Where keys are and how they are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The database.
    pub address: Address,
    /// Takes the key id as its one parameter. Columns: see [`Row`] and `docs/keys-elsewhere.md`.
    pub query: String,
    /// How secrets are written, where no column says so.
    pub encoding: Encoding,
    /// Connections at once.
    pub connections: u32,
    /// To have a connection; a look-up's own time-out is the cache's.
    pub timeout: Duration,
}

/// A database that is asked.
pub struct Source {
    database: Database,
    query: Arc<str>,
    encoding: Encoding,
    clock: Clock,
}

enum Database {
    Postgres(Pool<Postgres>),
    MySql(Pool<MySql>),
    Sqlite(Pool<Sqlite>),
}

impl Source {
    /// Nothing is connected yet.
    pub fn new(settings: &Settings, errands: &Errands, clock: Clock) -> Source {
        // A pool looks after its connections by tasks of its own, which must live where it does.
        let database = errands.within(|| Database::new(settings));
        Source { database, query: settings.query.as_str().into(), encoding: settings.encoding, clock }
    }

    async fn record(&self, id: &[u8]) -> Result<Option<KeyRecord>, Trouble> {
        // A key id is visible ASCII.
        let text = std::str::from_utf8(id).map_err(|_| Trouble::refused("the key id is no text"))?;
        let rows = self.database.rows(&self.query, text).await?;
        if matches!(self.database, Database::MySql(_)) && !has_ids(&rows) {
            return Err(Trouble::unreadable("the query must select the id as `id`, for MySQL compares text loosely"));
        }
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

impl Database {
    fn new(settings: &Settings) -> Database {
        macro_rules! lazily {
            ($pool:ty, $options:expr) => {
                <$pool>::new()
                    .max_connections(settings.connections)
                    .acquire_timeout(settings.timeout)
                    .idle_timeout(KEPT)
                    .max_lifetime(OLDEST)
                    .connect_lazy_with($options)
            };
        }
        let timeout = settings.timeout;
        match settings.address.kind() {
            Kind::Postgres(options) => Database::Postgres(lazily!(PgPoolOptions, options.clone())),
            Kind::MySql(options) => Database::MySql(lazily!(MySqlPoolOptions, options.clone())),
            Kind::Sqlite(options) => {
                Database::Sqlite(lazily!(SqlitePoolOptions, options.clone().busy_timeout(timeout)))
            }
        }
    }

    async fn rows(&self, query: &Arc<str>, id: &str) -> Result<Vec<Row<'static>>, Trouble> {
        // It stands in the config; nothing of a request is in it.
        let query = AssertSqlSafe(query.clone());
        match self {
            Database::Postgres(pool) => collect(sqlx::query(query).bind(id).fetch(pool), cells::of_postgres).await,
            Database::MySql(pool) => collect(sqlx::query(query).bind(id).fetch(pool), cells::of_mysql).await,
            Database::Sqlite(pool) => collect(sqlx::query(query).bind(id).fetch(pool), cells::of_sqlite).await,
        }
    }
}

/// The first rows, each as `read` reads it.
async fn collect<R>(
    mut stream: BoxStream<'_, Result<R, sqlx::Error>>,
    read: impl Fn(&R) -> Result<Row<'static>, Trouble>,
) -> Result<Vec<Row<'static>>, Trouble> {
    let mut rows = Vec::new();
    while let Some(row) = std::future::poll_fn(|context| stream.as_mut().poll_next(context)).await {
        if rows.len() >= MOST_ROWS {
            return Err(Trouble::unreadable(format!("more than {MOST_ROWS} rows for one id")));
        }
        rows.push(read(&row.map_err(trouble::of)?)?);
    }
    Ok(rows)
}
