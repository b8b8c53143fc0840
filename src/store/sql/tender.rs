//! Whoever looks after the table, beside the requests: is it there, can it be made, what of it is over.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{families::Inner, statements::BATCH};
use crate::sql_link::SqlError;

/// How often it is looked whether the table is there: while it is, and while it is not.
const PULSE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(500);
/// However often somebody doubts it.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
/// How often what is over is removed, and in how many statements at most.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
const MOST_BATCHES: usize = 100;

/// Looks after the table for as long as somebody else has the families. What is over is not removed before `first_sweep`.
pub(super) async fn tend(families: Weak<Inner>, doubt: Arc<Notify>, first_sweep: Duration) {
    let mut next_sweep = Instant::now() + first_sweep;
    let mut is_told = false;
    loop {
        let pause = {
            let Some(families) = families.upgrade() else { return };
            match families.prepare().await {
                Ok(()) => {
                    families.is_there(&mut is_told);
                    if Instant::now() >= next_sweep {
                        families.sweep().await;
                        next_sweep = Instant::now() + SWEEP_EVERY;
                    }
                    PULSE
                }
                Err(error) => {
                    families.is_away(&error, &mut is_told);
                    PAUSE
                }
            }
        };
        tokio::time::sleep(SHORTEST_PAUSE).await;
        // Over or not: either way it is time to look again.
        let _ = tokio::time::timeout(pause, doubt.notified()).await;
    }
}

impl Inner {
    /// Finds the table, or makes it.
    async fn prepare(&self) -> Result<(), SqlError> {
        match self.asked.in_time(self.probe()).await {
            // It may be that there is no table, or no file.
            Err(SqlError::Refused(_)) => {}
            found => return found,
        }
        self.asked.in_time(self.make()).await?;
        self.asked.in_time(self.probe()).await?;
        tracing::info!(issuer = self.name, "the table of refresh tokens is made");
        Ok(())
    }

    async fn probe(&self) -> Result<(), SqlError> {
        self.tenders.run(&self.statements.probe, &[]).await.map(drop)
    }

    async fn make(&self) -> Result<(), SqlError> {
        self.tenders.make_file()?;
        for statement in self.statements.making() {
            self.tenders.run(&statement, &[]).await?;
        }
        Ok(())
    }

    /// What is over is removed in batches; what a failure leaves is there the next time.
    async fn sweep(&self) {
        for _ in 0..MOST_BATCHES {
            match self.asked.in_time(self.tenders.run(&self.statements.sweep, &[])).await {
                Ok(swept) => {
                    self.asked.swept(swept);
                    if swept < BATCH {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(issuer = self.name, %error, "refresh tokens that are over are not removed; it is tried again in a minute");
                    return;
                }
            }
        }
    }

    fn is_there(&self, is_told: &mut bool) {
        if self.asked.is_known_to_be(true) && std::mem::take(is_told) {
            tracing::info!(issuer = self.name, "the database of refresh tokens is back");
        }
    }

    fn is_away(&self, error: &SqlError, is_told: &mut bool) {
        self.asked.is_known_to_be(false);
        if std::mem::replace(is_told, true) {
            return;
        }
        match error {
            SqlError::Refused(_) => {
                let needed = self.statements.making().join("; ");
                tracing::error!(issuer = self.name, %error, needed, "the table of refresh tokens is missing or another, and cannot be made: whoever may must run what is needed");
            }
            SqlError::Away(_)
            | SqlError::Raced(_)
            | SqlError::Held(_)
            | SqlError::Unreadable(_)
            | SqlError::TooMany(_)
            | SqlError::TimedOut => {
                tracing::warn!(issuer = self.name, %error, "the database of refresh tokens is away");
            }
        }
    }
}
