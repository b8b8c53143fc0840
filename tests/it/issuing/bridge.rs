//! The bridge that we ship: a device's signature for a short token, and what the upstream is told of whoever comes.

use std::{cell::Cell, fs, path::Path};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{KEY, part};
use crate::{
    path::signing::{nonce, now},
    support::{Answer, Gateway, Recorder, loopback, send, strict::Seen},
};

const DEVICE_KEY: &str = "a-device-s-key-of-more-than-32-bytes";
const API_KEY: &str = "fedcba9876543210fedcba9876543210";

struct Bridge {
    address: std::net::SocketAddr,
    app: Recorder,
    gateway: Gateway,
    /// Requests so far: each has a target of its own, for they arrive on several connections.
    count: Cell<usize>,
}

impl Bridge {
    fn start(more: &[(&str, &str)]) -> Bridge {
        let (address, app) = (loopback(), Recorder::start());
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/bridge.yaml");
        let text = fs::read_to_string(file).expect("the config");
        let mut text = text.replace("127.0.0.1:8000", &address.to_string());
        text = text.replace("127.0.0.1:9001", &app.address.to_string());
        for (from, to) in more {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let environment = [("DEVICE_KEY", DEVICE_KEY), ("JWT_KEY", KEY), ("API_KEY", API_KEY)];
        Bridge { address, app, gateway: Gateway::start(&text, &environment, address), count: Cell::default() }
    }

    /// A POST as a device signs it.
    fn signed(&self, path: &str, more: &str) -> Answer {
        let target = self.target(path);
        let (time, nonce, digest) = (now(), nonce(), hex::encode(Sha256::digest(b"")));
        let message = format!("v2\ndev-1\nPOST\n{}\n{target}\n{time}\n{nonce}\n{digest}", self.address);
        let signature = hex::encode(mac(DEVICE_KEY, &message));
        self.send(&format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\nX-HMAC-Key-Id: dev-1\r\nX-HMAC-Timestamp: {time}\r\n\
             X-HMAC-Nonce: {nonce}\r\nX-HMAC-Signature: {signature}\r\nContent-Length: 0\r\n{more}\r\n",
            self.address
        ))
    }

    fn bearing(&self, path: &str, token: &str, more: &str) -> Answer {
        let (host, target) = (self.address, self.target(path));
        self.send(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{more}\r\n"))
    }

    fn send(&self, request: &str) -> Answer {
        send(self.address, request.as_bytes()).expect("an answer")
    }

    fn target(&self, path: &str) -> String {
        self.count.set(self.count.get() + 1);
        format!("{path}?n={}", self.count.get())
    }

    /// The last request, as the upstream saw it.
    fn seen(&self) -> Seen {
        let end = format!("?n={}", self.count.get());
        self.app.requests().into_iter().find(|seen| seen.target.ends_with(&end)).expect("a request")
    }

    /// What the upstream was told with it.
    fn told(&self) -> Told {
        let seen = self.seen();
        let values = seen.values("x-countersign-assertion");
        let [token] = values.as_slice() else { panic!("one assertion, not {values:?}") };
        let (message, signature) = token.rsplit_once('.').expect("a token");
        assert_eq!(signature, URL_SAFE_NO_PAD.encode(mac(API_KEY, message)), "the upstream's key");
        Told { header: part(token, 0), claims: part(token, 1), token: (*token).to_owned() }
    }
}

struct Told {
    header: Value,
    claims: Value,
    token: String,
}

fn mac(key: &str, message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    answer.json()["access_token"].as_str().expect("a token").to_owned()
}

#[test]
fn a_device_takes_a_token_for_its_signature_and_calls_with_it() {
    let bridge = Bridge::start(&[]);
    let answer = bridge.signed("/token", "");
    let token = token(&answer);
    assert_eq!(answer.json()["expires_in"], 300);
    let claims = part(&token, 1);
    for (name, value) in [("sub", "dev-1"), ("aud", "api"), ("scope", "measure"), ("site", "north")] {
        assert_eq!(claims[name], value, "{claims}");
    }
    assert_eq!(bridge.bearing("/api/x", &token, "").status, 200);
    let told = bridge.told();
    assert_eq!((&told.claims["sub"], &told.claims["via"]), (&json!("dev-1"), &json!("api")));
    // The log says whom it was issued to, and not the token.
    let log = bridge.gateway.output_when(|output| output.matches("\"route\":\"token\"").count() == 1);
    assert!(log.contains("dev-1") && !log.contains(&token), "{log}");
}

#[test]
fn without_a_signature_no_token_is_handed_out() {
    let bridge = Bridge::start(&[]);
    let unsigned = format!("POST /token HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", bridge.address);
    assert_eq!(bridge.send(&unsigned).status, 400);
    // A token does not buy the next one: its route wants a signature.
    let token = token(&bridge.signed("/token", ""));
    let bearing = unsigned.replace("\r\n\r\n", &format!("\r\nAuthorization: Bearer {token}\r\n\r\n"));
    assert_eq!(bridge.send(&bearing).status, 400);
}

#[test]
fn the_upstream_is_told_who_signed_by_a_token_of_its_own() {
    let bridge = Bridge::start(&[]);
    assert_eq!(bridge.signed("/measurements", "").status, 200);
    let Told { header, claims, token } = bridge.told();
    assert_eq!(header, json!({ "alg": "HS256", "kid": "a1", "typ": "JWT" }));
    for (name, value) in [("sub", "dev-1"), ("aud", "app"), ("via", "device-v2")] {
        assert_eq!(claims[name], value, "{claims}");
    }
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    assert!((claims["iat"].as_i64().unwrap() - now()).abs() < 10);
    // It is no token here: another key signs it, for another audience.
    assert_eq!(bridge.bearing("/api/x", &token, "").status, 401);
}

#[test]
fn no_spelling_of_the_header_is_taken_from_a_client() {
    let bridge = Bridge::start(&[]);
    for name in ["X-Countersign-Assertion", "x_countersign_assertion", "X.Countersign_Assertion"] {
        assert_eq!(bridge.signed("/measurements", &format!("{name}: forged\r\nConnection: {name}\r\n")).status, 200);
        let seen = bridge.seen();
        let alike = seen
            .fields
            .iter()
            .filter(|(own, _)| own.to_lowercase().replace(['_', '.'], "-") == "x-countersign-assertion");
        let values: Vec<&str> = alike.map(|(_, value)| value.as_str()).collect();
        assert!(matches!(values.as_slice(), [only] if only.starts_with("eyJ")), "{values:?}");
    }
}

#[test]
fn one_is_sent_again_with_requests_of_the_same_sender_alone() {
    let bridge = Bridge::start(&[]);
    let sent = |count: usize| -> Vec<String> {
        (0..count)
            .map(|_| {
                bridge.signed("/measurements", "");
                bridge.told().token
            })
            .collect()
    };
    let mut tokens = sent(8);
    tokens.sort();
    tokens.dedup();
    // One a worker at most, and a second later there may be another.
    assert!(tokens.len() <= 2, "{} of 8", tokens.len());
    let token = token(&bridge.signed("/token", ""));
    bridge.bearing("/api/x", &token, "");
    assert!(!tokens.contains(&bridge.told().token), "what it says is another thing");
    let each = Bridge::start(&[("lifetime: 60s", "lifetime: 60s\n      reuse: 0s")]);
    let first = (each.signed("/measurements", ""), each.told().token).1;
    assert_ne!((each.signed("/measurements", ""), each.told().token).1, first);
}

#[test]
fn in_authorization_it_is_a_bearer_token_and_the_client_s_own_goes_no_further() {
    let bridge = Bridge::start(&[("lifetime: 60s", "lifetime: 60s\n      header: Authorization")]);
    assert_eq!(bridge.signed("/measurements", "Authorization: Basic YTpi\r\n").status, 200);
    let seen = bridge.seen();
    let values = seen.values("authorization");
    assert!(matches!(values.as_slice(), [only] if only.starts_with("Bearer eyJ")), "{values:?}");
}

#[test]
fn where_nobody_is_known_the_upstream_is_told_of_nobody() {
    let open = "routes:\n  - { name: open, match: { path: /open }, public: true, to: app }";
    let bridge = Bridge::start(&[("routes:", open)]);
    let host = bridge.address;
    let target = bridge.target("/open");
    let forged = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nX-Countersign-Assertion: forged\r\n\r\n");
    assert_eq!(bridge.send(&forged).status, 200);
    assert!(bridge.seen().values("x-countersign-assertion").is_empty());
}

#[test]
fn a_claim_that_cannot_be_filled_in_is_a_refusal_and_nothing_is_sent() {
    let bridge = Bridge::start(&[("via: \"{scheme_name}\"", "floor: \"{header:X-Floor}\"")]);
    assert_eq!(bridge.signed("/measurements", "").status, 400);
    assert!(bridge.app.requests().is_empty());
}
