//! What webhooks' senders ask before they send, answered by the gateway itself, and only where a route says so.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{
    signing::{KEY, hmac_hex, now},
    support::{Talk, Upstream, get, run},
};
use crate::support::Gateway;

fn gateway(upstream: &Upstream) -> (Gateway, SocketAddr) {
    let config = format!(
        r#"
keys: {{ k: {{ shared: {{ value: {KEY} }} }} }}
schemes:
  body: {{ preset: raw-body, keys: k }}
  zoom: {{ preset: zoom, keys: k }}
upstreams: {{ app: {{ servers: ["http://{}"] }} }}
routes:
  - {{ match: {{ path: /dropbox }}, require: {{ hmac: body }}, to: app, handshake: dropbox }}
  - {{ match: {{ path: /meta }}, require: {{ hmac: body }}, to: app, handshake: {{ meta: {{ verify_token: {{ value: a-token-of-sixteen-bytes }} }} }} }}
  - {{ match: {{ path: /zoom }}, require: {{ hmac: zoom }}, to: app, handshake: zoom }}
  - {{ match: {{ path: /none }}, require: {{ hmac: zoom }}, to: app }}
"#,
        upstream.address
    );
    run(&config, &[])
}

fn zoom(target: &str, body: &Value, key_fits: bool) -> String {
    let (body, time) = (body.to_string(), now());
    let mut signature = hmac_hex(format!("v0:{time}:{body}"));
    if !key_fits {
        signature = signature.chars().rev().collect();
    }
    format!(
        "POST {target} HTTP/1.1\r\nHost: a\r\nx-zm-signature: v0={signature}\r\nx-zm-request-timestamp: {time}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn dropbox_gets_its_challenge_back_and_nothing_unsigned_gets_through() {
    let upstream = Upstream::echo();
    let (gateway, address) = gateway(&upstream);
    let (head, body) = Talk::open(address).exchange(get("/dropbox?challenge=abc-123"));
    assert_eq!((head.status(), body.as_slice()), (200, b"abc-123".as_slice()));
    assert_eq!(head.field("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(head.field("x-content-type-options"), Some("nosniff"));
    for request in
        [get("/dropbox"), get("/dropbox?challenge=%3Cscript%3E%0A"), get("/dropbox?challenge=").replace("GET", "POST")]
    {
        assert_eq!(Talk::open(address).exchange(request).0.status(), 400);
    }
    let markup = Talk::open(address).exchange(get("/dropbox?challenge=%3Cb%3E"));
    assert_eq!(markup.0.field("x-content-type-options"), Some("nosniff"));
    assert_eq!(upstream.connections(), 0);
    let log = gateway.output_when(|log| log.contains("\"by\":\"handshake\""));
    assert!(log.contains("\"by\":\"handshake\"") && !log.contains("abc-123"), "{log}");
}

/// Signed it would be the answer to whoever's nonce, with whatever body.
#[test]
fn what_is_echoed_is_not_signed() {
    let upstream = Upstream::echo();
    let config = format!(
        r#"
keys: {{ k: {{ shared: {{ value: {KEY} }} }}, own: {{ static: {{ gateway: {{ value: another-key-of-sixteen }} }} }} }}
schemes:
  body: {{ preset: raw-body, keys: k }}
  own: {{ preset: device-v2, keys: own }}
upstreams: {{ app: {{ servers: ["http://{}"] }} }}
routes: [{{ match: {{ path: /dropbox }}, require: {{ hmac: body }}, to: app, handshake: dropbox, sign_response: own }}]
"#,
        upstream.address
    );
    let (_gateway, address) = run(&config, &[]);
    let asked = "GET /dropbox?challenge=abc-123 HTTP/1.1\r\nHost: a\r\nX-HMAC-Nonce: aaaaaaaaaaaaaaaaaaaa\r\n\r\n";
    let (head, body) = Talk::open(address).exchange(asked);
    assert_eq!((head.status(), body.as_slice()), (200, b"abc-123".as_slice()));
    assert_eq!((head.field("x-hmac-answer-signature"), head.field("x-hmac-answer-timestamp")), (None, None));
}

#[test]
fn meta_gets_its_challenge_back_if_it_knows_the_token() {
    let upstream = Upstream::echo();
    let (gateway, address) = gateway(&upstream);
    let asked = |token: &str| {
        let target = format!("/meta?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
        let (head, body) = Talk::open(address).exchange(get(&target));
        (head.status(), body)
    };
    assert_eq!(asked("a-token-of-sixteen-bytes"), (200, b"1158201444".to_vec()));
    for wrong in ["a-token-of-sixteen-byte", "a-token-of-sixteen-bytes-and-more", "b-token-of-sixteen-bytes", ""] {
        assert_eq!(asked(wrong).0, 403, "{wrong}");
    }
    assert_eq!(upstream.connections(), 0);
    let log = gateway.output_when(|log| log.contains("the verify token of the handshake is wrong"));
    assert!(log.contains("the verify token of the handshake is wrong") && !log.contains("a-token-of-"), "{log}");
}

#[test]
fn zoom_gets_its_token_and_a_proof_of_the_key_for_what_it_signed_alone() {
    let upstream = Upstream::echo();
    let (_gateway, address) = gateway(&upstream);
    let event = json!({ "event": "endpoint.url_validation", "payload": { "plainToken": "qgg8vlvZRS6UYooatFL8Aw" } });
    let (head, body) = Talk::open(address).exchange(zoom("/zoom", &event, true));
    let answer: Value = serde_json::from_slice(&body).expect("JSON");
    let proof = hmac_hex("qgg8vlvZRS6UYooatFL8Aw");
    assert_eq!(head.status(), 200);
    assert_eq!(answer, json!({ "plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": proof }));
    let (head, body) = Talk::open(address).exchange(zoom("/zoom", &event, false));
    assert_eq!(head.status(), 403);
    assert!(!String::from_utf8_lossy(&body).contains(&proof));
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn other_events_and_routes_without_a_handshake_go_to_the_upstream() {
    let upstream = Upstream::echo();
    let (_gateway, address) = gateway(&upstream);
    let validation = json!({ "event": "endpoint.url_validation", "payload": { "plainToken": "abc" } });
    let other = json!({ "event": "meeting.started", "payload": { "plainToken": "abc" } });
    for (target, event) in [("/zoom", &other), ("/none", &validation)] {
        let (head, body) = Talk::open(address).exchange(zoom(target, event, true));
        assert_eq!((head.status(), body), (200, event.to_string().into_bytes()), "{target}");
    }
    assert_eq!(Talk::open(address).exchange(get("/none?challenge=a")).0.status(), 400);
}
