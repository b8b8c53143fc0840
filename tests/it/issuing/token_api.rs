//! `config/token-api.yaml`: a name for a token, and a greeting for the token.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::{Api, part};
use crate::support::send;

fn api() -> Api {
    Api::shipped("token-api.yaml", 8001)
}

fn login(api: &Api, name: &str) -> String {
    let answer = api.json(&format!("/login?username={name}"), "");
    assert_eq!((answer.status, answer.field("content-type")), (200, Some("application/json")), "{}", answer.text());
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!(body.as_object().expect("an object").len(), 1, "{body}");
    body["access_token"].as_str().expect("a token").to_owned()
}

#[test]
fn a_name_gets_a_token_for_an_hour_and_the_token_is_greeted() {
    let api = api();
    let token = login(&api, "alice");
    assert_eq!(part(&token, 0), json!({"alg": "HS256", "typ": "JWT"}));
    let claims = part(&token, 1);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let issued = claims["iat"].as_u64().expect("a time");
    assert!(now.abs_diff(issued) < 30, "{claims}");
    assert_eq!(claims["exp"].as_u64(), Some(issued + 3600));
    assert_eq!((&claims["sub"], &claims["iss"], &claims["aud"]), (&json!("alice"), &json!("token-api"), &json!("api")));
    let greeted = api.get("/secure-jwt", &format!("Bearer {token}"));
    let words = json!({"message": "Hello, alice. JWT authentication successful."});
    assert_eq!((greeted.status, greeted.json()), (200, words));
    assert_ne!(login(&api, "alice"), token, "each token has an id of its own");
}

#[test]
fn refusals_are_those_that_clients_know() {
    let api = api();
    let missing = send(api.address, b"GET /secure-jwt HTTP/1.1\r\nHost: a\r\n\r\n").expect("an answer");
    assert_eq!((missing.status, missing.json()), (403, json!({"detail": "Not authenticated"})));
    let token = login(&api, "alice");
    let forged = api.get("/secure-jwt", &format!("Bearer {token}x"));
    assert_eq!((forged.status, forged.json()), (401, json!({"detail": "Invalid token"})));
    assert_eq!(forged.field("content-type"), Some("application/json"));
    assert_eq!(api.json("/login", "").status, 400);
    assert_eq!(api.get("/login?username=alice", "x").status, 405);
}

#[test]
fn a_name_is_text_of_one_line_and_stays_text_in_the_claims() {
    let api = api();
    for (name, subject) in
        [("a%22%2C%22role%22%3A%22admin", "a\",\"role\":\"admin"), ("%C3%A4lice", "älice"), ("a%20b%2Fc%5C", "a b/c\\")]
    {
        let claims = part(&login(&api, name), 1);
        assert_eq!((&claims["sub"], claims.get("role")), (&json!(subject), None), "{name}");
    }
    let long = "x".repeat(257);
    for name in ["", "%00", "a%0d%0ab", "%ff", "%7f", &long] {
        let answer = api.json(&format!("/login?username={name}"), "");
        assert_eq!(answer.status, 401, "{name}: {}", answer.text());
    }
    // Which of two would be the user?
    assert_eq!(api.json("/login?username=alice&username=bob", "").status, 400);
}

#[test]
fn the_log_names_whom_a_token_was_issued_to_and_shows_no_token() {
    let api = api();
    let token = login(&api, "alice");
    let log = api.gateway.output_when(|log| log.contains("\"subject\":\"alice\""));
    assert!(log.contains("\"subject\":\"alice\""), "{log}");
    assert!(!log.contains(&token) && !log.contains(super::KEY), "{log}");
}
