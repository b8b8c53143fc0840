//! How fast a client sends or takes what is large.
//!
//! A byte now and then would pass for progress for ever, and hold a place at the upstream.

/// How long a client kept the gateway waiting with one body, all in all. An upstream that takes its time is not held against
/// the client.
#[derive(Default)]
pub(super) struct Pace {
    /// By the worker's ticks.
    awaited_since: Option<u64>,
    /// In ticks.
    awaited: u64,
    /// Bytes that the client sent or took.
    moved: u64,
}

impl Pace {
    /// A minute.
    const GRACE: u64 = 600;
    /// And a second for each KiB.
    const BYTES_A_TICK: u64 = 102;

    /// Now the client is waited for, if it was not before.
    pub(super) fn awaits(&mut self, now: u64) {
        self.awaited_since.get_or_insert(now);
    }

    /// It sent or took so many bytes.
    pub(super) fn moved(&mut self, now: u64, bytes: usize) -> &Pace {
        if let Some(since) = self.awaited_since.take() {
            self.awaited = self.awaited.saturating_add(now.saturating_sub(since));
        }
        self.moved = self.moved.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        self
    }

    /// Whether it keeps the gateway waiting for more than a minute, and a second more for each KiB.
    pub(super) fn is_a_trickle(&self) -> bool {
        self.awaited > Pace::GRACE.saturating_add(self.moved / Pace::BYTES_A_TICK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_now_and_then_is_a_trickle_after_a_minute_and_what_is_slow_is_not() {
        let (mut drip, mut slow) = (Pace::default(), Pace::default());
        let mut cut_at = None;
        for second in 1..=600_u64 {
            for (pace, bytes) in [(&mut drip, 1), (&mut slow, 2 * 1024)] {
                pace.awaits(10 * (second - 1));
                pace.moved(10 * second, bytes);
            }
            if cut_at.is_none() && drip.is_a_trickle() {
                cut_at = Some(second);
            }
            assert!(!slow.is_a_trickle(), "after {second} s");
        }
        assert_eq!(cut_at, Some(61));
    }

    #[test]
    fn time_in_which_nobody_waited_for_the_client_does_not_count() {
        assert!(!Pace::default().moved(100_000, 1).is_a_trickle());
    }
}
