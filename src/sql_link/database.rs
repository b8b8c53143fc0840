//! A database's connections, and what is asked over them.

use std::{sync::Arc, time::Duration};

use futures_core::stream::BoxStream;
use sqlx::{
    AssertSqlSafe, MySql, Pool, Postgres, Sqlite, mysql::MySqlPoolOptions, postgres::PgPoolOptions,
    sqlite::SqlitePoolOptions,
};

use super::{Address, Kind, Row, SqlError, cells};
use crate::errands::Errands;

/// How long a connection is kept that nobody uses, and how long at all.
const KEPT: Duration = Duration::from_secs(10 * 60);
const OLDEST: Duration = Duration::from_secs(60 * 60);

/// Where a database is, and how many connections it may have to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The database.
    pub address: Address,
    /// Connections at once.
    pub connections: u32,
    /// To have a connection. How long a question may take is for who asks to say.
    pub timeout: Duration,
}

/// A database that is asked. Clones share connections.
#[derive(Clone)]
pub struct Database(Pools);

#[derive(Clone)]
pub(super) enum Pools {
    Postgres(Pool<Postgres>),
    MySql(Pool<MySql>),
    Sqlite(Pool<Sqlite>),
}

impl Database {
    /// Nothing is connected yet.
    pub fn new(settings: &Settings, errands: &Errands) -> Database {
        // A pool looks after its connections by tasks of its own, which must live where it does.
        Database(errands.within(|| Pools::new(settings)))
    }

    pub(super) fn pools(&self) -> &Pools {
        &self.0
    }

    /// Whether it finds text that is only alike: MySQL compares without regard to case and to spaces at the end.
    pub fn compares_loosely(&self) -> bool {
        matches!(self.0, Pools::MySql(_))
    }

    /// The rows that `query` finds, the texts of `parameters` bound in their order; more than `most` are an error. It is
    /// asked among the [errands](crate::errands).
    ///
    /// # Errors
    /// [`SqlError`]
    pub async fn rows(&self, query: &Arc<str>, parameters: &[&str], most: usize) -> Result<Vec<Row>, SqlError> {
        macro_rules! fetch {
            ($pool:expr, $read:expr) => {{
                // It stands in the config; nothing of a request is in it.
                let query = sqlx::query(AssertSqlSafe(query.clone()));
                let query = parameters.iter().fold(query, |query, text| query.bind(*text));
                collect(query.fetch($pool), $read, most).await
            }};
        }
        match &self.0 {
            Pools::Postgres(pool) => fetch!(pool, cells::of_postgres),
            Pools::MySql(pool) => fetch!(pool, cells::of_mysql),
            Pools::Sqlite(pool) => fetch!(pool, cells::of_sqlite),
        }
    }
}

impl Pools {
    fn new(settings: &Settings) -> Pools {
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
            Kind::Postgres(options) => Pools::Postgres(lazily!(PgPoolOptions, options.clone())),
            Kind::MySql(options) => Pools::MySql(lazily!(MySqlPoolOptions, options.clone())),
            Kind::Sqlite(options) => Pools::Sqlite(lazily!(SqlitePoolOptions, options.clone().busy_timeout(timeout))),
        }
    }
}

/// The first rows, each as `read` reads it.
pub(super) async fn collect<R>(
    mut stream: BoxStream<'_, Result<R, sqlx::Error>>,
    read: impl Fn(&R) -> Result<Row, SqlError>,
    most: usize,
) -> Result<Vec<Row>, SqlError> {
    let mut rows = Vec::new();
    while let Some(row) = std::future::poll_fn(|context| stream.as_mut().poll_next(context)).await {
        if rows.len() >= most {
            return Err(SqlError::TooMany(most));
        }
        rows.push(read(&row.map_err(SqlError::of)?)?);
    }
    Ok(rows)
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database(…)")
    }
}
