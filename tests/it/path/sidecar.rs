//! Requests that the gateway signs for their upstream: what the signature is over, and whose it is.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use sha2::{Digest, Sha256};

use super::{
    signing::{KEY, hmac_hex, now, token},
    support::{Head, Talk, Upstream, free_address, get, noise, ok, post, run},
};
use crate::support::Gateway;

/// What an upstream received.
type Received = Arc<Mutex<Vec<(Head, Vec<u8>)>>>;

/// An upstream that keeps what it receives and answers `ok`.
fn recorder() -> (Upstream, Received) {
    let received = Received::default();
    let kept = received.clone();
    let upstream = Upstream::answering(move |head, body| {
        kept.lock().expect("the lock").push((head.clone(), body));
        ok("ok")
    });
    (upstream, received)
}

fn last(received: &Received) -> (Head, Vec<u8>) {
    received.lock().expect("the lock").last().expect("a request").clone()
}

/// A gateway that signs as `client-1` by `device-v2` what comes to `/v2/**`, and by other schemes what comes elsewhere.
fn signing_to(upstream: SocketAddr, more: &str) -> (Gateway, SocketAddr) {
    let config = format!(
        r#"
keys: {{ k: {{ static: {{ client-1: [{{ value: {KEY} }}, {{ value: an-older-key-of-sixteen }}], other: {{ value: another-key-of-sixteen }} }} }}, s: {{ shared: {{ value: {KEY} }} }} }}
schemes:
  v2: {{ preset: device-v2, keys: k }}
  set: {{ keys: s, message: "{{header:X-Tenant}}|{{header:X-Request-Id}}|{{header:Content-Length}}|{{header:Host}}",
    signature: {{ from: "{{header:X-Sig}}", encoding: hex, algorithm: hmac-sha256 }} }}
  asked: {{ keys: k, key_id: "{{query:key}}", message: "{{path}}|{{query:a}}|{{query:key}}",
    signature: {{ from: "{{query:sig}}", encoding: hex, algorithm: hmac-sha256 }}, emit: {{ "?key": "{{key_id}}", "?sig": "{{signature}}" }} }}
  wants: {{ keys: s, message: "{{header:X-Wanted}}", signature: {{ from: "{{header:X-Sig}}", encoding: hex, algorithm: hmac-sha256 }} }}
  fields: {{ keys: s, message: "{{json:/id}}", signature: {{ from: "{{header:X-Sig}}", encoding: hex, algorithm: hmac-sha256 }} }}
tokens: {{ api: {{ keys: [{{ algorithm: HS256, secret: {{ value: {KEY} }} }}], issuer: us, audience: api }} }}
upstreams:
  app: {{ servers: ["http://{upstream}/base"], host: server, sign: {{ scheme: v2, key_id: client-1 }} }}
  fixed: {{ servers: ["http://{upstream}"], host: {{ fixed: api.test }} }}
  client: {{ servers: ["http://{upstream}"] }}
  echo: {{ echo: true }}
routes:
  - {{ match: {{ path: /v2/** }}, public: true, to: app, set_headers: {{ X-Tenant: t1 }} }}
  - {{ match: {{ path: /fixed }}, public: true, to: fixed, sign: {{ scheme: v2, key_id: other }} }}
  - {{ match: {{ path: /client }}, public: true, to: client, sign: {{ scheme: v2, key_id: client-1 }} }}
  - {{ match: {{ path: /token }}, require: {{ jwt: {{ tokens: api, from: {{ query: access_token }} }} }}, to: app }}
  - {{ match: {{ path: /set }}, public: true, to: app, sign: set, set_headers: {{ X-Tenant: t1 }} }}
  - {{ match: {{ path: /asked }}, public: true, to: app, sign: {{ scheme: asked, key_id: client-1 }} }}
  - {{ match: {{ path: /wants }}, public: true, to: app, sign: wants }}
  - {{ match: {{ path: /fields }}, public: true, to: app, sign: fields }}
  - {{ match: {{ path: /small }}, public: true, to: app, max_body: 1KiB }}
  - {{ match: {{ path: /echo }}, public: true, to: echo, sign: {{ scheme: v2, key_id: client-1 }} }}
  - {{ match: {{ path: /plain }}, public: true, to: client }}
{more}"#
    );
    run(&config, &[])
}

/// The signature that `device-v2` asks for, of what was received.
fn expected((head, body): &(Head, Vec<u8>)) -> String {
    let field = |name: &str| head.field(name).unwrap_or_default();
    let (id, time, nonce) = (field("x-hmac-key-id"), field("x-hmac-timestamp"), field("x-hmac-nonce"));
    let digest = hex::encode(Sha256::digest(body));
    let (method, host, target) = (head.method(), field("host"), head.target());
    hmac_hex(format!("v2\n{id}\n{method}\n{host}\n{target}\n{time}\n{nonce}\n{digest}"))
}

#[test]
fn the_sidecar_s_requests_are_verified_by_another_gateway() {
    let (upstream, received) = recorder();
    let (api, own) = (free_address(), free_address());
    let verifying = format!(
        "listen: {{ address: {api}, public_origin: \"http://{api}\" }}\n\
         keys: {{ k: {{ static: {{ client-1: {{ value: {KEY} }} }} }} }}\n\
         schemes: {{ v2: {{ preset: device-v2, keys: k }} }}\n\
         upstreams: {{ app: {{ servers: [\"http://{}\"] }} }}\n\
         routes: [{{ match: {{ path: /** }}, require: {{ hmac: v2 }}, must_cover: [method, path, query, authority, body], to: app }}]\n",
        upstream.address
    );
    let _api = Gateway::start(&verifying, &[], api);
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/sidecar.yaml")).expect("the example");
    let (listen, server) = ("listen: 127.0.0.1:8001", "http://127.0.0.1:8000");
    assert!(text.contains(listen) && text.contains(server), "{text}");
    let text = text.replace(listen, &format!("listen: {own}")).replace(server, &format!("http://{api}"));
    let _sidecar = Gateway::start(&text, &[("API_KEY", KEY)], own);

    let mut client = Talk::open(own);
    let large = noise(1 << 20);
    let chunked =
        [b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".as_slice()].concat();
    let requests = [
        (get("/a?b=%2F&c=d").into_bytes(), b"".as_slice()),
        (get("/a?b=%2F&c=d").into_bytes(), b""),
        (post("/b", "a body"), b"a body"),
        (post("/large", &large), &large),
        (chunked, b"abc"),
        (b"DELETE /d HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), b""),
    ];
    for (request, body) in requests {
        let (head, answer) = client.exchange(&request);
        assert_eq!(head.status(), 200, "{}", String::from_utf8_lossy(&answer));
        let (head, received) = last(&received);
        assert!(received == body, "{} bytes", received.len());
        assert_eq!(head.field("x-countersign-key-id"), Some("client-1"));
        assert_eq!(head.field("x-hmac-signature"), None, "a verified credential goes no further");
    }
    let unsigned = Talk::open(api).exchange(get("/a"));
    assert_eq!(unsigned.0.status(), 400, "without the sidecar nothing gets in");
}

#[test]
fn what_is_signed_is_what_the_upstream_sees() {
    let (upstream, received) = recorder();
    let (_gateway, address) = signing_to(upstream.address, "");
    let token = token(&serde_json::json!({}));
    let cases = [
        ("/v2/a?b=c", "/base/v2/a?b=c".to_owned(), upstream.address.to_string()),
        ("/client", "/client".to_owned(), "a".to_owned()),
        (
            &format!("/token?x=1&access_token={token}&y=2"),
            "/base/token?x=1&y=2".to_owned(),
            upstream.address.to_string(),
        ),
    ];
    for (target, seen, host) in cases {
        let (answer, _) = Talk::open(address).exchange(post(target, "body"));
        assert_eq!(answer.status(), 200, "{target}");
        let request = last(&received);
        assert_eq!((request.0.target(), request.0.field("host")), (seen.as_str(), Some(host.as_str())));
        assert_eq!(request.0.field("x-hmac-key-id"), Some("client-1"));
        assert_eq!(request.0.field("x-hmac-signature"), Some(expected(&request).as_str()), "{target}");
        let time: i64 = request.0.field("x-hmac-timestamp").and_then(|time| time.parse().ok()).expect("a time");
        assert!((now() - time).abs() < 60, "{time}");
    }
}

#[test]
fn a_route_signs_with_the_key_and_for_the_host_that_it_names() {
    let (upstream, received) = recorder();
    let (_gateway, address) = signing_to(upstream.address, "");
    Talk::open(address).exchange(post("/fixed", "body"));
    let request = last(&received);
    assert_eq!(request.0.field("host"), Some("api.test"));
    assert_eq!(request.0.field("x-hmac-key-id"), Some("other"));
    assert_ne!(request.0.field("x-hmac-signature"), Some(expected(&request).as_str()), "this key is another");
    Talk::open(address).exchange(post("/plain", "body"));
    assert!(last(&received).0.fields.iter().all(|(name, _)| !name.starts_with("x-hmac")), "this route signs nothing");
}

#[test]
fn a_client_s_own_signature_headers_are_gone_first_in_any_spelling() {
    let (upstream, received) = recorder();
    let (_gateway, address) = signing_to(upstream.address, "");
    let request = "GET /v2/a HTTP/1.1\r\nHost: a\r\nX-HMAC-Signature: forged\r\nx-hmac-signature: twice\r\n\
                   X_HMAC_Nonce: twin\r\nX.Hmac.Key.Id: twin\r\nX-HMAC-Timestamp: 1\r\nX-Other: stays\r\n\r\n";
    assert_eq!(Talk::open(address).exchange(request).0.status(), 200);
    let request = last(&received);
    assert_eq!(request.0.field("x-hmac-signature"), Some(expected(&request).as_str()));
    assert_eq!(request.0.field("x-other"), Some("stays"));
    let alike = |name: &str| request.0.fields.iter().filter(|(own, _)| own.replace(['_', '.'], "-") == name).count();
    for name in ["x-hmac-signature", "x-hmac-nonce", "x-hmac-key-id", "x-hmac-timestamp"] {
        assert_eq!(alike(name), 1, "{name}: {:?}", request.0.fields);
    }
}

#[test]
fn headers_are_signed_as_they_are_written_last() {
    let (upstream, received) = recorder();
    let (_gateway, address) = signing_to(upstream.address, "");
    let forged =
        "POST /set HTTP/1.1\r\nHost: a\r\nX-Tenant: t2\r\nX-Request-Id: forged\r\nContent-Length: 4\r\n\r\nbody";
    assert_eq!(Talk::open(address).exchange(forged).0.status(), 200);
    let (head, _) = last(&received);
    let id = head.field("x-request-id").expect("an id");
    let signed = hmac_hex(format!("t1|{id}|4|{}", upstream.address));
    assert_eq!((head.field("x-tenant"), head.field("x-sig")), (Some("t1"), Some(signed.as_str())));
    assert_ne!(id, "forged");
}

#[test]
fn a_signature_may_be_written_into_the_query() {
    let (upstream, received) = recorder();
    let (_gateway, address) = signing_to(upstream.address, "");
    let (answer, _) = Talk::open(address).exchange(get("/asked?a=1&sig=forged&key=forged"));
    assert_eq!(answer.status(), 200);
    let signature = hmac_hex("/base/asked|1|client-1");
    assert_eq!(last(&received).0.target(), format!("/base/asked?a=1&key=client-1&sig={signature}"));
}

#[test]
fn what_cannot_be_signed_is_refused_and_nothing_of_it_forwarded() {
    let (upstream, received) = recorder();
    let (gateway, address) = signing_to(upstream.address, "");
    for (request, status) in [
        (get("/wants").into_bytes(), 400),
        (post("/fields", "no json"), 400),
        (post("/fields", r#"{"other":1}"#), 400),
        (post("/fields", format!("{{\"id\":1,\"x\":\"{}\"}}", "a".repeat(70_000))), 413),
        (post("/small", "a".repeat(2_000)), 413),
    ] {
        let (head, _) = Talk::open(address).exchange(request);
        assert_eq!(head.status(), status);
    }
    assert!(received.lock().expect("the lock").is_empty());
    let said = "could not be signed: `header:X-Wanted` is not there";
    let log = gateway.output_when(|log| log.contains(said));
    assert!(log.contains(said), "{log}");
    assert_eq!(Talk::open(address).exchange(post("/fields", r#"{"id":7}"#)).0.status(), 200);
    assert_eq!(last(&received).0.field("x-sig"), Some(hmac_hex("7").as_str()));
}

#[test]
fn a_body_that_would_not_come_pins_nothing_at_the_upstream() {
    let (upstream, _received) = recorder();
    let (_gateway, address) = signing_to(upstream.address, "timeouts: { body: 300ms }");
    let mut client = Talk::open(address);
    client.write("POST /v2/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
    assert_eq!(client.answer(false).expect("an answer").0.status(), 408);
    assert_eq!(upstream.connections(), 0, "its head would have been sent before its body was known");
}

#[test]
fn a_signed_request_that_met_a_closed_connection_is_sent_again() {
    let received = Received::default();
    let kept = received.clone();
    // Each connection serves one request that it says nothing of closing after.
    let upstream = Upstream::start(move |mut talk| {
        if let Some((head, body)) = talk.request() {
            kept.lock().expect("the lock").push((head, body));
            talk.write(ok("ok"));
        }
    });
    let (_gateway, address) = signing_to(upstream.address, "");
    let mut client = Talk::open(address);
    for count in 1..=5 {
        assert_eq!(client.exchange(get("/v2/a")).0.status(), 200);
        let request = last(&received);
        assert_eq!(request.0.field("x-hmac-signature"), Some(expected(&request).as_str()));
        assert_eq!(received.lock().expect("the lock").len(), count);
    }
}

#[test]
fn an_echo_shows_the_signature_that_an_upstream_would_get() {
    let (upstream, _) = recorder();
    let (_gateway, address) = signing_to(upstream.address, "");
    let (_, answer) = Talk::open(address).exchange(post("/echo", "body"));
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
    let field = |name: &str| answer["headers"][name].as_str().unwrap_or_default();
    let (time, nonce) = (field("x-hmac-timestamp"), field("x-hmac-nonce"));
    let digest = hex::encode(Sha256::digest("body"));
    let signature = hmac_hex(format!("v2\nclient-1\nPOST\na\n/echo\n{time}\n{nonce}\n{digest}"));
    assert_eq!(field("x-hmac-signature"), signature, "{answer}");
    assert_eq!(answer["body"], "body");
}
