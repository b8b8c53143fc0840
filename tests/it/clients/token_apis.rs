//! Two APIs with tokens: one answers `{"detail": …}` to a bearer token, the older one `{"error": …}` to a bare one. Both
//! keep their statuses and texts.

use std::{
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Answer, Gateway, loopback, send};

const KEY: &str = "my_super_secret_key";
/// `{"user_id":123,"role":"admin"}`, without `exp`, as clients in the field have it.
const KNOWN: &str = concat!(
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoxMjMsInJvbGUiOiJhZG1pbiJ9.",
    "xiQIIxG93IoH5fEuP9BtFeqvJTGI9-XKcnVm0mrJsVc"
);

struct Apis {
    address: SocketAddr,
    _gateway: Gateway,
}

impl Apis {
    fn start() -> Apis {
        let address = loopback();
        let config = include_str!("token-apis.yaml").replace("127.0.0.1:8000", &address.to_string());
        Apis { _gateway: Gateway::start(&config, &[("JWT_KEY", KEY)], address), address }
    }

    fn get(&self, path: &str, fields: &[&str]) -> Answer {
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        send(self.address, format!("GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes()).expect("an answer")
    }
}

fn token(header: &Value, claims: &Value, key: &str) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length");
    mac.update(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// A token of alice that expires `seconds` from now.
fn alice(seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let now = i64::try_from(now).expect("a time that fits");
    let claims = json!({"sub": "alice", "iat": now.min(now + seconds) - 10, "exp": now + seconds});
    token(&json!({"alg": "HS256", "typ": "JWT"}), &claims, KEY)
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

#[test]
fn a_bearer_token_is_greeted_by_name() {
    let answer = Apis::start().get("/secure-jwt", &[&bearer(&alice(3600))]);
    let body = json!({"message": "Hello, alice. JWT authentication successful."});
    assert_eq!((answer.status, answer.json()), (200, body));
    assert_eq!(answer.field("content-type"), Some("application/json"));
}

#[test]
fn the_token_api_keeps_its_refusals() {
    let apis = Apis::start();
    let forged = token(&json!({"alg": "HS256"}), &json!({"sub": "alice", "exp": 4_000_000_000_i64}), "another key");
    let unsigned = token(&json!({"alg": "none"}), &json!({"sub": "alice", "exp": 4_000_000_000_i64}), KEY);
    for (fields, status, detail) in [
        (vec![], 403, "Not authenticated"),
        (vec![bearer(&alice(-3600))], 401, "Token expired"),
        (vec![bearer(&forged)], 401, "Invalid token"),
        (vec![bearer(&unsigned)], 401, "Invalid token"),
        (vec![bearer(KNOWN)], 401, "Invalid token"), // has no exp
    ] {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let answer = apis.get("/secure-jwt", &fields);
        assert_eq!((answer.status, answer.json()), (status, json!({"detail": detail})), "{fields:?}");
    }
}

#[test]
fn the_older_api_takes_a_bare_token_and_keeps_its_refusals() {
    let apis = Apis::start();
    let bare = |token: &str| apis.get("/older", &[&format!("Authorization: {token}")]);
    let good = bare(&alice(3600));
    assert_eq!((good.status, good.json()), (200, json!({"message": "Hello, authenticated user!"})));
    let expired = bare(&alice(-3600));
    assert_eq!((expired.status, expired.json()), (401, json!({"error": "Token has expired"})));
    let forged = bare(&alice(3600).replace("eyJhbGci", "eyJhbGcj"));
    assert_eq!((forged.status, forged.json()), (403, json!({"error": "Invalid token"})));
}

#[test]
fn a_token_without_exp_is_accepted_only_where_the_route_says_so() {
    let apis = Apis::start();
    let known = apis.get("/no-exp", &[&bearer(KNOWN)]);
    assert_eq!((known.status, known.json()), (200, json!({"role": "admin", "user": "123"})));
    assert_eq!(apis.get("/secure-jwt", &[&bearer(KNOWN)]).status, 401);
    let cookie = apis.get("/cookie", &[&format!("Cookie: a=1; session={KNOWN}")]);
    assert_eq!(cookie.status, 200);
}

#[test]
fn a_token_problem_names_its_cause() {
    let apis = Apis::start();
    let problem = |fields: &[&str]| apis.get("/cookie", fields);
    let missing = problem(&[]);
    assert_eq!((missing.status, &missing.json()["type"]), (401, &json!("urn:countersign:missing-token")));
    assert_eq!(missing.field("content-type"), Some("application/problem+json"));
    assert_eq!(missing.field("www-authenticate"), Some("Bearer"));
    let invalid = problem(&["Cookie: session=a.b.c"]);
    assert_eq!((invalid.status, &invalid.json()["type"]), (401, &json!("urn:countersign:invalid-token")));
    let expired = problem(&[&format!("Cookie: session={}", alice(-3600))]);
    assert_eq!((expired.status, &expired.json()["type"]), (401, &json!("urn:countersign:token-expired")));
    let twice = problem(&["Cookie: session=a.b.c", "Cookie: session=d.e.f"]);
    assert_eq!(twice.status, 401);
}
