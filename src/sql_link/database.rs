//! A database's connections, and what is asked over them.

use std::{fs::File, io::ErrorKind, os::unix::fs::OpenOptionsExt, sync::Arc, time::Duration};

use futures_core::stream::BoxStream;
use sqlx::{
    AssertSqlSafe, MySql, Pool, Postgres, Sqlite,
    mysql::MySqlPoolOptions,
    postgres::PgPoolOptions,
    sqlite::{SqliteJournalMode, SqlitePoolOptions},
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
    /// Whether it is written to all the time. Then whoever reads a SQLite file and whoever writes it do not wait for one
    /// another: it is logged ahead.
    pub is_written: bool,
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

    /// Runs one statement, which is done whole or not at all, with those texts bound in their order. How many rows it was about.
    /// It is asked among the [errands](crate::errands).
    ///
    /// # Errors
    /// [`SqlError`]. After any but [`SqlError::Refused`] it may have been done, or may yet be.
    pub async fn run(&self, statement: &Arc<str>, parameters: &[&str]) -> Result<u64, SqlError> {
        macro_rules! execute {
            ($pool:expr) => {{
                // It stands in the config, or in the program; nothing of a request is in it.
                let query = sqlx::query(AssertSqlSafe(statement.clone()));
                let query = parameters.iter().fold(query, |query, text| query.bind(*text));
                query.execute($pool).await.map_err(SqlError::of)?.rows_affected()
            }};
        }
        Ok(match &self.0 {
            Pools::Postgres(pool) => execute!(pool),
            Pools::MySql(pool) => execute!(pool),
            Pools::Sqlite(pool) => execute!(pool),
        })
    }

    /// Makes the file of a SQLite database where there is none, for its owner's eyes alone. Another database is made by whoever runs it.
    ///
    /// # Errors
    /// [`SqlError::Away`]
    pub fn make_file(&self) -> Result<(), SqlError> {
        let Pools::Sqlite(pool) = &self.0 else { return Ok(()) };
        let made = File::options().write(true).create_new(true).mode(0o600).open(pool.connect_options().get_filename());
        match made {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(SqlError::Away(format!("the database's file cannot be made: {}", error.kind()).into()))
            }
            Ok(_) | Err(_) => Ok(()),
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
            Kind::Sqlite(options) => {
                // Who waits for another's lock is told so before he gives up, and knows that nothing was done.
                let options = options.clone().busy_timeout(timeout.mul_f64(0.75));
                let options = if settings.is_written { options.journal_mode(SqliteJournalMode::Wal) } else { options };
                Pools::Sqlite(lazily!(SqlitePoolOptions, options))
            }
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
