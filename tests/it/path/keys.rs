//! Keys as operators keep them: several secrets on one id, when each is good, and what else is known of an id.

mod databases;
mod drill;
mod kept;
mod redis;
mod rotation;
mod service;
mod sources;

use std::net::SocketAddr;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::support::{Head, Talk, run};
use crate::support::{Gateway, loopback};

/// A scheme that signs id and path, and an upstream that shows what it received.
const CONFIG: &str = r#"
schemes:
  signed:
    keys: devices
    key_id: "{header:X-Id}"
    message: "{key_id}\n{path}"
    signature: { from: "{header:X-Signature}", encoding: hex, algorithm: hmac-sha256 }
upstreams: { echo: { echo: true } }
routes:
  - { name: open, match: { path: /open }, require: { hmac: signed }, to: echo }
  - { name: inner, match: { path: /inner }, require: { hmac: signed }, to: echo }
  - { name: told, match: { path: /told }, require: { hmac: signed }, to: echo, set_headers: { X-Tenant: "{key:tenant}" } }
"#;

/// A gateway with those keys, and where its metrics are.
struct Bench {
    gateway: Gateway,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Bench {
    /// `keys` is what stands behind `keys: { devices:`.
    fn start(keys: &str) -> Bench {
        Bench::start_with(keys, &[])
    }

    /// The same in an environment.
    fn start_with(keys: &str, environment: &[(&str, &str)]) -> Bench {
        let admin = loopback();
        let (gateway, address) = run(&format!("keys: {{ devices: {keys} }}\nadmin: {admin}\n{CONFIG}"), environment);
        Bench { gateway, address, admin }
    }

    /// Sends a GET of `path` signed by `id` with `secret`.
    fn send(&self, id: &str, secret: &str, path: &str) -> (Head, Value) {
        let signature = signature(secret, &format!("{id}\n{path}"));
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Id: {id}\r\nX-Signature: {signature}\r\n\r\n");
        let (head, body) = Talk::open(self.address).exchange(request);
        (head, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Status, and the last part of the problem's type.
    fn told(&self, id: &str, secret: &str, path: &str) -> (u16, String) {
        let (head, body) = self.send(id, secret, path);
        let kind = body["type"].as_str().unwrap_or_default();
        (head.status(), kind.strip_prefix("urn:countersign:").unwrap_or(kind).to_owned())
    }

    fn status(&self, id: &str, secret: &str, path: &str) -> u16 {
        self.told(id, secret, path).0
    }

    /// The line of a metric of that beginning.
    fn metric(&self, beginning: &str) -> Option<String> {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", self.admin);
        let (_, text) = Talk::open(self.admin).exchange(request);
        let text = String::from_utf8(text).expect("text");
        text.lines().find(|line| line.starts_with(beginning)).map(str::to_owned)
    }
}

fn signature(secret: &str, message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    mac.update(message.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

const OLD: &str = "the-old-secret-of-32-bytes-or-so";
const NEW: &str = "the-new-secret-of-32-bytes-or-so";

#[test]
fn a_key_is_for_the_routes_that_it_names_and_for_no_other() {
    let bench = Bench::start(
        "{ static: { a: { secrets: { value: the-new-secret-of-32-bytes-or-so }, attributes: { routes: [open, told] } } } }",
    );
    assert_eq!(bench.status("a", NEW, "/open"), 200);
    assert_eq!(bench.told("a", NEW, "/inner"), (403, "not-allowed".to_owned()));
    assert_eq!(bench.told("a", OLD, "/inner"), (403, "invalid-signature".to_owned()), "who cannot sign learns nothing");
    let log = bench.gateway.output_when(|log| log.contains("not-allowed"));
    assert!(log.contains("the key may not be used on this route"), "{log}");
}

#[test]
fn an_attribute_goes_to_the_upstream_and_nobody_can_send_it() {
    let bench = Bench::start(
        "{ static: { a: { secrets: { value: the-new-secret-of-32-bytes-or-so }, attributes: { tenant: acme } },
                     b: { value: the-old-secret-of-32-bytes-or-so } } }",
    );
    assert_eq!(bench.send("a", NEW, "/told").1["headers"]["x-tenant"], "acme");
    let signature = signature(NEW, "a\n/open");
    let forged =
        format!("GET /open HTTP/1.1\r\nHost: a\r\nX-Tenant: evil\r\nX-Id: a\r\nX-Signature: {signature}\r\n\r\n");
    let (_, body) = Talk::open(bench.address).exchange(forged);
    assert!(!String::from_utf8_lossy(&body).contains("evil"));
    assert_eq!(bench.told("b", OLD, "/told"), (403, "not-allowed".to_owned()), "a key without a tenant is not for it");
}

#[test]
fn a_disabled_id_is_refused_as_an_unknown_one_is() {
    let bench =
        Bench::start("{ static: { a: { secrets: { value: the-new-secret-of-32-bytes-or-so }, disabled: true } } }");
    let refused = (403, "invalid-signature".to_owned());
    assert_eq!(bench.told("a", NEW, "/open"), refused);
    assert_eq!(bench.told("b", NEW, "/open"), refused);
    let log = bench.gateway.output_when(|log| log.contains("unknown key id") && log.contains("the key id is disabled"));
    assert!(log.contains("unknown key id") && log.contains("the key id is disabled"), "{log}");
}
