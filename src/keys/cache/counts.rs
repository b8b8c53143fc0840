//! What became of look-ups, counted for the metrics.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::keys::Trouble;

/// Upper bounds of the buckets of durations, in microseconds, each included in its bucket.
pub const BOUNDS_MICROS: [u64; 9] = [500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000];
const BUCKETS: usize = BOUNDS_MICROS.len() + 1;

/// Counts that go on as long as their cache.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) stale: AtomicU64,
    pub(super) joined: AtomicU64,
    pub(super) turned_away: AtomicU64,
    found: AtomicU64,
    unknown: AtomicU64,
    failed: AtomicU64,
    timed_out: AtomicU64,
    unreadable: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
    sum_micros: AtomicU64,
}

/// The counts of a cache at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Requests answered from memory: the id is known.
    pub hits: u64,
    /// Requests answered from memory: the id is not known.
    pub unknown_hits: u64,
    /// Requests that waited for a look-up which another had begun.
    pub joined: u64,
    /// Requests answered with a record that was over, because the source was away.
    pub stale: u64,
    /// Requests turned away without a look-up: the source is away, or too many look-ups were open.
    pub turned_away: u64,
    /// Look-ups by what became of them.
    pub look_ups: [(&'static str, u64); 5],
    /// Look-ups by duration: those in each bucket by itself, the last for whatever took longer than all bounds.
    pub buckets: [u64; BUCKETS],
    /// Time that look-ups took, in microseconds.
    pub sum_micros: u64,
    /// Ids that are remembered with a key.
    pub known: usize,
    /// Ids that are remembered as not known.
    pub unknown: usize,
    /// Whether the source is taken to be there.
    pub is_up: bool,
}

impl Counts {
    /// One request more of that kind.
    pub(super) fn one(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// A look-up that was made: whether it found a key, or the trouble.
    pub(super) fn look_up(&self, outcome: Result<bool, &Trouble>, took: Duration) {
        Counts::one(match outcome {
            Ok(true) => &self.found,
            Ok(false) => &self.unknown,
            Err(Trouble::TimedOut) => &self.timed_out,
            Err(Trouble::Unreadable(_)) => &self.unreadable,
            Err(Trouble::Away(_) | Trouble::Refused(_) | Trouble::Withheld(_) | Trouble::Denied(_) | Trouble::Busy) => {
                &self.failed
            }
        });
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get(BOUNDS_MICROS.partition_point(|&bound| bound < micros)) {
            Counts::one(bucket);
        }
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// The counts now; what the table has to say is left at nothing.
    pub(super) fn read(&self) -> Reading {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Reading {
            joined: read(&self.joined),
            stale: read(&self.stale),
            turned_away: read(&self.turned_away),
            look_ups: [
                ("found", read(&self.found)),
                ("unknown", read(&self.unknown)),
                ("failed", read(&self.failed)),
                ("timed-out", read(&self.timed_out)),
                ("unreadable", read(&self.unreadable)),
            ],
            buckets: std::array::from_fn(|bucket| self.buckets.get(bucket).map_or(0, read)),
            sum_micros: read(&self.sum_micros),
            ..Reading::default()
        }
    }
}
