//! Counters against a plain model, against many threads, and against whoever has more names than there is room.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use proptest::prelude::*;

use super::*;
use crate::rate::Verdict;

const NOW: i64 = 1_790_000_000_000_000_000;
const SECOND: i64 = 1_000_000_000;

fn quota(count: u32, seconds: u64, burst: u32) -> Quota {
    Quota::new(count, Duration::from_secs(seconds), burst).unwrap()
}

fn draw<'a>(limit: &'a str, whom: &'a str, quota: Quota) -> Draw<'a> {
    Draw { limit, whom: whom.as_bytes(), quota }
}

fn is_within(drawn: &Drawn) -> bool {
    matches!(drawn, Drawn::Within(_))
}

#[test]
fn each_name_and_each_limit_has_a_quota_of_its_own() {
    let counters = MemoryCounters::new(100);
    let quota = quota(1, 60, 1);
    for (limit, whom) in [("a", "x"), ("a", "y"), ("b", "x"), ("ax", "")] {
        assert!(is_within(&counters.draw(&[draw(limit, whom, quota)], NOW)), "{limit} {whom}");
        let again = counters.draw(&[draw(limit, whom, quota)], NOW);
        assert_eq!(again, Drawn::Beyond { draw: 0, wait: 60 * SECOND });
    }
    assert_eq!(counters.len(), 4);
}

#[test]
fn of_several_limits_all_are_spent_or_none() {
    let counters = MemoryCounters::new(10_000);
    let (wide, narrow) = (quota(100, 60, 100), quota(1, 60, 2));
    let both = [draw("wide", "x", wide), draw("narrow", "y", narrow)];
    let Drawn::Within(standings) = counters.draw(&both, NOW) else { panic!("both have one") };
    assert_eq!((standings[0].left, standings[1].left), (99, 1));
    assert!(is_within(&counters.draw(&both, NOW)));
    for _ in 0..50 {
        assert_eq!(counters.draw(&both, NOW), Drawn::Beyond { draw: 1, wait: 60 * SECOND });
    }
    let Drawn::Within(standings) = counters.draw(&both[..1], NOW) else { panic!("the wide one has more") };
    assert_eq!(standings[0].left, 97, "what was refused was not spent");
}

#[test]
fn a_refusal_names_the_limit_that_takes_longest() {
    let counters = MemoryCounters::new(100);
    let all = [draw("s", "x", quota(1, 1, 1)), draw("h", "x", quota(1, 3600, 1)), draw("m", "x", quota(1, 60, 1))];
    assert!(is_within(&counters.draw(&all, NOW)));
    assert_eq!(counters.draw(&all, NOW), Drawn::Beyond { draw: 1, wait: 3600 * SECOND });
}

#[test]
fn a_quota_that_is_only_looked_at_is_not_spent() {
    let counters = MemoryCounters::new(100);
    let failures = draw("failures", "192.0.2.1", quota(1, 60, 2));
    assert!((0..10).all(|_| counters.wait(&failures, NOW).is_none()));
    assert!(!counters.spend(&failures, NOW));
    assert!(counters.spend(&failures, NOW), "the last one");
    assert!(!counters.spend(&failures, NOW), "it was spent before");
    assert_eq!(counters.wait(&failures, NOW), Some(60 * SECOND));
    assert_eq!(counters.wait(&failures, NOW + 60 * SECOND), None);
}

#[test]
fn two_thousand_at_once_get_exactly_the_burst() {
    let counters = MemoryCounters::new(1000);
    let quota = quota(100, 60, 100);
    let admitted = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..20 {
            let (counters, admitted) = (&counters, &admitted);
            scope.spawn(move || {
                let own = number.to_string();
                // In either order, so that a lock taken in the order of the draws would stop here for ever.
                let mut both = [draw("shared", "x", quota), draw("own", &own, self::quota(1000, 1, 1000))];
                both.rotate_left(number % 2);
                for _ in 0..100 {
                    admitted.fetch_add(usize::from(is_within(&counters.draw(&both, NOW))), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(admitted.into_inner(), 100);
}

#[test]
fn a_million_names_take_no_more_room_than_was_said() {
    let counters = MemoryCounters::new(50_000);
    let quota = quota(10, 60, 10);
    let mut most = 0;
    for number in 0..1_000_000_u32 {
        assert!(is_within(&counters.draw(&[Draw { limit: "a", whom: &number.to_be_bytes(), quota }], NOW)));
        if number % 50_000 == 0 {
            most = most.max(counters.allocated_bytes());
        }
    }
    assert!(counters.len() <= 50_000, "{}", counters.len());
    assert!(most.max(counters.allocated_bytes()) <= 50_000 * 60, "{most}");
}

#[test]
fn whoever_spent_most_is_not_forgotten_for_those_who_spent_little() {
    let counters = MemoryCounters::new(2_000);
    let quota = quota(10, 60, 10);
    let spender = draw("a", "spender", quota);
    while is_within(&counters.draw(&[spender], NOW)) {}
    for number in 0..100_000_u32 {
        let _ = counters.draw(&[Draw { limit: "a", whom: &number.to_be_bytes(), quota }], NOW);
        assert!(counters.wait(&spender, NOW).is_some(), "after {number}");
    }
}

#[test]
fn those_that_are_whole_again_go_first_and_leave_room() {
    let counters = MemoryCounters::new(1_000);
    let (short, long) = (quota(1, 1, 1), quota(1, 3600, 1));
    for number in 0..900_u32 {
        let _ = counters.draw(&[Draw { limit: "short", whom: &number.to_be_bytes(), quota: short }], NOW);
    }
    for number in 0..900_u32 {
        let whom = number.to_be_bytes();
        assert!(is_within(&counters.draw(&[Draw { limit: "long", whom: &whom, quota: long }], NOW + 2 * SECOND)));
    }
    let kept = |number: &u32| {
        let draw = Draw { limit: "long", whom: &number.to_be_bytes(), quota: long };
        counters.wait(&draw, NOW + 2 * SECOND).is_some()
    };
    assert_eq!((0..900_u32).filter(kept).count(), 900);
}

proptest! {
    /// With room for all, the counters say what a map from names to numbers says.
    #[test]
    fn counters_are_a_map_of_numbers(steps in prop::collection::vec((0_u8..20, 0_i64..SECOND), 1..300)) {
        let counters = MemoryCounters::new(50_000);
        let quota = quota(2, 1, 3);
        let mut model: HashMap<u8, i64> = HashMap::new();
        let mut now = NOW;
        for (name, step) in steps {
            now += step / 4;
            let drawn = counters.draw(&[Draw { limit: "l", whom: &[name], quota }], now);
            match quota.take(model.get(&name).copied(), now) {
                Verdict::Within { full_at } => {
                    model.insert(name, full_at);
                    prop_assert!(is_within(&drawn));
                }
                Verdict::Beyond { wait } => prop_assert_eq!(drawn, Drawn::Beyond { draw: 0, wait }),
            }
        }
    }
}
