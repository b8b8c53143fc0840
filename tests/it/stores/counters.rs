//! Rate counters in Redis: exactly the burst over all who count together, and all limits or none.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use countersign::{
    redis_link::{Address, Link, LinkError, Place, Settings},
    secret::Secret,
    store::redis::{RedisCounters, Spend, Spent},
};
use tokio::runtime::Builder;

use crate::support::RedisServer;

const HOUR: u64 = 3_600_000_000;

struct Counters {
    counters: RedisCounters,
    runtime: tokio::runtime::Runtime,
}

impl Counters {
    fn on(server: &RedisServer) -> Counters {
        Counters::of(server, None, None)
    }

    fn of(server: &RedisServer, username: Option<&str>, password: Option<&str>) -> Counters {
        let address = Address { host: "127.0.0.1".to_owned(), port: server.address().port() };
        let settings = Settings {
            place: Place::Server(address),
            username: username.map(str::to_owned),
            password: password.map(|text| Secret::new(text.as_bytes().to_vec())),
            database: 0,
            tls: None,
            timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            must_keep: false,
        };
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let link = Link::open(settings).expect("a link");
        assert!(runtime.block_on(link.ready_within(Duration::from_secs(20))));
        Counters { counters: RedisCounters::new(link, "test:"), runtime }
    }

    fn spend(&self, limits: &[Spend<'_>]) -> Result<(bool, Vec<Spent>), LinkError> {
        self.runtime.block_on(self.counters.spend(limits))
    }
}

fn limit(key: &str, interval_micros: u64, burst: u64) -> Spend<'_> {
    Spend { key: key.as_bytes(), interval_micros, burst }
}

#[test]
fn exactly_the_burst_is_spent_over_all_who_count_together() {
    let server = Arc::new(RedisServer::start());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let server = server.clone();
            thread::spawn(move || {
                let counters = Counters::on(&server);
                (0..50).filter(|_| counters.spend(&[limit("one", HOUR, 100)]).expect("an answer").0).count()
            })
        })
        .collect();
    let spent: usize = threads.into_iter().map(|thread| thread.join().expect("a count")).sum();
    assert_eq!(spent, 100);
}

#[test]
fn what_is_refused_says_how_long_to_wait_and_after_that_one_more_goes() {
    let server = RedisServer::start();
    let counters = Counters::on(&server);
    let limits = [limit("one", 300_000, 2)];
    for used in 1..=2 {
        let (spent, each) = counters.spend(&limits).expect("an answer");
        assert!(spent && each[0].wait_micros == 0 && each[0].used_micros <= used * 300_000, "{each:?}");
    }
    let (spent, each) = counters.spend(&limits).expect("an answer");
    let wait = Duration::from_micros(each[0].wait_micros);
    assert!(!spent && wait <= Duration::from_millis(300) && !wait.is_zero(), "{each:?}");
    let start = Instant::now();
    thread::sleep(wait);
    assert!(counters.spend(&limits).expect("an answer").0, "after {:?}", start.elapsed());
}

#[test]
fn where_one_of_several_limits_has_no_room_nothing_is_spent() {
    let server = RedisServer::start();
    let counters = Counters::on(&server);
    let (wide, narrow) = (limit("wide", HOUR, 3), limit("narrow", HOUR, 1));
    assert!(counters.spend(&[wide, narrow]).expect("an answer").0);
    for _ in 0..5 {
        let (spent, each) = counters.spend(&[wide, narrow]).expect("an answer");
        assert!(!spent && each[0].wait_micros == 0 && each[1].wait_micros > 0, "{each:?}");
    }
    assert!(counters.spend(&[wide]).expect("an answer").0);
    assert!(counters.spend(&[wide]).expect("an answer").0);
    assert!(!counters.spend(&[wide]).expect("an answer").0);
}

#[test]
fn a_counter_that_is_full_again_is_no_longer_kept() {
    let server = RedisServer::start();
    let counters = Counters::on(&server);
    assert!(counters.spend(&[limit("one", 1_000, 1)]).expect("an answer").0);
    assert_eq!(server.ask::<u64>(&["DBSIZE"]), 1);
    let start = Instant::now();
    while server.ask::<u64>(&["DBSIZE"]) > 0 {
        assert!(start.elapsed() < Duration::from_secs(5));
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_limit_that_is_loosened_locks_nobody_out() {
    let server = RedisServer::start();
    let counters = Counters::on(&server);
    while counters.spend(&[limit("one", 24 * HOUR, 5)]).expect("an answer").0 {}
    let minute = 60_000_000;
    let (spent, standings) = counters.spend(&[limit("one", minute, 1)]).expect("an answer");
    assert!(!spent && standings[0].wait_micros <= minute, "{standings:?}");
}

#[test]
fn a_user_with_the_documented_rights_alone_can_count() {
    let server = RedisServer::start();
    let rights = "-@all +set +get +del +evalsha +eval +ping +role +info +time";
    let mut words = vec!["ACL", "SETUSER", "gateway", "on", ">open-sesame", "~*"];
    words.extend(rights.split(' '));
    let _: String = server.ask(&words);
    let counters = Counters::of(&server, Some("gateway"), Some("open-sesame"));
    assert!(counters.spend(&[limit("one", HOUR, 1)]).expect("an answer").0);
    assert!(!counters.spend(&[limit("one", HOUR, 1)]).expect("an answer").0);
}
