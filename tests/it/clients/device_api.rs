//! `POST /verify` with `config/device-api.yaml`: the firmware's form, the shell client's form, and everything else.

use std::net::SocketAddr;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::support::{Connection, Gateway, loopback, send};

const DEVICE_API: &str = include_str!("../../../config/device-api.yaml");
const KEY: &str = "secret-key";

/// The shipped device API, on ports of its own.
fn device_api() -> (Gateway, SocketAddr) {
    let address = loopback();
    let config =
        DEVICE_API.replace("127.0.0.1:8000", &address.to_string()).replace("127.0.0.1:9090", &loopback().to_string());
    (Gateway::start(&config, &[("API_DB_KEY", KEY)], address), address)
}

fn hmac_hex(message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("any length");
    mac.update(message.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

fn verify(signature: Option<&str>, body: &str) -> Vec<u8> {
    let signature = signature.map(|signature| format!("X-HMAC-Signature: {signature}\r\n")).unwrap_or_default();
    let length = body.len();
    format!("POST /verify HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n{signature}Content-Length: {length}\r\n\r\n{body}").into()
}

const BY_TIME: &str = r#"{"mac_address":"12:34:56:78:9a:bc","timestamp":1714485600}"#;
const BY_TEXT: &str = r#"{"mac_address": "12:34:56:78:9a:bc", "timestamp": "2025-04-30T15:00:00"}"#;

#[test]
fn both_clients_in_the_field_are_verified_and_the_log_says_which_came() {
    let (gateway, address) = device_api();
    // Signed as the firmware does, and as `openssl dgst -sha256 -hmac` does with the body's text.
    for (signed, body) in [("12:34:56:78:9a:bc:1714485600", BY_TIME), (BY_TEXT, BY_TEXT)] {
        let answer = send(address, &verify(Some(&hmac_hex(signed)), body)).expect("an answer");
        assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":"Verified"}"#), "{signed}");
    }
    let lines = |log: &str| log.lines().filter(|line| line.contains("\"by\"")).count();
    let log = gateway.output_when(|log| lines(log) >= 2);
    for form in ["device", "body-text"] {
        assert!(log.contains(&format!("\"by\":\"{form}\"")), "{form} is not in the log:\n{log}");
    }
    assert!(!log.contains(KEY) && !log.contains(&hmac_hex(BY_TEXT)), "{log}");
}

#[test]
fn an_unsigned_request_and_a_wrong_one_get_the_answers_that_clients_know() {
    let (_gateway, address) = device_api();
    let missing = send(address, &verify(None, BY_TIME)).expect("an answer");
    assert_eq!((missing.status, missing.json()), (400, json!({"detail": "Missing HMAC header"})));
    assert_eq!(missing.field("content-type"), Some("application/json"));
    for wrong in [hmac_hex("12:34:56:78:9a:bc:1714485601"), "zz".repeat(32), "ab".repeat(16)] {
        let answer = send(address, &verify(Some(&wrong), BY_TIME)).expect("an answer");
        assert_eq!((answer.status, answer.json()), (403, json!({"detail": "Invalid signature"})), "{wrong}");
    }
    let empty = send(address, &verify(Some(""), BY_TIME)).expect("an answer");
    assert_eq!(empty.status, 400);
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let (_gateway, address) = device_api();
    let mut connection = Connection::open(address);
    let signed = verify(Some(&hmac_hex("12:34:56:78:9a:bc:1714485600")), BY_TIME);
    for _ in 0..3 {
        assert_eq!(connection.exchange(&signed).expect("an answer").status, 200);
    }
    // Two at once: the answers come in order.
    let both = [signed.clone(), b"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n".to_vec()].concat();
    assert_eq!(connection.exchange(&both).expect("an answer").status, 200);
    assert_eq!(connection.answer().expect("a second answer").status, 404);
}
