//! Connections that are not as safe as their listener wants them, or safer than it can be: what they are told and counted as.

use std::net::{SocketAddr, TcpStream};

use rustls::version::TLS13;

use super::{
    support::{PATIENCE, Talk, Upstream, eventually, free_address, get, open_to},
    tls::{Authority, guarded, shaken},
};
use crate::support::Gateway;

/// How many of a series with that reason were counted.
fn counted(admin: SocketAddr, series: &str, reason: &str) -> u32 {
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {admin}\r\n\r\n");
    let text = String::from_utf8(Talk::open(admin).exchange(request).1).expect("text");
    let series = format!("{series}{{reason=\"{reason}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&series)).expect("it is there").parse().expect("a number")
}

#[test]
fn who_speaks_tls_or_http_2_where_http_1_is_spoken_is_told_so() {
    let authority = Authority::new();
    let upstream = Upstream::echo();
    let (gateway, address) = open_to(upstream.address, "");
    assert!(shaken(address, "gate.test", authority.client(&[&TLS13])).is_err());
    for (beginning, status, detail, why) in [
        ("\x16\x03\x01\x02\0\n\r\n\r\n", 400, "ask for http://", "TLS where HTTP in the clear is spoken"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "ask with HTTP/1.1", "HTTP/2 with prior knowledge"),
    ] {
        let (head, body) = Talk::open(address).exchange(beginning);
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(head.status() == status && body.contains(detail), "{body}");
        let log = gateway.output_when(|log| log.contains(why));
        assert!(log.contains(why), "{log}");
    }
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn a_silent_connection_that_makes_room_is_counted_neither_as_late_nor_as_turned_away() {
    let authority = Authority::new();
    authority.certify("gate", "gate.test");
    let (secured, proxied, admin) = (free_address(), free_address(), free_address());
    let config = format!(
        "listen: [{{ address: {secured}, tls: {{ certificate: {}, key: {} }} }}, {{ address: {proxied}, proxy_protocol: required }}]\n\
         trusted_proxies: [127.0.0.0/8]\nadmin: {admin}\nlimits: {{ connections: 1 }}\n\
         upstreams: {{ own: {{ echo: true }} }}\nroutes: [{{ match: {{ path: / }}, public: true, to: own }}]\n",
        authority.file("gate.pem").display(),
        authority.file("gate.key").display()
    );
    let _gateway = Gateway::start(&config, &[], secured);
    let held = || eventually(PATIENCE, || counted(admin, "countersign_tls_handshakes_failed_total", "gone") > 0);
    assert!(held(), "who waited for it to listen is gone");
    for address in [secured, proxied] {
        assert!(Talk::open(address).ends_within(PATIENCE), "there is but one place, and it is wanted");
    }
    assert_eq!(counted(admin, "countersign_tls_handshakes_failed_total", "timed-out"), 0);
    assert_eq!(counted(admin, "countersign_connections_refused_total", "proxy-protocol"), 0);
}

#[test]
fn a_handshake_that_fails_is_counted_by_its_reason() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (upstream, admin) = (Upstream::echo(), free_address());
    let (_gateway, address) =
        guarded(&authority, upstream.address, &format!("admin: {admin}\ntimeouts: {{ head: 500ms }}\n"));
    let count = |reason: &str| counted(admin, "countersign_tls_handshakes_failed_total", reason);
    // Who waited for the gateway to listen went away.
    let gone = count("gone");
    assert!(shaken(address, "gate.test", other.client(&[&TLS13])).is_err(), "it is signed by somebody else");
    let (head, body) = Talk::open(address).exchange(get("/"));
    assert!(head.status() == 400 && body.ends_with(b"http://\n"), "{head:?}");
    assert!(Talk::open(address).write(b"\x16\x03\x03\xff\xff"));
    drop(TcpStream::connect(address).expect("a connection"));
    let _silent = TcpStream::connect(address).expect("a connection");
    for reason in ["refused-by-client", "in-the-clear", "malformed", "timed-out"] {
        assert!(eventually(PATIENCE, || count(reason) == 1), "{reason}: {}", count(reason));
    }
    assert!(eventually(PATIENCE, || count("gone") > gone));
    assert_eq!((count("incompatible"), count("client-certificate")), (0, 0));
}
