//! Whose a name is: a key id of one key source and a subject of one issuer are nobody else's, however they are spelt, and what an
//! upstream is told of a caller is of one credential.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{
    signing::{KEY, hmac_hex, token, token_with_header, token_without},
    support::{Talk, run},
};
use crate::support::Gateway;

const CONFIG: &str = r#"
keys:
  devices: { static: { device-1: { secrets: { value: KEY }, attributes: { tenant: acme } }, alice: { value: KEY } } }
  partners: { static: { device-1: { secrets: { value: KEY }, attributes: { tenant: acme, role: admin } } } }
  hooks: { shared: { value: KEY } }
schemes:
  device: { preset: raw-body, keys: devices, key_id: "{header:X-Device}", signature: { from: "{header:X-Device-Signature}", encoding: hex, algorithm: hmac-sha256 } }
  firmware: { preset: raw-body, keys: devices, key_id: "{header:X-Device}", signature: { from: "{header:X-Firmware-Signature}", encoding: hex, algorithm: hmac-sha256 } }
  partner: { preset: raw-body, keys: partners, key_id: "{header:X-Partner}", signature: { from: "{header:X-Partner-Signature}", encoding: hex, algorithm: hmac-sha256 } }
  hook:
    preset: raw-body
    keys: hooks
    signature: { from: "{header:X-Hook-Signature}", encoding: hex, algorithm: hmac-sha256 }
    answer: { message: "{status} {request_header:X-Hook-Signature} {body}", emit: { X-Answer: "{signature}" } }
tokens:
  api: { keys: [{ kid: k1, algorithm: HS256, secret: { value: KEY } }], issuer: us, audience: api }
  guests: { keys: [{ algorithm: HS256, secret: { value: KEY } }], issuer: guests, audience: api }
  anyone: { keys: [{ algorithm: HS256, secret: { value: KEY } }], audience: api }
upstreams: { echo: { echo: true } }
rate_limits:
  subject: { per: subject, rate: 2/h }
  key: { per: key_id, rate: 2/h }
  tenant: { per: "{claim:tenant}", rate: 2/h }
  customer: { per: "{route}:{key:tenant}", rate: 2/h }
routes:
  - { match: { path: /subject }, require: { any_of: [{ hmac: device }, { hmac: firmware }, { hmac: partner }, { jwt: api }, { jwt: guests }] }, to: echo, rate_limits: subject }
  - { match: { path: /again }, require: { hmac: device }, to: echo, rate_limits: subject }
  - { match: { path: /key }, require: { any_of: [{ hmac: device }, { hmac: partner }] }, to: echo, rate_limits: key }
  - { match: { path: /tenant }, require: { any_of: [{ jwt: api }, { jwt: guests }] }, to: echo, rate_limits: tenant }
  - { match: { path: /customer }, require: { any_of: [{ hmac: device }, { hmac: partner }] }, to: echo, rate_limits: customer }
  - { match: { path: /anyone }, require: { jwt: anyone }, to: echo, rate_limits: subject }
  - { match: { path: /token-first }, require: { all_of: [{ jwt: api }, { hmac: device }] }, to: echo }
  - { match: { path: /counted }, require: { all_of: [{ jwt: api }, { hmac: device }] }, to: echo, rate_limits: subject }
  - { match: { path: /key-first }, require: { all_of: [{ hmac: device }, { jwt: api }] }, to: echo, set_headers: { X-User: "{claim:sub|default:\"none\"}" } }
  - { match: { path: /nameless }, require: { all_of: [{ hmac: hook }, { jwt: api }] }, to: echo, sign_response: hook }
  - { match: { path: /three }, require: { all_of: [{ jwt: api }, { hmac: hook }, { hmac: device }] }, to: echo, set_headers: { X-Tenant: "{key:tenant}" } }
  - { match: { path: /two }, require: { all_of: [{ hmac: device }, { hmac: partner }] }, to: echo, set_headers: { X-Role: "{key:role|default:\"none\"}" } }
"#;

struct Bench {
    gateway: Gateway,
    address: SocketAddr,
}

/// What a gateway answered: its status, a header of it, and the headers that the upstream got.
struct Answer {
    status: u16,
    signature: Option<String>,
    text: String,
    body: Value,
}

impl Answer {
    fn told(&self, name: &str) -> Option<&str> {
        self.body["headers"][name].as_str()
    }

    /// Subject, key id and rules, as an upstream is told.
    fn caller(&self) -> [Option<&str>; 3] {
        ["x-countersign-subject", "x-countersign-key-id", "x-countersign-scheme"].map(|name| self.told(name))
    }
}

impl Bench {
    fn start() -> Bench {
        let (gateway, address) = run(&CONFIG.replace("KEY", KEY), &[]);
        Bench { gateway, address }
    }

    fn send(&self, target: &str, lines: &[String]) -> Answer {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!("POST {target} HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: 4\r\n\r\nbody");
        let (head, body) = Talk::open(self.address).exchange(request);
        Answer {
            status: head.status(),
            signature: head.field("x-answer").map(str::to_owned),
            text: String::from_utf8_lossy(&body).into_owned(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    /// The statuses of three requests in turn.
    fn thrice(&self, target: &str, lines: &[String]) -> [u16; 3] {
        [(); 3].map(|()| self.send(target, lines).status)
    }
}

/// The lines of a signature by a scheme that is called so, in the name of `id`.
fn signed(scheme: &str, id: &str) -> [String; 2] {
    let of = if scheme == "Firmware" { "Device" } else { scheme };
    [format!("X-{of}: {id}"), format!("X-{scheme}-Signature: {}", hmac_hex("body"))]
}

fn bearer(claims: &Value) -> [String; 1] {
    [format!("Authorization: Bearer {}", token(claims))]
}

const TWO: [u16; 3] = [200, 200, 429];
const NONE_LEFT: [u16; 3] = [429, 429, 429];

/// Whoever may choose his name at one issuer would use up what another's device has.
#[test]
fn a_subject_is_counted_together_with_where_it_comes_from() {
    let bench = Bench::start();
    assert_eq!(bench.thrice("/subject", &bearer(&json!({ "iss": "guests", "sub": "device-1" }))), TWO);
    assert_eq!(bench.thrice("/subject", &signed("Device", "device-1")), TWO);
    assert_eq!(bench.thrice("/subject", &signed("Partner", "device-1")), TWO);
    assert_eq!(bench.thrice("/subject", &bearer(&json!({ "sub": "device-1" }))), TWO);
}

#[test]
fn one_name_of_one_origin_is_counted_once_by_whatever_scheme_and_route_it_comes() {
    let bench = Bench::start();
    assert_eq!(bench.thrice("/subject", &signed("Device", "device-1")), TWO);
    assert_eq!(bench.thrice("/subject", &signed("Firmware", "device-1")), NONE_LEFT);
    assert_eq!(bench.thrice("/again", &signed("Device", "device-1")), NONE_LEFT);
    assert_eq!(bench.thrice("/again", &signed("Device", "alice")), TWO);
}

#[test]
fn key_ids_claims_and_attributes_are_counted_likewise() {
    let bench = Bench::start();
    assert_eq!(bench.thrice("/key", &signed("Partner", "device-1")), TWO);
    assert_eq!(bench.thrice("/key", &signed("Device", "device-1")), TWO);
    assert_eq!(bench.thrice("/tenant", &bearer(&json!({ "iss": "guests", "tenant": "acme" }))), TWO);
    assert_eq!(bench.thrice("/tenant", &bearer(&json!({ "tenant": "acme" }))), TWO);
    assert_eq!(bench.thrice("/customer", &signed("Partner", "device-1")), TWO);
    assert_eq!(bench.thrice("/customer", &signed("Device", "device-1")), TWO);
}

#[test]
fn where_any_issuer_is_believed_each_has_its_own_names() {
    let bench = Bench::start();
    assert_eq!(bench.thrice("/anyone", &bearer(&json!({ "iss": "one" }))), TWO);
    assert_eq!(bench.thrice("/anyone", &bearer(&json!({ "iss": "other" }))), TWO);
    assert_eq!(bench.thrice("/anyone", &[format!("Authorization: Bearer {}", token_without("iss"))]), TWO);
    assert_eq!(bench.thrice("/anyone", &bearer(&json!({ "iss": "one" }))), NONE_LEFT);
}

/// Whoever has a token that says nothing of whom it is, and a key that he named, would be told as that token's `alice`.
#[test]
fn a_token_without_a_subject_gives_nobody_another_credential_s_name() {
    let bench = Bench::start();
    let nameless = [format!("Authorization: Bearer {}", token_without("sub"))];
    let lines = [nameless.as_slice(), &signed("Device", "alice")].concat();
    let answer = bench.send("/key-first", &lines);
    assert_eq!((answer.status, answer.caller()), (200, [Some("alice"), Some("alice"), Some("device")]));
    let answer = bench.send("/token-first", &lines);
    assert_eq!((answer.status, answer.caller()), (200, [None, Some("k1"), Some("api")]));
    assert_eq!(bench.send("/counted", &lines).status, 400, "what cannot be counted is not let in");
    let named = [bearer(&json!({})).as_slice(), &signed("Device", "device-1")].concat();
    let answer = bench.send("/token-first", &named);
    assert_eq!((answer.status, answer.caller()), (200, [Some("alice"), Some("k1"), Some("api")]));
}

#[test]
fn what_an_upstream_is_told_of_a_caller_is_of_one_credential() {
    let bench = Bench::start();
    let both = [bearer(&json!({})).as_slice(), &signed("Device", "device-1")].concat();
    let answer = bench.send("/key-first", &both);
    assert_eq!((answer.status, answer.caller()), (200, [Some("device-1"), Some("device-1"), Some("device")]));
    assert_eq!(answer.told("x-user"), Some("alice"), "the only token is named by its kind");
    // The signature binds no id: it names nobody, and nothing of it stands beside the token's name.
    let hook = format!("X-Hook-Signature: {}", hmac_hex("body"));
    let named = token_with_header(&json!({ "alg": "HS256", "kid": "k1" }), &json!({}));
    let answer = bench.send("/nameless", &[hook.clone(), format!("Authorization: Bearer {named}")]);
    assert_eq!((answer.status, answer.caller()), (200, [Some("alice"), Some("k1"), Some("api")]));
    let log = bench.gateway.output_when(|log| log.contains("\"path\":\"/nameless\""));
    let line = log.lines().find(|line| line.contains("\"path\":\"/nameless\"")).expect("a line");
    assert!(line.contains(r#""by":"api","key_id":"k1","#) && line.contains(r#""subject":"alice""#), "{line}");
    let signed = hmac_hex(format!("200 {} {}", hmac_hex("body"), answer.text));
    assert_eq!(answer.signature, Some(signed), "with the key that the request was signed with, whoever is named");
}

/// Both credentials are the caller's own; what one key lacks, another must not lend it.
#[test]
fn an_attribute_that_the_caller_s_key_lacks_is_not_taken_from_another_key() {
    let bench = Bench::start();
    let both = [signed("Device", "device-1"), signed("Partner", "device-1")].concat();
    let answer = bench.send("/two", &both);
    assert_eq!((answer.status, answer.told("x-role")), (200, Some("none")));
    assert_eq!(answer.caller(), [Some("device-1"), Some("device-1"), Some("device")]);
    let hook = [format!("X-Hook-Signature: {}", hmac_hex("body"))];
    let three = [bearer(&json!({})).as_slice(), &hook, &signed("Device", "device-1")].concat();
    let answer = bench.send("/three", &three);
    assert_eq!((answer.status, answer.told("x-tenant")), (200, Some("acme")), "{}", answer.text);
}
