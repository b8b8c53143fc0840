//! Hours of an issuer's life in a moment: time is the test's, the server is real.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{Mutex, atomic::AtomicUsize},
    thread,
};

use tokio::time::sleep;

use super::*;
use crate::jose::{Algorithm, ShortRsa};

/// RFC 8037 appendix A, under the name that is wanted.
fn set(kid: &str) -> String {
    let key = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
    format!(r#"{{"keys":[{{"kid":"{kid}",{key}}}]}}"#)
}

/// Serves a set, or closes each connection, and counts them.
struct Server {
    address: SocketAddr,
    serves: Arc<Mutex<Option<String>>>,
    asked: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server { address, serves: Arc::new(Mutex::new(Some(set("first")))), asked: Arc::default() };
        let (serves, asked) = (server.serves.clone(), server.asked.clone());
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                asked.fetch_add(1, Ordering::SeqCst);
                let Some(body) = serves.lock().unwrap().clone() else { continue };
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
                    head.push(byte[0]);
                }
                let length = body.len();
                let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
                let _ = stream.write_all((head + &body).as_bytes());
            }
        });
        server
    }

    fn turn(&self, serves: Option<String>) {
        *self.serves.lock().unwrap() = serves;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

struct Bench {
    server: Server,
    publisher: Publisher,
    clock: Clock,
}

impl Bench {
    /// A set that is kept with the usual times: refreshed every ten minutes, at most once in thirty seconds, for a day.
    async fn start() -> Bench {
        let (server, clock) = (Server::start(), Clock::fixed(1_000_000));
        let settings = Settings {
            place: Place::KeySet(format!("http://{}/keys", server.address).parse().unwrap()),
            rules: SetRules { algorithms: vec![Algorithm::EdDsa], secrets: false, short_rsa: ShortRsa::Refuse },
            refresh: Duration::from_secs(600),
            cooldown: Duration::from_secs(30),
            stale: Duration::from_secs(24 * 3600),
            cache: None,
            roots: None,
            plain: false,
        };
        let publisher = Publisher::open("api", settings, clock.clone());
        let calls = outcall::Settings {
            tls: false,
            roots: None,
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            largest_answer: LARGEST_DOCUMENT,
            most_calls: 1,
        };
        // The calls are made in earnest, in a time of their own; the keeper lives in the test's.
        let client = Client::new(Errands::start().unwrap(), &calls).unwrap();
        tokio::spawn(keeper::keep(Arc::downgrade(&publisher.0), publisher.keys().wanted(), client));
        let bench = Bench { server, publisher, clock };
        while bench.publisher.keys().current().is_none() {
            bench.second().await;
        }
        bench
    }

    /// One second goes by.
    async fn second(&self) {
        sleep(Duration::from_secs(1)).await;
        self.clock.set(self.clock.unix() + 1);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        // A call that has begun is waited for in earnest, or an hour would be over before it. While the keeper calls, and
        // only then, it holds the set itself.
        while Arc::strong_count(&self.publisher.0) > 1 {
            thread::sleep(Duration::from_micros(100));
            tokio::task::yield_now().await;
        }
    }

    fn kids(&self) -> Vec<String> {
        let set = self.publisher.keys().current().expect("a set");
        set.kids().map(|kid| kid.unwrap_or_default().to_owned()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_the_issuer_changes_nothing_for_known_keys() {
    let bench = Bench::start().await;
    let (known, before) = (bench.publisher.keys().current().unwrap(), bench.server.asked());
    bench.server.turn(None);
    for _ in 0..3600 {
        bench.second().await;
        assert!(Arc::ptr_eq(&known, &bench.publisher.keys().current().expect("the set of before")));
    }
    let asked = bench.server.asked() - before;
    assert!((50..=121).contains(&asked), "{asked} fetches in an hour with a cool-down of 30 s");
    let reading = bench.publisher.reading();
    assert!(reading.failed >= 50 && reading.age_millis >= Some(3_000_000) && reading.keys == 1, "{reading:?}");
    bench.server.turn(Some(set("second")));
    for _ in 0..31 {
        bench.second().await;
    }
    assert_eq!(bench.kids(), ["second"]);
}

#[tokio::test(start_paused = true)]
async fn however_many_tokens_name_unknown_keys_the_issuer_is_asked_once_a_cool_down() {
    let bench = Bench::start().await;
    let (wanted, before) = (bench.publisher.keys().wanted(), bench.server.asked());
    for _ in 0..600 {
        for _ in 0..1000 {
            wanted.notify_one();
        }
        bench.second().await;
    }
    let asked = bench.server.asked() - before;
    assert!((15..=21).contains(&asked), "{asked} fetches in ten minutes with a cool-down of 30 s");
    // And a key that is really new is there within one.
    bench.server.turn(Some(set("second")));
    for _ in 0..31 {
        wanted.notify_one();
        bench.second().await;
    }
    assert_eq!(bench.kids(), ["second"]);
}
