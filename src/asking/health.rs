//! Whether a source is there, so far as is known: while it is not, few ask, so that a request does not wait for nothing.

use std::{
    sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

/// So many failures on end, and the source is taken to be away. One may be chance.
const ENOUGH: u32 = 3;
/// How often one who comes may try whether it is back. Recovery takes no longer than this and a question.
pub const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MILLIS: i64 = 500;

/// What the last questions came to.
#[derive(Debug, Default)]
pub struct Health {
    failures: AtomicU32,
    try_again_millis: AtomicI64,
    answers: AtomicU64,
}

impl Health {
    /// It answered. True where it was taken to be away.
    pub fn answered(&self) -> bool {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.failures.swap(0, Ordering::Relaxed) >= ENOUGH
    }

    /// It did not. True where it is taken to be away from now on.
    pub fn failed(&self, now_millis: i64) -> bool {
        self.try_again_millis.store(now_millis.saturating_add(PAUSE_MILLIS), Ordering::Relaxed);
        // It stays far from wrapping: nobody fails so often.
        self.failures.fetch_add(1, Ordering::Relaxed) + 1 == ENOUGH
    }

    /// How often it answered.
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// Whether it is taken to be there.
    pub fn is_up(&self) -> bool {
        self.failures.load(Ordering::Relaxed) < ENOUGH
    }

    /// Whether it may be asked now: always while it is up, and once a pause while it is not.
    pub fn may_ask(&self, now_millis: i64) -> bool {
        if self.is_up() {
            return true;
        }
        let try_again = self.try_again_millis.load(Ordering::Relaxed);
        // A clock that was set back must not make the pause longer.
        if (now_millis..=now_millis.saturating_add(PAUSE_MILLIS)).contains(&try_again) && try_again != now_millis {
            return false;
        }
        let next = now_millis.saturating_add(PAUSE_MILLIS);
        self.try_again_millis.compare_exchange(try_again, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_away_after_a_few_failures_and_back_with_one_answer() {
        let health = Health::default();
        for _ in 0..ENOUGH {
            assert!(health.is_up() && health.may_ask(0));
            health.failed(0);
        }
        assert!(!health.is_up());
        assert!(health.answered() && !health.answered());
        assert!(health.is_up() && health.may_ask(0));
    }

    #[test]
    fn while_it_is_away_one_in_a_pause_may_try_whatever_the_clock_does() {
        let health = Health::default();
        let told: Vec<bool> = (0..=ENOUGH).map(|_| health.failed(1_000)).collect();
        assert_eq!(told, [false, false, true, false]);
        assert!(!health.may_ask(1_499));
        assert!(health.may_ask(1_500) && !health.may_ask(1_500) && !health.may_ask(1_999));
        assert!(health.may_ask(2_000));
        assert!(health.may_ask(-7_000), "the clock was set back");
        assert_eq!(PAUSE.as_millis(), 500);
    }
}
