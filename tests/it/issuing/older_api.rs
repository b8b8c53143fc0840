//! `config/legacy-token-api.yaml`: names and passwords in JSON, a bare token, one key in every refusal.

use serde_json::json;

use super::{Api, part};
use crate::support::{Connection, send};

fn api() -> Api {
    Api::shipped("legacy-token-api.yaml", 8002)
}

const ALICE: &str = r#"{"username":"alice","password":"wonderland"}"#;

#[test]
fn both_kinds_of_hashes_let_their_users_in() {
    let api = api();
    for (body, name) in [(ALICE, "alice"), (r#"{"username":"bob","password":"builder"}"#, "bob")] {
        let answer = api.json("/login", body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json()["token"].as_str().expect("a token").to_owned();
        assert_eq!(part(&token, 1)["sub"], json!(name));
        assert_eq!(part(&token, 1).get("role"), (name == "alice").then_some(&json!("admin")));
        let good = api.get("/protected", &token);
        assert_eq!((good.status, good.json()), (200, json!({"message": "Hello, authenticated user!"})));
        let bad = api.get("/protected", &format!("{token}A"));
        assert_eq!((bad.status, bad.json()), (403, json!({"error": "Invalid token"})));
    }
}

#[test]
fn whatever_is_wrong_with_a_login_is_told_in_the_same_words() {
    let api = api();
    let refusals: Vec<_> = [
        r#"{"username":"alice","password":"wonderlanD"}"#,
        r#"{"username":"alice","password":"builder"}"#,
        r#"{"username":"alice","password":""}"#,
        r#"{"username":"alice","password":"wonderland\u0000"}"#,
        r#"{"username":"mallory","password":"wonderland"}"#,
        r#"{"username":"Alice","password":"wonderland"}"#,
        r#"{"username":"","password":"wonderland"}"#,
        r#"{"username":["alice"],"password":"wonderland"}"#,
        r#"{"username":"alice","password":{"$ne":null}}"#,
        r#"{"username":"alice","password":true}"#,
        r#"{"username":"alice"}"#,
        r#"{"username":"alice","username":"bob","password":"builder"}"#,
        "username=alice&password=wonderland",
        "",
    ]
    .into_iter()
    .map(|body| (body, api.json("/login", body)))
    .collect();
    let mut first = None;
    for (body, answer) in refusals {
        assert_eq!((answer.status, answer.json()), (401, json!({"error": "Invalid credentials"})), "{body}");
        let others = |(name, _): &&(String, String)| !matches!(name.as_str(), "date" | "x-request-id");
        let fields: Vec<_> = answer.fields.iter().filter(others).cloned().collect();
        assert_eq!(first.get_or_insert_with(|| fields.clone()), &fields, "{body}");
    }
    let told = |log: &str| log.contains("no such user") && log.contains("wrong password");
    let log = api.gateway.output_when(told);
    assert!(told(&log), "{log}");
    assert!(!log.contains("wonderland") && !log.contains("mallory"), "{log}");
}

#[test]
fn a_body_that_is_too_large_or_never_comes_holds_nothing_up() {
    let api = api();
    let large = format!(r#"{{"username":"alice","password":"wonderland","x":"{}"}}"#, "x".repeat(80 * 1024));
    assert_eq!(api.json("/login", &large).status, 413);
    let mut slow = Connection::open(api.address);
    slow.write(b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 44\r\n\r\n{");
    assert_eq!(api.json("/login", ALICE).status, 200);
}

#[test]
fn a_login_is_sent_and_never_fetched() {
    let api = api();
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let request = format!("{method} /login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        let mut connection = Connection::open(api.address);
        let answer = connection.exchange_of(request.as_bytes(), method == "HEAD").expect("an answer");
        assert_eq!((answer.status, answer.field("allow")), (405, Some("POST")), "{method}");
    }
    assert_eq!(send(api.address, b"POST /protected HTTP/1.1\r\nHost: a\r\n\r\n").expect("an answer").status, 405);
}
