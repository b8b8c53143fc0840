//! Bodies on their way, both ways, and bodies that are held until their signature is known.

use std::{
    io::{ErrorKind, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread::sleep,
    time::Duration,
};

use super::signing::{KEY, device_v2 as sign, with_chunks, with_length};
use super::support::{End, PATIENCE, Talk, Upstream, eventually, get, noise, ok, open_to, post, resident, run};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const MEBIBYTE: u64 = 1 << 20;
/// What the sockets of two connections may hold between them.
const IN_SOCKETS: u64 = 32 * MEBIBYTE;

#[test]
fn the_first_bytes_arrive_before_the_upstream_ends() {
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let upstream = Upstream::start(move |mut talk| {
        talk.request();
        talk.write(format!("{CHUNKED}5\r\nfirst\r\n"));
        wait.lock().expect("unpoisoned").recv_timeout(PATIENCE).expect("the client got the first bytes");
        talk.write("4\r\nlast\r\n0\r\n\r\n");
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(get("/"));
    let head = client.head().expect("a head");
    assert_eq!(client.chunk().expect("a chunk"), b"first");
    go_on.send(()).expect("the upstream waits");
    assert_eq!(client.body(&head).expect("the rest"), b"last");
}

#[test]
fn the_head_arrives_before_there_is_any_body() {
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let upstream = Upstream::start(move |mut talk| {
        talk.request();
        talk.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
        wait.lock().expect("unpoisoned").recv_timeout(PATIENCE).expect("the client got the head");
        talk.write("body");
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(get("/"));
    let head = client.head().expect("a head");
    go_on.send(()).expect("the upstream waits");
    assert_eq!(client.body(&head).expect("a body"), b"body");
}

#[test]
fn each_event_of_a_stream_is_passed_on_at_once() {
    let (got, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let upstream = Upstream::start(move |mut talk| {
        talk.request();
        // An event stream often has no length and no chunks: it ends with its connection.
        talk.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
        for number in 0..5 {
            talk.write(format!("data: {number}\n\n"));
            wait.lock().expect("unpoisoned").recv_timeout(PATIENCE).expect("the client got the event");
        }
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(get("/"));
    client.head().expect("a head");
    for number in 0..5 {
        assert_eq!(client.chunk().expect("an event"), format!("data: {number}\n\n").into_bytes());
        got.send(()).expect("the upstream waits");
    }
    assert_eq!(client.chunk().expect("the end"), b"");
}

#[test]
fn upload_and_download_go_on_at_the_same_time() {
    let upstream = Upstream::start(|mut talk| {
        talk.head();
        talk.write(CHUNKED);
        while let Some(chunk) = talk.chunk() {
            talk.write(format!("{:x}\r\n", chunk.len()));
            talk.write(&chunk);
            talk.write("\r\n");
            if chunk.is_empty() {
                return;
            }
        }
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let head = client.head().expect("a head before the body ended");
    for number in 0..50 {
        let text = format!("piece {number}");
        client.write(format!("{:x}\r\n{text}\r\n", text.len()));
        assert_eq!(client.chunk().expect("an echo"), text.as_bytes());
    }
    client.write("0\r\n\r\n");
    assert_eq!(client.body(&head).expect("the end"), b"");
}

#[test]
fn a_slow_upload_is_not_the_upstream_s_delay() {
    let upstream = Upstream::echo();
    let (_gateway, address) = open_to(upstream.address, "timeouts: { upstream: 500ms }\n");
    let mut client = Talk::open(address);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n");
    for byte in ["s", "l", "o", "w", "b", "o", "d", "y"] {
        sleep(Duration::from_millis(200));
        client.write(byte);
    }
    let (head, body) = client.answer(false).expect("an answer");
    assert_eq!((head.status(), body.as_slice()), (200, &b"slowbody"[..]));
}

#[test]
fn a_slow_upload_behind_an_early_answer_goes_on_too() {
    let upstream = Upstream::start(|mut talk| {
        let head = talk.head().expect("a head");
        talk.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");
        let body = talk.body(&head).expect("a body");
        talk.write(body);
    });
    let (_gateway, address) = open_to(upstream.address, "timeouts: { upstream_body: 500ms }\n");
    let mut client = Talk::open(address);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n");
    for byte in ["s", "l", "o", "w", "b", "o", "d", "y"] {
        sleep(Duration::from_millis(200));
        client.write(byte);
    }
    assert_eq!(client.answer(false).expect("a whole answer").1, b"slowbody");
}

#[test]
fn a_slow_reader_holds_the_upstream_back_and_not_the_gateway_s_memory() {
    const WHOLE: u64 = 200 * MEBIBYTE;
    let sent = Arc::new(AtomicU64::new(0));
    let counted = sent.clone();
    let upstream = Upstream::start(move |mut talk| {
        talk.request();
        talk.write(format!("HTTP/1.1 200 OK\r\nContent-Length: {WHOLE}\r\n\r\n"));
        let piece = noise(1 << 20);
        for _ in 0..WHOLE / MEBIBYTE {
            if !talk.write(&piece) {
                return;
            }
            counted.fetch_add(MEBIBYTE, Ordering::SeqCst);
        }
    });
    let (gateway, address) = open_to(upstream.address, "");
    let before = resident(&gateway);
    let mut client = Talk::open(address);
    client.write(get("/"));
    client.head().expect("a head");
    client.take(1 << 20).expect("some of it");
    sleep(Duration::from_secs(1));
    assert!(sent.load(Ordering::SeqCst) < IN_SOCKETS, "the upstream is held back");
    let piece = noise(1 << 20);
    for number in 1..WHOLE / MEBIBYTE {
        assert!(client.take(1 << 20).expect("the rest") == piece, "mebibyte {number}");
    }
    let grown = resident(&gateway).saturating_sub(before);
    assert!(grown < 8 * MEBIBYTE, "grown by {grown} bytes");
}

#[test]
fn a_slow_upstream_holds_the_client_back() {
    let upstream = Upstream::start(|mut talk| {
        talk.head();
        sleep(PATIENCE);
    });
    let (gateway, address) = open_to(upstream.address, "limits: { body: 1GiB }\n");
    let before = resident(&gateway);
    let mut client = Talk::open(address);
    client.write(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 512 * MEBIBYTE));
    client.stream.set_write_timeout(Some(Duration::from_millis(700))).expect("a write time-out");
    let piece = noise(1 << 20);
    let mut sent = 0;
    let stopped = loop {
        match client.stream.write(&piece) {
            Ok(count) => sent += u64::try_from(count).expect("a small number"),
            Err(error) => break error,
        }
        assert!(sent < 512 * MEBIBYTE);
    };
    assert!(matches!(stopped.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{stopped}");
    assert!(sent < IN_SOCKETS, "{sent} bytes are on their way");
    let grown = resident(&gateway).saturating_sub(before);
    assert!(grown < 8 * MEBIBYTE, "grown by {grown} bytes");
}

#[test]
fn a_client_that_leaves_while_it_waits_ends_the_upstream_s_work() {
    let (told, ended) = mpsc::channel();
    let told = Mutex::new(told);
    let upstream = Upstream::start(move |mut talk| {
        talk.request();
        told.lock().expect("unpoisoned").send("began").expect("a listener");
        if talk.ends_within(Duration::from_secs(5)) {
            told.lock().expect("unpoisoned").send("ended").expect("a listener");
        }
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(get("/"));
    ended.recv_timeout(PATIENCE).expect("a request");
    drop(client);
    assert_eq!(ended.recv_timeout(Duration::from_secs(1)), Ok("ended"));
}

#[test]
fn a_client_that_leaves_in_the_middle_of_an_answer_ends_the_upstream_s_work() {
    let (told, ended) = mpsc::channel();
    let told = Mutex::new(told);
    let upstream = Upstream::start(move |mut talk| {
        talk.request();
        talk.write(format!("{CHUNKED}5\r\nfirst\r\n"));
        let left = talk.ends_within(Duration::from_secs(5));
        told.lock().expect("unpoisoned").send(left).expect("a listener");
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(get("/"));
    client.head().expect("a head");
    client.chunk().expect("a chunk");
    drop(client);
    assert_eq!(ended.recv_timeout(Duration::from_secs(1)), Ok(true));
}

#[test]
fn a_client_that_leaves_in_the_middle_of_its_body_ends_the_upstream_s_work() {
    let (told, ended) = mpsc::channel();
    let told = Mutex::new(told);
    let upstream = Upstream::start(move |mut talk| {
        talk.head();
        told.lock().expect("unpoisoned").send(true).expect("a listener");
        let left = talk.ends_within(Duration::from_secs(5));
        told.lock().expect("unpoisoned").send(left).expect("a listener");
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome");
    ended.recv_timeout(PATIENCE).expect("a request");
    client.reset();
    assert_eq!(ended.recv_timeout(Duration::from_secs(1)), Ok(true));
}

/// A gateway that wants `device-v2` signatures on `/v2` and a JSON field of the body on `/json`.
fn signed_to(upstream: &Upstream, more: &str) -> (crate::support::Gateway, std::net::SocketAddr) {
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
fn a_client_that_asks_and_leaves_a_thousand_times_leaves_nothing_behind() {
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        talk.ends_within(PATIENCE);
    });
    let (gateway, address) = open_to(upstream.address, "");
    let descriptors = || std::fs::read_dir(format!("/proc/{}/fd", gateway.id())).expect("its files").count();
    let before = descriptors();
    for _ in 0..1000 {
        Talk::open(address).write(get("/"));
    }
    assert!(eventually(PATIENCE, || descriptors() <= before), "{} descriptors, {before} before", descriptors());
    let mut client = Talk::open(address);
    client.write("GET / HTTP/1.0\r\n\r\n");
    client.half_close();
    assert_ne!(client.rest().1, End::TimedOut);
}
