//! Connections that a load balancer hands over with a PROXY header, and how many one address may have.

use std::{net::SocketAddr, thread::sleep, time::Duration};

use super::{
    support::{End, PATIENCE, Talk, eventually, free_address, get},
    tls::Authority,
};
use crate::support::Gateway;

const ROUTES: &str = r#"
upstreams: { fixed: { respond: { body: "{client_address}" } } }
routes: [{ match: { path: /** }, public: true, to: fixed }]
"#;

/// A gateway with a listener for its balancer, and one for everybody, which is asked whether it listens.
fn start(trusted: &str, more: &str) -> (Gateway, SocketAddr, SocketAddr) {
    let (proxied, open) = (free_address(), free_address());
    let listen =
        format!("listen: [{{ address: {proxied}, proxy_protocol: required }}, {open}]\ntrusted_proxies: [{trusted}]\n");
    (Gateway::start(&format!("{listen}{ROUTES}{more}"), &[], open), proxied, open)
}

fn v2(source: [u8; 4]) -> Vec<u8> {
    let block = [source.as_slice(), &[10, 0, 0, 1, 0x30, 0x39, 1, 187]].concat();
    [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".as_slice(), &block].concat()
}

fn seen(address: SocketAddr, header: impl AsRef<[u8]>) -> Option<String> {
    let mut client = Talk::open(address);
    client.write([header.as_ref(), get("/").as_bytes()].concat());
    let (head, body) = client.answer(false)?;
    assert_eq!(head.status(), 200);
    Some(String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn a_client_is_who_the_balancer_says() {
    let (_gateway, address, _) = start("127.0.0.0/8", "");
    let line = "PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n";
    assert_eq!(seen(address, line).as_deref(), Some("192.0.2.7"));
    assert_eq!(seen(address, v2([192, 0, 2, 8])).as_deref(), Some("192.0.2.8"));
    assert_eq!(seen(address, "PROXY TCP6 2001:db8::1 ::1 1 2\r\n").as_deref(), Some("2001:db8::1"));
    assert_eq!(seen(address, "PROXY UNKNOWN\r\n").as_deref(), Some("unknown"));
    assert_eq!(seen(address, b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\0").as_deref(), Some("unknown"));
    assert_eq!(seen(address, b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0").as_deref(), Some("127.0.0.1"));
    let mut slow = Talk::open(address);
    for byte in line.bytes() {
        slow.write([byte]);
        sleep(Duration::from_millis(2));
    }
    assert_eq!(slow.exchange(get("/")).1, b"192.0.2.7");
    assert_eq!(slow.exchange(get("/")).1, b"192.0.2.7", "for all requests of the connection");
}

#[test]
fn a_client_that_came_through_a_balancer_is_a_stranger_who_may_say_what_he_likes() {
    let (_gateway, address, _) = start("127.0.0.1", "");
    let mut client = Talk::open(address);
    client.write("PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n");
    let spoofed = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n";
    assert_eq!(client.exchange(spoofed).1, b"192.0.2.7");
}

#[test]
fn a_client_that_the_balancer_does_not_name_is_nobody_whatever_he_says() {
    let (_gateway, address, _) = start("127.0.0.1", "addresses: { allow: [10.0.0.0/8, 127.0.0.0/8] }\n");
    let asks = |header: &[u8], field: &str| {
        let mut client = Talk::open(address);
        client.write(header);
        client.exchange(format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n")).0.status()
    };
    let unix = [b"\r\n\r\n\0\r\nQUIT\n\x21\x31\0\xd8".as_slice(), &[0; 216]].concat();
    for header in [b"PROXY UNKNOWN\r\n".as_slice(), b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\0", &unix] {
        for field in ["", "X-Forwarded-For: 10.1.1.1\r\n", "Forwarded: for=10.1.1.1\r\n"] {
            assert_eq!(asks(header, field), 403, "{header:?} {field}");
        }
    }
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    assert_eq!(asks(local, ""), 200, "its health checks are its own");
}

#[test]
fn without_its_header_a_connection_is_closed_without_a_word() {
    let (_gateway, address, open) = start("127.0.0.0/8", "timeouts: { head: 500ms }\n");
    for beginning in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "PROXY TCP4 192.0.2.300 10.0.0.1 1 2\r\n",
        "\r\n\r\n\0\r\nQUIT\n\x25\x11\0\0",
    ] {
        let mut client = Talk::open(address);
        client.write(beginning);
        let (said, end) = client.rest();
        assert!(said.is_empty() && end != End::TimedOut, "{beginning:?}: {said:?}");
    }
    for part in ["", "PROXY TCP4 192.0.2.7", "\r\n\r\n\0\r\nQUIT\n"] {
        let mut client = Talk::open(address);
        client.write(part);
        assert!(client.ends_within(PATIENCE), "{part:?} is not waited for");
    }
    let (head, _) = Talk::open(open).exchange("PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n\r\n");
    assert_eq!(head.status(), 400, "where none is required none is taken");
}

#[test]
fn a_connection_that_is_silent_before_its_header_holds_up_no_stop() {
    let (mut gateway, proxied, _) = start("127.0.0.1", "");
    let _silent = Talk::open(proxied);
    sleep(Duration::from_millis(300));
    gateway.signal("TERM");
    assert!(gateway.ended_within(Duration::from_secs(5)).is_some());
}

/// The header is there, the handshake behind it does not come.
#[test]
fn a_connection_that_is_silent_behind_its_header_holds_up_no_stop_either() {
    let authority = Authority::new();
    authority.certify("gate", "gate.test");
    let (proxied, open) = (free_address(), free_address());
    let (certificate, key) = (authority.file("gate.pem"), authority.file("gate.key"));
    let tls = format!("{{ certificate: {}, key: {} }}", certificate.display(), key.display());
    let listen = format!(
        "listen: [{{ address: {proxied}, proxy_protocol: required, tls: {tls} }}, {open}]\n\
         trusted_proxies: [127.0.0.1]\n"
    );
    let mut gateway = Gateway::start(&format!("{listen}{ROUTES}"), &[], open);
    let mut silent = Talk::open(proxied);
    silent.write("PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n");
    sleep(Duration::from_millis(300));
    gateway.signal("TERM");
    assert!(gateway.ended_within(Duration::from_secs(5)).is_some());
}

#[test]
fn a_header_of_somebody_who_is_not_trusted_is_not_read() {
    let (_gateway, address, _) = start("192.0.2.1", "");
    assert_eq!(seen(address, "PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n"), None);
}

#[test]
fn one_address_cannot_hold_all_places() {
    let admin = free_address();
    let limits = format!("limits: {{ connections_per_address: 5 }}\nadmin: {admin}\n");
    let (_gateway, proxied, open) = start("127.0.0.2", &limits);
    let held: Vec<Talk> = std::iter::repeat_with(|| Talk::open(open))
        .take(5)
        .map(|mut client| {
            assert_eq!(client.exchange(get("/")).0.status(), 200);
            client
        })
        .collect();
    for _ in 0..3 {
        assert!(Talk::open(open).ends_within(PATIENCE), "a sixth is closed");
    }
    assert!(Talk::open(proxied).ends_within(PATIENCE), "on another listener too");
    drop(held);
    let served = || {
        let mut client = Talk::open(open);
        client.write(get("/"));
        client.answer(false).is_some()
    };
    assert!(eventually(PATIENCE, served), "places come back");
    let (_, body) = Talk::open(admin).exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let metrics = String::from_utf8_lossy(&body).into_owned();
    assert!(metrics.contains("countersign_connections_refused_total{reason=\"per-address\"} "), "{metrics}");
}

#[test]
fn clients_of_a_balancer_are_counted_apart() {
    let (_gateway, address, _) = start("127.0.0.0/8", "limits: { connections_per_address: 2 }\n");
    let mut held: Vec<Talk> = Vec::new();
    for number in 0..10 {
        let mut client = Talk::open(address);
        client.write(format!("PROXY TCP4 192.0.2.{} 10.0.0.1 1 2\r\n", number / 2));
        assert_eq!(client.exchange(get("/")).0.status(), 200, "{number}");
        held.push(client);
    }
    let mut third = Talk::open(address);
    third.write("PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\n");
    assert!(third.ends_within(PATIENCE));
    let balancer: Vec<bool> = (0..5).map(|_| seen(address, "PROXY UNKNOWN\r\n").is_some()).collect();
    assert_eq!(balancer, [true; 5], "a trusted proxy speaks for many");
}
