//! Which fields pass the gateway, both ways, and which are of one connection only.

use std::{
    net::SocketAddr,
    sync::{Mutex, mpsc},
    time::Duration,
};

use super::{
    signing::{KEY, hmac_hex},
    support::{End, Head, Talk, Upstream, get, ok, open_to, run},
};
use crate::support::Gateway;

/// An upstream that answers with `lines` and tells each request's head.
fn telling(lines: &'static str) -> (Upstream, mpsc::Receiver<Head>) {
    let (told, heads) = mpsc::channel();
    let told = Mutex::new(told);
    let upstream = Upstream::answering(move |head, _| {
        told.lock().expect("unpoisoned").send(head.clone()).expect("a listener");
        format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n").into_bytes()
    });
    (upstream, heads)
}

#[test]
fn fields_that_come_twice_pass_twice_and_in_order() {
    let (upstream, heads) = telling("Set-Cookie: a=1\r\nX-One: 1\r\nSet-Cookie: b=2\r\n");
    let (_gateway, address) = open_to(upstream.address, "");
    let (head, _) =
        Talk::open(address).exchange("GET / HTTP/1.1\r\nHost: a\r\nX-Two: b\r\nX-Two: a\r\nX-Empty:\r\n\r\n");
    assert_eq!(head.values("set-cookie"), ["a=1", "b=2"]);
    let request = heads.recv().expect("a request");
    assert_eq!((request.values("x-two"), request.field("x-empty")), (vec!["b", "a"], Some("")));
}

/// A gateway with a scheme that signs `lines`.
fn open_to_signers(upstream: &Upstream, keys: &str, key_id: &str, lines: &str) -> (Gateway, SocketAddr) {
    let config = format!(
        r#"
keys: {{ k: {{ {keys} }} }}
schemes:
  listed:
    keys: k{key_id}
    values: {{ lines: {{ {lines} }} }}
    message: "{{lines}}"
    signature: {{ from: "{{header:X-Sig}}", encoding: hex, algorithm: hmac-sha256 }}
upstreams: {{ app: {{ servers: ["http://{}"] }} }}
routes: [{{ match: {{ path: /** }}, require: {{ hmac: listed }}, to: app }}]
"#,
        upstream.address
    );
    run(&config, &[])
}

/// What the client chose to sign reaches the upstream, and nothing that could be taken for it.
#[test]
fn a_header_that_the_client_listed_is_neither_taken_out_nor_given_a_twin() {
    let (upstream, heads) = telling("");
    let lines = r#"headers: "{header:X-Signed}", covers: [x-id]"#;
    let keys = format!("static: {{ dev-1: {{ value: {KEY} }} }}");
    let (_gateway, address) = open_to_signers(&upstream, &keys, "\n    key_id: '{header:X-Id}'", lines);
    let signature = hmac_hex("x-id: dev-1\nx-limit: 10");
    for more in
        ["", "Connection: X-Limit\r\n", "X_Limit: 1000000\r\n", "X.limit: 1\r\nConnection: keep-alive, x-limit\r\n"]
    {
        let lines =
            format!("X-Id: dev-1\r\nX-Signed: x-id x-limit\r\nX-Sig: {signature}\r\nX-Limit: 10\r\nX_Own: 1\r\n{more}");
        let (head, _) = Talk::open(address).exchange(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
        assert_eq!(head.status(), 200, "{more}");
        let request = heads.recv().expect("a request");
        assert_eq!((request.values("x-limit"), request.field("x_own")), (vec!["10"], Some("1")), "{more}");
        assert_eq!((request.field("x_limit"), request.field("x.limit")), (None, None), "{more}");
    }
}

/// Of two that an upstream could take for each other the one with the plain name goes on, and the other is the one that was signed.
#[test]
fn a_header_that_the_client_listed_under_an_odd_name_is_not_exchanged_for_its_twin() {
    let (upstream, heads) = telling("");
    let lines = r#"headers: "{header:X-Signed}", covers: [x-id]"#;
    let keys = format!("static: {{ dev-1: {{ value: {KEY} }} }}");
    let (_gateway, address) = open_to_signers(&upstream, &keys, "\n    key_id: '{header:X-Id}'", lines);
    let signature = hmac_hex("x-id: dev-1\nx_role: user");
    let ask = |more: &str| {
        let lines = format!("X-Id: dev-1\r\nX-Signed: x-id x_role\r\nX-Sig: {signature}\r\nX_Role: user\r\n{more}");
        Talk::open(address).exchange(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n")).0.status()
    };
    assert_eq!(ask("X-Other: 1\r\n"), 200);
    assert_eq!(heads.recv().expect("a request").values("x_role"), ["user"]);
    for twin in ["X-Role: admin\r\n", "x.role: admin\r\n"] {
        assert_eq!(ask(twin), 400, "{twin}");
    }
}

/// A body of which fields were read is what the request says of it: without its type Rack would take JSON for a form.
#[test]
fn what_a_request_says_of_its_body_is_neither_taken_out_nor_given_a_twin() {
    let (upstream, heads) = telling("");
    let (_gateway, address) = open_to(upstream.address, "");
    let lines = "Content-Type: application/json\r\nContent-Length: 2\r\n";
    for more in ["Connection: Content-Type\r\n", "Content_Type: a/b\r\n", "Content_Encoding: deflate\r\n"] {
        let (head, _) = Talk::open(address).exchange(format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}{more}\r\n{{}}"));
        assert_eq!(head.status(), 200, "{more}");
        let request = heads.recv().expect("a request");
        assert_eq!(request.values("content-type"), ["application/json"], "{more}");
        assert_eq!((request.field("content_type"), request.field("content_encoding")), (None, None), "{more}");
    }
}

/// `{header_names:x-ms-}` vouches for all of them: none may come under a name that is signed by nobody.
#[test]
fn a_header_that_only_looks_as_if_its_name_began_as_those_that_are_signed_goes_no_further() {
    let (upstream, heads) = telling("");
    let keys = format!("shared: {{ value: {KEY} }}");
    let (_gateway, address) = open_to_signers(&upstream, &keys, "", r#"headers: "{header_names:x-ms-}""#);
    let signature = hmac_hex("x-ms-a: 1");
    for more in ["", "X_Ms_Role: admin\r\n", "x.ms-role: admin\r\n", "Connection: x-ms-a\r\nX-Ms_Role: admin\r\n"] {
        let lines = format!("X-Sig: {signature}\r\nX-MS-A: 1\r\nX_Own: 1\r\n{more}");
        let (head, _) = Talk::open(address).exchange(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
        assert_eq!(head.status(), 200, "{more}");
        let request = heads.recv().expect("a request");
        assert_eq!((request.values("x-ms-a"), request.field("x_own")), (vec!["1"], Some("1")), "{more}");
        assert!(["x_ms_role", "x.ms-role", "x-ms_role"].iter().all(|twin| request.field(twin).is_none()), "{more}");
    }
}

/// An upstream that has these from its own proxy believes them.
#[test]
fn what_other_proxies_write_is_never_a_client_s() {
    let (upstream, heads) = telling("");
    let (_gateway, address) = open_to(upstream.address, "");
    let spoofed = [
        "Client-IP",
        "X_Client_IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "X-Cluster-Client-IP",
        "X-Original-Forwarded-For",
        "WL-Proxy-Client-IP",
        "Proxy",
        "X-Host",
        "X-Scheme",
        "X-Original-Method",
        "X-Override-URL",
        "X-HTTP-Path-Override",
        "SSL-Client-Cert",
        "SSL_CLIENT_VERIFY",
        "X-SSL-Client-S-DN",
        "X-ARR-ClientCert",
        "X-Amzn-Mtls-Clientcert-Leaf",
        "X-Amzn-Mtls-Clientcert-Validity",
        "SSL_CLIENT_M_SERIAL",
        "SSL-Client-S-DN-CN",
        "X-SSL-Client-SHA1",
        "X-SSL-Subject",
        "X-Client-Cert-Chain-Verified",
        "X-Client-DN",
        "WL-Proxy-SSL",
        "Proxy-Auth-Cert",
        "X-Proxied-Https",
        "X-Middleware-Subrequest",
        "X_Invoke_Path",
        "X-Matched-Path",
    ];
    let lines: String = spoofed.iter().map(|name| format!("{name}: 10.0.0.1\r\n")).collect();
    let (head, _) = Talk::open(address).exchange(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Client: 1\r\n{lines}\r\n"));
    assert_eq!(head.status(), 200);
    let request = heads.recv().expect("a request");
    for name in spoofed {
        assert_eq!(request.field(&name.to_ascii_lowercase()), None, "{name}");
    }
    assert_eq!(request.field("x-client"), Some("1"));
}

/// What the client sent is to blame, and not the upstream.
#[test]
fn a_value_that_cannot_stand_in_a_header_as_it_is_is_refused_as_a_field() {
    let (upstream, heads) = telling("");
    let config = format!(
        "upstreams: {{ app: {{ servers: [\"http://{}\"] }} }}\n\
         routes: [{{ match: {{ path: /** }}, public: true, to: app, set_headers: {{ X-Name: '{{query:name}}' }} }}]\n",
        upstream.address
    );
    let (_gateway, address) = run(&config, &[]);
    for name in ["%20admin", "admin%20", "ad%0amin", "a&Name=b", "a;name=b"] {
        let (head, body) = Talk::open(address).exchange(get(&format!("/?name={name}")));
        assert_eq!(head.status(), 400, "{name}");
        assert!(String::from_utf8_lossy(&body).contains("urn:countersign:unreadable-field"), "{name}");
    }
    assert_eq!(Talk::open(address).exchange(get("/?name=a%20b")).0.status(), 200);
    assert_eq!(heads.recv().expect("a request").field("x-name"), Some("a b"));
}

#[test]
fn bytes_beyond_ascii_pass_as_they_are() {
    let (upstream, heads) = telling("X-Name: J\u{fc}rgen\r\n");
    let (_gateway, address) = open_to(upstream.address, "");
    let (head, _) = Talk::open(address).exchange("GET / HTTP/1.1\r\nHost: a\r\nX-Name: J\u{fc}rgen\r\n\r\n");
    // Read byte by byte, as the head is.
    let bytes: String = "J\u{fc}rgen".bytes().map(char::from).collect();
    assert_eq!(head.field("x-name"), Some(bytes.as_str()));
    assert_eq!(heads.recv().expect("a request").field("x-name"), Some(bytes.as_str()));
}

#[test]
fn what_is_of_the_upstream_s_connection_stays_there() {
    let (upstream, _heads) = telling(
        "Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n\
         Proxy-Connection: close\r\nUpgrade: h2c\r\nX-End: 1\r\n",
    );
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    for _ in 0..2 {
        let (head, _) = client.exchange(get("/"));
        for hop in ["connection", "x-hop", "keep-alive", "proxy-authenticate", "proxy-connection", "upgrade"] {
            assert_eq!(head.field(hop), None, "{hop}");
        }
        assert_eq!(head.field("x-end"), Some("1"));
    }
    assert_eq!(upstream.connections(), 2, "the upstream said that it closes");
}

#[test]
fn a_client_that_says_close_is_closed() {
    let (upstream, heads) = telling("");
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    let (head, _) = client.exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(head.field("connection"), Some("close"));
    assert_eq!(client.rest(), (Vec::new(), End::Orderly));
    assert_eq!(heads.recv().expect("a request").field("connection"), None);
}

#[test]
fn an_upgrade_that_a_client_asks_for_is_not_passed_on() {
    let (upstream, heads) = telling("");
    let (_gateway, address) = open_to(upstream.address, "");
    let lines = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    let (head, _) = Talk::open(address).exchange(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
    assert_eq!(head.status(), 200);
    let request = heads.recv().expect("a request");
    for name in ["connection", "upgrade", "http2-settings"] {
        assert_eq!(request.field(name), None, "{name}");
    }
}

#[test]
fn the_status_and_its_reason_pass() {
    let upstream = Upstream::answering(|_, _| b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n".to_vec());
    let (_gateway, address) = open_to(upstream.address, "");
    assert_eq!(Talk::open(address).exchange(get("/")).0.start, "HTTP/1.1 418 I'm a teapot");
}

#[test]
fn the_target_passes_byte_for_byte() {
    let upstream = Upstream::answering(|head, _| ok(head.target()));
    let (_gateway, address) = open_to(upstream.address, "");
    for target in ["/a%20b?c=d%2Fe&&=&f", "/a/?", "/%C3%BC", "/a:b@c!$'()*+,=", "/?a=/../b"] {
        assert_eq!(Talk::open(address).exchange(get(target)).1, target.as_bytes());
    }
}

#[test]
fn a_client_that_stops_sending_is_taken_to_have_left_while_its_answer_is_awaited() {
    // The end of a client's sending is the only sign of its leaving; an upstream's work must not go on for nobody.
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        assert!(talk.ends_within(Duration::from_secs(5)));
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(get("/"));
    client.half_close();
    assert_eq!(client.rest(), (Vec::new(), End::Orderly));
}
