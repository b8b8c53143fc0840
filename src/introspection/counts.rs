//! What became of questions, counted for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use super::question::{Said, Trouble};
use crate::outcall::CallError;

/// Counts that go on as long as their server's settings.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) active_hits: AtomicU64,
    pub(super) inactive_hits: AtomicU64,
    pub(super) joined: AtomicU64,
    pub(super) turned_away: AtomicU64,
    active: AtomicU64,
    inactive: AtomicU64,
    failed: AtomicU64,
    timed_out: AtomicU64,
    unreadable: AtomicU64,
}

/// The counts at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Requests that were answered without a call of their own, or turned away without one.
    pub answers: [(&'static str, u64); 4],
    /// Calls by what became of them.
    pub calls: [(&'static str, u64); 5],
    /// Tokens that are remembered as active.
    pub active: usize,
    /// Tokens that are remembered as not active.
    pub inactive: usize,
    /// Whether the server is taken to be there.
    pub is_up: bool,
}

impl Counts {
    /// One more of that kind.
    pub(super) fn one(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// A call that was made.
    pub(super) fn call(&self, said: &Result<Said, Trouble>) {
        Counts::one(match said {
            Ok(Said::Active(_)) => &self.active,
            Ok(Said::Inactive) => &self.inactive,
            Err(Trouble::Call(CallError::TimedOut(_))) => &self.timed_out,
            Err(Trouble::Unreadable | Trouble::Call(CallError::TooLarge(_))) => &self.unreadable,
            Err(Trouble::Call(_) | Trouble::Status(_)) => &self.failed,
        });
    }

    /// The counts now; what the memory has to say is left at nothing.
    pub(super) fn read(&self) -> Reading {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Reading {
            answers: [
                ("active", read(&self.active_hits)),
                ("inactive", read(&self.inactive_hits)),
                ("joined", read(&self.joined)),
                ("turned-away", read(&self.turned_away)),
            ],
            calls: [
                ("active", read(&self.active)),
                ("inactive", read(&self.inactive)),
                ("failed", read(&self.failed)),
                ("timed-out", read(&self.timed_out)),
                ("unreadable", read(&self.unreadable)),
            ],
            ..Reading::default()
        }
    }
}
