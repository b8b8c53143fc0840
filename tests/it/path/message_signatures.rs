//! HTTP Message Signatures (RFC 9421) as clients make them from the RFC, through the real binary; no code of the
//! gateway's is used.

use std::{fs, net::SocketAddr, path::Path};

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    signing::{KEY, nonce, now},
    support::{Head, Talk, run},
};
use crate::support::Gateway;

const CONFIG: &str = r#"
keys:
  shops: { static: { shop-1: { value: KEY } } }
  partners: { static: { partner-1: { file: FILE } } }
  own: { static: { gateway-1: { file: PRIVATE } } }
schemes:
  own: { keys: own, rfc9421: { algorithms: ed25519, label: gw, replay: true } }
  shop: { keys: shops, rfc9421: { algorithms: hmac-sha256, tag: shop, nonce: required } }
  partner: { keys: partners, rfc9421: { algorithms: [ed25519, rsa-pss-sha512], label: p, replay: true } }
upstreams: { echo: { echo: true } }
routes:
  - { match: { path: /shop }, require: { hmac: shop }, to: echo }
  - { match: { path: /passed }, require: { hmac: shop }, to: echo, forward_credentials: true }
  - { match: { path: /answered }, require: { hmac: shop }, to: echo, sign_response: shop }
  - { match: { path: /onward }, require: { hmac: shop }, to: echo, sign: own }
  - { match: { path: /either }, require: { any_of: [{ hmac: shop }, { hmac: partner }] }, to: echo }
"#;

/// A gateway that takes both kinds of keys.
struct Bench {
    _gateway: Gateway,
    _directory: tempfile::TempDir,
    address: SocketAddr,
    pair: Ed25519KeyPair,
}

impl Bench {
    fn start() -> Bench {
        let pair = Ed25519KeyPair::generate().expect("a key");
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a public key");
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("partner.pem");
        let text = BASE64_STANDARD.encode(der.as_ref());
        fs::write(&file, format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")).expect("a file");
        let private = directory.path().join("gateway.pem");
        let text = BASE64_STANDARD.encode(pair.to_pkcs8v1().expect("a private key"));
        fs::write(&private, format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
            .expect("a file");
        let path = |path: &Path| path.to_str().expect("a path").to_owned();
        let config = CONFIG.replace("KEY", KEY).replace("FILE", &path(&file)).replace("PRIVATE", &path(&private));
        let (gateway, address) = run(&config, &[]);
        Bench { _gateway: gateway, _directory: directory, address, pair }
    }

    fn ask(&self, request: &[u8]) -> (Head, String) {
        let (head, body) = Talk::open(self.address).exchange(request);
        (head, String::from_utf8(body).expect("text"))
    }
}

/// A request and what is signed of it.
#[derive(Clone)]
struct Request {
    method: &'static str,
    target: &'static str,
    body: &'static str,
}

const GET: Request = Request { method: "GET", target: "/shop?id=1", body: "" };
const POST: Request = Request { method: "POST", target: "/shop", body: "{\"buy\":1}" };

impl Request {
    fn digest(&self) -> String {
        format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(self.body)))
    }

    /// The covered components and what is signed of them, by hand.
    fn base(&self, parameters: &str) -> (String, String) {
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        let mut names = "\"@method\" \"@authority\" \"@path\" \"@query\"".to_owned();
        let mut lines =
            format!("\"@method\": {}\n\"@authority\": a\n\"@path\": {path}\n\"@query\": ?{query}\n", self.method);
        if !self.body.is_empty() {
            names += " \"content-digest\"";
            lines += &format!("\"content-digest\": {}\n", self.digest());
        }
        let input = format!("({names});{parameters}");
        (format!("{lines}\"@signature-params\": {input}"), input)
    }

    fn signed(&self, label: &str, parameters: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let (base, input) = self.base(parameters);
        let signature = BASE64_STANDARD.encode(sign(base.as_bytes()));
        let digest =
            if self.body.is_empty() { String::new() } else { format!("Content-Digest: {}\r\n", self.digest()) };
        format!(
            "{} {} HTTP/1.1\r\nHost: a\r\n{digest}Signature-Input: {label}={input}\r\nSignature: {label}=:{signature}:\r\n\
             Content-Length: {}\r\n\r\n{}",
            self.method,
            self.target,
            self.body.len(),
            self.body
        )
        .into_bytes()
    }

    fn by_shop(&self) -> Vec<u8> {
        let parameters = format!("created={};keyid=\"shop-1\";nonce=\"{}\";tag=\"shop\"", now(), nonce());
        self.signed("s", &parameters, hmac)
    }
}

fn hmac(message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[test]
fn signed_requests_pass_and_their_signatures_stay_behind() {
    let bench = Bench::start();
    for request in [GET, POST] {
        let (head, told) = bench.ask(&request.by_shop());
        assert_eq!(head.status(), 200, "{told}");
        assert!(told.contains("shop-1") && !told.to_ascii_lowercase().contains("signature"), "{told}");
    }
    let passed = Request { target: "/passed", ..GET };
    let (head, told) = bench.ask(&passed.by_shop());
    assert_eq!(head.status(), 200, "{told}");
    let told = told.to_ascii_lowercase();
    assert!(told.contains("signature-input") && told.contains("\"signature\""), "{told}");
}

#[test]
fn who_signs_nothing_is_told_what_to_sign() {
    let bench = Bench::start();
    let (head, told) = bench.ask(b"GET /shop HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((head.status(), detail(&told)), (400, "Missing Signature header".to_owned()));
    let shop = "sig1=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\");created;nonce;\
                alg=\"hmac-sha256\";tag=\"shop\"";
    assert_eq!(head.field("accept-signature"), Some(shop));
    let (head, _) = bench.ask(b"GET /either HTTP/1.1\r\nHost: a\r\n\r\n");
    let partner = "p=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\");created";
    assert_eq!(head.field("accept-signature"), Some(&*format!("{shop}, {partner}")));
    let (head, _) = bench.ask(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((head.status(), head.field("accept-signature")), (404, None));
}

#[test]
fn a_changed_request_is_refused() {
    let bench = Bench::start();
    let status = |request: &[u8], from: &str, to: &str| {
        let text = String::from_utf8(request.to_vec()).expect("text");
        assert!(text.contains(from), "{text}");
        bench.ask(text.replace(from, to).as_bytes()).0.status()
    };
    assert_eq!(status(&POST.by_shop(), "\"buy\":1", "\"buy\":9"), 403);
    assert_eq!(status(&GET.by_shop(), "id=1", "id=2"), 403);
    assert_eq!(status(&GET.by_shop(), "shop-1", "shop-2"), 403);
    assert_eq!(status(&GET.by_shop(), "Content-Length: 0\r\n\r\n", "Content-Length: 2\r\n\r\n{}"), 403);
    assert_eq!(status(&GET.by_shop(), "tag=\"shop\"", "tag=\"other\""), 400);
    assert_eq!(status(&GET.by_shop(), "\"@query\"", "\"@query\" \"@new\""), 403);
}

#[test]
fn a_nonce_is_taken_once() {
    let bench = Bench::start();
    let request = GET.by_shop();
    assert_eq!(bench.ask(&request).0.status(), 200);
    assert_eq!(bench.ask(&request).0.status(), 409);
    assert_eq!(bench.ask(&GET.by_shop()).0.status(), 200);
}

#[test]
fn a_stale_signature_is_refused_with_the_time() {
    let bench = Bench::start();
    let parameters = format!("created={};keyid=\"shop-1\";nonce=\"{}\";tag=\"shop\"", now() - 1000, nonce());
    let (head, told) = bench.ask(&GET.signed("s", &parameters, hmac));
    assert_eq!(head.status(), 403, "{told}");
    assert!(told.contains("urn:countersign:stale") && head.field("date").is_some(), "{told}");
}

#[test]
fn a_public_key_stands_beside_a_shared_one_on_a_route() {
    let bench = Bench::start();
    let request = Request { target: "/either", ..POST };
    let parameters = format!("created={};keyid=\"partner-1\"", now());
    let by_partner = request.signed("p", &parameters, |base| bench.pair.sign(base).as_ref().to_vec());
    let (head, told) = bench.ask(&by_partner);
    assert_eq!(head.status(), 200, "{told}");
    assert!(told.contains("partner-1"), "{told}");
    assert_eq!(bench.ask(&by_partner).0.status(), 409);
    assert_eq!(bench.ask(&request.by_shop()).0.status(), 200);
    // The other kind of key under the other's id.
    let parameters = format!("created={};keyid=\"partner-1\";alg=\"hmac-sha256\"", now());
    assert_eq!(bench.ask(&request.signed("p", &parameters, hmac)).0.status(), 403);
}

/// A `LABEL=VALUE` header without its label, which is all that these dictionaries hold.
fn member<'f>(field: &'f str, label: &str) -> &'f str {
    field.strip_prefix(label).and_then(|rest| rest.strip_prefix('=')).expect(label)
}

fn bytes(member: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(member.trim_matches(':')).expect("base64")
}

#[test]
fn an_answer_is_signed_with_the_callers_key_over_the_request_it_answers() {
    let bench = Bench::start();
    let request = Request { target: "/answered?a=1", ..POST };
    let (head, body) = bench.ask(&request.by_shop());
    assert_eq!(head.status(), 200, "{body}");
    let digest = format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(&body)));
    assert_eq!(head.field("content-digest"), Some(&*digest));
    let input = member(head.field("signature-input").expect("an input"), "sig1");
    let names = "(\"@status\" \"content-digest\" \"@method\";req \"@target-uri\";req);created=";
    assert!(input.starts_with(names) && input.contains(";keyid=\"shop-1\";nonce=\""), "{input}");
    let base = format!(
        "\"@status\": 200\n\"content-digest\": {digest}\n\"@method\";req: POST\n\
         \"@target-uri\";req: http://a/answered?a=1\n\"@signature-params\": {input}"
    );
    assert_eq!(bytes(member(head.field("signature").expect("a signature"), "sig1")), hmac(base.as_bytes()));
}

#[test]
fn a_request_goes_on_with_the_gateways_own_signature() {
    let bench = Bench::start();
    let request = Request { target: "/onward?a=1", ..POST };
    let (head, told) = bench.ask(&request.by_shop());
    assert_eq!(head.status(), 200, "{told}");
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let field = |name: &str| told["headers"][name].as_str().expect(name).to_owned();
    assert_eq!(field("content-digest"), request.digest());
    let input = field("signature-input");
    let input = member(&input, "gw");
    let (names, parameters) = input.split_once(");").expect("parameters");
    assert_eq!(names, "(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\"");
    assert!(parameters.contains("keyid=\"gateway-1\"") && parameters.contains("nonce="), "{parameters}");
    let (base, _) = request.base(parameters);
    let public = UnparsedPublicKey::new(&ED25519, bench.pair.public_key().as_ref());
    public.verify(base.as_bytes(), &bytes(member(&field("signature"), "gw"))).expect("a genuine signature");
}

fn detail(told: &str) -> String {
    let told: Value = serde_json::from_str(told).expect("JSON");
    told["detail"].as_str().expect("a detail").to_owned()
}
