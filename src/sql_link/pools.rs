//! The pools of connections: how long one is kept, and what it is told and asked before it is used.

use std::{sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, Connection, MySql, Pool, Postgres, Sqlite,
    mysql::MySqlPoolOptions,
    postgres::PgPoolOptions,
    sqlite::{SqliteJournalMode, SqlitePoolOptions},
};

use super::{Kind, database::Settings};

/// How long a connection is kept that nobody uses, and how long at all.
const KEPT: Duration = Duration::from_secs(10 * 60);
const OLDEST: Duration = Duration::from_secs(60 * 60);
/// Where it is written all the time, a connection that answered less than that ago is used without a question before.
const FRESH: Duration = Duration::from_millis(500);
/// What part of the time that whoever asks has is the database's.
const PART: f64 = 0.75;

#[derive(Clone)]
pub(super) enum Pools {
    Postgres(Pool<Postgres>),
    MySql(Pool<MySql>),
    Sqlite(Pool<Sqlite>),
}

impl Pools {
    /// Nothing is connected yet.
    pub(super) fn new(settings: &Settings) -> Pools {
        let fresh = if settings.is_written { FRESH } else { Duration::ZERO };
        macro_rules! options {
            ($pool:ty) => {
                <$pool>::new()
                    .max_connections(settings.connections)
                    .acquire_timeout(settings.timeout)
                    .idle_timeout(KEPT)
                    .max_lifetime(OLDEST)
                    .test_before_acquire(false)
                    .before_acquire(move |connection, known| {
                        Box::pin(async move { Ok(known.idle_for < fresh || connection.ping().await.is_ok()) })
                    })
            };
        }
        macro_rules! told {
            ($pool:ty, $bounds:expr) => {{
                let bounds: Arc<[String]> = if settings.is_written { $bounds.into() } else { Arc::default() };
                options!($pool).after_connect(move |connection, _| {
                    let bounds = bounds.clone();
                    Box::pin(async move {
                        for bound in bounds.iter() {
                            // Numbers alone are put into it. Some servers do not know some of them, and go without.
                            let _ = sqlx::raw_sql(AssertSqlSafe(bound.clone())).execute(&mut *connection).await;
                        }
                        Ok(())
                    })
                })
            }};
        }
        // Who waits for another's lock is told so before he gives up, and knows that nothing was done.
        let most = settings.timeout.mul_f64(PART);
        match settings.address.kind() {
            Kind::Postgres(options) => {
                Pools::Postgres(told!(PgPoolOptions, postgres(most)).connect_lazy_with(options.clone()))
            }
            Kind::MySql(options) => {
                Pools::MySql(told!(MySqlPoolOptions, mysql(most)).connect_lazy_with(options.clone()))
            }
            Kind::Sqlite(options) => {
                let options = options.clone().busy_timeout(most);
                let options = if settings.is_written { options.journal_mode(SqliteJournalMode::Wal) } else { options };
                Pools::Sqlite(options!(SqlitePoolOptions).connect_lazy_with(options))
            }
        }
    }
}

/// Said and not put into the first message of a connection, which a pooler between might not take.
fn postgres(most: Duration) -> [String; 1] {
    let most = most.as_millis().max(1);
    [format!("set lock_timeout = {most}; set statement_timeout = {most}")]
}

/// MariaDB knows the second and MySQL the third, which is for what reads alone; the first is in whole seconds.
fn mysql(most: Duration) -> [String; 3] {
    [
        format!("set session innodb_lock_wait_timeout = {}", most.as_secs().max(1)),
        format!("set session max_statement_time = {}", most.as_secs_f64().max(0.001)),
        format!("set session max_execution_time = {}", most.as_millis().max(1)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_told_to_give_up_before_whoever_asks_it_does() {
        let most = Duration::from_secs(2).mul_f64(PART);
        assert_eq!(postgres(most), ["set lock_timeout = 1500; set statement_timeout = 1500"]);
        let told = ["innodb_lock_wait_timeout = 1", "max_statement_time = 1.5", "max_execution_time = 1500"];
        assert_eq!(mysql(most), told.map(|bound| format!("set session {bound}")));
        assert!(mysql(Duration::ZERO)[1].ends_with("= 0.001"), "nothing is no bound");
    }
}
