//! The arithmetic by itself, and beside `governor`, which was written by others.

use std::num::NonZeroU32;

use governor::{
    RateLimiter,
    clock::{Clock, FakeRelativeClock},
};
use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_790_000_000_000_000_000;
const SECOND: i64 = 1_000_000_000;

fn quota(count: u32, seconds: u64, burst: u32) -> Quota {
    Quota::new(count, Duration::from_secs(seconds), burst).unwrap()
}

/// Asks at each of `times`; what is kept goes on from one to the next.
fn admitted(quota: Quota, times: impl IntoIterator<Item = i64>) -> usize {
    let mut kept = None;
    let ask = |now| match quota.take(kept, now) {
        Verdict::Within { full_at } => {
            kept = Some(full_at);
            true
        }
        Verdict::Beyond { .. } => false,
    };
    times.into_iter().map(ask).filter(|admitted| *admitted).count()
}

#[test]
fn at_once_there_is_the_burst_and_then_the_rate() {
    let quota = quota(100, 60, 100);
    assert_eq!(admitted(quota, [NOW; 2000]), 100);
    assert_eq!(admitted(quota, [NOW; 500].into_iter().chain([NOW + 600_000_000 - 1])), 100);
    assert_eq!(admitted(quota, [NOW; 500].into_iter().chain([NOW + 600_000_000; 5])), 101);
    assert_eq!(admitted(quota, (0..6000).map(|tick| NOW + tick * SECOND / 10)), 100 + 999);
}

#[test]
fn whoever_waits_as_long_as_was_said_is_admitted() {
    let quota = quota(10, 1, 3);
    let full_at = quota.spend(Some(quota.spend(Some(quota.spend(None, NOW)), NOW)), NOW);
    let Verdict::Beyond { wait } = quota.take(Some(full_at), NOW) else { panic!("there is none left") };
    assert_eq!(wait, SECOND / 10);
    assert!(matches!(quota.take(Some(full_at), NOW + wait), Verdict::Within { .. }));
    assert!(matches!(quota.take(Some(full_at), NOW + wait - 1), Verdict::Beyond { wait: 1 }));
    assert_eq!(
        (quota.left(Some(full_at), NOW), quota.left(Some(full_at), NOW + wait), quota.left(None, NOW)),
        (0, 1, 3)
    );
}

#[test]
fn what_is_spent_unasked_goes_no_deeper_than_nothing() {
    let quota = quota(1, 60, 5);
    let mut kept = None;
    for _ in 0..1000 {
        kept = Some(quota.spend(kept, NOW));
    }
    assert_eq!(kept, Some(NOW + 300 * SECOND));
}

#[test]
fn a_clock_that_was_set_back_locks_nobody_out_for_longer_than_the_quota_takes() {
    let quota = quota(10, 1, 5);
    let kept = Some(NOW + 86_400 * SECOND);
    assert!(matches!(quota.take(kept, NOW), Verdict::Beyond { wait: 100_000_000 }));
}

#[test]
fn a_rate_is_rounded_to_the_strict_side() {
    assert_eq!(quota(3, 1, 1).interval_nanos(), 333_333_334);
}

#[test]
fn quotas_that_cannot_be_counted_are_refused() {
    let second = Duration::from_secs(1);
    for (count, period, burst) in [
        (0, second, 1),
        (1, second, 0),
        (1, Duration::ZERO, 1),
        (2_000_000, second, 1),
        (1, 86_400 * second, 1_000),
        (1, second, u32::MAX),
    ] {
        assert_eq!(Quota::new(count, period, burst), None, "{count} each {period:?}, {burst}");
    }
    assert!(Quota::new(1_000_000, second, 1_000_000).is_some());
}

#[test]
fn seconds_are_rounded_up() {
    assert_eq!([0, 1, SECOND, SECOND + 1, -5].map(seconds), [0, 1, 1, 2, 0]);
}

proptest! {
    /// The oracle judges each request of a random run as we do, to the nanosecond.
    #[test]
    fn every_verdict_is_governor_s(
        count in 1_u32..5_000,
        burst in 1_u32..50,
        steps in prop::collection::vec(prop_oneof![Just(0_u64), 0_u64..1_000_000, 0_u64..2_000_000_000], 1..200),
    ) {
        let ours = quota(count, 1, burst);
        let period = Duration::from_nanos(ours.interval_nanos().unsigned_abs());
        let theirs = governor::Quota::with_period(period).unwrap().allow_burst(NonZeroU32::new(burst).unwrap());
        let clock = FakeRelativeClock::default();
        let oracle = RateLimiter::direct_with_clock(theirs, clock.clone());
        let (mut now, mut kept) = (NOW, None);
        for step in steps {
            clock.advance(Duration::from_nanos(step));
            now += i64::try_from(step).unwrap();
            match (ours.take(kept, now), oracle.check()) {
                (Verdict::Within { full_at }, Ok(())) => kept = Some(full_at),
                (Verdict::Beyond { wait }, Err(not_until)) => {
                    prop_assert_eq!(Duration::from_nanos(wait.unsigned_abs()), not_until.wait_time_from(clock.now()));
                }
                (ours, theirs) => prop_assert!(false, "{:?} and {:?}", ours, theirs.map_err(|_| ())),
            }
        }
    }

    /// In any stretch of time no more is admitted than the burst and what came back in it.
    #[test]
    fn no_stretch_of_time_admits_more_than_it_may(
        count in 1_u32..1_000,
        burst in 1_u32..20,
        steps in prop::collection::vec(0_i64..200_000_000, 1..150),
    ) {
        let quota = quota(count, 1, burst);
        let (mut now, mut kept) = (NOW, None);
        let mut admitted = Vec::new();
        for step in steps {
            now += step;
            if let Verdict::Within { full_at } = quota.take(kept, now) {
                kept = Some(full_at);
                admitted.push(now);
            }
        }
        for (index, from) in admitted.iter().enumerate() {
            for (more, to) in admitted.iter().skip(index).enumerate() {
                let came_back = (to - from) / quota.interval_nanos();
                prop_assert!(i64::try_from(more).unwrap() < i64::from(burst) + came_back + 1);
            }
        }
    }

    /// Whatever was kept and whatever time it is, nothing overflows and nobody waits longer than a quota takes.
    #[test]
    fn no_number_breaks_the_arithmetic(kept in any::<Option<i64>>(), now in any::<i64>()) {
        let quota = quota(10, 1, 5);
        if let Verdict::Beyond { wait } = quota.take(kept, now) {
            prop_assert!((1..=quota.window_nanos()).contains(&wait));
        }
        prop_assert!(quota.left(kept, now) <= 5);
        quota.spend(kept, now);
    }
}

#[test]
fn what_is_given_back_is_as_though_it_had_not_been_spent_and_never_more_than_all() {
    let quota = quota(1, 60, 3);
    let Verdict::Within { full_at: one } = quota.take(None, NOW) else { panic!("there were three") };
    let Verdict::Within { full_at: two } = quota.take(Some(one), NOW) else { panic!("there were two") };
    assert_eq!(quota.give_back(Some(two), NOW), one);
    assert_eq!(quota.give_back(None, NOW), NOW, "nothing was spent");
}
