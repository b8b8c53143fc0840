//! Those who always have something there for the gateway to do, and everybody else beside them.

use std::{
    io::{Read, Write},
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use super::support::{Talk, Upstream, get, run};

/// One for each of the gateway's workers.
const FLOODS: usize = 2;

/// How long ten requests may take beside them, on a busy machine. They took minutes where nobody gave way.
const PATIENCE: Duration = Duration::from_secs(10);

/// A gateway whose `/up` is an upstream's, and everything else its own.
fn beside(upstream: &Upstream) -> (crate::support::Gateway, SocketAddr) {
    let config = format!(
        "upstreams:\n  app: {{ servers: [\"http://{}\"] }}\n  own: {{ respond: {{ body: \"here\" }} }}\n\
         routes:\n  - {{ match: {{ path: /up }}, public: true, to: app }}\n\
         \x20 - {{ match: {{ path: /** }}, public: true, to: own }}\n",
        upstream.address
    );
    run(&config, &[])
}

/// Sends `first` and then `more` without end on connections of their own, and reads all that comes.
fn flood(address: SocketAddr, first: &str, more: Vec<u8>) {
    for _ in 0..FLOODS {
        let mut client = Talk::open(address);
        client.write(first);
        let mut reading = client.stream.try_clone().expect("the same connection");
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 20];
            while reading.read(&mut buffer).is_ok_and(|count| count > 0) {}
        });
        let more = more.clone();
        thread::spawn(move || while !more.is_empty() && client.stream.write_all(&more).is_ok() {});
    }
    thread::sleep(Duration::from_millis(300));
}

fn others_are_served(address: SocketAddr) -> bool {
    let start = Instant::now();
    (0..10).all(|_| Talk::open(address).exchange(get("/")).1 == b"here" && start.elapsed() < PATIENCE)
}

#[test]
fn whoever_sends_requests_ahead_without_end_keeps_nobody_waiting() {
    let (_gateway, address) = beside(&Upstream::echo());
    flood(address, "", get("/").repeat(5000).into_bytes());
    assert!(others_are_served(address));
}

#[test]
fn whoever_sends_each_byte_as_a_chunk_keeps_nobody_waiting() {
    let upstream = Upstream::start(|mut talk| while talk.take(1).is_some() {});
    let (_gateway, address) = beside(&upstream);
    let head = "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    flood(address, head, b"1\r\na\r\n".repeat(20_000));
    assert!(others_are_served(address));
}

#[test]
fn an_upstream_that_answers_in_the_meantime_without_end_keeps_nobody_waiting() {
    let upstream = Upstream::start(|mut talk| {
        talk.head();
        while talk.write("HTTP/1.1 102 Processing\r\n\r\n".repeat(20_000)) {}
    });
    let (_gateway, address) = beside(&upstream);
    flood(address, &get("/up"), Vec::new());
    assert!(others_are_served(address));
}
