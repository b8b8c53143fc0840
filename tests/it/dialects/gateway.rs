//! The presets in a running gateway: what each signs is let in, changed or sent again it is not, and credentials of two kinds
//! in one header do not get into each other's way.

use std::{
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use countersign::{scheme::presets, secret::Secret};

use super::{
    request::{Request, preset},
    samples::{NONCE, SECRET, plain, signing},
};
use crate::support::{Gateway, loopback, send};

struct Bench {
    address: SocketAddr,
    _gateway: Gateway,
}

impl Bench {
    /// A route for each preset, and one that takes Hawk or a token.
    fn start() -> Bench {
        let address = loopback();
        let mut config = format!(
            "listen: {{ address: {address}, public_origin: \"https://api.example.com\" }}
keys:
  shared: {{ shared: {{ env: KEY }} }}
  public: {{ shared: {{ env: PUBLIC }} }}
  ids: {{ static: {{ dev-1: {{ env: KEY }} }} }}
tokens: {{ api: {{ keys: [{{ algorithm: HS256, secret: {{ env: KEY }} }}], issuer: i, audience: a }} }}
upstreams: {{ e: {{ echo: true }} }}
schemes:\n"
        );
        for name in signing() {
            let has_key_id = presets::text(name).expect("a preset").contains("\nkey_id:");
            let keys = match name {
                "discord" => "public",
                "device" => "shared",
                _ if has_key_id => "ids",
                _ => "shared",
            };
            config.push_str(&format!("  {name}: {{ preset: {name}, keys: {keys} }}\n"));
        }
        config.push_str("routes:\n");
        for name in signing() {
            config.push_str(&format!("  - {{ match: {{ path: /{name}/** }}, require: {{ hmac: {name} }}, to: e }}\n"));
        }
        config.push_str(
            "  - { match: { path: /either/** }, require: { any_of: [{ hmac: hawk }, { jwt: api }] }, to: e }\n",
        );
        let environment = [("KEY", SECRET), ("PUBLIC", &public_key())];
        Bench { _gateway: Gateway::start(&config, &environment, address), address }
    }

    fn status(&self, request: &Request) -> u16 {
        self.answer(request).0
    }

    fn answer(&self, request: &Request) -> (u16, String) {
        self.answer_to("api.example.com", request)
    }

    fn answer_to(&self, host: &str, request: &Request) -> (u16, String) {
        let mut bytes = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", request.method, request.target);
        let is_own = |name: &str| ["host", "content-length"].iter().any(|own| name.eq_ignore_ascii_case(own));
        for (name, value) in request.headers.iter().filter(|(name, _)| !is_own(name)) {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        bytes.push_str(&format!("Content-Length: {}\r\n\r\n", request.body.len()));
        let answer = send(self.address, &[bytes.as_bytes(), &request.body].concat()).expect("an answer");
        (answer.status, answer.text())
    }
}

/// What Discord would show of the private key that the tests sign with.
fn public_key() -> String {
    let seed = hex::decode(SECRET).expect("hex");
    hex::encode(Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed").public_key())
}

/// The preset's request to its own route, signed now.
fn signed(name: &str) -> Request {
    let scheme = preset(name);
    let mut request = plain(name);
    request.target = format!("/{name}{}", request.target);
    let key = scheme.key_recipe().signing(&Secret::new(SECRET.as_bytes().to_vec())).expect("a key");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_millis();
    let emitted = scheme.sign(&request.view(), &key, Some("dev-1"), i64::try_from(now).expect("a time"), NONCE);
    request.signed(&emitted.unwrap_or_else(|failure| panic!("{name}: {failure}")))
}

#[test]
fn what_each_preset_signs_is_let_in_once_or_as_often_as_it_says() {
    let bench = Bench::start();
    let mut wrong = Vec::new();
    for name in signing() {
        let request = signed(name);
        let (first, text) = bench.answer(&request);
        let changed = Request { body: [&request.body[..], b" "].concat(), ..request.clone() };
        let (again, changed) = (bench.status(&request), bench.status(&changed));
        let expected_again = if preset(name).remembers().is_some() { 409 } else { 200 };
        let covers_body = preset(name).coverage().body;
        if first != 200 || again != expected_again || covers_body && changed == 200 {
            wrong.push(format!("{name}: {first}, again {again}, changed {changed}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn of_two_kinds_of_credentials_in_one_header_the_one_that_came_is_judged() {
    let bench = Bench::start();
    let plain = |authorization: &str| {
        let request = Request::new("GET", "https://api.example.com/either/a");
        match authorization {
            "" => request,
            value => request.header("Authorization", value),
        }
    };
    let (status, text) = bench.answer(&plain("Bearer a.b.c"));
    assert!(status == 401 && text.contains("urn:countersign:invalid-token"), "{status} {text}");
    let (status, text) = bench.answer(&plain("Hawk id=\"dev-1\""));
    assert!(status == 403 && text.contains("urn:countersign:invalid-signature"), "{status} {text}");
    let (status, text) = bench.answer(&plain(""));
    assert!(status == 400 && text.contains("urn:countersign:missing-signature"), "{status} {text}");
}

#[test]
fn a_signature_for_another_host_is_refused() {
    let bench = Bench::start();
    for name in ["aws-sigv4", "hawk", "oauth1", "edgegrid"] {
        let good = signed(name);
        let scheme = preset(name);
        let key = scheme.key_recipe().signing(&Secret::new(SECRET.as_bytes().to_vec())).expect("a key");
        let elsewhere = Request { authority: "other.example.com".to_owned(), headers: Vec::new(), ..plain(name) };
        let elsewhere = Request { target: good.target.clone(), ..elsewhere };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_millis();
        let emitted = scheme.sign(&elsewhere.view(), &key, Some("dev-1"), i64::try_from(now).expect("a time"), "n2");
        let elsewhere = elsewhere.signed(&emitted.expect("signed"));
        assert_eq!((bench.status(&elsewhere), bench.status(&good)), (403, 200), "{name}");
    }
}

#[test]
fn a_host_that_the_client_chose_to_sign_cannot_be_changed() {
    let bench = Bench::start();
    for (name, expected) in [("cavage", 403), ("kong", 403), ("azure-sas", 403), ("tyk", 200)] {
        let request = signed(name);
        let statuses = (bench.answer_to("other.example.com", &request).0, bench.status(&request));
        assert_eq!(statuses, (expected, 200), "{name}");
    }
}
