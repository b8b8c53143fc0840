//! How much is too much, as arithmetic: the generic cell rate algorithm (GCRA) over numbers alone.
//!
//! One number is kept for whoever is counted: the time at which all that was spent will have come back (the algorithm's
//! theoretical arrival time). Who is counted, what time it is and where the number is kept is others' business.

use std::time::Duration;

/// So many at once, and one more each interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    interval_nanos: i64,
    burst: u32,
}

/// What came of asking for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was there. What was asked is spent once this is kept.
    Within {
        /// When all will have come back, in nanoseconds since 1970.
        full_at: i64,
    },
    /// There was none. Nothing is spent, and nothing is to be kept.
    Beyond {
        /// How long until there is one, in nanoseconds.
        wait: i64,
    },
}

/// The longest time that a quota may take to come back whole: a year, so that no sum of times overflows.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

impl Quota {
    /// `count` each `period`, at most `burst` at once. `None` where that is less than one a year or more than one a
    /// microsecond, where nothing may come at once, or where it takes more than a year to come back whole.
    pub fn new(count: u32, period: Duration, burst: u32) -> Option<Quota> {
        // Rounded up: rather a little less than was said than a little more.
        let interval = period.as_nanos().checked_add(u128::from(count.checked_sub(1)?))? / u128::from(count);
        let whole = interval.checked_mul(u128::from(burst))?;
        let sound = (1_000..=LONGEST.as_nanos()).contains(&interval) && (1..=LONGEST.as_nanos()).contains(&whole);
        let interval_nanos = i64::try_from(interval).ok().filter(|_| sound)?;
        Some(Quota { interval_nanos, burst })
    }

    /// Asks for one. `full_at` is what was kept, if anything was.
    pub fn take(&self, full_at: Option<i64>, now_nanos: i64) -> Verdict {
        let from = self.sound(full_at, now_nanos);
        let after = from.saturating_add(self.interval_nanos);
        match after.saturating_sub(now_nanos).saturating_sub(self.window_nanos()) {
            wait @ 1.. => Verdict::Beyond { wait },
            _ => Verdict::Within { full_at: after },
        }
    }

    /// How many there are.
    pub fn left(&self, full_at: Option<i64>, now_nanos: i64) -> u32 {
        let spent = self.sound(full_at, now_nanos).saturating_sub(now_nanos);
        let left = self.window_nanos().saturating_sub(spent).div_euclid(self.interval_nanos);
        u32::try_from(left).unwrap_or(0)
    }

    /// Spends one that is not asked for, as far as there is one to spend: what is to be kept.
    pub fn spend(&self, full_at: Option<i64>, now_nanos: i64) -> i64 {
        let most = now_nanos.saturating_add(self.window_nanos());
        self.sound(full_at, now_nanos).saturating_add(self.interval_nanos).min(most)
    }

    /// Gives back one that was spent: what is to be kept.
    pub fn give_back(&self, full_at: Option<i64>, now_nanos: i64) -> i64 {
        self.sound(full_at, now_nanos).saturating_sub(self.interval_nanos).max(now_nanos)
    }

    /// Most at once.
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// How long it takes for all to come back, in nanoseconds.
    pub fn window_nanos(&self) -> i64 {
        self.interval_nanos.saturating_mul(i64::from(self.burst))
    }

    /// How long it takes for one to come back, in nanoseconds.
    pub fn interval_nanos(&self) -> i64 {
        self.interval_nanos
    }

    /// Never earlier than now, for what came back is not saved up; never later than the whole quota takes, for a clock
    /// that was set back or a limit that was loosened must not lock anyone out.
    fn sound(&self, full_at: Option<i64>, now_nanos: i64) -> i64 {
        let latest = now_nanos.saturating_add(self.window_nanos());
        full_at.unwrap_or(now_nanos).clamp(now_nanos, latest)
    }
}

/// Whole seconds, rounded up: whoever comes back after them does not come too early.
pub fn seconds(nanos: i64) -> i64 {
    const SECOND: i64 = 1_000_000_000;
    nanos.saturating_add(SECOND - 1).div_euclid(SECOND).max(0)
}

#[cfg(test)]
mod tests;
