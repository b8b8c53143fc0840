//! Once means once: in a row, at once, and whatever became of the first.

use std::thread;

use serde_json::json;

use super::Bench;
use crate::path::{
    signing::{KEY, device_v2, token, with_length},
    support::{Talk, Upstream, free_address, ok, run},
};

/// A route that wants `device-v2`, to an upstream at `address`.
fn signed_to(address: std::net::SocketAddr) -> (crate::support::Gateway, std::net::SocketAddr) {
    let config = format!(
        "keys: {{ k: {{ shared: {{ value: {KEY} }} }} }}\nschemes: {{ v2: {{ preset: device-v2, keys: k }} }}\n\
         upstreams: {{ app: {{ servers: [\"http://{address}\"] }} }}\n\
         routes: [{{ match: {{ path: /v2 }}, require: {{ hmac: v2 }}, to: app }}]\ntimeouts: {{ upstream: 300ms }}\n"
    );
    run(&config, &[])
}

#[test]
fn a_request_that_comes_again_is_refused() {
    let bench = Bench::start();
    let request = with_length(&device_v2("/v2", b"body"), b"body");
    assert_eq!(bench.send(&request).status(), 200);
    for _ in 0..3 {
        assert_eq!(bench.send(&request).refusal(), (409, "replayed"));
    }
}

#[test]
fn of_a_hundred_at_once_exactly_one_is_accepted() {
    let bench = Bench::start();
    let request = with_length(&device_v2("/v2", b"body"), b"body");
    let clients: Vec<_> = (0..100).map(|_| Talk::open(bench.address)).collect();
    let threads: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            let request = request.clone();
            thread::spawn(move || client.exchange(request).0.status())
        })
        .collect();
    let statuses: Vec<u16> = threads.into_iter().map(|thread| thread.join().expect("an answer")).collect();
    let count = |status| statuses.iter().filter(|known| **known == status).count();
    assert_eq!((count(200), count(409)), (1, 99));
}

#[test]
fn a_token_with_an_id_counts_once_where_its_tokens_say_so() {
    let bench = Bench::start();
    let once = format!("Authorization: Bearer {}", token(&json!({ "jti": "one" })));
    assert_eq!(bench.get("/once", &[&once]).status(), 200);
    assert_eq!(bench.get("/once", &[&once]).refusal(), (409, "replayed"));
    let without = format!("Authorization: Bearer {}", token(&json!({})));
    assert_eq!(bench.get("/once", &[&without]).refusal(), (401, "invalid-token"));
    assert_eq!(bench.get("/bearer", &[&once]).status(), 200, "other routes are not concerned");
}

#[test]
fn what_never_reached_the_upstream_may_come_again() {
    let address = free_address();
    let (_gateway, gateway) = signed_to(address);
    let request = with_length(&device_v2("/v2", b"body"), b"body");
    for _ in 0..2 {
        assert_eq!(Talk::open(gateway).exchange(&request).0.status(), 502);
    }
    let listener = std::net::TcpListener::bind(address).expect("the port is still free");
    let _upstream = Upstream::on(listener, |mut talk| {
        while talk.request().is_some() {
            talk.write(ok("ok"));
        }
    });
    assert_eq!(Talk::open(gateway).exchange(&request).0.status(), 200);
    assert_eq!(Talk::open(gateway).exchange(&request).0.status(), 409);
}

#[test]
fn what_may_have_reached_the_upstream_may_not_come_again() {
    let closes = Upstream::start(|mut talk| {
        talk.request();
    });
    let hangs = Upstream::start(|mut talk| {
        talk.request();
        talk.ends_within(std::time::Duration::from_secs(5));
    });
    for (upstream, status) in [(closes, 502), (hangs, 504)] {
        let (_gateway, gateway) = signed_to(upstream.address);
        let request = with_length(&device_v2("/v2", b"body"), b"body");
        assert_eq!(Talk::open(gateway).exchange(&request).0.status(), status);
        assert_eq!(Talk::open(gateway).exchange(&request).0.status(), 409);
        assert_eq!(upstream.connections(), 1);
    }
}

#[test]
fn where_no_more_can_be_remembered_nothing_more_is_let_in() {
    let bench = Bench::with("replay: { capacity: 1 }\n");
    let mut statuses = Vec::new();
    for _ in 0..200 {
        statuses.push(bench.send(with_length(&device_v2("/v2", b""), b"")).status());
    }
    assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
    assert_eq!(bench.get("/public", &[]).status(), 200, "routes without replay protection go on");
}

#[test]
fn a_client_that_leaves_before_anything_was_sent_may_come_again() {
    // The backlog is full: a connection attempt gets no answer until it times out.
    let (hole, _held) = crate::path::support::black_hole();
    let (_gateway, gateway) = signed_to(hole);
    let request = with_length(&device_v2("/v2", b"body"), b"body");
    let mut client = Talk::open(gateway);
    client.write(&request);
    thread::sleep(std::time::Duration::from_millis(150));
    drop(client);
    thread::sleep(std::time::Duration::from_millis(150));
    assert_eq!(Talk::open(gateway).exchange(&request).0.status(), 504, "and not 409");
}

#[test]
fn a_token_whose_request_never_reached_the_upstream_may_come_again() {
    let upstream = Upstream::echo();
    let config = format!(
        "tokens: {{ once: {{ keys: [{{ algorithm: HS256, secret: {{ value: {KEY} }} }}], issuer: us, audience: api, \
         replay: true }} }}\nupstreams: {{ app: {{ servers: [\"http://{}\"] }} }}\n\
         routes: [{{ match: {{ path: /once }}, require: {{ jwt: once }}, to: app }}]\n",
        upstream.address
    );
    let (_gateway, address) = run(&config, &[]);
    let bearer = format!("Authorization: Bearer {}", token(&json!({ "jti": "one" })));
    let chunked =
        |body: &str| format!("POST /once HTTP/1.1\r\nHost: a\r\n{bearer}\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    let (head, _) = Talk::open(address).exchange(chunked("zz\r\n"));
    assert_eq!(head.status(), 400, "its body was no body");
    let (head, _) = Talk::open(address).exchange(chunked("1\r\na\r\n0\r\n\r\n"));
    assert_eq!(head.status(), 200);
    let (head, _) = Talk::open(address).exchange(chunked("1\r\na\r\n0\r\n\r\n"));
    assert_eq!(head.status(), 409);
}
