//! Two gateways on one Redis: once means once over both, and what becomes of requests while it is away.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use countersign::store::{ClaimKey, redis::RedisClaims};

use super::{
    gateways::{Once, refusal, request},
    link::{self, runtime},
};
use crate::support::RedisServer;

/// What a store may cost a request at most: its time-out, and what a busy machine adds.
const TIMEOUT: Duration = Duration::from_millis(250);
const SLACK: Duration = Duration::from_millis(250);

#[test]
fn of_a_hundred_at_once_through_two_gateways_exactly_one_is_accepted() {
    let redis = RedisServer::start();
    let gateways = [Once::on(&redis, ""), Once::on(&redis, "")];
    let mut connections: Vec<_> = (0..100).map(|number| gateways[number % 2].connect()).collect();
    for _ in 0..20 {
        let (request, start) = (request("/v2"), Barrier::new(connections.len()));
        let statuses: Vec<u16> = thread::scope(|scope| {
            let send = |connection| {
                let (request, start) = (&request, &start);
                scope.spawn(move || {
                    start.wait();
                    crate::support::Connection::exchange(connection, request).expect("an answer").status
                })
            };
            let threads: Vec<_> = connections.iter_mut().map(send).collect();
            threads.into_iter().map(|thread| thread.join().expect("a status")).collect()
        });
        let count = |status| statuses.iter().filter(|known| **known == status).count();
        assert_eq!((count(200), count(409)), (1, 99), "{statuses:?}");
    }
}

#[test]
fn a_claim_is_kept_for_its_window_and_given_back_where_nothing_was_sent() {
    let redis = RedisServer::start();
    let once = Once::on(&redis, "");
    let unsent = request("/gone");
    assert_eq!((once.send(&unsent).status, once.send(&unsent).status), (502, 502));
    assert_eq!(redis.ask::<u64>(&["DBSIZE"]), 0, "it was given back");
    assert_eq!(once.send(&request("/v2")).status, 200);
    let keys: Vec<Vec<u8>> = redis.ask(&["KEYS", "*"]);
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert!(keys[0].starts_with(b"countersign:claim:") && keys[0].len() == 18 + 32, "{keys:?}");
    let lasting: i64 = redis.ask(&["EVAL", "return redis.call('PTTL', redis.call('KEYS', '*')[1])", "0"]);
    // The preset's window is 300 s both ways, from now on 300 s, and ten more for clocks that differ.
    assert!((300_000..=311_000).contains(&lasting), "{lasting}");
}

#[test]
fn while_the_store_is_dead_refuse_refuses_and_allow_goes_on_and_counts() {
    let mut redis = RedisServer::start();
    let once = Once::on(&redis, "");
    redis.kill();
    let start = Instant::now();
    while once.metric("countersign_store_up") != Some(0) {
        assert!(start.elapsed() < Duration::from_secs(5), "its death is not noticed");
    }
    assert_eq!(refusal(&once.send(&request("/v2"))), (503, "store-unavailable".to_owned()));
    let again = request("/lenient");
    assert_eq!((once.send(&again).status, once.send(&again).status), (200, 200));
    assert_eq!(once.metric("countersign_replay_unchecked_total"), Some(2));
    assert_eq!(once.metric("countersign_replay_failures_total"), Some(3));
    let logged = once.gateway.output_when(|output| output.matches("\"replay\":\"unchecked\"").count() == 2);
    assert!(logged.contains("Redis is away"), "{logged}");
    redis.run();
    let start = Instant::now();
    while once.send(&request("/v2")).status != 200 {
        assert!(start.elapsed() < Duration::from_secs(2), "it does not come back");
    }
    assert_eq!(once.send(&again).status, 200, "what went on unchecked was not claimed");
    assert_eq!(once.send(&again).status, 409);
}

#[test]
fn a_store_that_hangs_costs_a_request_its_time_out_at_most() {
    let redis = RedisServer::start();
    let once = Once::on(&redis, "");
    redis.freeze();
    let mut longest = Duration::ZERO;
    for _ in 0..10 {
        let start = Instant::now();
        assert_eq!(refusal(&once.send(&request("/v2"))), (503, "store-unavailable".to_owned()));
        assert_eq!(once.send(&request("/lenient")).status, 200);
        longest = longest.max(start.elapsed() / 2);
    }
    redis.thaw();
    assert!(longest < TIMEOUT + SLACK, "{longest:?}");
    let start = Instant::now();
    while once.send(&request("/v2")).status != 200 {
        assert!(start.elapsed() < Duration::from_secs(2), "it does not come back");
    }
}

#[test]
fn a_full_store_refuses_also_where_one_that_is_away_would_not() {
    let redis = RedisServer::with(&["--maxmemory", "2mb", "--maxmemory-policy", "noeviction"]);
    let once = Once::on(&redis, "");
    // Less than it uses already.
    let _: String = redis.ask(&["CONFIG", "SET", "maxmemory", "100kb"]);
    for path in ["/v2", "/lenient"] {
        assert_eq!(refusal(&once.send(&request(path))), (503, "store-unavailable".to_owned()), "{path}");
    }
    assert_eq!(once.metric("countersign_store_up"), Some(1));
}

#[test]
fn a_store_that_may_evict_what_must_be_remembered_is_warned_of() {
    let redis = RedisServer::with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let once = Once::on(&redis, "");
    let said = once.gateway.output_when(|output| output.contains("maxmemory-policy noeviction"));
    assert!(said.contains("allkeys-lru"), "{said}");
}

/// A cluster's client sends a script again whose answer was lost.
#[test]
fn a_release_that_is_carried_out_twice_leaves_the_next_claim_on_the_key_alone() {
    let server = RedisServer::start();
    let claims = RedisClaims::new(link::open(link::to(&server)), "test:").expect("randomness");
    let (key, now) = (ClaimKey([7; 32]), 1_700_000_000_000);
    runtime().block_on(async {
        let claim = || claims.claim(&key, now + 60_000, now);
        let first = claim().await.expect("an answer").expect("a fresh claim");
        assert_eq!(claim().await, Ok(None));
        claims.release(&first).await;
        let second = claim().await.expect("an answer").expect("a fresh claim");
        claims.release(&first).await;
        assert_eq!(claim().await, Ok(None), "it stands");
        claims.release(&second).await;
        assert!(claim().await.expect("an answer").is_some());
    });
}
