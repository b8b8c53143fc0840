//! Who is let in, what refusals look like, and what an upstream is told.

mod refusals;
mod replay;
mod several;
mod told;

use std::net::SocketAddr;

use serde_json::Value;

use super::{
    signing::KEY,
    support::{Head, Talk, run},
};
use crate::support::Gateway;

/// A gateway with one route for each way of asking, all to an upstream that tells what it received.
struct Bench {
    gateway: Gateway,
    address: SocketAddr,
}

const CONFIG: &str = r#"
keys: { fleet: { shared: { value: KEY } }, devices: { static: { dev-1: { value: KEY } } } }
schemes:
  v2: { preset: device-v2, keys: devices }
  device: { preset: device, keys: fleet }
  text: { preset: raw-body, keys: fleet }
  other: { preset: raw-body, keys: fleet, signature: { from: "{header:X-Signature}", encoding: hex, algorithm: hmac-sha256 } }
  asked: { keys: fleet, message: "{path}", signature: { from: "{query:sig}", encoding: hex, algorithm: hmac-sha256 } }
  inside: { keys: fleet, message: "{json:/a}", signature: { from: "{json:/sig}", encoding: hex, algorithm: hmac-sha256 } }
tokens:
  api: { keys: [{ algorithm: HS256, secret: { value: KEY } }], issuer: us, audience: api, leeway: 0s }
  once: { keys: [{ algorithm: HS256, secret: { value: KEY } }], issuer: us, audience: api, replay: true }
  legacy: { keys: [{ algorithm: HS256, secret: { value: my_super_secret_key } }], expiry: optional }
upstreams: { echo: { echo: true } }
routes:
  - { match: { path: /public }, public: true, to: echo }
  - { match: { path: /v2 }, require: { hmac: v2 }, to: echo }
  - { match: { path: /other }, require: { hmac: other }, to: echo }
  - { match: { path: /asked }, require: { hmac: asked }, to: echo }
  - { match: { path: /inside }, require: { hmac: inside }, to: echo }
  - { match: { path: /bearer }, require: { jwt: api }, to: echo, set_headers: { X-Role: "{claim:role|default:\"none\"}" } }
  - { match: { path: /role }, require: { jwt: api }, to: echo, set_headers: { X-Role: "{claim:role}" } }
  - { match: { path: /bare }, require: { jwt: { tokens: api, from: authorization } }, to: echo }
  - { match: { path: /cookie }, require: { jwt: { tokens: api, from: { cookie: session } } }, to: echo }
  - { match: { path: /query }, require: { jwt: { tokens: api, from: { query: access_token } } }, to: echo }
  - { match: { path: /header }, require: { jwt: { tokens: api, from: { header: X-Token } } }, to: echo }
  - { match: { path: /passed }, require: { jwt: api }, to: echo, forward_credentials: true }
  - { match: { path: /known }, require: { jwt: { tokens: legacy, from: authorization } }, to: echo }
  - { match: { path: /either }, require: { any_of: [{ hmac: v2 }, { jwt: api }] }, to: echo }
  - { match: { path: /token-first }, require: { any_of: [{ jwt: api }, { hmac: v2 }] }, to: echo }
  - { match: { path: /forms }, require: { any_of: [{ hmac: device }, { hmac: text }] }, to: echo }
  - { match: { path: /forms-device }, require: { hmac: device }, to: echo }
  - { match: { path: /both }, require: { all_of: [{ hmac: other }, { jwt: api }] }, to: echo }
  - { match: { path: /both-once }, require: { all_of: [{ hmac: v2 }, { jwt: once }] }, to: echo }
  - { match: { path: /once }, require: { jwt: once }, to: echo }
  - match: { path: /shaped }
    require: { jwt: api }
    to: echo
    refusals: { key: error, missing-token: { status: 403, detail: Not authenticated }, token-expired: { detail: Token has expired } }
"#;

impl Bench {
    fn start() -> Bench {
        Bench::with("")
    }

    fn with(more: &str) -> Bench {
        let (gateway, address) = run(&format!("{}{more}", CONFIG.replace("KEY", KEY)), &[]);
        Bench { gateway, address }
    }

    /// Sends one request on a connection of its own.
    fn send(&self, request: impl AsRef<[u8]>) -> Answer {
        let (head, body) = Talk::open(self.address).exchange(request);
        Answer { head, body: serde_json::from_slice(&body).unwrap_or_default() }
    }

    /// A GET of `target` with those header lines.
    fn get(&self, target: &str, lines: &[&str]) -> Answer {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        self.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n"))
    }

    /// A POST of `body` to `target` with those header lines.
    fn post(&self, target: &str, lines: &[&str], body: &str) -> Answer {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        self.send(format!("POST {target} HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: {}\r\n\r\n{body}", body.len()))
    }
}

/// An answer of the echo upstream or a refusal.
#[derive(Debug)]
struct Answer {
    head: Head,
    body: Value,
}

impl Answer {
    fn status(&self) -> u16 {
        self.head.status()
    }

    /// Status and the last part of the problem's type.
    fn refusal(&self) -> (u16, &str) {
        let kind = self.body["type"].as_str().unwrap_or_default();
        (self.status(), kind.strip_prefix("urn:countersign:").unwrap_or(kind))
    }

    /// A header that the upstream received.
    fn received(&self, name: &str) -> Option<&str> {
        let value = &self.body["headers"][name];
        assert!(value.is_null() || value.is_string(), "{name} came more than once: {value}");
        value.as_str()
    }
}
