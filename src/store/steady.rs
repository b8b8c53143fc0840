//! How far the wall clock is believed when claims are forgotten. It may be set ahead and back again, by hand, by a server of
//! times that was wrong for a while, or on a machine that was moved; what was forgotten meanwhile would be accepted once more.
//!
//! Beside it goes a clock that nobody sets. How far the first is ahead of that one changes when it is set, and only then. A
//! claim is over by the least lead of late: by both clocks. A wall clock that was set ahead for good is believed as soon as
//! every claim from before is over by the other, or after a day, so that what is held stays bounded.

/// A clock that was ahead for so long is believed, whatever lasts longer: one claim for a year must not keep all others an hour
/// too long from then on.
const LONGEST_DOUBT_MILLIS: i64 = 24 * 3_600 * 1_000;
/// The two may be read a moment apart.
const JITTER_MILLIS: i64 = 1_000;

/// What is known of the wall clock.
#[derive(Default)]
pub(super) struct Steady {
    /// The least lead; none before the first look.
    lead: Option<i64>,
    ahead: Option<Ahead>,
    /// The longest that a claim was to last.
    longest_millis: i64,
}

/// Since when it is further ahead, by the clock that nobody sets; and the least lead since then.
#[derive(Clone, Copy)]
struct Ahead {
    since: i64,
    lead: i64,
}

impl Steady {
    /// The time by which claims are over, at `now_millis` by the wall clock and `steady_millis` by the other.
    pub(super) fn believed(&mut self, now_millis: i64, steady_millis: i64) -> i64 {
        let lead = now_millis.saturating_sub(steady_millis);
        let least = self.lead.map_or(lead, |least| least.min(lead));
        self.lead = Some(least);
        self.ahead = (lead.saturating_sub(least) > JITTER_MILLIS).then(|| match self.ahead {
            None => Ahead { since: steady_millis, lead },
            Some(ahead) => Ahead { lead: ahead.lead.min(lead), ..ahead },
        });
        let doubt_millis = self.longest_millis.min(LONGEST_DOUBT_MILLIS);
        if let Some(ahead) = self.ahead.filter(|ahead| steady_millis - ahead.since > doubt_millis) {
            self.lead = Some(ahead.lead);
            self.ahead = None;
        }
        steady_millis.saturating_add(self.lead.unwrap_or(lead))
    }

    /// Notes how long a claim is to last. One that is never over is never forgotten, whatever is believed.
    pub(super) fn note(&mut self, until_millis: i64, now_millis: i64) {
        if until_millis < i64::MAX {
            self.longest_millis = self.longest_millis.max(until_millis.saturating_sub(now_millis));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const WINDOW: i64 = 300_000;

    fn steady() -> Steady {
        let mut steady = Steady::default();
        assert_eq!(steady.believed(50 * HOUR, 0), 50 * HOUR);
        steady.note(50 * HOUR + WINDOW, 50 * HOUR);
        steady
    }

    #[test]
    fn time_that_goes_by_is_believed_and_so_is_a_clock_that_is_set_back() {
        let mut steady = steady();
        assert_eq!(steady.believed(51 * HOUR, HOUR), 51 * HOUR);
        assert_eq!(steady.believed(49 * HOUR, HOUR + 1), 49 * HOUR);
        assert_eq!(steady.believed(49 * HOUR + 5, HOUR + 6), 49 * HOUR + 5);
    }

    #[test]
    fn a_clock_that_is_set_ahead_is_believed_when_all_from_before_is_over_and_not_sooner() {
        let mut steady = steady();
        assert_eq!(steady.believed(60 * HOUR, 1_000), 50 * HOUR + 1_000);
        assert_eq!(steady.believed(60 * HOUR + WINDOW, 1_000 + WINDOW), 50 * HOUR + 1_000 + WINDOW);
        assert_eq!(steady.believed(60 * HOUR + WINDOW + 1, 1_001 + WINDOW), 60 * HOUR + WINDOW + 1);
    }

    #[test]
    fn one_that_is_ahead_for_more_than_a_day_is_believed_whatever_lasts_longer() {
        let mut steady = steady();
        steady.note(9_000 * HOUR, 50 * HOUR);
        steady.note(i64::MAX, 50 * HOUR);
        assert_eq!(steady.believed(60 * HOUR, 0), 50 * HOUR);
        assert_eq!(steady.believed(84 * HOUR, 24 * HOUR), 74 * HOUR);
        assert_eq!(steady.believed(84 * HOUR + 1, 24 * HOUR + 1), 84 * HOUR + 1);
    }

    #[test]
    fn one_that_was_ahead_for_a_while_was_never_believed() {
        let mut steady = steady();
        for round in 1..100 {
            let now = round * WINDOW / 2;
            assert_eq!(steady.believed(90 * HOUR + now, now), 50 * HOUR + now);
            assert_eq!(steady.believed(50 * HOUR + now + 1, now + 1), 50 * HOUR + now + 1);
        }
    }

    #[test]
    fn of_two_steps_ahead_the_first_is_believed_first() {
        let mut steady = steady();
        assert_eq!(steady.believed(60 * HOUR, 1_000), 50 * HOUR + 1_000);
        let now = 1_001 + WINDOW;
        assert_eq!(steady.believed(70 * HOUR + now, now), 60 * HOUR + now - 1_000, "what was made after it may live");
        assert_eq!(steady.believed(70 * HOUR + 2 * now, 2 * now), 60 * HOUR + 2 * now - 1_000);
        assert_eq!(steady.believed(70 * HOUR + 4 * now, 4 * now), 70 * HOUR + 4 * now);
    }
}
