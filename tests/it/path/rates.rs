//! Limits of rate: exactly so many, whoever asks at once, whatever he says of himself, and what he is told.

use std::{
    net::SocketAddr,
    thread::{self, sleep},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    signing::{KEY, device_v2, token, with_length},
    support::{Head, Talk, eventually, free_address, get, run},
};
use crate::support::Gateway;

const CONFIG: &str = r#"
trusted_proxies: [127.0.0.1]
keys: { devices: { static: { dev-1: { value: KEY } } } }
schemes: { v2: { preset: device-v2, keys: devices } }
tokens: { api: { keys: [{ algorithm: HS256, secret: { value: KEY } }], issuer: us, audience: api } }
upstreams: { fixed: { respond: { body: "fixed" } } }
rate_limits:
  hundred: { per: route, rate: 100/min }
  device: { per: key_id, rate: 3/min, headers: true }
  tenant: { per: "{claim:tenant}", rate: 2/h }
  address: { per: address, rate: 2/h }
  second: { per: key_id, rate: 1/s }
  wide: { per: route, rate: 5/h }
  narrow: { per: "{claim:sub}", rate: 2/h }
routes:
  - { match: { path: /hundred }, public: true, to: fixed, rate_limits: hundred }
  - { match: { path: /device }, require: { hmac: v2 }, to: fixed, rate_limits: device }
  - { match: { path: /tenant }, require: { jwt: api }, to: fixed, rate_limits: tenant }
  - { match: { path: /address }, public: true, to: fixed, rate_limits: address }
  - { match: { path: /second }, require: { hmac: v2 }, to: fixed, rate_limits: second }
  - { match: { path: /both }, require: { jwt: api }, to: fixed, rate_limits: [wide, narrow] }
  - { match: { path: /own }, public: true, to: fixed, rate_limits: [{ per: route, rate: 1/h }], refusals: { key: error } }
  - { match: { path: /open }, public: true, to: fixed }
"#;

fn start(more: &str) -> (Gateway, SocketAddr) {
    run(&format!("{}{more}", CONFIG.replace("KEY", KEY)), &[])
}

fn status(address: SocketAddr, request: impl AsRef<[u8]>) -> u16 {
    Talk::open(address).exchange(request).0.status()
}

/// A GET that a trusted proxy forwards for `client`.
fn forwarded(target: &str, client: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {client}\r\n\r\n")
}

fn signed(target: &str) -> Vec<u8> {
    with_length(&device_v2(target, b"body"), b"body")
}

fn with_token(target: &str, claims: &Value) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n", token(claims))
}

fn cause(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["type"].as_str().unwrap_or_default().rsplit(':').next().unwrap_or_default().to_owned()
}

#[test]
fn of_two_thousand_in_parallel_exactly_the_burst_is_admitted() {
    let (_gateway, address) = start("");
    let clients: Vec<Talk> = (0..200).map(|_| Talk::open(address)).collect();
    let threads: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            thread::spawn(move || (0..10).filter(|_| client.exchange(get("/hundred")).0.status() == 200).count())
        })
        .collect();
    let admitted: usize = threads.into_iter().map(|thread| thread.join().expect("answers")).sum();
    // One comes back every 0.6 s.
    assert!((100..=105).contains(&admitted), "{admitted}");
}

#[test]
fn a_refusal_says_which_limit_and_when_to_come_again() {
    let (_gateway, address) = start("");
    let heads: Vec<Head> = (0..4).map(|_| Talk::open(address).exchange(signed("/device")).0).collect();
    let statuses: Vec<u16> = heads.iter().map(Head::status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(heads[0].field("ratelimit-policy"), Some(r#""device";q=3;w=60"#));
    assert_eq!(heads[0].field("ratelimit"), Some(r#""device";r=2;t=20"#));
    assert_eq!(heads[3].field("ratelimit"), Some(r#""device";r=0;t=20"#));
    assert_eq!(heads[3].field("retry-after"), Some("20"));
    let (head, body) = Talk::open(address).exchange(signed("/device"));
    assert_eq!((head.status(), cause(&body).as_str()), (429, "rate-limited"));
    assert_eq!(Talk::open(address).exchange(get("/hundred")).0.field("ratelimit"), None, "only where it is wanted");
}

#[test]
fn a_refusal_has_the_shape_of_its_route() {
    let (_gateway, address) = start("");
    assert_eq!(status(address, get("/own")), 200);
    let (head, body) = Talk::open(address).exchange(get("/own"));
    assert_eq!((head.status(), body.as_slice()), (429, &br#"{"error":"Too many requests"}"#[..]));
    assert_eq!(head.field("ratelimit-policy"), Some(r#""/own#1";q=1;w=3600"#));
}

#[test]
fn a_request_that_was_one_too_many_may_come_again() {
    let (_gateway, address) = start("");
    assert_eq!(status(address, signed("/second")), 200);
    let request = signed("/second");
    assert_eq!(status(address, &request), 429);
    sleep(Duration::from_millis(1100));
    assert_eq!(status(address, &request), 200, "its claim was given back");
    sleep(Duration::from_millis(1100));
    assert_eq!(status(address, &request), 409);
}

#[test]
fn bad_signatures_spend_nothing_of_a_device_s_quota() {
    let (_gateway, address) = start("");
    let good = String::from_utf8(signed("/device")).expect("text");
    let bad = good.replace("X-HMAC-Nonce: ", "X-HMAC-Nonce: x");
    assert!((0..50).all(|_| status(address, &bad) == 403));
    let statuses: Vec<u16> = (0..4).map(|_| status(address, signed("/device"))).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
}

#[test]
fn a_replay_spends_nothing_either() {
    let (_gateway, address) = start("");
    let request = signed("/device");
    assert_eq!(status(address, &request), 200);
    assert!((0..20).all(|_| status(address, &request) == 409));
    assert_eq!([status(address, signed("/device")), status(address, signed("/device"))], [200, 200]);
}

#[test]
fn each_value_of_a_claim_has_a_quota_of_its_own() {
    let (_gateway, address) = start("");
    let ask = |tenant: &str| status(address, with_token("/tenant", &json!({ "tenant": tenant })));
    assert_eq!(
        [ask("a"), ask("a"), ask("a"), ask("b"), ask("a"), ask("b"), ask("b")],
        [200, 200, 429, 200, 429, 200, 429]
    );
    assert_eq!(status(address, with_token("/tenant", &json!({}))), 401, "what cannot be counted is not let in");
}

#[test]
fn of_several_limits_all_are_spent_or_none() {
    let (_gateway, address) = start("");
    let ask = |sub: &str| status(address, with_token("/both", &json!({ "sub": sub })));
    assert_eq!([ask("a"), ask("a")], [200, 200]);
    assert!((0..20).all(|_| ask("a") == 429));
    assert_eq!([ask("b"), ask("b"), ask("c"), ask("d")], [200, 200, 200, 429], "three of the wide one were left");
}

#[test]
fn an_address_is_what_a_trusted_proxy_says_and_no_other() {
    let (_gateway, address) = start("");
    let ask = |client: &str| status(address, forwarded("/address", client));
    assert_eq!([ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.2")], [200, 200, 429, 200]);
    assert_eq!([ask("2001:db8::1"), ask("2001:db8::2"), ask("2001:db8::3")], [200, 200, 429], "one network");
    assert_eq!(ask("::ffff:192.0.2.1"), 429, "a mapped address is the address it maps");
    let spoofed: Vec<u16> = (0..5).map(|number| ask(&format!("198.51.100.{number}, 192.0.2.1"))).collect();
    assert_eq!(spoofed, [429; 5], "what is left of it is the client's own word");
}

#[test]
fn a_stranger_who_says_another_address_each_time_is_still_one() {
    let config = CONFIG.replace("KEY", KEY).replace("trusted_proxies: [127.0.0.1]", "");
    let (_gateway, address) = run(&config, &[]);
    let admitted = (0..50).filter(|number| status(address, forwarded("/address", &format!("192.0.2.{number}"))) == 200);
    assert_eq!(admitted.count(), 2);
}

#[test]
fn an_address_whose_signatures_keep_failing_is_not_verified_any_more() {
    let admin = free_address();
    let more =
        format!("admin: {admin}\nunverified: {{ failures: {{ rate: 1/h, burst: 5 }}, except: [198.51.100.0/24] }}\n");
    let (_gateway, address) = start(&more);
    let from = |client: &str, nonce: &str| {
        let lines = device_v2("/device", b"").replace("X-HMAC-Nonce: ", nonce);
        status(address, format!("{lines}X-Forwarded-For: {client}\r\nContent-Length: 0\r\n\r\n"))
    };
    let (good, bad) = ("X-HMAC-Nonce: ", "X-HMAC-Nonce: x");
    let guesses: Vec<u16> = (0..8).map(|_| from("192.0.2.1", bad)).collect();
    assert_eq!(guesses, [403, 403, 403, 403, 403, 429, 429, 429]);
    assert_eq!(from("192.0.2.1", good), 429, "it is not even asked any more");
    assert_eq!(from("192.0.2.2", good), 200, "others are let in");
    assert!((0..10).all(|_| from("198.51.100.7", bad) == 403), "and some are never counted");
    assert_eq!(from("198.51.100.7", good), 200);
    let metrics = || {
        let (_, body) = Talk::open(admin).exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        String::from_utf8_lossy(&body).into_owned()
    };
    let shown = eventually(Duration::from_secs(5), || {
        let metrics = metrics();
        metrics.contains("countersign_rate_limited_total{limit=\"unverified:failures\"} 4\n")
            && metrics.contains("countersign_lockouts_total 1\n")
    });
    assert!(shown, "{}", metrics());
}

#[test]
fn a_token_that_is_missing_or_late_is_no_failure() {
    let (_gateway, address) = start("unverified: { failures: { rate: 1/h, burst: 2 } }\n");
    let late = with_token("/tenant", &json!({ "tenant": "a", "iat": 999_999_000, "exp": 1_000_000_000 }));
    assert!((0..10).all(|_| status(address, get("/tenant")) == 401 && status(address, &late) == 401));
    let forged = with_token("/tenant", &json!({ "iss": "another" }));
    assert_eq!([status(address, &forged), status(address, &forged), status(address, &forged)], [401, 401, 429]);
}

#[test]
fn a_guess_is_a_failure_whatever_another_scheme_says_of_it() {
    let config = format!(
        r#"
keys: {{ one: {{ shared: {{ value: {KEY} }} }}, two: {{ shared: {{ value: another-key-of-sixteen }} }} }}
schemes:
  timed: {{ keys: one, message: "{{header:X-T}}.{{body}}", signature: {{ from: "{{header:X-Sig}}", encoding: hex, algorithm: hmac-sha256 }}, timestamp: {{ from: "{{header:X-T}}", formats: [unix], past: 300s, future: 30s }} }}
  plain: {{ keys: two, message: "{{body}}", signature: {{ from: "{{header:X-Sig}}", encoding: hex, algorithm: hmac-sha256 }} }}
upstreams: {{ fixed: {{ respond: {{ body: "fixed" }} }} }}
unverified: {{ failures: {{ rate: 1/h, burst: 3 }} }}
routes:
  - {{ match: {{ path: /any }}, require: {{ any_of: [{{ hmac: timed }}, {{ hmac: plain }}] }}, to: fixed }}
  - {{ match: {{ path: /timed }}, require: {{ hmac: timed }}, to: fixed }}
"#
    );
    let (_gateway, address) = run(&config, &[]);
    let guess = |target: &str, number: u8| {
        let lines = format!("X-T: 1000\r\nX-Sig: {number:064x}");
        status(address, format!("POST {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\nContent-Length: 5\r\n\r\nhello"))
    };
    assert!((0..5).all(|number| guess("/timed", number) == 403), "late alone it is none");
    assert_eq!([0, 1, 2, 3].map(|number| guess("/any", number)), [403, 403, 403, 429]);
}

#[test]
fn requests_are_counted_before_they_are_verified_and_whatever_they_ask_for() {
    let (_gateway, address) = start("unverified: { requests: { rate: 1/h, burst: 4 }, address: { ipv6: 48 } }\n");
    let ask = |target: &str, client: &str| status(address, forwarded(target, client));
    let client = "2001:db8:1:2::3";
    let asked = [ask("/open", client), ask("/nowhere", client), ask("/device", client), ask("/open", client)];
    assert_eq!(asked, [200, 404, 400, 200]);
    assert_eq!([ask("/open", client), ask("/nowhere", "2001:db8:1:3::4")], [429, 429]);
    assert_eq!(ask("/open", "2001:db8:2::1"), 200);
}

#[test]
fn more_addresses_than_there_is_room_for_take_no_more_room() {
    let admin = free_address();
    let (_gateway, address) = start(&format!("admin: {admin}\nlimits: {{ rate_counters: 500 }}\n"));
    let mut client = Talk::open(address);
    for number in 0..3000 {
        let from = format!("10.0.{}.{}", number / 250, number % 250);
        assert_eq!(client.exchange(forwarded("/address", &from)).0.status(), 200);
    }
    let (_, body) = Talk::open(admin).exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let text = String::from_utf8_lossy(&body).into_owned();
    assert!(text.contains("countersign_rate_counters 500\n"), "{text}");
}
