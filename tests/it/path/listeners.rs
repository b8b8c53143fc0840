//! Several listeners and hosts, and the origin that clients sign.

use std::net::SocketAddr;

use super::{
    signing::{KEY, device_v2_for, with_length},
    support::{Talk, free_address, get},
};
use crate::support::Gateway;

fn start(config: &str, address: SocketAddr) -> Gateway {
    Gateway::start(config, &[], address)
}

#[test]
fn a_route_may_be_on_one_listener_only() {
    let (outer, inner) = (free_address(), free_address());
    let config = format!(
        "listen: [{{ address: {outer}, name: outer }}, {{ address: {inner}, name: inner }}]\n\
         upstreams: {{ here: {{ respond: {{ body: here }} }} }}\nroutes:\n  \
         - {{ match: {{ path: /inner, listen: inner }}, public: true, to: here }}\n  \
         - {{ match: {{ path: /both }}, public: true, to: here }}\n"
    );
    let gateway = start(&config, inner);
    let status = |address, target| Talk::open(address).exchange(get(target)).0.status();
    assert_eq!((status(outer, "/inner"), status(inner, "/inner")), (404, 200));
    assert_eq!((status(outer, "/both"), status(inner, "/both")), (200, 200));
    let log =
        gateway.output_when(|log| log.contains("\"listener\":\"outer\"") && log.contains("\"listener\":\"inner\""));
    assert!(log.contains("\"listener\":\"outer\"") && log.contains("\"listener\":\"inner\""), "{log}");
}

#[test]
fn a_host_s_route_comes_before_one_of_any_host() {
    let address = free_address();
    let config = format!(
        "listen: {address}\nupstreams: {{ one: {{ respond: {{ body: one }} }}, any: {{ respond: {{ body: any }} }} }}\nroutes:\n  \
         - {{ match: {{ path: /x, host: one.test }}, public: true, to: one }}\n  \
         - {{ match: {{ path: /** }}, public: true, to: any }}\n"
    );
    let _gateway = start(&config, address);
    let body = |host: &str| {
        let request = format!("GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n");
        String::from_utf8_lossy(&Talk::open(address).exchange(request).1).into_owned()
    };
    for (host, expected) in [("one.test", "one"), ("ONE.test", "one"), ("one.test:8080", "one"), ("two.test", "any")] {
        assert_eq!(body(host), expected, "{host}");
    }
}

/// A gateway known to the public as `https://api.example.com`, with that line about its proxies.
fn public(proxies: &str) -> (Gateway, SocketAddr) {
    let address = free_address();
    let config = format!(
        "listen: {{ address: {address}, public_origin: \"https://api.example.com\" }}\n{proxies}\n\
         keys: {{ k: {{ shared: {{ value: {KEY} }} }} }}\nschemes: {{ v2: {{ preset: device-v2, keys: k }} }}\n\
         upstreams: {{ echo: {{ echo: true }} }}\nroutes: [{{ match: {{ path: /v2 }}, require: {{ hmac: v2 }}, to: echo }}]\n"
    );
    (start(&config, address), address)
}

/// The status of a request to `host` whose signature is for `signed`.
fn status(address: SocketAddr, host: &str, signed: &str) -> u16 {
    answer(address, host, signed).0
}

/// The same with the answer's body.
fn answer(address: SocketAddr, host: &str, signed: &str) -> (u16, String) {
    let lines = device_v2_for(signed, "/v2", b"").replace(&format!("Host: {signed}"), &format!("Host: {host}"));
    let (head, body) = Talk::open(address).exchange(with_length(&lines, b""));
    (head.status(), String::from_utf8(body).expect("UTF-8"))
}

#[test]
fn behind_a_trusted_proxy_clients_sign_the_public_origin_whatever_host_arrives() {
    let (_gateway, address) = public("trusted_proxies: [127.0.0.1]");
    assert_eq!(status(address, "internal:8000", "api.example.com"), 200);
    assert_eq!(status(address, "internal:8000", "internal:8000"), 403);
}

#[test]
fn behind_a_trusted_proxy_a_signature_for_one_host_is_none_on_another_s_route() {
    let address = free_address();
    let config = format!(
        "listen: {{ address: {address}, public_origin: \"https://api.example.com\" }}\ntrusted_proxies: [127.0.0.1]\n\
         keys: {{ k: {{ shared: {{ value: {KEY} }} }} }}\nschemes: {{ v2: {{ preset: device-v2, keys: k }} }}\n\
         upstreams: {{ echo: {{ echo: true }} }}\nroutes:\n  \
         - {{ name: api, match: {{ path: /v2, host: api.example.com }}, require: {{ hmac: v2 }}, to: echo }}\n  \
         - {{ name: admin, match: {{ path: /v2, host: admin.example.com }}, require: {{ hmac: v2 }}, to: echo }}\n"
    );
    let _gateway = start(&config, address);
    for host in ["api.example.com", "API.example.com:443", "api.example.com:8443"] {
        assert_eq!(status(address, host, "api.example.com"), 200, "{host}: a port leads to no other route");
    }
    assert_eq!(status(address, "admin.example.com", "api.example.com"), 403);
    assert_eq!(status(address, "admin.example.com:443", "api.example.com"), 403);
    assert_eq!(status(address, "admin.example.com", "admin.example.com"), 403, "check says that nobody comes in there");
}

#[test]
fn without_a_proxy_a_signature_for_one_host_is_none_for_another() {
    let (_gateway, address) = public("");
    assert_eq!(status(address, "api.example.com", "api.example.com"), 200);
    assert_eq!(status(address, "api.example.com:443", "api.example.com"), 200, "the port of `https`");
    assert_eq!(status(address, "api.example.com:80", "api.example.com"), 403);
    assert_eq!(status(address, "api.example.com:8443", "api.example.com"), 403);
    let (status_of_other, told) = answer(address, "other.example.com", "api.example.com");
    assert_eq!(status_of_other, 403);
    assert!(told.contains("The request was sent to another host than the one that is signed"), "{told}");
    assert_eq!(status(address, "api.example.com", "other.example.com"), 403);
}
