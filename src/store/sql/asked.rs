//! Asking within bounds of time and number, and what is told of it: whether somebody is there, and what went wrong how often.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, Semaphore};

use crate::{errands::Errands, sql_link::SqlError};

/// Questions open at once; most of them wait for one of the few connections.
const MOST_OPEN: usize = 256;

/// Why a database gave no answer that can be used. No case says anything about a token: refuse in doubt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqlTrouble {
    /// Nobody is there, or there is no table, so far as is known; it was not asked.
    #[error("the database is away")]
    Away,
    /// As many questions as may be are open already.
    #[error("too many questions to the database are open")]
    Busy,
    /// Somebody else changed the family each time.
    #[error("the family was changed by others meanwhile")]
    Raced,
    /// Nothing was changed.
    #[error(transparent)]
    Failed(SqlError),
    /// What was asked for may have been done, or may yet be.
    #[error("{0}; what was asked for may be done")]
    Unsure(#[source] SqlError),
}

/// The counts of a store as they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether it is there, and its table too, so far as is known.
    pub is_up: bool,
    /// Questions that were answered.
    pub answered: u64,
    /// Questions that were not answered in time.
    pub timed_out: u64,
    /// Questions that were answered with an error, or not at all because the connection broke.
    pub failed: u64,
    /// Questions that were not asked, because nobody was there or too many were open.
    pub turned_away: u64,
    /// Families that were removed because their time was over.
    pub swept: u64,
}

/// What is known of the other side, and who may ask it.
pub(super) struct Asked {
    errands: Errands,
    timeout: Duration,
    places: Arc<Semaphore>,
    up: AtomicBool,
    /// Whether anything is known of it at all.
    is_known: AtomicBool,
    /// Somebody has reason to think that nobody is there.
    pub(super) doubt: Arc<Notify>,
    answered: AtomicU64,
    timed_out: AtomicU64,
    failed: AtomicU64,
    turned_away: AtomicU64,
    swept: AtomicU64,
}

impl Asked {
    pub(super) fn new(timeout: Duration, errands: Errands) -> Asked {
        Asked {
            errands,
            timeout,
            places: Arc::new(Semaphore::new(MOST_OPEN)),
            up: AtomicBool::default(),
            is_known: AtomicBool::default(),
            doubt: Arc::default(),
            answered: AtomicU64::default(),
            timed_out: AtomicU64::default(),
            failed: AtomicU64::default(),
            turned_away: AtomicU64::default(),
            swept: AtomicU64::default(),
        }
    }

    pub(super) fn errands(&self) -> &Errands {
        &self.errands
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// It is known whether somebody is there. True where it was otherwise until now.
    pub(super) fn is_known_to_be(&self, up: bool) -> bool {
        let is_news = self.up.swap(up, Ordering::Relaxed) != up;
        self.is_known.store(true, Ordering::Relaxed);
        is_news
    }

    pub(super) fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Relaxed)
    }

    pub(super) fn swept(&self, families: u64) {
        self.swept.fetch_add(families, Ordering::Relaxed);
    }

    pub(super) fn reading(&self) -> Reading {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reading {
            is_up: self.is_up(),
            answered: count(&self.answered),
            timed_out: count(&self.timed_out),
            failed: count(&self.failed),
            turned_away: count(&self.turned_away),
            swept: count(&self.swept),
        }
    }

    /// Asks what changes nothing.
    pub(super) async fn to_say<T: Send + 'static>(
        &self,
        question: impl Future<Output = Result<T, SqlError>> + Send + 'static,
    ) -> Result<T, SqlTrouble> {
        self.within(question).await?.map_err(SqlTrouble::Failed)
    }

    /// Asks for a change.
    pub(super) async fn to_do<T: Send + 'static>(
        &self,
        question: impl Future<Output = Result<T, SqlError>> + Send + 'static,
    ) -> Result<T, SqlTrouble> {
        self.within(question).await?.map_err(|error| match error {
            SqlError::Refused(_) | SqlError::Raced(_) | SqlError::Held(_) => SqlTrouble::Failed(error),
            SqlError::Away(_) | SqlError::Unreadable(_) | SqlError::TooMany(_) | SqlError::TimedOut => {
                SqlTrouble::Unsure(error)
            }
        })
    }

    /// As [`to_say`](Asked::to_say), for whoever finds out whether somebody is there: nothing of it is counted.
    pub(super) async fn in_time<T>(&self, question: impl Future<Output = Result<T, SqlError>>) -> Result<T, SqlError> {
        tokio::time::timeout(self.timeout, question).await.unwrap_or(Err(SqlError::TimedOut))
    }

    async fn within<T: Send + 'static>(
        &self,
        question: impl Future<Output = Result<T, SqlError>> + Send + 'static,
    ) -> Result<Result<T, SqlError>, SqlTrouble> {
        let turned_away = |trouble| {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
            trouble
        };
        if !self.is_up() {
            return Err(turned_away(SqlTrouble::Away));
        }
        let place = self.places.clone().try_acquire_owned().map_err(|_| turned_away(SqlTrouble::Busy))?;
        let timeout = self.timeout;
        let asked = async move {
            let _place = place;
            tokio::time::timeout(timeout, question).await.unwrap_or(Err(SqlError::TimedOut))
        };
        // Where the errand's thread ends, the question may be on its way.
        let ending = |_| Err(SqlError::Away("the gateway is ending".into()));
        let answer = self.errands.run(asked).await.unwrap_or_else(ending);
        self.count(&answer);
        Ok(answer)
    }

    fn count<T>(&self, answer: &Result<T, SqlError>) {
        let counter = match answer {
            Ok(_) => &self.answered,
            Err(SqlError::TimedOut) => &self.timed_out,
            Err(
                SqlError::Away(_)
                | SqlError::Refused(_)
                | SqlError::Raced(_)
                | SqlError::Held(_)
                | SqlError::Unreadable(_)
                | SqlError::TooMany(_),
            ) => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if answer.is_err() {
            self.doubt.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Arc<Asked> {
        Arc::new(Asked::new(Duration::from_millis(50), Errands::start().unwrap()))
    }

    async fn ask(asked: &Asked) -> Result<(), SqlTrouble> {
        asked.to_do(std::future::pending()).await
    }

    #[tokio::test]
    async fn nobody_is_asked_while_nobody_is_there_and_so_many_at_once_while_somebody_is() {
        let asked = asked();
        assert_eq!(ask(&asked).await, Err(SqlTrouble::Away));
        assert!(asked.is_known_to_be(true) && !asked.is_known_to_be(true));
        let open: Vec<_> = (0..=MOST_OPEN)
            .map(|_| {
                let asked = asked.clone();
                tokio::spawn(async move { ask(&asked).await })
            })
            .collect();
        let mut answers = Vec::new();
        for one in open {
            answers.push(one.await.unwrap());
        }
        let count =
            |trouble: &SqlTrouble| answers.iter().filter(|answer| answer.as_ref().err() == Some(trouble)).count();
        assert_eq!(count(&SqlTrouble::Busy), 1);
        assert_eq!(count(&SqlTrouble::Unsure(SqlError::TimedOut)), MOST_OPEN);
        let Reading { timed_out, turned_away, .. } = asked.reading();
        assert_eq!((timed_out, turned_away), (256, 2));
    }

    #[tokio::test]
    async fn what_a_database_refuses_was_not_done_and_what_it_said_nothing_to_may_have_been() {
        let asked = asked();
        asked.is_known_to_be(true);
        for (error, is_sure) in [
            (SqlError::Refused("42P01".into()), true),
            (SqlError::Raced("40P01".into()), true),
            (SqlError::Held("55P03".into()), true),
            (SqlError::Away("it broke".into()), false),
            (SqlError::TimedOut, false),
        ] {
            let failed = error.clone();
            let done = asked.to_do::<()>(async move { Err(failed) }).await;
            assert_eq!(done == Err(SqlTrouble::Failed(error.clone())), is_sure, "{error}");
            let failed = error.clone();
            assert_eq!(asked.to_say::<()>(async move { Err(failed) }).await, Err(SqlTrouble::Failed(error)));
        }
    }

    #[tokio::test]
    async fn a_question_that_broke_off_may_have_been_asked() {
        let asked = asked();
        asked.is_known_to_be(true);
        let broken = asked.to_do::<()>(async { panic!("as if its thread had ended") }).await;
        assert!(matches!(broken, Err(SqlTrouble::Unsure(SqlError::Away(_)))), "{broken:?}");
    }
}
