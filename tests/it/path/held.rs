//! Bodies that are held until their signature is known, and bodies that are too large.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use super::{
    signing::{KEY, device_v2 as sign, device_v2_at, with_chunks, with_length},
    support::{Talk, Upstream, get, noise, ok, open_to, post, run},
};
use crate::support::Gateway;

/// A gateway that wants `device-v2` signatures on `/v2` and a JSON field of the body on `/json`.
fn signed_to(upstream: &Upstream, more: &str) -> (Gateway, SocketAddr) {
    let config = format!(
        r#"
keys: {{ k: {{ shared: {{ value: {KEY} }} }} }}
schemes: {{ v2: {{ preset: device-v2, keys: k }}, device: {{ preset: device, keys: k }} }}
upstreams: {{ app: {{ servers: ["http://{}"] }} }}
routes:
  - {{ match: {{ path: /v2 }}, require: {{ hmac: v2 }}, to: app }}
  - {{ match: {{ path: /small }}, require: {{ hmac: v2 }}, to: app, max_body: 100KiB }}
  - {{ match: {{ path: /open }}, public: true, to: app, max_body: 100KiB }}
  - {{ match: {{ path: /json }}, require: {{ hmac: device }}, to: app }}
{more}"#,
        upstream.address
    );
    run(&config, &[])
}

#[test]
fn a_signed_body_of_any_size_is_held_checked_and_forwarded_whole() {
    let upstream = Upstream::echo();
    let (_gateway, address) = signed_to(&upstream, "");
    for size in [0, 1, 65_535, 65_536, 65_537, 1 << 20] {
        let body = noise(size);
        for request in [with_length(&sign("/v2", &body), &body), with_chunks(&sign("/v2", &body), &body)] {
            let (head, answer) = Talk::open(address).exchange(request);
            assert_eq!(head.status(), 200, "{size}: {}", String::from_utf8_lossy(&answer));
            assert!(answer == body, "{size} bytes");
        }
    }
}

#[test]
fn a_held_body_is_forwarded_with_its_length() {
    let upstream = Upstream::answering(|head, _| ok(head.field("content-length").unwrap_or("none")));
    let (_gateway, address) = signed_to(&upstream, "");
    let body = noise(100_000);
    let (_, answer) = Talk::open(address).exchange(with_chunks(&sign("/v2", &body), &body));
    assert_eq!(answer, b"100000");
}

#[test]
fn a_tampered_body_is_refused_and_no_byte_of_it_forwarded() {
    let upstream = Upstream::echo();
    let (_gateway, address) = signed_to(&upstream, "");
    for size in [1, 65_536, 1 << 20] {
        let mut body = noise(size);
        let head = sign("/v2", &body);
        *body.last_mut().expect("a byte") ^= 1;
        assert_eq!(Talk::open(address).exchange(with_length(&head, &body)).0.status(), 403, "{size}");
        body.pop();
        assert_eq!(Talk::open(address).exchange(with_chunks(&head, &body)).0.status(), 403, "{size}, one byte short");
    }
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn a_body_beyond_the_limit_is_refused_by_its_length_before_it_is_read() {
    let upstream = Upstream::echo();
    let (_gateway, address) = signed_to(&upstream, "");
    for target in ["/v2", "/small", "/open"] {
        let mut client = Talk::open(address);
        client.write(format!("{}Expect: 100-continue\r\nContent-Length: 20000000\r\n\r\n", sign(target, b"")));
        assert_eq!(client.head().expect("a refusal, not an invitation").status(), 413, "{target}");
    }
    let beyond = with_length(&sign("/small", &[b'x'; 102_401]), &[b'x'; 102_401]);
    assert_eq!(Talk::open(address).exchange(beyond).0.status(), 413);
    let within = with_length(&sign("/small", &[b'x'; 102_400]), &[b'x'; 102_400]);
    assert_eq!(Talk::open(address).exchange(within).0.status(), 200);
    assert_eq!(upstream.connections(), 1, "only the last was forwarded");
}

#[test]
fn a_body_without_a_length_is_refused_where_it_passes_the_limit() {
    let served = Arc::new(AtomicUsize::new(0));
    let count = served.clone();
    let upstream = Upstream::answering(move |_, body| {
        count.fetch_add(1, Ordering::SeqCst);
        ok(body)
    });
    let (_gateway, address) = signed_to(&upstream, "");
    for target in ["/small", "/open"] {
        let body = vec![b'x'; 102_401];
        let (head, _) = Talk::open(address).exchange(with_chunks(&sign(target, &body), &body));
        assert_eq!(head.status(), 413, "{target}");
    }
    assert_eq!(served.load(Ordering::SeqCst), 0, "nothing whole was forwarded");
    let body = vec![b'x'; 102_400];
    assert_eq!(Talk::open(address).exchange(with_chunks(&sign("/open", &body), &body)).0.status(), 200);
}

#[test]
fn a_spool_that_is_used_up_refuses_for_now_and_serves_again() {
    let upstream = Upstream::echo();
    let (_gateway, address) = signed_to(&upstream, "limits: { spool_total: 400KiB }\n");
    let body = noise(300 << 10);
    let mut slow = Talk::open(address);
    let request = with_length(&sign("/v2", &body), &body);
    let (first, last) = request.split_at(request.len() - 1);
    slow.write(first);
    sleep(Duration::from_millis(300));
    let (head, answer) = Talk::open(address).exchange(with_length(&sign("/v2", &body), &body));
    assert_eq!(head.status(), 503, "{}", String::from_utf8_lossy(&answer));
    slow.write(last);
    assert_eq!(slow.answer(false).expect("an answer").0.status(), 200);
    assert_eq!(Talk::open(address).exchange(with_length(&sign("/v2", &body), &body)).0.status(), 200);
}

#[test]
fn memory_that_is_used_up_refuses_for_now_and_serves_again() {
    let upstream = Upstream::echo();
    let limits = "limits: { body_memory: 64KiB, body_memory_total: 100KiB }\n";
    let (_gateway, address) = signed_to(&upstream, limits);
    let body = noise(60 << 10);
    let mut slow = Talk::open(address);
    let request = with_length(&sign("/v2", &body), &body);
    let (first, last) = request.split_at(request.len() - 1);
    slow.write(first);
    sleep(Duration::from_millis(300));
    assert_eq!(Talk::open(address).exchange(with_length(&sign("/v2", &body), &body)).0.status(), 503);
    slow.write(last);
    assert_eq!(slow.answer(false).expect("an answer").0.status(), 200);
    assert_eq!(Talk::open(address).exchange(with_length(&sign("/v2", &body), &body)).0.status(), 200);
}

#[test]
fn a_spooled_body_leaves_no_file_behind() {
    let spool = tempfile::tempdir().expect("a directory");
    let files = || std::fs::read_dir(spool.path()).expect("a directory").count();
    let upstream = Upstream::echo();
    let (_gateway, address) = signed_to(&upstream, &format!("limits: {{ spool: {} }}\n", spool.path().display()));
    let body = noise(1 << 20);
    let (head, _) = Talk::open(address).exchange(with_length(&sign("/v2", &body), &body));
    assert_eq!((head.status(), files()), (200, 0));
}

#[test]
fn a_json_field_is_never_looked_for_beyond_the_memory_limit() {
    let upstream = Upstream::echo();
    let (_gateway, address) = signed_to(&upstream, "");
    let padding = "x".repeat(70_000);
    let body = format!(r#"{{"mac_address":"12:34:56:78:9a:bc","timestamp":1714485600,"padding":"{padding}"}}"#);
    let head = format!("POST /json HTTP/1.1\r\nHost: a\r\nX-HMAC-Signature: {}\r\n", "ab".repeat(32));
    assert_eq!(Talk::open(address).exchange(with_length(&head, body.as_bytes())).0.status(), 413);
    assert_eq!(Talk::open(address).exchange(with_chunks(&head, body.as_bytes())).0.status(), 413);
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn an_answer_may_be_larger_than_any_limit_on_requests() {
    let body = noise(300_000);
    let answer = body.clone();
    let upstream = Upstream::answering(move |_, _| ok(&answer));
    let (_gateway, address) = open_to(upstream.address, "limits: { body: 1KiB, body_memory: 1KiB }\n");
    assert!(Talk::open(address).exchange(get("/")).1 == body);
    assert_eq!(Talk::open(address).exchange(post("/", [b'x'; 1025])).0.status(), 413);
}

#[test]
fn a_signed_body_is_invited_once_its_head_is_found_good() {
    let upstream = Upstream::echo();
    let (_gateway, address) = signed_to(&upstream, "");
    let expecting = |lines: &str| format!("{lines}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    let mut client = Talk::open(address);
    client.write(expecting(&sign("/v2", b"body")));
    assert_eq!(client.head().expect("an invitation").status(), 100);
    client.write("body");
    assert_eq!(client.answer(false).expect("an answer").1, b"body");
    let mut stale = Talk::open(address);
    stale.write(expecting(&device_v2_at("/v2", b"body", 0, "nonce-of-sixteen-or-more")));
    assert_eq!(stale.head().expect("a refusal").status(), 403);
    let unsigned = Talk::open(address).exchange(expecting("POST /v2 HTTP/1.1\r\nHost: a\r\n"));
    assert_eq!(unsigned.0.status(), 400);
}
