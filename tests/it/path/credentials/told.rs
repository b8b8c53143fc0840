//! What an upstream is told of a caller, and that nobody else can tell it.

use serde_json::json;

use super::Bench;
use crate::path::signing::{device_v2, hmac_hex, token, with_length};

#[test]
fn a_verified_token_goes_no_further_wherever_it_stood() {
    let bench = Bench::start();
    let token = token(&json!({}));
    let bearer = bench.get("/bearer", &[&format!("authorization: bearer {token}")]);
    assert_eq!((bearer.status(), bearer.received("authorization")), (200, None));
    let bare = bench.get("/bare", &[&format!("Authorization: {token}")]);
    assert_eq!((bare.status(), bare.received("authorization")), (200, None));
    let header = bench.get("/header", &[&format!("X-Token: {token}")]);
    assert_eq!((header.status(), header.received("x-token")), (200, None));
    let cookie = bench.get("/cookie", &[&format!("Cookie: a=1; session={token}; b=2")]);
    assert_eq!((cookie.status(), cookie.received("cookie")), (200, Some("a=1; b=2")));
    let query = bench.get(&format!("/query?a=1&access_token={token}&b=2"), &[]);
    assert_eq!((query.status(), query.body["target"].as_str()), (200, Some("/query?a=1&b=2")));
    let alone = bench.get(&format!("/query?access_token={token}"), &[]);
    assert_eq!((alone.status(), alone.body["target"].as_str()), (200, Some("/query")));
    for answer in [bearer, bare, header, cookie, query, alone] {
        assert!(!answer.body.to_string().contains(&token), "{:?}", answer.body);
    }
}

/// Wherever it is said that a token stands there: in its entry, or for one route alone.
#[test]
fn no_twin_of_a_token_s_header_reaches_an_upstream_and_connection_cannot_remove_it() {
    let bench = Bench::with(concat!(
        "  - { match: { path: /kept }, require: { any_of: [{ jwt: { tokens: api, from: { header: X-Kept } } }, ",
        "{ hmac: other }] }, to: echo, forward_credentials: true }\n"
    ));
    let token = token(&json!({}));
    for (target, name) in [("/header", "X-Token"), ("/kept", "X-Kept")] {
        let good = format!("{name}: {token}");
        let twins = [name.replace('-', "_"), name.replace('-', "."), name.to_lowercase().replace('-', "_")];
        for twin in twins {
            let answer = bench.get(target, &[&good, &format!("{twin}: forged")]);
            assert_eq!(answer.status(), 200);
            assert!(!answer.body.to_string().contains("forged"), "{twin}: {}", answer.body);
        }
        let named = bench.get(target, &[&good, &format!("Connection: {name}")]);
        let kept = (target == "/kept").then_some(token.as_str());
        assert_eq!(named.received(&name.to_lowercase()), kept);
    }
}

#[test]
fn a_token_is_passed_on_where_the_route_says_so() {
    let bearer = format!("Bearer {}", token(&json!({})));
    let answer = Bench::start().get("/passed", &[&format!("Authorization: {bearer}")]);
    assert_eq!((answer.status(), answer.received("authorization")), (200, Some(bearer.as_str())));
}

#[test]
fn a_second_spelling_of_the_token_s_parameter_is_refused() {
    let bench = Bench::start();
    let token = token(&json!({}));
    for query in [format!("access%5Ftoken={token}"), format!("access_token={token}&access%5Ftoken=x")] {
        assert_eq!(bench.get(&format!("/query?{query}"), &[]).refusal(), (401, "invalid-token"), "{query}");
    }
}

#[test]
fn a_signature_goes_no_further() {
    let bench = Bench::start();
    let answer = bench.send(with_length(&device_v2("/v2", b""), b""));
    assert_eq!((answer.status(), answer.received("x-hmac-signature")), (200, None));
    let answer = bench.post("/other", &[&format!("X-Signature: {}", hmac_hex("body"))], "body");
    assert_eq!((answer.status(), answer.received("x-signature")), (200, None));
}

#[test]
fn the_upstream_is_told_who_it_is_and_what_proved_it() {
    let bench = Bench::start();
    let answer = bench.send(with_length(&device_v2("/v2", b""), b""));
    let told = |name| answer.received(name);
    assert_eq!(told("x-countersign-subject"), Some("dev-1"));
    assert_eq!(told("x-countersign-key-id"), Some("dev-1"));
    assert_eq!(told("x-countersign-scheme"), Some("v2"));
}

#[test]
fn claims_become_headers() {
    let bench = Bench::start();
    let with = |claims| {
        let bearer = format!("Authorization: Bearer {}", token(&claims));
        bench.get("/bearer", &[&bearer]).received("x-role").map(str::to_owned)
    };
    assert_eq!(with(json!({ "role": "admin" })).as_deref(), Some("admin"));
    assert_eq!(with(json!({ "role": 7 })).as_deref(), Some("7"));
    assert_eq!(with(json!({})).as_deref(), Some("none"));
}

#[test]
fn a_claim_cannot_break_out_of_its_header() {
    let bench = Bench::start();
    let bearer = format!("Authorization: Bearer {}", token(&json!({ "role": "a\r\nX-Role: admin" })));
    let answer = bench.get("/role", &[&bearer]);
    assert!(answer.status() >= 400, "{answer:?}");
}

#[test]
fn nobody_can_forge_what_the_gateway_says_in_any_spelling_on_any_route() {
    let bench = Bench::start();
    let names = [
        "X-Countersign-Subject",
        "X_Countersign_Subject",
        "x.countersign.subject",
        "X-COUNTERSIGN_KEY.ID",
        // lighttpd's CGI makes one variable of these and of ours.
        "X+Countersign+Subject",
        "X-Countersign~Subject",
        "x|countersign`scheme",
        "X!Forwarded-For",
    ];
    let more = [
        "X-Role",
        "x_role",
        "X.ROLE",
        "X+Role",
        "x'role",
        "X-Countersign-Scheme",
        "X-Original-URL",
        "X_Forwarded_For",
        "X-HTTP-Method-Override",
    ];
    let lines: Vec<String> = names.iter().chain(&more).map(|name| format!("{name}: forged")).collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let bearer = format!("Authorization: Bearer {}", token(&json!({})));
    lines.push(&bearer);
    for target in ["/public", "/bearer"] {
        let answer = bench.get(target, &lines);
        assert_eq!(answer.status(), 200);
        assert!(!answer.body.to_string().contains("forged"), "{target}: {}", answer.body);
    }
    assert_eq!(bench.get("/bearer", &lines).received("x-countersign-subject"), Some("alice"));
}

#[test]
fn connection_cannot_remove_what_the_gateway_says() {
    let bench = Bench::start();
    let bearer = format!("Authorization: Bearer {}", token(&json!({ "role": "user" })));
    let hop = "Connection: close, X-Countersign-Subject, X-Role, X-Forwarded-For, X-Own";
    let answer = bench.get("/bearer", &[&bearer, hop, "X-Own: y", "Keep-Alive: x", "TE: trailers", "Upgrade: h2c"]);
    assert_eq!(answer.received("x-countersign-subject"), Some("alice"));
    assert_eq!(answer.received("x-role"), Some("user"));
    assert_eq!(answer.received("x-forwarded-for"), Some("127.0.0.1"));
    for gone in ["x-own", "connection", "keep-alive", "te", "upgrade"] {
        assert_eq!(answer.received(gone), None, "{gone}");
    }
}

const FORWARDED: [&str; 5] = [
    "X-Forwarded-For: 198.51.100.7",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: api.example.com",
    "Forwarded: for=198.51.100.7;proto=https",
    "X-Real-IP: 198.51.100.7",
];

#[test]
fn a_stranger_s_word_on_where_it_comes_from_is_not_passed_on() {
    let answer = Bench::start().get("/public", &FORWARDED);
    assert_eq!(answer.received("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(answer.received("x-forwarded-proto"), Some("http"));
    assert_eq!(answer.received("x-forwarded-host"), Some("a"));
    assert_eq!(answer.received("forwarded"), Some("for=127.0.0.1;host=\"a\";proto=http"));
    assert_eq!(answer.received("x-real-ip"), None);
}

#[test]
fn a_trusted_proxy_s_word_is_continued_and_the_log_has_the_client() {
    let bench = Bench::with("trusted_proxies: [127.0.0.0/8]\n");
    let answer = bench.get("/public", &FORWARDED);
    assert_eq!(answer.received("x-forwarded-for"), Some("198.51.100.7, 127.0.0.1"));
    assert_eq!(answer.received("x-forwarded-proto"), Some("https"));
    assert_eq!(answer.received("x-forwarded-host"), Some("api.example.com"));
    let forwarded = "for=198.51.100.7;proto=https, for=127.0.0.1;host=\"a\";proto=http";
    assert_eq!(answer.received("forwarded"), Some(forwarded));
    let log = bench.gateway.output_when(|log| log.contains("/public"));
    assert!(log.contains("\"client\":\"198.51.100.7\""), "{log}");
}

#[test]
fn a_token_without_the_claim_that_a_header_needs_is_refused_and_no_upstream_blamed() {
    let bench = Bench::start();
    let answer = bench.get("/role", &[&format!("Authorization: Bearer {}", token(&json!({})))]);
    assert_eq!(answer.refusal(), (401, "invalid-token"));
    assert_eq!(answer.head.field("www-authenticate"), Some("Bearer error=\"invalid_token\""));
}
