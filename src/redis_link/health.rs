//! What is told of a link: whether somebody is there, and what went wrong how often.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::LinkError;

/// The state of a link and its counts since it was made. Read by whoever makes metrics of it.
#[derive(Debug, Default)]
pub struct Health {
    up: AtomicBool,
    connects: AtomicU64,
    timeouts: AtomicU64,
    turned_away: AtomicU64,
    errors: AtomicU64,
}

impl Health {
    /// Whether there is a connection, so far as is known.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Connections made.
    pub fn connects(&self) -> u64 {
        self.connects.load(Ordering::Relaxed)
    }

    /// Questions that were not answered in time.
    pub fn timeouts(&self) -> u64 {
        self.timeouts.load(Ordering::Relaxed)
    }

    /// Questions that were not asked, because nobody was there or too many were open.
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// Questions that were answered with an error, or not at all because the connection broke.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    pub(super) fn connected(&self) {
        self.connects.fetch_add(1, Ordering::Relaxed);
        self.up.store(true, Ordering::Relaxed);
    }

    pub(super) fn lost(&self) {
        self.up.store(false, Ordering::Relaxed);
    }

    pub(super) fn count(&self, error: &LinkError) {
        let counter = match error {
            LinkError::TimedOut => &self.timeouts,
            LinkError::Away | LinkError::Busy => &self.turned_away,
            // The first use of a script on a server: no failure.
            LinkError::NoScript => return,
            LinkError::Broken
            | LinkError::Full
            | LinkError::Refused(_)
            | LinkError::Unexpected
            | LinkError::Unusable(_) => &self.errors,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
