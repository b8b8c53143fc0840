//! The concurrent parts of the memory store under many interleavings: `cargo test --features interleavings interleavings`.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use shuttle::{check_random, thread};

use super::{ClaimKey, Claimed, MemoryStore, Store, StoreError};

const ROUNDS: usize = 2_000;

fn claim(store: &MemoryStore, number: u8, now: i64) -> Result<Claimed, StoreError> {
    match pin!(store.claim(&ClaimKey([number; 32]), now + 5_000, now)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(claimed) => claimed,
        Poll::Pending => panic!("the memory store waited"),
    }
}

/// How many of `threads` got a fresh claim, each of them doing `work` with its number.
fn fresh(threads: u8, work: impl Fn(u8) -> Result<Claimed, StoreError> + Clone + Send + 'static) -> usize {
    let spawn = |number| {
        let work = work.clone();
        thread::spawn(move || work(number) == Ok(Claimed::Fresh))
    };
    let threads: Vec<_> = (0..threads).map(spawn).collect();
    threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
}

#[test]
fn of_claims_on_one_key_exactly_one_is_fresh() {
    check_random(
        || {
            let store = Arc::new(MemoryStore::new(8));
            assert_eq!(fresh(4, move |_| claim(&store, 1, 0)), 1);
        },
        ROUNDS,
    );
}

#[test]
fn the_capacity_is_exact_and_room_that_expired_claims_leave_is_found() {
    check_random(
        || {
            let store = Arc::new(MemoryStore::new(3));
            (0..3).for_each(|number| assert_eq!(claim(&store, number, 0), Ok(Claimed::Fresh)));
            let shared = store.clone();
            assert_eq!(fresh(4, move |number| claim(&shared, 100 + number, 60_000)), 3);
            assert_eq!(store.len(), 3);
        },
        ROUNDS,
    );
}

#[test]
fn a_claim_that_is_given_back_while_others_want_it_goes_to_one_of_them_at_most() {
    check_random(
        || {
            let store = Arc::new(MemoryStore::new(8));
            assert_eq!(claim(&store, 1, 0), Ok(Claimed::Fresh));
            let shared = store.clone();
            let back = thread::spawn(move || shared.take_back(&ClaimKey([1; 32]), 5_000));
            let shared = store.clone();
            assert!(fresh(3, move |_| claim(&shared, 1, 0)) <= 1);
            back.join().unwrap();
            assert!(store.len() <= 1);
        },
        ROUNDS,
    );
}
