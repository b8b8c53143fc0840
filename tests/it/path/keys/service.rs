//! Another service as key source: one that answers, hangs, fails, lies and goes away.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Bench, NEW, OLD};
use crate::path::support::{Head, Upstream, eventually, ok};

#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Answers,
    Hangs,
    Fails,
    TellsNonsense,
    /// With this status for `dev-1`; other ids are answered.
    Withholds(u16),
    /// With this status for every id.
    SaysToAll(u16),
    /// It fails for ids of its own form; others are not known.
    FailsForDevices,
    Redirects,
    Closes,
}

/// A key service that knows `dev-*`, and what it was asked.
struct Service {
    upstream: Upstream,
    manner: Arc<Mutex<Manner>>,
    asked: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<Head>>>,
}

impl Service {
    fn start() -> Service {
        let (manner, asked, heads) =
            (Arc::new(Mutex::new(Manner::Answers)), Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<Head>>>::default());
        let (its_manner, counted, seen) = (manner.clone(), asked.clone(), heads.clone());
        let upstream = Upstream::start(move |mut talk| {
            while let Some((head, _)) = talk.request() {
                counted.fetch_add(1, Ordering::SeqCst);
                seen.lock().unwrap().push(head.clone());
                let manner = *its_manner.lock().unwrap();
                let answer = match manner {
                    Manner::Answers => answer(head.target()),
                    Manner::Fails => b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_vec(),
                    Manner::Withholds(status) if head.target().contains("/dev-1/") => {
                        format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n").into_bytes()
                    }
                    Manner::SaysToAll(status) => {
                        format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n").into_bytes()
                    }
                    Manner::FailsForDevices if head.target().contains("/dev-") => {
                        thread::sleep(Duration::from_millis(50));
                        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_vec()
                    }
                    Manner::Withholds(_) | Manner::FailsForDevices => answer(head.target()),
                    Manner::TellsNonsense => ok("<html>"),
                    Manner::Redirects => redirect(),
                    Manner::Hangs => return thread::sleep(Duration::from_secs(2)),
                    Manner::Closes => return,
                };
                talk.write(answer);
            }
        });
        Service { upstream, manner, asked, heads }
    }

    fn turns(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    fn bench(&self, cache: &str) -> Bench {
        let keys = format!(
            "{{ http: {{ url: 'http://{}/v1/devices/{{id}}/keys?v=2', headers: {{ Authorization: {{ env: TOKEN }} }}, timeout: 300ms, \
               answer: {{ secrets: /keys, id: /device, disabled: /locked, attributes: {{ tenant: /owner/name }} }}, \
               cache: {{ {cache} }} }} }}",
            self.upstream.address
        );
        Bench::start_with(&keys, &[("TOKEN", "Bearer the-services-own-token")])
    }
}

fn answer(target: &str) -> Vec<u8> {
    let id = target.split('/').nth(3).unwrap_or_default();
    match id.starts_with("dev-") {
        true => ok(format!(
            r#"{{"device":"{id}","keys":[{{"secret":"{NEW}","label":"2027"}},{{"secret":"{OLD}"}}],"locked":{},"owner":{{"name":"acme"}}}}"#,
            id == "dev-locked"
        )),
        false => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
    }
}

fn redirect() -> Vec<u8> {
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec()
}

fn away() -> (u16, String) {
    (503, "store-unavailable".to_owned())
}

#[test]
fn a_services_answer_is_a_key_and_is_asked_for_once() {
    let service = Service::start();
    let bench = service.bench("");
    for _ in 0..5 {
        assert_eq!(bench.status("dev-1", NEW, "/open"), 200);
        assert_eq!(bench.status("dev-1", OLD, "/open"), 200);
        assert_eq!(bench.status("nobody", NEW, "/open"), 403);
    }
    assert_eq!(bench.send("dev-1", NEW, "/told").1["headers"]["x-tenant"], "acme");
    assert_eq!(bench.status("dev-locked", NEW, "/open"), 403);
    assert_eq!(service.asked.load(Ordering::SeqCst), 3, "dev-1, nobody, dev-locked");
    let heads = service.heads.lock().unwrap().clone();
    assert_eq!(heads[0].start, "GET /v1/devices/dev-1/keys?v=2 HTTP/1.1");
    assert_eq!(heads[0].field("authorization"), Some("Bearer the-services-own-token"));
    let log = bench.gateway.output_when(|log| log.lines().count() >= 17);
    assert!(!log.contains("the-services-own-token"), "{log}");
}

#[test]
fn an_id_stays_one_segment_whatever_is_in_it() {
    let service = Service::start();
    let bench = service.bench("");
    for id in ["../admin", "dev-1/../../x", "dev-1?x=1", "a#b", "%2e%2e", "..", "."] {
        assert_eq!(bench.status(id, NEW, "/open"), 403, "{id}");
    }
    for head in service.heads.lock().unwrap().iter() {
        let target = head.target();
        assert_eq!(target.matches('/').count(), 4, "{target}");
        assert!(target.ends_with("/keys?v=2"), "{target}");
    }
}

#[test]
fn whatever_befalls_the_service_known_ids_are_served_and_others_are_not_told_that_they_are_unknown() {
    for manner in [Manner::Hangs, Manner::Fails, Manner::Redirects, Manner::Closes] {
        let service = Service::start();
        let bench = service.bench("ttl: 200ms, stale: 1h, unknown_ttl: 100ms");
        assert_eq!(bench.status("dev-1", NEW, "/open"), 200);
        service.turns(manner);
        thread::sleep(Duration::from_millis(300));
        for round in 0..10 {
            let started = Instant::now();
            assert_eq!(bench.status("dev-1", NEW, "/open"), 200);
            assert!(started.elapsed() < Duration::from_millis(800), "{:?}", started.elapsed());
            let started = Instant::now();
            assert_eq!(bench.told(&format!("dev-new-{round}"), NEW, "/open"), away());
            assert!(started.elapsed() < Duration::from_millis(800), "{:?}", started.elapsed());
        }
        assert_eq!(bench.status("dev-1", "a-secret-that-it-never-had", "/open"), 403, "a stale key is still a key");
        service.turns(Manner::Answers);
        assert!(eventually(Duration::from_secs(3), || bench.status("dev-2", NEW, "/open") == 200));
    }
}

#[test]
fn a_key_that_the_service_withholds_no_longer_serves() {
    for status in [400, 403, 423] {
        let service = Service::start();
        let bench = service.bench("ttl: 200ms, stale: 1h");
        assert_eq!(bench.status("dev-2", NEW, "/open"), 200);
        assert_eq!(bench.status("dev-1", NEW, "/open"), 200);
        service.turns(Manner::Withholds(status));
        thread::sleep(Duration::from_millis(300));
        for _ in 0..5 {
            assert_eq!(bench.told("dev-1", NEW, "/open"), away(), "{status}");
            assert_eq!(bench.status("dev-2", NEW, "/open"), 200);
        }
        service.turns(Manner::Answers);
        assert_eq!(bench.status("dev-1", NEW, "/open"), 200, "{status}: it is asked for at once");
    }
}

#[test]
fn what_the_service_says_to_whoever_asks_takes_no_known_id_away() {
    for status in [401, 403, 421, 429] {
        let service = Service::start();
        let bench = service.bench("ttl: 200ms, stale: 1h");
        assert_eq!(bench.status("dev-1", NEW, "/open"), 200);
        assert_eq!(bench.status("dev-2", NEW, "/open"), 200);
        for manner in [Manner::SaysToAll(status), Manner::Fails] {
            service.turns(manner);
            thread::sleep(Duration::from_millis(600));
            assert_eq!(bench.status("dev-1", NEW, "/open"), 200, "{status}");
            assert_eq!(bench.status("dev-2", NEW, "/open"), 200, "{status}");
        }
        assert_eq!(bench.told("dev-3", NEW, "/open"), away(), "{status}");
    }
}

#[test]
fn a_stranger_who_is_answered_shuts_no_device_out_of_a_broken_service() {
    let service = Service::start();
    let bench = service.bench("ttl: 200ms, stale: 1h");
    assert_eq!(bench.status("dev-1", NEW, "/open"), 200);
    service.turns(Manner::FailsForDevices);
    thread::sleep(Duration::from_millis(300));
    thread::scope(|scope| {
        let invented = |number| assert_eq!(bench.status(&format!("invented-{number}"), NEW, "/open"), 403);
        let stranger = scope.spawn(move || (0..100).for_each(invented));
        while !stranger.is_finished() {
            assert_eq!(bench.status("dev-1", NEW, "/open"), 200);
        }
    });
}

#[test]
fn beyond_the_limit_nothing_stale_serves() {
    let service = Service::start();
    let bench = service.bench("ttl: 100ms, stale: 700ms");
    assert_eq!(bench.status("dev-1", NEW, "/open"), 200);
    service.turns(Manner::Fails);
    thread::sleep(Duration::from_millis(200));
    assert_eq!(bench.status("dev-1", NEW, "/open"), 200);
    thread::sleep(Duration::from_millis(900));
    assert_eq!(bench.told("dev-1", NEW, "/open"), away());
}

#[test]
fn an_answer_that_is_no_key_lets_nobody_in() {
    let service = Service::start();
    let bench = service.bench("ttl: 100ms, stale: 1h");
    assert_eq!(bench.status("dev-1", NEW, "/open"), 200);
    service.turns(Manner::TellsNonsense);
    thread::sleep(Duration::from_millis(200));
    assert_eq!(bench.told("dev-1", NEW, "/open"), away());
    assert_eq!(bench.told("dev-2", NEW, "/open"), away());
}

#[test]
fn a_flood_of_invented_ids_asks_no_more_than_may_be_asked_at_once() {
    let service = Service::start();
    let bench = service.bench("ttl: 1h, look_ups: 4");
    assert_eq!(bench.status("dev-1", NEW, "/open"), 200);
    service.turns(Manner::Hangs);
    let asked = service.asked.load(Ordering::SeqCst);
    thread::scope(|scope| {
        for number in 0..40 {
            let bench = &bench;
            scope.spawn(move || assert_eq!(bench.told(&format!("invented-{number}"), NEW, "/open"), away()));
        }
        assert_eq!(bench.status("dev-1", NEW, "/open"), 200);
    });
    let more = service.asked.load(Ordering::SeqCst) - asked;
    // A busy machine may send the forty over more than one time-out.
    assert!(more <= 12, "{more}");
}
