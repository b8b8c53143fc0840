//! What a refused client sees: status, shape, challenge, and the texts that clients in the field know.

use serde_json::json;

use super::Bench;
use crate::path::{
    signing::{KEY, device_v2, device_v2_at, hmac_hex, nonce, now, token, with_length},
    support::{Talk, run},
};

/// The token that every reader of the older API's manual knows.
const KNOWN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoxMjMsInJvbGUiOiJhZG1pbiJ9.\
                     xiQIIxG93IoH5fEuP9BtFeqvJTGI9-XKcnVm0mrJsVc";

#[test]
fn a_refusal_is_a_problem_with_type_title_status_and_detail() {
    let answer = Bench::start().post("/v2", &[], "");
    assert_eq!(answer.head.field("content-type"), Some("application/problem+json"));
    let expected = json!({
        "type": "urn:countersign:missing-signature",
        "title": "Missing signature",
        "status": 400,
        "detail": "Missing HMAC header",
    });
    assert_eq!(answer.body, expected);
}

#[test]
fn where_a_signature_is_missing_is_named_by_the_scheme() {
    let bench = Bench::start();
    assert_eq!(bench.post("/other", &[], "").body["detail"], "Missing X-Signature header");
    assert_eq!(bench.post("/v2", &["X-Signature: ab"], "").body["detail"], "Missing HMAC header");
    assert_eq!(bench.get("/asked?other=1", &[]).body["detail"], "Missing sig query parameter");
    assert_eq!(bench.post("/inside", &[], "{\"a\":1}").body["detail"], "Missing /sig in the JSON body");
}

#[test]
fn where_a_token_is_missing_is_named_by_the_route() {
    let bench = Bench::start();
    let told = |target: &str| bench.get(target, &[]).body["detail"].as_str().unwrap_or_default().to_owned();
    assert_eq!(told("/bearer"), "Missing bearer token");
    assert_eq!(told("/bare"), "Missing Authorization header");
    assert_eq!(told("/cookie"), "Missing session cookie");
    assert_eq!(told("/query"), "Missing access_token query parameter");
    assert_eq!(told("/header"), "Missing X-Token header");
}

/// The log has what the client is not told: what stood where, and how it was written.
#[test]
fn the_log_says_what_is_wrong_with_a_credential_and_never_shows_it() {
    let log = tempfile::NamedTempFile::new().expect("a file");
    let bench = Bench::with(&format!("log: {{ access: {{ file: {} }} }}\n", log.path().display()));
    let hex = "0b".repeat(32);
    let device = |signature: &str, body: &str| {
        let answer = bench.post("/forms-device", &[&format!("X-HMAC-Signature: {signature}")], body);
        assert!(answer.status() == 403 || answer.status() == 400, "{answer:?}");
    };
    bench.get("/header", &[]);
    bench.get("/bearer", &["Authorization: eyJhbGciOi"]);
    device(&hex.to_uppercase(), "{}");
    device("C3n4", "{}");
    device(&hex, "");
    device(&hex, "{\"mac_address\":1,\"mac_address\":2}");
    let v2 = |time: i64| {
        let answer = bench.send(with_length(&device_v2_at("/v2", b"", time, &nonce()), b""));
        assert_eq!(answer.refusal(), (403, "stale"));
    };
    v2(now() * 1000);
    let whys = [
        "there is no token in the X-Token header",
        "what stands in the header is no `Authorization: Bearer TOKEN`",
        "64 characters of upper-case hexadecimal, where 64 of lower-case hexadecimal are wanted",
        "4 characters that may be base64 or base64url, where 64",
        "cannot be read from the body: it is empty",
        "cannot be read from the body: it is not strict JSON: a duplicate name in an object",
        "milliseconds, where seconds are wanted?",
    ];
    let written = || std::fs::read_to_string(log.path()).expect("the log");
    for _ in 0..100 {
        if written().lines().count() >= whys.len() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let written = written();
    for why in whys {
        assert_eq!(written.lines().filter(|line| line.contains(why)).count(), 1, "{why}: {written}");
    }
    assert_eq!(written.lines().count(), whys.len(), "{written}");
    assert!(!written.contains("eyJhbGciOi") && !written.contains("C3n4") && !written.contains("0B0B0B"), "{written}");
}

#[test]
fn a_route_may_have_a_shape_and_texts_of_its_own() {
    let bench = Bench::start();
    let answer = bench.get("/shaped", &[]);
    assert_eq!((answer.status(), &answer.body), (403, &json!({ "error": "Not authenticated" })));
    assert_eq!(answer.head.field("content-type"), Some("application/json"));
    let expired = format!("Authorization: Bearer {}", token(&json!({ "iat": now() - 20, "exp": now() - 10 })));
    let answer = bench.get("/shaped", &[&expired]);
    assert_eq!((answer.status(), &answer.body), (401, &json!({ "error": "Token has expired" })));
    assert_eq!(bench.get("/shaped", &["Authorization: Bearer x"]).body, json!({ "error": "Invalid token" }));
    assert_eq!(bench.get("/bearer", &[]).refusal(), (401, "missing-token"), "other routes keep theirs");
}

#[test]
fn an_unknown_path_and_a_wrong_method_are_told_apart() {
    let bench = Bench::with("  - { match: { path: /only-put, methods: [PUT] }, public: true, to: echo }\n");
    assert_eq!(bench.get("/nowhere", &[]).refusal(), (404, "not-found"));
    let answer = bench.get("/only-put", &[]);
    assert_eq!((answer.refusal(), answer.head.field("allow")), ((405, "method-not-allowed"), Some("PUT")));
}

#[test]
fn an_ambiguous_path_is_refused() {
    let bench = Bench::start();
    for target in ["/public/../v2", "/%76%32", "/public%2f..%2fv2", "//v2", "/v2;x", "/public\\v2", "/%zz", "/%00"] {
        let status = bench.get(target, &[]).status();
        assert!(matches!(status, 400 | 404), "{target}: {status}");
    }
    let answer = bench.get("//v2", &[]);
    assert_eq!(
        (answer.refusal(), &answer.body["detail"]),
        ((400, "ambiguous-path"), &json!("The path begins with two slashes"))
    );
}

#[test]
fn only_a_token_that_came_is_called_invalid() {
    let bench = Bench::start();
    let answer = bench.get("/bearer", &[]);
    assert_eq!((answer.refusal(), answer.head.field("www-authenticate")), ((401, "missing-token"), Some("Bearer")));
    for wrong in ["x", "a.b.c", &token(&json!({ "iss": "them" })), &token(&json!({ "aud": "others" }))] {
        let answer = bench.get("/bearer", &[&format!("Authorization: Bearer {wrong}")]);
        assert_eq!(answer.refusal(), (401, "invalid-token"), "{wrong}");
        assert_eq!(answer.head.field("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
    let expired = token(&json!({ "iat": now() - 20, "exp": now() - 10 }));
    let answer = bench.get("/bearer", &[&format!("Authorization: Bearer {expired}")]);
    assert_eq!((answer.refusal(), &answer.body["detail"]), ((401, "token-expired"), &json!("Token expired")));
    assert_eq!(answer.head.field("www-authenticate"), Some("Bearer error=\"invalid_token\""));
}

#[test]
fn a_token_is_expired_only_if_its_signature_verified() {
    let mut forged = token(&json!({ "iat": now() - 20, "exp": now() - 10 }));
    let last = forged.pop().expect("a character");
    let other = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.extend([other, last]);
    let answer = Bench::start().get("/bearer", &[&format!("Authorization: Bearer {forged}")]);
    assert_eq!(answer.refusal(), (401, "invalid-token"));
}

#[test]
fn a_signature_that_is_wrong_in_any_way_is_the_same_403() {
    let bench = Bench::start();
    let good = device_v2("/v2", b"");
    let signature = good.lines().find_map(|line| line.strip_prefix("X-HMAC-Signature: ")).expect("a signature");
    let wrong = [
        good.replace(signature, &"ab".repeat(32)),
        good.replace(signature, &signature.to_uppercase()),
        good.replace(signature, "zz"),
        good.replace("dev-1", "dev-2"),
        good.replace(signature, &signature.chars().take(62).collect::<String>()),
    ];
    for lines in wrong {
        let answer = bench.send(with_length(&lines, b""));
        assert_eq!(
            (answer.refusal(), &answer.body["detail"]),
            ((403, "invalid-signature"), &json!("Invalid signature")),
            "{lines}"
        );
    }
    assert_eq!(bench.send(with_length(&good.replace(signature, ""), b"")).refusal(), (400, "missing-signature"));
    assert_eq!(bench.send(with_length(&good, b"")).status(), 200, "none of them burnt the nonce");
}

#[test]
fn a_stale_request_is_told_the_server_s_time() {
    let bench = Bench::start();
    for time in [now() - 400, now() + 400, 0] {
        let answer = bench.send(with_length(&device_v2_at("/v2", b"", time, &nonce()), b""));
        assert_eq!(answer.refusal(), (403, "stale"), "{time}");
        assert!(answer.head.field("date").is_some_and(|date| date.ends_with(" GMT")));
    }
    for time in [now() - 290, now() + 290] {
        let answer = bench.send(with_length(&device_v2_at("/v2", b"", time, &nonce()), b""));
        assert_eq!(answer.status(), 200, "{time}");
    }
}

#[test]
fn an_unreadable_time_is_no_window() {
    let bench = Bench::start();
    let good = device_v2_at("/v2", b"", now(), &nonce());
    for time in ["", "x", "-5", "99999999999999999999", "1e9", "1714485600.5"] {
        let lines = good.replace(&format!("Timestamp: {}", now()), &format!("Timestamp: {time}"));
        let status = bench.send(with_length(&lines, b"")).status();
        assert!(matches!(status, 400 | 403), "{time}: {status}");
    }
}

#[test]
fn the_known_token_is_accepted_bare_where_it_needs_no_expiry() {
    let bench = Bench::start();
    let answer = bench.get("/known", &[&format!("Authorization: {KNOWN}")]);
    assert_eq!(answer.status(), 200, "{:?}", answer.body);
    assert_eq!(bench.get("/bearer", &[&format!("Authorization: Bearer {KNOWN}")]).refusal(), (401, "invalid-token"));
}

#[test]
fn a_refusal_shows_no_secret_and_neither_does_the_log() {
    let bench = Bench::start();
    let wrong = token(&json!({ "iss": "them" }));
    let answer = bench.get("/bearer?access_token=in-the-query", &[&format!("Authorization: Bearer {wrong}")]);
    let signature = hmac_hex("other");
    bench.post("/other", &[&format!("X-Signature: {signature}")], "body");
    let log = bench.gateway.output_when(|log| log.contains("\"path\":\"/other\""));
    for secret in [wrong.as_str(), &signature, crate::path::signing::KEY, "in-the-query"] {
        assert!(!log.contains(secret) && !answer.body.to_string().contains(secret), "{secret}");
    }
}

/// Both legs are met by one token, which comes once all the same.
#[test]
fn a_token_that_is_two_legs_of_one_requirement_is_not_its_own_replay() {
    let config = format!(
        r#"
tokens:
  once: {{ keys: [{{ algorithm: HS256, secret: {{ value: {KEY} }} }}], issuer: us, audience: api, replay: true }}
  x: {{ keys: [{{ algorithm: HS256, secret: {{ value: {KEY} }} }}], issuer: us, audience: api, from: {{ header: X-X }} }}
  y: {{ keys: [{{ algorithm: HS256, secret: {{ value: {KEY} }} }}], issuer: us, audience: api, from: {{ header: X-Y }} }}
upstreams: {{ fixed: {{ respond: {{ body: fixed }} }} }}
routes:
  - match: {{ path: /overlapping }}
    require: {{ all_of: [{{ any_of: [{{ jwt: once }}, {{ jwt: x }}] }}, {{ any_of: [{{ jwt: once }}, {{ jwt: y }}] }}] }}
    to: fixed
"#
    );
    let (_gateway, address) = run(&config, &[]);
    for id in ["one", "two"] {
        let token = token(&json!({ "jti": id }));
        let request = format!("GET /overlapping HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
        let status = || Talk::open(address).exchange(&request).0.status();
        assert_eq!([status(), status()], [200, 409], "{id}");
    }
}
