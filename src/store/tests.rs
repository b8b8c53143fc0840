//! The store against a model, against many threads, and at its bounds.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Barrier},
    task::{Context, Poll, Waker},
    thread,
};

use proptest::prelude::*;

use super::*;
use crate::clock::Clock;

/// The memory store never waits, so one poll is the whole future.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store waited"),
    }
}

fn key(number: u32) -> ClaimKey {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    ClaimKey(bytes)
}

fn claim(store: &MemoryStore, number: u32, until: i64, now: i64) -> Result<Claimed, StoreError> {
    at_once(store.claim(&key(number), until, now))
}

fn release(store: &MemoryStore, number: u32, until: i64) {
    at_once(store.release(&key(number), until));
}

#[test]
fn a_second_claim_is_seen_through_the_last_millisecond_and_fresh_after_it() {
    let store = MemoryStore::new(10);
    assert_eq!(claim(&store, 1, 5_000, 1_000), Ok(Claimed::Fresh));
    assert_eq!(claim(&store, 1, 9_000, 5_000), Ok(Claimed::Seen));
    assert_eq!(claim(&store, 1, 9_000, 5_001), Ok(Claimed::Fresh));
    assert_eq!(claim(&store, 1, 9_000, 9_000), Ok(Claimed::Seen));
    assert_eq!(store.len(), 1);
}

#[test]
fn a_claim_that_memory_decides_is_decided_at_once() {
    let claims = Claims::in_memory(MemoryStore::new(1));
    let held = claims.claim_at_once(&key(1), 5_000, 1_000).unwrap().unwrap().unwrap();
    assert_eq!(claims.claim_at_once(&key(1), 5_000, 1_000), Some(Ok(None)));
    assert_eq!(claims.claim_at_once(&key(2), 5_000, 1_000), Some(Err(StoreError::Full)));
    at_once(claims.release(&held));
    assert!(at_once(claims.claim(&key(1), 5_000, 1_000)).unwrap().is_some());
    assert_eq!(claims.failures(), 1);
}

#[test]
fn a_released_claim_is_fresh_again() {
    let store = MemoryStore::new(10);
    assert_eq!(claim(&store, 1, 5_000, 1_000), Ok(Claimed::Fresh));
    release(&store, 1, 5_000);
    assert!(store.is_empty());
    assert_eq!(claim(&store, 1, 5_000, 1_000), Ok(Claimed::Fresh));
    release(&store, 2, 5_000);
    assert_eq!(claim(&store, 1, 5_000, 1_000), Ok(Claimed::Seen));
}

#[test]
fn a_release_that_comes_late_leaves_the_next_claim_on_the_key_alone() {
    let store = MemoryStore::new(10);
    assert_eq!(claim(&store, 1, 5_000, 1_000), Ok(Claimed::Fresh));
    assert_eq!(claim(&store, 1, 9_000, 6_000), Ok(Claimed::Fresh));
    release(&store, 1, 5_000);
    assert_eq!(claim(&store, 1, 9_000, 7_000), Ok(Claimed::Seen));
}

#[test]
fn two_claims_whose_time_is_already_over_are_not_both_fresh() {
    let store = MemoryStore::new(10);
    assert_eq!(claim(&store, 1, 100, 1_000), Ok(Claimed::Fresh));
    assert_eq!(claim(&store, 1, 100, 1_000), Ok(Claimed::Seen));
}

#[test]
fn a_wall_clock_that_is_set_ahead_and_back_again_forgets_no_live_claim() {
    let clock = Clock::fixed(1_000_000);
    let store = MemoryStore::new(2).with_clock(clock.clone());
    let at = |number: u32, lasting: i64| {
        let now = clock.unix_millis();
        claim(&store, number, now + lasting, now)
    };
    let until = clock.unix_millis() + 300_000;
    assert_eq!(at(1, 300_000), Ok(Claimed::Fresh));
    clock.wait(10);
    clock.set(2_000_000);
    assert_eq!(at(2, 60_000), Ok(Claimed::Fresh));
    assert_eq!(at(3, 60_000), Err(StoreError::Full), "nothing is over");
    clock.set(1_000_010);
    assert_eq!(claim(&store, 1, until, clock.unix_millis()), Ok(Claimed::Seen));
    clock.wait(291);
    assert_eq!(claim(&store, 1, until + 600_000, clock.unix_millis()), Ok(Claimed::Fresh), "its time went by");
}

#[test]
fn a_wall_clock_that_is_set_back_makes_nothing_fresh_that_was_forgotten() {
    let clock = Clock::fixed(1_000_000);
    let store = MemoryStore::new(10).with_clock(clock.clone());
    let until = clock.unix_millis() + 300_000;
    assert_eq!(claim(&store, 1, until, clock.unix_millis()), Ok(Claimed::Fresh));
    clock.wait(302);
    let now = clock.unix_millis();
    assert_eq!(claim(&store, 2, now + 300_000, now), Ok(Claimed::Fresh));
    assert_eq!(store.len(), 1, "the first is forgotten");
    clock.set(1_000_100);
    let now = clock.unix_millis();
    assert_eq!(claim(&store, 2, 1_000_602_000, now), Ok(Claimed::Seen));
    assert_eq!(store.set_back(), 0, "that one is known");
    assert_eq!(claim(&store, 1, until, now), Ok(Claimed::Seen));
    assert_eq!(claim(&store, 3, until - 1, now), Ok(Claimed::Seen), "it may have been forgotten too");
    assert_eq!(store.set_back(), 2);
    assert_eq!(claim(&store, 4, until + 1, now), Ok(Claimed::Fresh));
    assert_eq!(claim(&store, 5, now + 300_000, now), Ok(Claimed::Fresh));
}

#[test]
fn what_was_held_before_a_start_outlives_a_clock_that_is_set_ahead_before_anything_is_claimed() {
    let clock = Clock::fixed(1_000_000);
    let store = MemoryStore::new(10).with_clock(clock.clone());
    let until = clock.unix_millis() + 300_000;
    store.restore(&key(1), until);
    clock.set(2_000_000);
    assert_eq!(claim(&store, 2, 2_000_060_000, clock.unix_millis()), Ok(Claimed::Fresh));
    clock.set(1_000_010);
    assert_eq!(claim(&store, 1, until, clock.unix_millis()), Ok(Claimed::Seen));
}

#[test]
fn a_wall_clock_that_is_set_ahead_for_good_is_believed_after_the_longest_claim() {
    let clock = Clock::fixed(1_000_000);
    let store = MemoryStore::new(100).with_clock(clock.clone());
    let fresh = |number: u32| {
        let now = clock.unix_millis();
        claim(&store, number, now + 300_000, now) == Ok(Claimed::Fresh)
    };
    assert!((0..100).all(fresh) && !fresh(100));
    clock.set(9_000_000);
    assert!(!fresh(100), "they may not be over");
    clock.wait(301);
    assert!((100..200).all(fresh) && store.len() == 100);
    clock.wait(301);
    assert!((200..300).all(fresh) && store.len() == 100, "and so it goes on");
}

#[test]
fn a_full_store_refuses_and_forgets_no_live_claim() {
    let store = MemoryStore::new(3);
    for number in 0..3 {
        assert_eq!(claim(&store, number, 60_000, 0), Ok(Claimed::Fresh));
    }
    for number in 3..50 {
        assert_eq!(claim(&store, number, 60_000, 0), Err(StoreError::Full));
    }
    for number in 0..3 {
        assert_eq!(claim(&store, number, 60_000, 0), Ok(Claimed::Seen));
    }
    release(&store, 1, 60_000);
    assert_eq!(claim(&store, 7, 60_000, 0), Ok(Claimed::Fresh));
    assert_eq!(claim(&store, 8, 60_000, 0), Err(StoreError::Full));
}

#[test]
fn room_is_made_from_whatever_shard_holds_expired_claims() {
    let capacity = 64 * 1024;
    let store = MemoryStore::new(capacity);
    for number in 0..65_536 {
        assert_eq!(claim(&store, number, i64::from(number % 7) * 1_000, 0), Ok(Claimed::Fresh));
    }
    assert_eq!(claim(&store, 100_000, 60_000, 0), Err(StoreError::Full));
    for number in 100_000..165_536 {
        assert_eq!(claim(&store, number, 60_000, 8_000), Ok(Claimed::Fresh));
    }
    assert_eq!(store.len(), capacity);
    assert_eq!(claim(&store, 200_000, 60_000, 8_000), Err(StoreError::Full));
}

#[test]
fn a_store_without_places_refuses_everything() {
    let store = MemoryStore::new(0);
    assert_eq!(claim(&store, 1, 60_000, 0), Err(StoreError::Full));
}

#[test]
fn times_at_the_ends_of_time_overflow_nothing() {
    let store = MemoryStore::new(10);
    assert_eq!(claim(&store, 1, i64::MAX, i64::MIN), Ok(Claimed::Fresh));
    assert_eq!(claim(&store, 1, i64::MAX, i64::MAX), Ok(Claimed::Seen));
    assert_eq!(claim(&store, 2, i64::MIN, i64::MIN), Ok(Claimed::Fresh));
    assert_eq!(claim(&store, 2, i64::MIN, 0), Ok(Claimed::Fresh));
}

#[test]
fn a_backlog_of_expired_claims_shrinks_while_others_come() {
    let store = MemoryStore::new(10_000);
    for number in 0..8_000 {
        assert_eq!(claim(&store, number, 1_000, 0), Ok(Claimed::Fresh));
    }
    for number in 10_000..18_000 {
        assert_eq!(claim(&store, number, 600_000, 5_000), Ok(Claimed::Fresh));
    }
    assert_eq!(store.len(), 8_000);
}

#[test]
fn an_entry_takes_at_most_a_hundred_bytes_at_capacity() {
    // Just past a doubling of the tables is their worst fill.
    for capacity in [59_000_usize, 65_536, 118_000] {
        for seconds in [600, u32::MAX] {
            let store = MemoryStore::new(capacity);
            for number in 0..u32::try_from(capacity).unwrap() {
                let until = i64::from(number % seconds) * 1_000;
                assert_eq!(claim(&store, number, until, 0), Ok(Claimed::Fresh));
            }
            let each = store.allocated_bytes() / capacity;
            assert!(each <= 100, "{each} bytes a claim at {capacity} over {seconds} s");
        }
    }
}

#[test]
fn of_a_hundred_threads_claiming_one_key_exactly_one_is_fresh() {
    let store = Arc::new(MemoryStore::new(100_000));
    let start = Arc::new(Barrier::new(100));
    let threads: Vec<_> = (0..100)
        .map(|_| {
            let (store, start) = (Arc::clone(&store), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                (0..50).filter(|&number| claim(&store, number, 60_000, 0) == Ok(Claimed::Fresh)).count()
            })
        })
        .collect();
    let fresh: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(fresh, 50);
    assert_eq!(store.len(), 50);
}

#[test]
fn threads_that_fill_the_store_together_never_pass_its_capacity() {
    let store = Arc::new(MemoryStore::new(5_000));
    let threads: Vec<_> = (0..8_u32)
        .map(|thread| {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                let numbers = thread * 1_000..(thread + 1) * 1_000;
                numbers.filter(|&number| claim(&store, number, 60_000, 0) == Ok(Claimed::Fresh)).count()
            })
        })
        .collect();
    let fresh: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!((fresh, store.len()), (5_000, 5_000));
}

#[derive(Clone, Debug)]
enum Step {
    Claim {
        number: u32,
        lasting: i64,
    },
    /// Of the claim on it that was last fresh.
    Release {
        number: u32,
    },
    Pass {
        millis: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..24_u32, -500..5_000_i64).prop_map(|(number, lasting)| Step::Claim { number, lasting }),
        1 => (0..24_u32).prop_map(|number| Step::Release { number }),
        2 => (0..2_500_i64).prop_map(|millis| Step::Pass { millis }),
    ]
}

/// What the store promises, said plainly: keys and times; places are given back at whole seconds.
#[derive(Default)]
struct Model {
    held: HashMap<u32, i64>,
}

impl Model {
    fn claim(&mut self, capacity: usize, number: u32, until: i64, now: i64) -> Result<Claimed, StoreError> {
        self.held.retain(|_, until| until.div_euclid(1000) >= now.div_euclid(1000));
        match self.held.get(&number) {
            Some(&until) if until >= now => return Ok(Claimed::Seen),
            Some(_) => {}
            None if self.held.len() >= capacity => return Err(StoreError::Full),
            None => {}
        }
        self.held.insert(number, until.max(now));
        Ok(Claimed::Fresh)
    }
}

proptest! {
    #[test]
    fn the_store_answers_as_the_model_does(steps in prop::collection::vec(step(), 1..200), capacity in 1..16_usize) {
        let store = MemoryStore::new(capacity);
        let mut model = Model::default();
        let mut now = 1_700_000_000_000;
        for step in steps {
            match step {
                Step::Claim { number, lasting } => {
                    let expected = model.claim(capacity, number, now + lasting, now);
                    prop_assert_eq!(claim(&store, number, now + lasting, now), expected);
                }
                Step::Release { number } => {
                    if let Some(until) = model.held.remove(&number) {
                        release(&store, number, until);
                    }
                }
                Step::Pass { millis } => now += millis,
            }
            prop_assert!(store.len() <= capacity);
        }
    }
}
