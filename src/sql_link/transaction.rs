//! What is asked in one go: all of it is done, or nothing. Meant for commands, not for a request's way.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, MySql, Postgres, Sqlite, pool::PoolConnection};

use super::{Database, Row, SqlError, cells, database::collect, pools::Pools};

/// A transaction, as far from others as the database can keep it. Where it ends without [`commit`](Transaction::commit)
/// nothing was done: its connection is closed.
pub struct Transaction(Connection);

enum Connection {
    Postgres(PoolConnection<Postgres>),
    MySql(PoolConnection<MySql>),
    Sqlite(PoolConnection<Sqlite>),
}

impl Database {
    /// Begins one.
    ///
    /// # Errors
    /// [`SqlError`]
    pub async fn begin(&self) -> Result<Transaction, SqlError> {
        macro_rules! begun {
            ($kind:ident, $pool:expr, $statements:expr) => {{
                let mut connection = $pool.acquire().await.map_err(SqlError::of)?;
                connection.close_on_drop();
                for statement in $statements {
                    sqlx::query(statement).execute(&mut *connection).await.map_err(SqlError::of)?;
                }
                Connection::$kind(connection)
            }};
        }
        Ok(Transaction(match self.pools() {
            Pools::Postgres(pool) => begun!(Postgres, pool, ["begin isolation level serializable"]),
            Pools::MySql(pool) => {
                begun!(MySql, pool, ["set session transaction isolation level serializable", "start transaction"])
            }
            Pools::Sqlite(pool) => begun!(Sqlite, pool, ["begin immediate"]),
        }))
    }
}

impl Transaction {
    /// As [`Database::rows`].
    ///
    /// # Errors
    /// [`SqlError`]
    pub async fn rows(&mut self, query: &Arc<str>, parameters: &[&str], most: usize) -> Result<Vec<Row>, SqlError> {
        macro_rules! fetch {
            ($connection:expr, $read:expr) => {{
                // It stands in the config; nothing that is asked for is in it.
                let query = sqlx::query(AssertSqlSafe(query.clone()));
                let query = parameters.iter().fold(query, |query, text| query.bind(*text));
                collect(query.fetch(&mut **$connection), $read, most).await
            }};
        }
        match &mut self.0 {
            Connection::Postgres(connection) => fetch!(connection, cells::of_postgres),
            Connection::MySql(connection) => fetch!(connection, cells::of_mysql),
            Connection::Sqlite(connection) => fetch!(connection, cells::of_sqlite),
        }
    }

    /// Runs `statement` with those texts, or nothings, bound in their order. How many rows it was about.
    ///
    /// # Errors
    /// [`SqlError`]
    pub async fn run(&mut self, statement: &Arc<str>, parameters: &[Option<&str>]) -> Result<u64, SqlError> {
        macro_rules! execute {
            ($connection:expr) => {{
                // As above.
                let query = sqlx::query(AssertSqlSafe(statement.clone()));
                let query = parameters.iter().fold(query, |query, text| query.bind(*text));
                query.execute(&mut **$connection).await.map_err(SqlError::of)?.rows_affected()
            }};
        }
        Ok(match &mut self.0 {
            Connection::Postgres(connection) => execute!(connection),
            Connection::MySql(connection) => execute!(connection),
            Connection::Sqlite(connection) => execute!(connection),
        })
    }

    /// Makes it so.
    ///
    /// # Errors
    /// [`SqlError`]: nothing was done, unless the connection broke just then.
    pub async fn commit(mut self) -> Result<(), SqlError> {
        self.run(&"commit".into(), &[]).await.map(drop)
    }
}
