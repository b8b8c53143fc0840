//! Passwords cost time on purpose: that time tells nothing, and takes nothing from other routes.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use super::Api;
use crate::support::{Connection, send};

const CONFIG: &str = r#"
listen: 127.0.0.1:8002
tokens:
  api: { keys: [{ algorithm: HS256, secret: { env: JWT_KEY } }], issuer: i, audience: a }
users: { staff: { file: users/staff.yaml } }
issuers: { api: { tokens: api } }
upstreams:
  login: { login: { issuer: api, users: staff, throttle: { user: { rate: 1000/s }, address: { rate: 1000/s } } } }
  ok: { respond: { body: ok } }
limits: { password_checks: 1, password_queue: 2 }
routes:
  - { match: { path: /login, methods: [POST] }, public: true, to: login }
  - { match: { path: /ok }, public: true, to: ok }
"#;

fn api() -> Api {
    let users = concat!(env!("CARGO_MANIFEST_DIR"), "/config/users/staff.yaml");
    Api::start(&CONFIG.replace("users/staff.yaml", users), 8002)
}

fn login(address: SocketAddr, name: &str) -> (u16, Duration) {
    let body = format!(r#"{{"username":"{name}","password":"wrong"}}"#);
    let request = format!("POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let start = Instant::now();
    let answer = send(address, request.as_bytes()).expect("an answer");
    (answer.status, start.elapsed())
}

#[test]
fn logins_beyond_what_may_wait_are_refused_at_once_and_other_routes_go_on() {
    let api = api();
    let address = api.address;
    let storm: Vec<_> = (0..24).map(|_| thread::spawn(move || login(address, "alice").0)).collect();
    let mut connection = Connection::open(address);
    let mut slowest = Duration::ZERO;
    while !storm.iter().all(thread::JoinHandle::is_finished) {
        let start = Instant::now();
        assert_eq!(connection.exchange(b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").expect("an answer").status, 200);
        slowest = slowest.max(start.elapsed());
    }
    let statuses: Vec<u16> = storm.into_iter().map(|one| one.join().expect("an answer")).collect();
    let of = |status| statuses.iter().filter(|one| **one == status).count();
    assert!(of(401) >= 1 && of(429) >= 1 && of(401) + of(429) == 24, "{statuses:?}");
    // A machine that is busy with other tests has pauses of its own; a worker that hashed would stand still for much longer.
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    assert_eq!(login(address, "alice").0, 401, "the queue is free again");
}

#[test]
fn a_name_that_does_not_exist_takes_as_long_as_one_that_does() {
    const NAMES: [&str; 5] = ["alice", "bob", "mallory", "eve", "trent"];
    let api = api();
    // In turns, and the least of each: a machine that is busy makes some longer and none shorter.
    let mut least = [Duration::MAX; NAMES.len()];
    for _ in 0..10 {
        for (least, name) in least.iter_mut().zip(NAMES) {
            *least = login(api.address, name).1.min(*least);
        }
    }
    let (fastest, slowest) = (least[0].min(least[1]), least[0].max(least[1]));
    for (took, name) in least.into_iter().zip(NAMES) {
        assert!(took > fastest / 2 && took < slowest * 2, "{name}: {least:?}");
    }
}
