//! Which headers and bytes an upstream sees, whatever the client sent: nothing that a client says of itself, nothing
//! that was spent, and what the gateway knows.

use std::net::SocketAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::support::{Gateway, Recorder, loopback, send, strict::Seen};

const CONFIG: &str = r#"
listen: LISTEN
keys: { devices: { static: { dev-1: { env: KEY } } } }
schemes:
  signed:
    keys: devices
    key_id: "{header:X-Device}"
    message: "{header:X-Device}:{target}:{body}"
    signature: { from: "{header:X-Signature}", encoding: hex, algorithm: hmac-sha256 }
upstreams: { app: { servers: ["http://UPSTREAM/prefix"] } }
routes:
  - { match: { path: /open/** }, public: true, to: app }
  - { match: { path: /signed/** }, require: { hmac: signed }, to: app, set_headers: { X-Auth-User: "{subject}" } }
  - { match: { path: /passed/** }, require: { hmac: signed }, to: app, forward_credentials: true }
"#;
const KEY: &str = "0123456789abcdef0123456789abcdef";

struct Bench {
    address: SocketAddr,
    upstream: Recorder,
    _gateway: Gateway,
}

impl Bench {
    fn start() -> Bench {
        let (upstream, address) = (Recorder::start(), loopback());
        let config = CONFIG.replace("LISTEN", &address.to_string()).replace("UPSTREAM", &upstream.address.to_string());
        Bench { _gateway: Gateway::start(&config, &[("KEY", KEY)], address), upstream, address }
    }

    /// What the upstream saw of a request that got through.
    fn seen(&self, request: &str) -> Seen {
        let answer = send(self.address, request.as_bytes()).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = self.upstream.requests().pop().expect("a request upstream");
        assert_eq!(seen.oddities, [""; 0], "what goes upstream is plain");
        seen
    }
}

fn signed(target: &str, fields: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("any length");
    mac.update(format!("dev-1:{target}:{body}").as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: a\r\nX-Device: dev-1\r\nX-Signature: {signature}\r\n{fields}\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

const SPOOFED: &str = "X-Auth-User: root\r\nx_auth_user: root\r\nX.Auth.User: root\r\nX-Countersign-Subject: root\r\n\
    X_Countersign_Key_Id: root\r\nX-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\n\
    X-Original-URL: /signed/root\r\nX-HTTP-Method-Override: DELETE\r\nProxy-Authorization: Basic cm9vdA==\r\n\
    SCRIPT_NAME: /root\r\nScript-Name: /root\r\nX-Script-Name: /root\r\nDaphne-Root-Path: /root\r\nX-Accel-Mapping: /=/root\r\n\
    Forwarded-For: 192.0.2.1\r\n$WSRU: root\r\n_wsra: 192.0.2.1\r\nssl_client_escaped_cert: root\r\n\
    X-Forwarded-User: root\r\nx_forwarded.client-cert: root\r\nX-Countersign-Role: root\r\nClient-Cert: root\r\n\
    Connection: X-Auth-User, X-Countersign-Subject, X-Forwarded-For, X-Hop, keep-alive\r\nX-Hop: 1\r\nTE: trailers\r\n\
    Upgrade: h2c\r\nKeep-Alive: timeout=5\r\n";

#[test]
fn nothing_a_client_says_of_itself_reaches_an_upstream() {
    let bench = Bench::start();
    let seen = bench.seen(&format!("GET /open/a HTTP/1.1\r\nHost: a\r\n{SPOOFED}\r\n"));
    let known = ["host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "x-request-id"];
    for (name, value) in &seen.fields {
        assert!(known.contains(&name.as_str()), "{name}: {value}");
        assert!(!value.contains("root") && !value.contains("192.0.2.1"), "{name}: {value}");
    }
    assert_eq!(seen.values("x-forwarded-for"), ["127.0.0.1"]);
}

#[test]
fn the_gateway_s_own_headers_cannot_be_removed_or_doubled() {
    let bench = Bench::start();
    let seen = bench.seen(&signed("/signed/a", SPOOFED, "body"));
    for (name, value) in [
        ("x-auth-user", "dev-1"),
        ("x-countersign-subject", "dev-1"),
        ("x-countersign-key-id", "dev-1"),
        ("x-countersign-scheme", "signed"),
        ("x-forwarded-for", "127.0.0.1"),
    ] {
        assert_eq!(seen.values(name), [value], "{name}");
    }
}

#[test]
fn a_verified_credential_goes_no_further_unless_the_route_says_so() {
    let bench = Bench::start();
    assert!(bench.seen(&signed("/signed/a", "", "body")).values("x-signature").is_empty());
    assert_eq!(bench.seen(&signed("/passed/a", "", "body")).values("x-signature").len(), 1);
}

#[test]
fn path_query_and_body_arrive_as_they_came_behind_the_server_s_prefix() {
    let bench = Bench::start();
    let seen = bench.seen(&signed("/signed/a%20b;v=1/C?q=a+b&&x=%41", "", "\u{0}\r\n0\r\n\r\n"));
    assert_eq!(seen.target, "/prefix/signed/a%20b;v=1/C?q=a+b&&x=%41");
    assert_eq!(seen.body, b"\x00\r\n0\r\n\r\n");
    assert_eq!(seen.method, "POST");
}
