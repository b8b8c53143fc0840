//! Answers that the gateway signs: what a client without TLS can be sure of, and what goes unsigned.

use std::{net::SocketAddr, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{
    signing::{KEY, device_v2_at, device_v2_get, hmac_hex, nonce, now, token, with_length},
    support::{Head, Talk, Upstream, free_address, noise, ok, run},
};
use crate::support::Gateway;

const OLD: &str = "an-older-key-of-sixteen-or-more";

/// A gateway whose answers are signed for whoever signs, and on `/token` with a key of its own.
fn gateway(upstream: SocketAddr, more: &str) -> (Gateway, SocketAddr) {
    let nobody = free_address();
    let config = format!(
        r#"
keys:
  devices: {{ static: {{ dev-1: [{{ value: {KEY} }}, {{ value: {OLD} }}], dev-2: {{ value: another-key-of-sixteen }} }} }}
  own: {{ static: {{ gateway: {{ value: {OLD} }} }} }}
  third: {{ static: {{ dev-1: {{ value: {OLD} }} }} }}
schemes:
  v2: {{ preset: device-v2, keys: devices }}
  own: {{ preset: device-v2, keys: own }}
  third: {{ keys: third, key_id: "{{header:X-Id}}", message: "{{key_id}}:{{path}}", signature: {{ from: "{{header:X-Third}}", encoding: hex, algorithm: hmac-sha256 }} }}
  status:
    preset: device-v2
    keys: devices
    answer: {{ message: "{{request_header:X-HMAC-Nonce}}:{{status}}:{{request_header:X-Wanted|default:\"\"}}:{{method}} {{target}}", emit: {{ X-Answer: "k={{key_id}}, s={{signature}}" }} }}
  wanting:
    preset: device-v2
    keys: devices
    answer: {{ message: "{{request_header:X-Wanted}}:{{status}}:{{header:X-Given}}", emit: {{ X-Answer: "{{signature}}" }} }}
tokens: {{ api: {{ keys: [{{ algorithm: HS256, secret: {{ value: {KEY} }} }}], issuer: us, audience: api }} }}
upstreams:
  app: {{ servers: ["http://{upstream}"] }}
  away: {{ servers: ["http://{nobody}"] }}
  here: {{ respond: {{ status: 200, body: '{{"for":"{{subject}}"}}' }} }}
  empty: {{ respond: {{ status: 204 }} }}
routes:
  - {{ match: {{ path: /v2/** }}, require: {{ hmac: v2 }}, to: app, sign_response: v2 }}
  - {{ match: {{ path: /here }}, require: {{ any_of: [{{ hmac: v2 }}, {{ jwt: api }}] }}, to: here, sign_response: v2 }}
  - {{ match: {{ path: /two }}, require: {{ any_of: [{{ hmac: v2 }}, {{ hmac: third }}] }}, to: here, sign_response: v2 }}
  - {{ match: {{ path: /empty }}, require: {{ hmac: v2 }}, to: empty, sign_response: v2 }}
  - {{ match: {{ path: /away }}, require: {{ hmac: v2 }}, to: away, sign_response: v2 }}
  - {{ match: {{ path: /status/** }}, require: {{ hmac: status }}, to: app, sign_response: status }}
  - {{ match: {{ path: /wanting }}, require: {{ hmac: wanting }}, to: app, sign_response: wanting }}
  - {{ match: {{ path: /token }}, require: {{ jwt: api }}, to: here, sign_response: {{ scheme: own, key_id: gateway }} }}
  - {{ match: {{ path: /plain }}, require: {{ hmac: v2 }}, to: app }}
{more}"#
    );
    run(&config, &[])
}

/// A request as `dev-1` sends it, and its nonce.
fn request(target: &str, body: &[u8]) -> (Vec<u8>, String) {
    let nonce = nonce();
    (with_length(&device_v2_at(target, body, now(), &nonce), body), nonce)
}

/// The signature that the client expects on an answer.
fn expected(key: &str, id: &str, nonce: &str, head: &Head, body: &[u8]) -> String {
    let time = head.field("x-hmac-answer-timestamp").unwrap_or_default();
    let content_type = head.field("content-type").unwrap_or_default();
    let digest = hex::encode(Sha256::digest(body));
    let status = head.status();
    keyed(key, format!("v2-answer\n{id}\n{nonce}\n{status}\n{content_type}\n{time}\n{digest}"))
}

fn keyed(key: &str, message: impl AsRef<[u8]>) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length");
    mac.update(message.as_ref());
    hex::encode(mac.finalize().into_bytes())
}

fn signature(head: &Head) -> Option<&str> {
    head.field("x-hmac-answer-signature")
}

fn is_genuine(nonce: &str, head: &Head, body: &[u8]) {
    assert_eq!(signature(head), Some(expected(KEY, "dev-1", nonce, head, body).as_str()), "{head:?}");
}

#[test]
fn an_answer_of_any_kind_is_signed_for_the_very_request() {
    let upstream = Upstream::answering(|head, body| {
        match head.target() {
        "/v2/chunks" => {
            let pieces = body.chunks(1000).flat_map(|piece| {
                [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
            });
            let head = b"HTTP/1.1 201 Made\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n";
            head.iter().copied().chain(pieces).chain(*b"0\r\n\r\n").collect()
        }
        "/v2/304" => b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 5\r\n\r\n".to_vec(),
        "/v2/forged" => {
            b"HTTP/1.1 200 OK\r\nX-HMAC-Answer-Signature: forged\r\nx-hmac-answer-timestamp: 1\r\nContent-Length: 0\r\n\r\n"
                .to_vec()
        }
        _ => ok(body),
    }
    });
    let (_gateway, address) = gateway(upstream.address, "");
    for size in [0, 1, 65_536, 1 << 20] {
        let body = noise(size);
        for target in ["/v2/length", "/v2/chunks"] {
            let (request, nonce) = request(target, &body);
            let (head, answer) = Talk::open(address).exchange(request);
            assert!(answer == body, "{target}: {} of {size} bytes", answer.len());
            is_genuine(&nonce, &head, &answer);
        }
    }
    for (target, status) in [("/v2/304", 304), ("/empty", 204), ("/here", 200), ("/v2/forged", 200)] {
        let (request, nonce) = request(target, b"");
        let (head, answer) = Talk::open(address).exchange(request);
        assert_eq!(head.status(), status, "{target}");
        is_genuine(&nonce, &head, &answer);
    }
}

#[test]
fn the_answer_to_a_head_is_signed_as_what_it_is_without_a_body() {
    let upstream = Upstream::answering(|_, _| b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n".to_vec());
    let (_gateway, address) = gateway(upstream.address, "");
    let (time, nonce) = (now(), nonce());
    let digest = hex::encode(Sha256::digest(""));
    let signed = hmac_hex(format!("v2\ndev-1\nHEAD\na\n/v2/a\n{time}\n{nonce}\n{digest}"));
    let request = format!(
        "HEAD /v2/a HTTP/1.1\r\nHost: a\r\nX-HMAC-Key-Id: dev-1\r\nX-HMAC-Timestamp: {time}\r\n\
         X-HMAC-Nonce: {nonce}\r\nX-HMAC-Signature: {signed}\r\n\r\n"
    );
    let (head, _) = Talk::open(address).exchange(request);
    assert_eq!(head.field("content-length"), Some("7"));
    is_genuine(&nonce, &head, b"");
}

#[test]
fn the_secret_that_signed_the_request_signs_the_answer() {
    let upstream = Upstream::echo();
    let (_gateway, address) = gateway(upstream.address, "");
    let (time, nonce) = (now(), nonce());
    let digest = hex::encode(Sha256::digest(""));
    let signed = keyed(OLD, format!("v2\ndev-1\nGET\na\n/v2/a\n{time}\n{nonce}\n{digest}"));
    let request = format!(
        "GET /v2/a HTTP/1.1\r\nHost: a\r\nX-HMAC-Key-Id: dev-1\r\nX-HMAC-Timestamp: {time}\r\n\
         X-HMAC-Nonce: {nonce}\r\nX-HMAC-Signature: {signed}\r\n\r\n"
    );
    let (head, answer) = Talk::open(address).exchange(request);
    assert_eq!(head.status(), 200);
    assert_eq!(signature(&head), Some(expected(OLD, "dev-1", &nonce, &head, &answer).as_str()));
}

#[test]
fn refusals_are_signed_once_the_caller_is_known_and_not_before() {
    let upstream = Upstream::echo();
    let (_gateway, address) = gateway(upstream.address, "");
    let (again, nonce) = request("/v2/a", b"body");
    assert_eq!(Talk::open(address).exchange(&again).0.status(), 200);
    let (head, body) = Talk::open(address).exchange(&again);
    assert_eq!(head.status(), 409);
    is_genuine(&nonce, &head, &body);
    let (away, nonce) = request("/away", b"");
    let (head, body) = Talk::open(address).exchange(away);
    assert_eq!(head.status(), 502);
    is_genuine(&nonce, &head, &body);

    let (mut forged, _) = request("/v2/a", b"body");
    *forged.last_mut().expect("a byte") ^= 1;
    let (head, _) = Talk::open(address).exchange(forged);
    assert_eq!((head.status(), signature(&head)), (403, None));
    let (head, _) = Talk::open(address).exchange("GET /v2/a HTTP/1.1\r\nHost: a\r\nX-HMAC-Nonce: chosen\r\n\r\n");
    assert_eq!((head.status(), signature(&head)), (400, None), "whoever has no key gets nothing signed");
}

#[test]
fn answers_to_other_credentials_and_on_other_routes_go_unsigned() {
    let upstream = Upstream::echo();
    let (_gateway, address) = gateway(upstream.address, "");
    let (head, _) = Talk::open(address).exchange(device_v2_get("/plain") + "\r\n");
    assert_eq!((head.status(), signature(&head)), (200, None));
    let bearer = token(&serde_json::json!({ "sub": "dev-1" }));
    let request = format!("GET /here HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {bearer}\r\nX-HMAC-Nonce: x\r\n\r\n");
    let (head, _) = Talk::open(address).exchange(request);
    assert_eq!((head.status(), signature(&head)), (200, None), "a token has no key to sign with");
}

#[test]
fn the_same_id_by_another_scheme_is_another_key_s() {
    let upstream = Upstream::echo();
    let (_gateway, address) = gateway(upstream.address, "");
    let third = keyed(OLD, "dev-1:/two");
    let by_third =
        format!("GET /two HTTP/1.1\r\nHost: a\r\nX-Id: dev-1\r\nX-Third: {third}\r\nX-HMAC-Nonce: n\r\n\r\n");
    let (head, _) = Talk::open(address).exchange(by_third);
    assert_eq!((head.status(), signature(&head)), (200, None));
    let (signed, nonce) = request("/two", b"");
    let (head, body) = Talk::open(address).exchange(signed);
    is_genuine(&nonce, &head, &body);
}

#[test]
fn a_key_of_the_gateway_s_own_signs_for_everybody() {
    let upstream = Upstream::echo();
    let (_gateway, address) = gateway(upstream.address, "");
    let bearer = token(&serde_json::json!({ "sub": "alice" }));
    let request =
        format!("GET /token HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {bearer}\r\nX-HMAC-Nonce: chosen\r\n\r\n");
    for (request, status) in [(request.clone(), 200), (request.replace("Bearer ey", "Bearer fy"), 401)] {
        let (head, body) = Talk::open(address).exchange(request);
        assert_eq!(head.status(), status);
        assert_eq!(signature(&head), Some(expected(OLD, "gateway", "chosen", &head, &body).as_str()));
    }
}

#[test]
fn an_answer_that_is_too_large_to_be_signed_is_a_signed_502_and_the_log_says_why() {
    let upstream = Upstream::answering(|head, _| match head.target() {
        "/v2/length" => ok(noise(100_001)),
        _ => {
            let chunk = noise(60_000);
            let piece = [b"ea60\r\n".as_slice(), &chunk, b"\r\n"].concat();
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice();
            [head, &piece, &piece, b"0\r\n\r\n"].concat()
        }
    });
    let (gateway, address) = gateway(upstream.address, "limits: { body: 100000 }");
    for target in ["/v2/length", "/v2/chunks"] {
        let (request, nonce) = request(target, b"");
        let (head, body) = Talk::open(address).exchange(request);
        assert_eq!(head.status(), 502, "{target}");
        is_genuine(&nonce, &head, &body);
    }
    let log = gateway.output_when(|log| log.matches("the answer is to be signed").count() == 2);
    assert_eq!(log.matches("the answer is to be signed: the body is larger than 100000 bytes").count(), 2, "{log}");
}

#[test]
fn a_request_that_lacks_what_its_answer_needs_is_refused_before_it_is_forwarded() {
    let upstream = Upstream::answering(|_, _| b"HTTP/1.1 200 OK\r\nX-Given: g\r\nContent-Length: 0\r\n\r\n".to_vec());
    let (_gateway, address) = gateway(upstream.address, "");
    let (head, _) = Talk::open(address).exchange(device_v2_get("/wanting") + "\r\n");
    assert_eq!((head.status(), head.field("x-answer")), (400, None));
    assert_eq!(upstream.connections(), 0);
    let (head, _) = Talk::open(address).exchange(device_v2_get("/wanting") + "X-Wanted: w\r\n\r\n");
    assert_eq!((head.status(), head.field("x-answer")), (200, Some(hmac_hex("w:200:g").as_str())));
}

#[test]
fn an_answer_that_lacks_what_is_signed_is_a_502() {
    let upstream = Upstream::echo();
    let (gateway, address) = gateway(upstream.address, "");
    let (head, _) = Talk::open(address).exchange(device_v2_get("/wanting") + "X-Wanted: w\r\n\r\n");
    assert_eq!(head.status(), 502);
    let log = gateway.output_when(|log| log.contains("the answer could not"));
    assert!(log.contains("the answer could not be signed: `header:X-Given` is not there"), "{log}");
}

#[test]
fn an_answer_whose_body_is_not_signed_still_streams() {
    let (continues, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let upstream = Upstream::start(move |mut talk| {
        if talk.request().is_some() {
            talk.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
            let _ = wait.lock().expect("the lock").recv_timeout(Duration::from_secs(10));
            talk.write("3\r\ntwo\r\n0\r\n\r\n");
        }
    });
    let (_gateway, address) = gateway(upstream.address, "");
    let mut client = Talk::open(address);
    let nonce = nonce();
    client.write(device_v2_at("/status/a", b"", now(), &nonce) + "Content-Length: 0\r\n\r\n");
    let head = client.head().expect("a head before the body's end");
    let signature = hmac_hex(format!("{nonce}:200::POST /status/a"));
    assert_eq!(head.field("x-answer"), Some(format!("k=dev-1, s={signature}").as_str()));
    assert_eq!(client.chunk().expect("a chunk before the last"), b"one");
    continues.send(()).expect("the upstream waits");
    assert_eq!(client.chunk().expect("a chunk"), b"two");
}
