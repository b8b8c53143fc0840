//! Tokens that are bound to a key (RFC 9449), with the real binary: what a thief may try who has seen the token, and one proof.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::issuer::{SigningKey, key_set, now};
use crate::support::{Answer, Gateway, Recorder, loopback, send};

struct Bench {
    _gateway: Gateway,
    _directory: tempfile::TempDir,
    address: SocketAddr,
    app: Recorder,
    issuer: SigningKey,
    client: SigningKey,
}

impl Bench {
    fn start() -> Bench {
        let (address, app, directory) = (loopback(), Recorder::start(), tempfile::tempdir().unwrap());
        let issuer = SigningKey::es256("k1");
        let keys = directory.path().join("keys.json");
        std::fs::write(&keys, key_set([&issuer])).unwrap();
        let config = format!(
            "listen: {{ address: {address}, public_origin: 'https://api.test' }}\n\
             tokens:\n  api: {{ jwks: {{ file: {} }}, issuer: me, audience: api }}\n\
             upstreams: {{ app: {{ servers: ['http://{}'] }} }}\n\
             routes:\n  \
             - {{ match: {{ path: /bound/** }}, require: {{ jwt: {{ tokens: api, dpop: required }} }}, to: app }}\n  \
             - {{ match: {{ path: /either }}, require: {{ jwt: {{ tokens: api, dpop: accepted, scope: read }} }}, to: app }}\n  \
             - {{ match: {{ path: /bearer }}, require: {{ jwt: api }}, to: app }}\n  \
             - {{ match: {{ path: /cookie }}, require: {{ jwt: {{ tokens: api, from: {{ cookie: t }} }} }}, to: app }}\n  \
             - {{ match: {{ path: /passed }}, require: {{ jwt: {{ tokens: api, dpop: required }} }}, to: app, \
             forward_credentials: true }}\n",
            keys.display(),
            app.address
        );
        let gateway = Gateway::start(&config, &[], address);
        let client = SigningKey::es256("client");
        Bench { _gateway: gateway, _directory: directory, address, app, issuer, client }
    }

    /// A token that is bound to the client's key.
    fn bound(&self) -> String {
        self.issuer.token(&json!({ "iss": "me", "aud": "api", "sub": "alice", "scope": "read",
            "cnf": { "jkt": thumbprint(&self.client) } }))
    }

    fn free(&self) -> String {
        self.issuer.token(&json!({ "iss": "me", "aud": "api", "sub": "alice", "scope": "read" }))
    }

    fn send(&self, method: &str, path: &str, lines: &str) -> Answer {
        let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
        let request = format!("{method} {path} HTTP/1.1\r\nHost: api.test\r\n{length}{lines}\r\n");
        send(self.address, request.as_bytes()).expect("an answer")
    }

    fn get(&self, path: &str, token: &str, proof: &str) -> Answer {
        self.send("GET", path, &format!("Authorization: DPoP {token}\r\nDPoP: {proof}\r\n"))
    }
}

fn thumbprint(key: &SigningKey) -> String {
    let jwk = key.jwk();
    let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

fn claims(method: &str, path: &str, token: &str) -> Value {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let path = path.split('?').next().unwrap();
    json!({ "jti": format!("id-{}", COUNT.fetch_add(1, Ordering::SeqCst)), "htm": method, "iat": now(),
        "htu": format!("https://api.test{path}"), "ath": URL_SAFE_NO_PAD.encode(Sha256::digest(token)) })
}

fn proof(key: &SigningKey, claims: &Value) -> String {
    let jwk = key.jwk();
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": jwk["x"], "y": jwk["y"] });
    key.signed(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk }), claims)
}

const ALGORITHMS: &str = r#"algs="ES256 ES384 EdDSA PS256 PS384 PS512 RS256 RS384 RS512""#;

fn refused(answer: &Answer, error: &str) {
    let cause = answer.json()["type"].as_str().unwrap_or_default().to_owned();
    assert_eq!((answer.status, cause.as_str()), (401, "urn:countersign:invalid-token"), "{}", answer.text());
    let challenge = answer.field("www-authenticate").expect("a challenge");
    assert!(challenge.contains(&format!("DPoP error=\"{error}\", {ALGORITHMS}")), "{challenge}");
}

#[test]
fn a_bound_token_is_good_with_a_proof_for_the_request_and_neither_goes_further() {
    let bench = Bench::start();
    let token = bench.bound();
    for path in ["/bound/a", "/bound/a?x=1", "/either"] {
        assert_eq!(bench.get(path, &token, &proof(&bench.client, &claims("GET", path, &token))).status, 200, "{path}");
    }
    let seen = bench.app.requests();
    assert_eq!(seen.len(), 3);
    for request in seen {
        assert_eq!(request.values("x-countersign-subject"), ["alice"]);
        assert!(request.values("authorization").is_empty() && request.values("dpop").is_empty());
    }
    bench.app.reset();
    let shown = proof(&bench.client, &claims("GET", "/passed", &token));
    assert_eq!(bench.get("/passed", &token, &shown).status, 200);
    let seen = bench.app.requests();
    assert_eq!(seen[0].values("dpop"), [shown]);
    // A scheme's name has any case.
    let shown = proof(&bench.client, &claims("POST", "/either", &token));
    assert_eq!(bench.send("POST", "/either", &format!("authorization: dpop {token}\r\ndpop: {shown}\r\n")).status, 200);
}

#[test]
fn a_stolen_token_is_good_for_nothing_on_any_route() {
    let bench = Bench::start();
    let (token, thief) = (bench.bound(), SigningKey::es256("thief"));
    for path in ["/bound/a", "/either", "/bearer"] {
        let answer = bench.send("GET", path, &format!("Authorization: Bearer {token}\r\n"));
        assert_eq!(
            (answer.status, answer.json()["type"].as_str()),
            (401, Some("urn:countersign:invalid-token")),
            "{path}"
        );
        let shown = proof(&bench.client, &claims("GET", path, &token));
        let answer = bench.send("GET", path, &format!("Authorization: Bearer {token}\r\nDPoP: {shown}\r\n"));
        assert_eq!(answer.status, 401, "{path}");
    }
    assert_eq!(bench.send("GET", "/cookie", &format!("Cookie: t={token}\r\n")).status, 401);
    assert_eq!(bench.send("GET", "/cookie", &format!("Cookie: t={}\r\n", bench.free())).status, 200);
    // A route that takes no proofs does not know the scheme.
    let answer = bench.get("/bearer", &token, &proof(&bench.client, &claims("GET", "/bearer", &token)));
    assert_eq!((answer.status, answer.field("www-authenticate")), (401, Some("Bearer")));
    refused(&bench.get("/bound/a", &token, &proof(&thief, &claims("GET", "/bound/a", &token))), "invalid_dpop_proof");
    refused(&bench.send("GET", "/bound/a", &format!("Authorization: DPoP {token}\r\n")), "invalid_dpop_proof");
    assert_eq!(bench.app.requests().len(), 1);
}

#[test]
fn a_proof_is_good_for_its_request_and_its_token_and_once() {
    let bench = Bench::start();
    let (token, path) = (bench.bound(), "/bound/a");
    let shown = proof(&bench.client, &claims("GET", path, &token));
    assert_eq!(bench.get(path, &token, &shown).status, 200);
    assert_eq!(bench.get(path, &token, &shown).status, 409);
    // The same id signed anew is the same proof.
    let again = claims("GET", path, &token);
    assert_eq!(bench.get(path, &token, &proof(&bench.client, &again)).status, 200);
    assert_eq!(bench.get(path, &token, &proof(&bench.client, &again)).status, 409);
    let fresh = |method: &str, path: &str| proof(&bench.client, &claims(method, path, &token));
    refused(&bench.get(path, &token, &fresh("POST", path)), "invalid_dpop_proof");
    refused(&bench.get(path, &token, &fresh("GET", "/bound/b")), "invalid_dpop_proof");
    let for_other = claims("GET", path, &bench.free());
    refused(&bench.get(path, &token, &proof(&bench.client, &for_other)), "invalid_dpop_proof");
    let mut old = claims("GET", path, &token);
    old["iat"] = (now() - 120).into();
    refused(&bench.get(path, &token, &proof(&bench.client, &old)), "invalid_dpop_proof");
    let two =
        format!("Authorization: DPoP {token}\r\nDPoP: {}\r\nDPoP: {}\r\n", fresh("GET", path), fresh("GET", path));
    refused(&bench.send("GET", path, &two), "invalid_dpop_proof");
    let two =
        format!("Authorization: DPoP {token}\r\nAuthorization: Bearer {token}\r\nDPoP: {}\r\n", fresh("GET", path));
    assert_eq!(bench.send("GET", path, &two).status, 401);
    // A request for another host than the public one is none that the client signed for.
    let elsewhere = format!(
        "GET {path} HTTP/1.1\r\nHost: other.test\r\nAuthorization: DPoP {token}\r\nDPoP: {}\r\n\r\n",
        fresh("GET", path)
    );
    refused(&send(bench.address, elsewhere.as_bytes()).expect("an answer"), "invalid_dpop_proof");
}

#[test]
fn of_fifty_requests_with_one_proof_at_once_one_is_let_in() {
    let bench = Bench::start();
    let token = bench.bound();
    let shown = proof(&bench.client, &claims("GET", "/bound/a", &token));
    let statuses: Vec<u16> = thread::scope(|scope| {
        let threads: Vec<_> = (0..50).map(|_| scope.spawn(|| bench.get("/bound/a", &token, &shown).status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
}

#[test]
fn a_token_that_is_bound_to_nothing_is_a_bearer_token_where_those_are_taken() {
    let bench = Bench::start();
    let token = bench.free();
    let bearing = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(bench.send("GET", "/either", &bearing).status, 200);
    refused(&bench.send("GET", "/bound/a", &bearing), "invalid_token");
    // A proof does not bind it.
    refused(&bench.get("/either", &token, &proof(&bench.client, &claims("GET", "/either", &token))), "invalid_token");
}

#[test]
fn who_shows_nothing_is_told_the_schemes_and_algorithms() {
    let bench = Bench::start();
    for (path, challenge) in [
        ("/bound/a", format!("DPoP {ALGORITHMS}")),
        ("/either", format!("Bearer, DPoP {ALGORITHMS}")),
        ("/bearer", "Bearer".to_owned()),
    ] {
        let answer = bench.send("GET", path, "");
        assert_eq!((answer.status, answer.field("www-authenticate")), (401, Some(challenge.as_str())), "{path}");
        let alone = format!("DPoP: {}\r\n", proof(&bench.client, &claims("GET", path, "")));
        assert_eq!(bench.send("GET", path, &alone).status, 401, "{path}");
    }
    // A good token that lacks a scope needs a good proof first.
    let token = bench.issuer.token(&json!({ "iss": "me", "aud": "api", "cnf": { "jkt": thumbprint(&bench.client) } }));
    let answer = bench.get("/either", &token, &proof(&bench.client, &claims("GET", "/either", &token)));
    assert_eq!(answer.status, 403);
    let challenge = answer.field("www-authenticate").unwrap();
    assert!(challenge.contains(r#"DPoP error="insufficient_scope", scope="read""#), "{challenge}");
    refused(&bench.get("/either", &token, "x"), "invalid_dpop_proof");
}
