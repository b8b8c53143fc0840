//! What is sent to another login, and what is made of its answers.

use std::time::Duration;

use serde_json::json;

use super::*;

fn settings() -> Settings {
    let calls = outcall::Settings {
        tls: false,
        roots: None,
        connect_timeout: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        largest_answer: 65536,
        most_calls: 4,
    };
    Settings {
        url: Uri::from_static("http://127.0.0.1/login"),
        headers: Vec::new(),
        body: Body::parse(Form::Json, r#"{"user":"{username}","pass":"{password}"}"#).unwrap(),
        success: vec![StatusCode::OK],
        equal: vec![("/ok".to_owned(), json!(true))],
        refused: vec![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN],
        subject: Some("/user/id".to_owned()),
        claims: vec![("role".to_owned(), "/user/role".to_owned()), ("team".to_owned(), "/user/team".to_owned())],
        calls,
    }
}

#[test]
fn a_name_and_a_password_stay_in_their_places_whatever_they_hold() {
    let json = Body::parse(Form::Json, r#"{ "p": "{password}", "u": "x\\{username}", "n": [1] }"#).unwrap();
    let sent = json.filled_in("a\"b", b"\",\"admin\":\"\\\n").unwrap();
    let read: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(read, json!({ "p": "\",\"admin\":\"\\\n", "u": "x\\a\"b", "n": [1] }));
    assert_eq!(json.filled_in("a", b"\xff"), None);
    let form = Body::parse(Form::Form, "u={username}&p={password}&go=1").unwrap();
    assert_eq!(&form.filled_in("a&b=c", "pä+ %".as_bytes()).unwrap()[..], b"u=a%26b%3Dc&p=p%C3%A4%2B%20%25&go=1");
    // What looks like a place in what was typed is none.
    assert_eq!(&form.filled_in("{password}", b"x").unwrap()[..], b"u=%7Bpassword%7D&p=x&go=1");
}

#[test]
fn a_body_whose_places_are_no_values_is_refused() {
    for (form, text, fault) in [
        (Form::Json, r#"{"u":"{username}"}"#, BodyFault::Places),
        (Form::Json, r#"{"u":"{username}","v":"{username}","p":"{password}"}"#, BodyFault::Places),
        (Form::Json, r#"{"u":{username},"p":"{password}"}"#, BodyFault::Json),
        (Form::Json, r#"{"{username}":1,"p":"{password}"}"#, BodyFault::Json),
        (Form::Json, r#"{"u":"{username}","p":"{password}""#, BodyFault::Json),
        (Form::Form, "{username}={password}", BodyFault::Form),
        (Form::Form, "login={username}:{password}", BodyFault::Form),
    ] {
        assert_eq!(Body::parse(form, text).unwrap_err(), fault, "{text}");
    }
}

#[test]
fn an_answer_says_who_somebody_is() {
    let body = br#"{"ok":true,"user":{"id":17,"role":["a","b"],"team":null}}"#;
    let known = settings().read(StatusCode::OK, body).unwrap();
    assert_eq!(known.subject.as_deref(), Some("17"));
    assert_eq!(known.claims, json!({ "role": ["a", "b"] }));
}

#[test]
fn what_is_no_plain_yes_lets_nobody_in() {
    let read =
        |status: u16, body: &str| settings().read(StatusCode::from_u16(status).unwrap(), body.as_bytes()).unwrap_err();
    for (status, body) in [
        (401, ""),
        (403, "{}"),
        (200, r#"{"ok":false,"user":{"id":1}}"#),
        (200, r#"{"ok":"true","user":{"id":1}}"#),
        (200, r#"{"user":{"id":1}}"#),
        (200, "{}"),
    ] {
        assert!(matches!(read(status, body), Failure::WrongPassword), "{status} {body}");
    }
    for (status, body) in [
        (200, "welcome"),
        (200, r#"{"ok":true,"ok":false}"#),
        (200, r#"{"ok":true,"user":{"id":""}}"#),
        (200, r#"{"ok":true,"user":{"id":"a\nb"}}"#),
        (200, r#"{"ok":true}"#),
        (302, ""),
        (404, ""),
        (204, ""),
    ] {
        assert!(matches!(read(status, body), Failure::Users(UsersAway::Nonsense(_))), "{status} {body}");
    }
    for status in [500, 502, 503] {
        let failure = read(status, "{}");
        assert!(matches!(failure, Failure::Users(UsersAway::Silent(_))) && failure.is_attempt(), "{status}");
    }
    assert!(matches!(read(429, "{}"), Failure::Users(UsersAway::Crowded)) && read(429, "{}").is_attempt());
}
