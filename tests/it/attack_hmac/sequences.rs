//! The cases that are more than one request: replay, forgery before the real one, what answers and logs give away.

use std::{sync::Barrier, thread};

use super::{
    Bench,
    draft::{Draft, Request, SIGNATURE, fresh_nonce},
};
use crate::support::Connection;

/// The cases that are tried here.
pub(super) const IDS: [&str; 5] = ["M085", "M089", "M094", "M099", "M103"];

#[test]
fn of_a_hundred_identical_requests_at_once_one_is_accepted() {
    const AT_ONCE: usize = 100;
    let bench = Bench::start();
    let bytes = Draft::post("pay").sign().bytes();
    let start = Barrier::new(AT_ONCE);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let one = || {
            let mut connection = Connection::open(bench.address);
            start.wait();
            connection.exchange(&bytes).expect("an answer").status
        };
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), AT_ONCE - 1, "{statuses:?}");
    assert_eq!(bench.upstream.requests().len(), 1);
}

#[test]
fn a_full_replay_memory_refuses_new_requests_rather_than_forget_old_ones() {
    let bench = Bench::start();
    let first = Draft::post("pay").sign();
    assert!(bench.accepts(&first).0);
    let mut connection = Connection::open(bench.address);
    let statuses: Vec<u16> = (0..600)
        .map(|_| connection.exchange(&Draft::get("/hmac/a").sign().bytes()).expect("an answer").status)
        .collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 499, "the config has room for 500");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
    assert!(!bench.accepts(&first).0, "it was accepted before");
}

#[test]
fn a_forged_request_does_not_burn_the_nonce_of_the_real_one() {
    let bench = Bench::start();
    let real = Draft::post("pay").sign();
    let forged = real.clone().with(SIGNATURE, |text| text.chars().rev().collect());
    assert!(!bench.accepts(&forged).0);
    let tampered = Request { body: b"pay me".to_vec(), ..real.clone() };
    assert!(!bench.accepts(&tampered).0);
    assert!(bench.accepts(&real).0);
    assert!(!bench.accepts(&real).0, "the second time");
}

#[test]
fn two_clients_may_choose_the_same_nonce() {
    let bench = Bench::start();
    let nonce = fresh_nonce();
    let one = Draft { nonce: nonce.clone(), ..Draft::get("/hmac/a") };
    let other = Draft { nonce, key_id: "other-a", key: "key-of-other-a-32-bytes-long-000", ..Draft::get("/hmac/a") };
    assert!(bench.accepts(&one.sign()).0);
    assert!(bench.accepts(&other.sign()).0);
}

#[test]
fn neither_an_answer_nor_the_log_gives_away_what_would_have_passed() {
    let bench = Bench::start();
    let draft = Draft { target: "/hmac/a?token=confidential".to_owned(), ..Draft::post("pay") };
    let forged = draft.sign().with(SIGNATURE, |text| text.chars().rev().collect());
    let (accepted, answer) = bench.accepts(&forged);
    assert!(!accepted);
    let log = bench.gateway.output_when(|log| log.contains("invalid-signature"));
    assert!(log.contains("invalid-signature"), "{log}");
    let said = answer.text() + &log;
    let mac = hex::encode(draft.mac());
    for secret in [mac.as_str(), draft.key, &draft.message(), &draft.nonce, "confidential"] {
        assert!(!said.contains(secret), "{secret:?} in {said}");
    }
}
