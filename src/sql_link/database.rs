//! A database's connections, and what is asked over them.

use std::{fs::File, io::ErrorKind, os::unix::fs::OpenOptionsExt, sync::Arc, time::Duration};

use futures_core::stream::BoxStream;
use sqlx::AssertSqlSafe;

use super::{Address, Row, SqlError, cells, pools::Pools};
use crate::errands::Errands;

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
    /// another: it is logged ahead. Another database is told to give up before whoever asks does, so that it is known what
    /// became of a statement.
    pub is_written: bool,
}

/// A database that is asked. Clones share connections.
#[derive(Clone)]
pub struct Database(Pools);

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
                let mut connection = $pool.acquire().await.map_err(SqlError::of)?;
                let found = collect(query.fetch(&mut *connection), $read, most).await;
                if is_lost(&found) {
                    connection.close_on_drop();
                }
                found
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
                let mut connection = $pool.acquire().await.map_err(SqlError::of)?;
                let done = query.execute(&mut *connection).await.map_err(SqlError::of);
                if is_lost(&done) {
                    connection.close_on_drop();
                }
                done.map(|done| done.rows_affected())
            }};
        }
        match &self.0 {
            Pools::Postgres(pool) => execute!(pool),
            Pools::MySql(pool) => execute!(pool),
            Pools::Sqlite(pool) => execute!(pool),
        }
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

/// Whoever broke, or may only read by now, is not asked again: another connection may lead elsewhere.
fn is_lost<T>(answer: &Result<T, SqlError>) -> bool {
    matches!(answer, Err(SqlError::Away(_)))
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
