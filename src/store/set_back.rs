//! What is refused because the wall clock was set back, behind what was forgotten: it looks like a replay to whoever sends it,
//! and to an operator like an attack, unless somebody says so.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// How often the log says it again while it goes on.
const SAID_AGAIN_MILLIS: i64 = 60_000;

/// How many, and when it was said last, by a clock that nobody sets.
#[derive(Debug)]
pub(super) struct SetBack {
    refused: AtomicU64,
    said_millis: AtomicI64,
}

impl Default for SetBack {
    fn default() -> SetBack {
        SetBack { refused: AtomicU64::new(0), said_millis: AtomicI64::new(i64::MIN) }
    }
}

impl SetBack {
    /// One more. Others like it are refused until `left_millis` have gone by.
    pub(super) fn note(&self, left_millis: i64, steady_millis: i64) {
        let refused = self.refused.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if self.is_to_be_said(steady_millis) {
            let for_seconds = left_millis.max(0).div_euclid(1000).saturating_add(1);
            tracing::warn!(
                refused,
                for_seconds,
                "the clock was set back: what may have been accepted when it was ahead is refused as replayed"
            );
        }
    }

    /// How many so far.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn is_to_be_said(&self, steady_millis: i64) -> bool {
        let said = self.said_millis.load(Ordering::Relaxed);
        let is_due = steady_millis.saturating_sub(said) >= SAID_AGAIN_MILLIS;
        is_due && self.said_millis.compare_exchange(said, steady_millis, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_at_first_and_then_once_a_minute() {
        let set_back = SetBack::default();
        let said: Vec<i64> = (0..=120_000).step_by(100).filter(|now| set_back.is_to_be_said(*now)).collect();
        assert_eq!(said, [0, 60_000, 120_000]);
    }
}
