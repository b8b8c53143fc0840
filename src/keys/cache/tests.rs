//! The cache in front of a source that does as it is told.

mod doubt;

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{keys::Asked, secret::Secret};

/// What the source does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    /// Ids that begin with `dev` are known, with this secret.
    Tells(&'static str),
    Hangs,
    /// It hangs for this id alone; others are told as `Tells`, with the secret `one`.
    HangsFor(&'static str),
    Away,
    Busy,
    Refuses,
    /// It refuses this id, slowly; others are told as with `HangsFor`.
    RefusesSlowly(&'static str),
    /// It refuses ids that begin with `dev`, slowly; others are unknown at once.
    RefusesDevices,
    Denies,
    Withholds,
    /// It withholds this id; others are told as with `HangsFor`.
    WithholdsOnly(&'static str),
    /// The same, and others slowly.
    WithholdsAndTellsSlowly(&'static str),
    TellsNonsense,
}

#[derive(Clone)]
struct Source {
    manner: Arc<Mutex<Manner>>,
    asked: Arc<AtomicUsize>,
    pause: Duration,
}

impl Source {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn turns(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

impl Remote for Source {
    fn ask<'r>(&'r self, id: &'r [u8]) -> Asked<'r> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let manner = *self.manner.lock().unwrap();
            tokio::time::sleep(self.pause).await;
            match manner {
                Manner::Tells(secret) if id.starts_with(b"dev") => {
                    Ok(Some(KeyRecord::of([Secret::new(secret.as_bytes().to_vec())])))
                }
                Manner::Tells(_) => Ok(None),
                Manner::Hangs => std::future::pending().await,
                Manner::HangsFor(own) if own.as_bytes() == id => std::future::pending().await,
                Manner::RefusesSlowly(own) if own.as_bytes() == id => {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    Err(Trouble::refused("not today"))
                }
                Manner::RefusesDevices if id.starts_with(b"dev") => {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    Err(Trouble::refused("not today"))
                }
                Manner::RefusesDevices => Ok(None),
                Manner::WithholdsOnly(own) | Manner::WithholdsAndTellsSlowly(own) if own.as_bytes() == id => {
                    Err(Trouble::Withheld("not this one".into()))
                }
                Manner::WithholdsAndTellsSlowly(_) => {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    Ok(Some(KeyRecord::of([Secret::new(b"one".to_vec())])))
                }
                Manner::HangsFor(_) | Manner::RefusesSlowly(_) | Manner::WithholdsOnly(_) => {
                    Ok(Some(KeyRecord::of([Secret::new(b"one".to_vec())])))
                }
                Manner::Busy => Err(Trouble::Busy),
                Manner::Away => Err(Trouble::away("nobody there")),
                Manner::Refuses => Err(Trouble::refused("not today")),
                Manner::Withholds => Err(Trouble::Withheld("not this one".into())),
                Manner::Denies => Err(Trouble::Denied("not this one".into())),
                Manner::TellsNonsense => Err(Trouble::unreadable("nonsense")),
            }
        })
    }
}

struct Setup {
    cache: Cached,
    source: Source,
    clock: Clock,
}

/// A time-out that a busy machine does not meet by chance.
const TIMEOUT: Duration = Duration::from_millis(200);

fn settings() -> Settings {
    Settings {
        ttl: Duration::from_secs(100),
        unknown_ttl: Duration::from_secs(10),
        stale: Duration::from_secs(1000),
        capacity: 1600,
        unknown_capacity: 160,
        timeout: TIMEOUT,
        most_look_ups: 8,
    }
}

/// A time-out that nothing meets while something else is looked at.
fn patient() -> Settings {
    Settings { timeout: Duration::from_secs(2), ..settings() }
}

fn setup(settings: &Settings, manner: Manner) -> Setup {
    let source = Source { manner: Arc::new(Mutex::new(manner)), asked: Arc::default(), pause: Duration::ZERO };
    setup_of(settings, source)
}

fn setup_of(settings: &Settings, source: Source) -> Setup {
    let clock = Clock::fixed(1_000_000);
    let cache = Cached::new("test", Box::new(source.clone()), settings, Errands::start().unwrap(), clock.clone());
    Setup { cache, source, clock }
}

impl Setup {
    /// The secret of an id, `None` where it is not known.
    async fn find(&self, id: &str) -> Result<Option<String>, KeysAway> {
        let answer = match self.cache.look_up(id.as_bytes()) {
            Lookout::Now(answer) => answer,
            Lookout::Later(answer) => answer.await,
        };
        let text = |record: Arc<KeyRecord>| String::from_utf8(record.secrets[0].secret.expose().to_vec()).unwrap();
        answer.map(|record| record.map(text))
    }

    fn at(&self, seconds: i64) {
        self.clock.set(1_000_000 + seconds);
    }

    /// Waits for what was set going without anybody waiting.
    async fn until(&self, is_so: impl Fn(&Setup) -> bool) {
        for _ in 0..500 {
            if is_so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never came about: {:?}", self.cache.reading());
    }
}

fn known(secret: &str) -> Result<Option<String>, KeysAway> {
    Ok(Some(secret.to_owned()))
}

#[tokio::test]
async fn a_record_is_asked_for_once_while_it_is_good() {
    let setup = setup(&settings(), Manner::Tells("one"));
    for _ in 0..10 {
        assert_eq!(setup.find("dev-1").await, known("one"));
    }
    setup.at(74);
    assert_eq!(setup.find("dev-1").await, known("one"));
    assert_eq!(setup.source.asked(), 1);
    assert_eq!(setup.cache.reading().hits, 10);
}

#[tokio::test]
async fn in_its_last_quarter_a_record_is_fetched_again_and_nobody_waits() {
    let setup = setup(&settings(), Manner::Tells("one"));
    assert_eq!(setup.find("dev-1").await, known("one"));
    setup.source.turns(Manner::Tells("two"));
    setup.at(80);
    assert_eq!(setup.find("dev-1").await, known("one"));
    setup.until(|setup| setup.cache.reading().look_ups[0].1 == 2).await;
    setup.until(|setup| matches!(setup.cache.look_up(b"dev-1"), Lookout::Now(_))).await;
    assert_eq!(setup.find("dev-1").await, known("two"));
    assert_eq!(setup.source.asked(), 2);
}

#[tokio::test]
async fn a_record_that_is_over_is_asked_for_again_before_it_serves() {
    let setup = setup(&settings(), Manner::Tells("one"));
    assert_eq!(setup.find("dev-1").await, known("one"));
    setup.source.turns(Manner::Tells("two"));
    setup.at(100);
    assert_eq!(setup.find("dev-1").await, known("two"));
    setup.at(-100);
    setup.source.turns(Manner::Tells("three"));
    assert_eq!(setup.find("dev-1").await, known("three"), "a clock that was set back makes nothing young");
}

#[tokio::test]
async fn an_unknown_id_is_remembered_for_its_own_time() {
    let setup = setup(&settings(), Manner::Tells("one"));
    for _ in 0..5 {
        assert_eq!(setup.find("nobody").await, Ok(None));
    }
    assert_eq!((setup.source.asked(), setup.cache.reading().unknown_hits), (1, 4));
    setup.at(10);
    assert_eq!(setup.find("nobody").await, Ok(None));
    assert_eq!(setup.source.asked(), 2);
}

#[tokio::test]
async fn an_id_that_the_source_no_longer_knows_is_not_served_from_memory() {
    let setup = setup(&settings(), Manner::Tells("one"));
    assert_eq!(setup.find("dev-1").await, known("one"));
    setup.cache.0.memory.learn_unknown(b"dev-1", setup.clock.unix_millis());
    assert_eq!(setup.find("dev-1").await, Ok(None));
    setup.source.turns(Manner::Away);
    setup.at(50);
    assert!(setup.find("dev-1").await.is_err(), "what was known before came back");
}

#[tokio::test]
async fn a_flood_of_invented_ids_drives_out_no_known_one() {
    let setup = setup(&settings(), Manner::Tells("one"));
    for number in 0..50 {
        assert_eq!(setup.find(&format!("dev-{number}")).await, known("one"));
    }
    for number in 0..2_000 {
        assert_eq!(setup.find(&format!("invented-{number}")).await, Ok(None));
    }
    let asked = setup.source.asked();
    for number in 0..50 {
        assert_eq!(setup.find(&format!("dev-{number}")).await, known("one"));
    }
    let reading = setup.cache.reading();
    assert_eq!((setup.source.asked(), reading.known), (asked, 50));
    assert!(reading.unknown <= 160, "{reading:?}");
}

#[test]
fn a_hundred_who_ask_at_once_on_several_workers_make_one_look_up() {
    let source = Source {
        manner: Arc::new(Mutex::new(Manner::Tells("one"))),
        asked: Arc::default(),
        pause: Duration::from_millis(50),
    };
    let setup = setup_of(&settings(), source);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let all = async {
                    let mut waiting: Vec<_> = (0..25).map(|_| Box::pin(setup.find("dev-1"))).collect();
                    for one in &mut waiting {
                        assert_eq!(one.await, known("one"));
                    }
                };
                runtime.block_on(all);
            });
        }
    });
    assert_eq!(setup.source.asked(), 1);
}

#[tokio::test]
async fn while_the_source_is_away_what_is_known_serves_up_to_the_limit() {
    for manner in [Manner::Away, Manner::Refuses, Manner::Hangs, Manner::Withholds] {
        let setup = setup(&settings(), Manner::Tells("one"));
        assert_eq!(setup.find("dev-1").await, known("one"));
        setup.source.turns(manner);
        setup.at(1_099);
        assert_eq!(setup.find("dev-1").await, known("one"), "{manner:?}");
        assert_eq!(setup.cache.reading().stale, 1);
        setup.at(1_100);
        assert!(setup.find("dev-1").await.is_err(), "{manner:?} beyond the limit");
    }
}

#[tokio::test]
async fn an_unknown_id_is_not_refused_as_unknown_while_nobody_can_tell() {
    for manner in [Manner::Away, Manner::Refuses, Manner::Hangs, Manner::TellsNonsense] {
        let setup = setup(&settings(), manner);
        assert!(setup.find("dev-1").await.is_err(), "{manner:?}");
        setup.source.turns(Manner::Tells("one"));
        setup.at(1);
        assert_eq!(setup.find("dev-1").await, known("one"), "{manner:?} was remembered");
    }
}

#[tokio::test]
async fn a_source_that_hangs_costs_a_few_time_outs_and_then_nothing() {
    let setup = setup(&settings(), Manner::Tells("one"));
    for number in 0..20 {
        assert_eq!(setup.find(&format!("dev-{number}")).await, known("one"));
    }
    setup.source.turns(Manner::Hangs);
    setup.at(200);
    let started = Instant::now();
    for number in 0..20 {
        assert_eq!(setup.find(&format!("dev-{number}")).await, known("one"));
        assert!(setup.find(&format!("new-{number}")).await.is_err());
    }
    assert!(started.elapsed() < 5 * TIMEOUT, "{:?}", started.elapsed());
    assert!(!setup.cache.reading().is_up);
    setup.source.turns(Manner::Tells("two"));
    setup.at(201);
    assert_eq!(setup.find("dev-99").await, known("two"));
    assert!(setup.cache.reading().is_up);
}

#[tokio::test]
async fn trouble_with_one_id_is_no_trouble_with_another() {
    let setup = setup(&settings(), Manner::Refuses);
    for number in 0..20 {
        assert!(setup.find(&format!("odd-{number}")).await.is_err());
    }
    setup.source.turns(Manner::Tells("one"));
    assert_eq!(setup.find("dev-1").await, known("one"));
}

/// Look-ups that hang, of ids with those names.
fn seats<'s>(setup: &'s Setup, name: &str, count: usize) -> Vec<Lookout<'s>> {
    let seats: Vec<_> = (0..count).map(|at| setup.cache.look_up(format!("{name}-{at}").as_bytes())).collect();
    assert!(seats.iter().all(|seat| matches!(seat, Lookout::Later(_))));
    seats
}

#[tokio::test]
async fn no_more_look_ups_are_open_than_may_be() {
    let setup = setup(&settings(), Manner::Hangs);
    let seats = seats(&setup, "dev", 6);
    assert_eq!(setup.find("dev-8").await, Err(KeysAway::Busy));
    assert_eq!(setup.cache.reading().turned_away, 1);
    drop(seats);
    setup.until(|setup| setup.cache.reading().look_ups[3].1 == 6).await;
    setup.source.turns(Manner::Tells("one"));
    setup.at(1);
    assert_eq!(setup.find("dev-8").await, known("one"), "the places were not given back");
}

#[tokio::test]
async fn a_flood_of_invented_ids_takes_no_place_from_those_that_are_to_be_asked_for_again() {
    let setup = setup(&patient(), Manner::Tells("one"));
    assert_eq!(setup.find("dev-1").await, known("one"));
    setup.source.turns(Manner::Hangs);
    let _flood = seats(&setup, "invented", 6);
    assert_eq!(setup.find("invented-6").await, Err(KeysAway::Busy));
    setup.until(|setup| setup.source.asked() == 7).await;
    setup.source.turns(Manner::Tells("two"));
    setup.at(100);
    assert_eq!(setup.find("dev-1").await, known("two"));
}

#[tokio::test]
async fn where_no_place_is_free_a_record_that_is_over_serves_only_if_the_source_is_away() {
    let setup = setup(&patient(), Manner::Tells("one"));
    for number in 0..9 {
        assert_eq!(setup.find(&format!("dev-{number}")).await, known("one"));
    }
    setup.source.turns(Manner::Hangs);
    setup.at(100);
    let seats = seats(&setup, "dev", 8);
    assert_eq!(setup.find("dev-8").await, Err(KeysAway::Busy), "it may be shut out by now");
    assert_eq!(setup.cache.reading().stale, 0);
    drop(seats);
    setup.until(|setup| !setup.cache.reading().is_up).await;
    assert_eq!(setup.find("dev-8").await, known("one"));
}

#[tokio::test]
async fn a_source_that_is_asked_too_much_is_not_away() {
    for (manner, refusal) in [
        (Manner::Busy, KeysAway::Busy),
        (Manner::HangsFor("dev-1"), KeysAway::TimedOut),
        (Manner::RefusesSlowly("dev-1"), KeysAway::Failed("not today".into())),
    ] {
        let setup = setup(&patient(), Manner::Tells("one"));
        assert_eq!(setup.find("dev-1").await, known("one"));
        assert_eq!(setup.find("dev-2").await, known("one"));
        setup.source.turns(manner);
        setup.at(100);
        let waiting = setup.cache.look_up(b"dev-1");
        setup.until(|setup| setup.source.asked() == 3).await;
        if manner != Manner::Busy {
            assert_eq!(setup.find("dev-2").await, known("one"), "others are answered meanwhile");
        }
        let Lookout::Later(waiting) = waiting else { panic!("{manner:?}: it serves unasked") };
        assert_eq!(waiting.await.map(|_| ()), Err(refusal), "{manner:?}");
        assert_eq!(setup.cache.reading().stale, 0);
        setup.source.turns(Manner::Tells("two"));
        assert_eq!(setup.find("dev-1").await, known("two"), "{manner:?}: it is asked for at once");
    }
}

#[tokio::test]
async fn what_could_not_be_fetched_ahead_is_tried_again_before_it_is_over() {
    let setup = setup(&Settings { most_look_ups: 1, ..settings() }, Manner::Tells("one"));
    assert_eq!(setup.find("dev-1").await, known("one"));
    setup.source.turns(Manner::Hangs);
    setup.at(80);
    let flood = seats(&setup, "invented", 1);
    assert_eq!(setup.find("dev-1").await, known("one"), "there is no place to fetch it");
    drop(flood);
    setup.until(|setup| setup.cache.reading().look_ups[3].1 == 1).await;
    setup.source.turns(Manner::Tells("two"));
    assert_eq!(setup.find("dev-1").await, known("one"));
    setup.until(|setup| setup.cache.reading().look_ups[0].1 == 2).await;
}

#[tokio::test]
async fn who_leaves_does_not_break_off_what_others_wait_for() {
    let source = Source {
        manner: Arc::new(Mutex::new(Manner::Tells("one"))),
        asked: Arc::default(),
        pause: Duration::from_millis(50),
    };
    let setup = setup_of(&settings(), source);
    let first = setup.find("dev-1");
    assert!(tokio::time::timeout(Duration::from_millis(5), first).await.is_err());
    assert_eq!(setup.find("dev-1").await, known("one"));
    assert_eq!(setup.source.asked(), 1);
}
