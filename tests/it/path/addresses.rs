//! Who may come from where: lists of networks, and whose word about an address counts.

use std::{fmt::Write, net::SocketAddr};

use serde_json::Value;

use super::support::{PATIENCE, Talk, eventually, get, run};
use crate::support::Gateway;

const CONFIG: &str = r#"
upstreams: { fixed: { respond: { body: "fixed" } }, echo: { echo: true } }
routes:
  - { match: { path: /open }, public: true, to: fixed }
  - { match: { path: /echo }, public: true, to: echo }
  - { match: { path: /inside }, public: true, to: fixed, addresses: { allow: [10.0.0.0/8, "2001:db8::/32"], deny: [10.9.0.0/16] }, refusals: { key: error } }
"#;

fn start(more: &str) -> (Gateway, SocketAddr) {
    run(&format!("{CONFIG}{more}"), &[])
}

fn with(address: SocketAddr, target: &str, lines: &str) -> (u16, Vec<u8>) {
    let (head, body) = Talk::open(address).exchange(format!("GET {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
    (head.status(), body)
}

fn forwarded_for(address: SocketAddr, target: &str, client: &str) -> u16 {
    with(address, target, &format!("X-Forwarded-For: {client}\r\n")).0
}

#[test]
fn a_denied_address_is_refused_whatever_it_asks_for_and_logged() {
    let (gateway, address) = start("addresses: { deny: [127.0.0.0/8] }\n");
    let (head, body) = Talk::open(address).exchange(get("/open"));
    let body: Value = serde_json::from_slice(&body).expect("a problem");
    assert_eq!((head.status(), body["type"].as_str()), (403, Some("urn:countersign:address-denied")));
    assert_eq!(with(address, "/nowhere", "").0, 403);
    let log = gateway.output_when(|log| log.matches("address-denied").count() == 2);
    assert!(log.contains("\"cause\":\"address-denied\",\"why\":\"its address is denied\""), "{log}");
}

#[test]
fn a_route_s_list_is_for_the_route_and_has_its_shape() {
    let (_gateway, address) = start("trusted_proxies: [127.0.0.1]\n");
    let (status, body) = with(address, "/inside", "");
    assert_eq!((status, body.as_slice()), (403, &br#"{"error":"Requests from this address are not accepted"}"#[..]));
    assert_eq!(with(address, "/open", "").0, 200);
    for (client, status) in [
        ("10.1.2.3", 200),
        ("10.9.2.3", 403),
        ("::ffff:10.1.2.3", 200),
        ("::ffff:10.9.2.3", 403),
        ("2001:db8::1", 200),
        ("2001:db9::1", 403),
        ("10.1.2.3, 192.0.2.1", 403),
        ("10.1.2.3, unknown", 403),
        ("10.1.2.3,", 403),
    ] {
        assert_eq!(forwarded_for(address, "/inside", client), status, "{client}");
    }
}

#[test]
fn a_listener_s_list_is_for_the_listener() {
    let other = crate::support::loopback();
    let first = crate::support::loopback();
    let listen = format!("listen: [{{ address: {first}, addresses: {{ allow: [192.0.2.0/24] }} }}, {other}]\n");
    let _gateway = Gateway::start(&format!("{listen}{CONFIG}"), &[], first);
    assert_eq!([with(first, "/open", "").0, with(other, "/open", "").0], [403, 200]);
}

#[test]
fn a_stranger_s_word_changes_nothing() {
    let (_gateway, address) = start("addresses: { deny: [127.0.0.1] }\ntrusted_proxies: [192.0.2.1]\n");
    for lines in ["X-Forwarded-For: 10.1.2.3\r\n", "Forwarded: for=10.1.2.3\r\n", "X-Real-IP: 10.1.2.3\r\n"] {
        assert_eq!(with(address, "/open", lines).0, 403, "{lines}");
    }
}

#[test]
fn forwarded_is_read_where_it_is_what_is_believed() {
    let (_gateway, address) = start("trusted_proxies: { nets: [127.0.0.1], header: forwarded }\n");
    for (lines, status) in [
        ("Forwarded: for=10.1.2.3\r\n", 200),
        ("Forwarded: for=192.0.2.1, for=\"10.1.2.3:4711\";proto=https\r\n", 200),
        ("Forwarded: for=\"[2001:db8::1]\"\r\n", 200),
        ("Forwarded: for=10.1.2.3, for=192.0.2.1\r\n", 403),
        ("Forwarded: for=10.1.2.3;for=10.1.2.3\r\n", 403),
        ("Forwarded: for=10.1.2.3, for=_hidden\r\n", 403),
        ("X-Forwarded-For: 10.1.2.3\r\n", 403),
        ("X-Forwarded-For: 10.1.2.3\r\nForwarded: for=192.0.2.1\r\n", 403),
    ] {
        assert_eq!(with(address, "/inside", lines).0, status, "{lines}");
    }
}

#[test]
fn what_is_not_believed_is_not_passed_on() {
    let lines =
        "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Host: evil.example\r\nForwarded: for=\"[2001:db8::1]\"\r\n";
    let received = |header: &str| {
        let (_gateway, address) = start(&format!("trusted_proxies: {{ nets: [127.0.0.1], header: {header} }}\n"));
        let echo: Value = serde_json::from_slice(&with(address, "/echo", lines).1).expect("JSON");
        echo.to_string()
    };
    let forwarded = received("forwarded");
    assert!(forwarded.contains("2001:db8::1, 127.0.0.1"), "{forwarded}");
    assert!(!forwarded.contains("198.51.100.1") && !forwarded.contains("evil.example"), "{forwarded}");
    let x_forwarded_for = received("x-forwarded-for");
    assert!(x_forwarded_for.contains("198.51.100.1, 127.0.0.1"), "{x_forwarded_for}");
    assert!(x_forwarded_for.contains("for=198.51.100.1, for=127.0.0.1"), "{x_forwarded_for}");
    assert!(!x_forwarded_for.contains("2001:db8::1") && x_forwarded_for.contains("evil.example"), "{x_forwarded_for}");
}

#[test]
fn ten_thousand_networks_in_a_file_are_known() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("deny.nets");
    let mut list = "# seen yesterday\n".to_owned();
    for number in 0..10_000 {
        writeln!(list, "10.{}.{}.0/25 # {number}", number / 256, number % 256).expect("text");
    }
    std::fs::write(&file, list).expect("written");
    let deny = format!("trusted_proxies: [127.0.0.1]\naddresses: {{ deny: {{ file: {} }} }}\n", file.display());
    let (_gateway, address) = start(&deny);
    for (client, status) in [("10.0.0.1", 403), ("10.39.15.127", 403), ("10.39.15.128", 200), ("10.39.16.1", 200)] {
        assert_eq!(forwarded_for(address, "/open", client), status, "{client}");
    }
}

#[test]
fn a_list_in_a_file_is_read_again_when_it_changes_and_no_counter_is_forgotten() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("deny.nets");
    std::fs::write(&file, "198.51.100.0/24\n").expect("written");
    let counted =
        "  - { match: { path: /counted }, public: true, to: fixed, rate_limits: { per: address, rate: 1/h } }\n";
    let deny = format!("trusted_proxies: [127.0.0.1]\naddresses: {{ deny: {{ file: {} }} }}\n", file.display());
    let (_gateway, address) = start(&format!("{counted}{deny}"));
    let ask = |target: &str, client: &str| forwarded_for(address, target, client);
    assert_eq!([ask("/open", "198.51.100.1"), ask("/open", "192.0.2.1")], [403, 200]);
    assert_eq!([ask("/counted", "203.0.113.1"), ask("/counted", "203.0.113.1")], [200, 429]);
    std::fs::write(&file, "192.0.2.0/24\n").expect("written");
    assert!(eventually(PATIENCE, || ask("/open", "192.0.2.1") == 403), "the new list is in force");
    assert_eq!(ask("/open", "198.51.100.1"), 200);
    assert_eq!(ask("/counted", "203.0.113.1"), 429, "what was spent stays spent");
    std::fs::write(&file, "everybody\n").expect("written");
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(ask("/open", "192.0.2.1"), 403, "a list of no use changes nothing");
}
