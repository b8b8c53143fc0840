//! Several credentials on one route, as docs/security.md says: "Credentials".

use serde_json::json;

use super::Bench;
use crate::path::signing::{device_v2, hmac_hex, token, with_length};

fn bearer() -> String {
    format!("Authorization: Bearer {}", token(&json!({})))
}

#[test]
fn any_one_of_several_is_enough() {
    let bench = Bench::start();
    let signed = bench.send(with_length(&device_v2("/either", b"body"), b"body"));
    assert_eq!((signed.status(), signed.received("x-countersign-scheme")), (200, Some("v2")));
    let token = bench.get("/either", &[&bearer()]);
    assert_eq!((token.status(), token.received("x-countersign-scheme")), (200, Some("api")));
}

#[test]
fn two_different_carriers_are_ambiguous_even_if_both_are_good() {
    let bench = Bench::start();
    for target in ["/either", "/token-first"] {
        let lines = format!("{}{}\r\n", device_v2(target, b""), bearer());
        assert_eq!(bench.send(with_length(&lines, b"")).refusal(), (400, "ambiguous-credential"));
    }
}

#[test]
fn a_carrier_that_is_there_and_bad_is_present_all_the_same() {
    let bench = Bench::start();
    let lines = format!("{}Authorization: Bearer nonsense\r\n", device_v2("/either", b""));
    assert_eq!(bench.send(with_length(&lines, b"")).refusal(), (400, "ambiguous-credential"));
    let lines = format!("{}Authorization: Bearer a b\r\n", device_v2("/either", b""));
    assert_eq!(bench.send(with_length(&lines, b"")).refusal(), (400, "ambiguous-credential"));
}

#[test]
fn an_authorization_of_another_kind_is_no_credential_here() {
    let bench = Bench::start();
    let lines = format!("{}Authorization: Basic YTpi\r\n", device_v2("/either", b""));
    assert_eq!(bench.send(with_length(&lines, b"")).status(), 200);
}

#[test]
fn where_none_is_present_the_first_one_s_refusal_is_told_with_every_challenge() {
    let bench = Bench::start();
    let answer = bench.get("/either", &[]);
    assert_eq!(answer.refusal(), (400, "missing-signature"));
    assert_eq!(answer.head.field("www-authenticate"), Some("Bearer"));
    let answer = bench.get("/token-first", &[]);
    assert_eq!(answer.refusal(), (401, "missing-token"));
    assert_eq!(answer.head.field("www-authenticate"), Some("Bearer"));
}

#[test]
fn forms_on_one_carrier_are_tried_in_the_file_s_order() {
    let bench = Bench::start();
    let body = r#"{"mac_address":"12:34:56:78:9a:bc","timestamp":1714485600}"#;
    for (signed, form) in [("12:34:56:78:9a:bc:1714485600", "device"), (body, "text")] {
        let answer = bench.post("/forms", &[&format!("X-HMAC-Signature: {}", hmac_hex(signed))], body);
        assert_eq!((answer.status(), answer.received("x-countersign-scheme")), (200, Some(form)));
    }
}

#[test]
fn a_missing_or_ill_typed_field_fails_its_own_form_only() {
    let bench = Bench::start();
    for body in
        ["no json", "{}", r#"{"mac_address":7,"timestamp":true}"#, "[]", r#"{"mac_address":"x","mac_address":"y"}"#]
    {
        let answer = bench.post("/forms", &[&format!("X-HMAC-Signature: {}", hmac_hex(body))], body);
        assert_eq!((answer.status(), answer.received("x-countersign-scheme")), (200, Some("text")), "{body}");
    }
}

#[test]
fn where_all_fail_the_first_present_one_s_refusal_is_told_and_all_are_logged() {
    let bench = Bench::start();
    let wrong = format!("X-HMAC-Signature: {}", "ab".repeat(32));
    assert_eq!(bench.post("/forms", &[&wrong], "no json").refusal(), (400, "unreadable-field"));
    let body = r#"{"mac_address":"12:34:56:78:9a:bc","timestamp":1714485600}"#;
    assert_eq!(bench.post("/forms", &[&wrong], body).refusal(), (403, "invalid-signature"));
    let log = bench.gateway.output_when(|log| log.matches("\"path\":\"/forms\"").count() >= 2);
    let whys: Vec<&str> = log.lines().filter(|line| line.contains("\"path\":\"/forms\"")).collect();
    assert!(whys.iter().all(|line| line.contains("device: ") && line.contains("text: ")), "{log}");
}

#[test]
fn all_of_wants_each_and_the_first_that_can_names_the_caller() {
    let bench = Bench::start();
    let signature = format!("X-Signature: {}", hmac_hex("body"));
    let answer = bench.post("/both", &[&signature, &bearer()], "body");
    // The signature binds no key id, so there is only the token to name anyone.
    assert_eq!((answer.status(), answer.received("x-countersign-scheme")), (200, Some("api")));
    assert_eq!(answer.received("x-countersign-subject"), Some("alice"));
    let lines = format!("{}{}\r\n", device_v2("/both-once", b""), bearer_with_id("a"));
    let answer = bench.send(with_length(&lines, b""));
    assert_eq!((answer.status(), answer.received("x-countersign-subject")), (200, Some("dev-1")));
}

#[test]
fn all_of_refuses_with_the_one_that_is_missing_or_wrong() {
    let bench = Bench::start();
    let (good, wrong) = (format!("X-Signature: {}", hmac_hex("body")), format!("X-Signature: {}", hmac_hex("other")));
    assert_eq!(bench.post("/both", &[], "body").refusal(), (400, "missing-signature"));
    assert_eq!(bench.post("/both", &[&bearer()], "body").refusal(), (400, "missing-signature"));
    assert_eq!(bench.post("/both", &[&good], "body").refusal(), (401, "missing-token"));
    assert_eq!(bench.post("/both", &[&wrong, &bearer()], "body").refusal(), (403, "invalid-signature"));
    assert_eq!(bench.post("/both", &[&good, "Authorization: Bearer x.y.z"], "body").refusal(), (401, "invalid-token"));
}

fn bearer_with_id(id: &str) -> String {
    format!("Authorization: Bearer {}", token(&json!({ "jti": id })))
}

#[test]
fn all_of_claims_every_replay_key_or_none() {
    let bench = Bench::start();
    assert_eq!(bench.get("/once", &[&bearer_with_id("spent")]).status(), 200);
    let signed = device_v2("/both-once", b"");
    let with = |id: &str| bench.send(with_length(&format!("{signed}{}\r\n", bearer_with_id(id)), b""));
    assert_eq!(with("spent").refusal(), (409, "replayed"));
    assert_eq!(with("fresh").status(), 200, "the first try did not burn the nonce");
    assert_eq!(with("fresher").refusal(), (409, "replayed"));
    assert_eq!(bench.get("/once", &[&bearer_with_id("fresher")]).status(), 200, "nor did the last burn the token");
}

#[test]
fn two_of_one_kind_are_refused() {
    let bench = Bench::start();
    assert_eq!(bench.get("/bearer", &[&bearer(), &bearer()]).refusal(), (401, "invalid-token"));
    assert_eq!(bench.get("/bearer", &[&bearer(), "Authorization: Basic YTpi"]).refusal(), (401, "invalid-token"));
    let signature = format!("X-Signature: {}", hmac_hex("body"));
    let answer = bench.post("/other", &[&signature, &signature], "body");
    assert_eq!(answer.refusal(), (400, "ambiguous-credential"));
}
