//! Bodies on their way, both ways, at the pace of the slower side.

use std::{
    io::{ErrorKind, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::sleep,
    time::Duration,
};

use super::support::{
    End, PATIENCE, Talk, Upstream, descriptors, eventually, get, noise, open_to, post, resident, settle,
};

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

/// More than sockets hold.
pub(super) const WHOLE: usize = 64 << 20;

/// An upstream that reads a request and writes an answer of that many bytes each, the one independently of the other.
pub(super) fn independent() -> Upstream {
    Upstream::start(|mut talk| {
        let head = talk.head().expect("a head");
        let mut answering = Talk::plain(talk.stream.try_clone().expect("the same connection"));
        let answer = std::thread::spawn(move || {
            answering.write(format!("HTTP/1.1 200 OK\r\nContent-Length: {WHOLE}\r\n\r\n"));
            answering.write(vec![b'a'; WHOLE])
        });
        assert_eq!(talk.body(&head).map(|body| body.len()), Some(WHOLE));
        answer.join().expect("no panic");
    })
}

#[test]
fn what_comes_in_chunks_of_a_byte_arrives_as_it_was_both_ways() {
    const COUNT: usize = 100_000;
    let upstream = Upstream::start(|mut talk| {
        let (_, body) = talk.request().expect("a request");
        let mut answer = CHUNKED.as_bytes().to_vec();
        for byte in body {
            answer.extend([b"1\r\n", &[byte][..], b"\r\n"].concat());
        }
        answer.extend(b"0\r\n\r\n");
        talk.write(answer);
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let sent = noise(COUNT);
    let mut request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for byte in &sent {
        request.extend([b"1\r\n", &[*byte][..], b"\r\n"].concat());
    }
    request.extend(b"0\r\n\r\n");
    let (head, body) = Talk::open(address).exchange(request);
    assert_eq!(head.status(), 200);
    assert!(body == sent, "it arrives as it was");
}

#[test]
fn a_client_may_send_all_of_its_request_before_it_reads_the_answer() {
    let upstream = independent();
    let (_gateway, address) = open_to(upstream.address, "limits: { body: 100MiB }\n");
    let mut client = Talk::open(address);
    assert!(client.write(post("/", vec![b'u'; WHOLE])), "all of it is taken");
    let (head, body) = client.answer(false).expect("a whole answer");
    assert_eq!((head.status(), body.len()), (200, WHOLE));
    assert_eq!(client.exchange(get("/")).0.status(), 200, "and the connection is used again");
}

#[test]
fn who_sends_all_before_reading_why_it_was_refused_early_reads_it() {
    const WHOLE: usize = 12 << 20;
    let upstream = Upstream::start(|mut talk| {
        talk.head();
        talk.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        talk.ends_within(PATIENCE);
    });
    let (_gateway, address) = open_to(upstream.address, "limits: { body: 100MiB }\n");
    let (_other, too_small) = open_to(upstream.address, "limits: { body: 1KiB }\n");
    for (address, status) in [(address, 403), (too_small, 413)] {
        let mut client = Talk::open(address);
        assert!(client.write(post("/", vec![b'u'; WHOLE])), "all of it is taken");
        let (head, _) = client.answer(false).expect("a whole answer");
        assert_eq!((head.status(), head.field("connection")), (status, Some("close")));
    }
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
    settle(&gateway, address);
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
fn connections_that_carried_large_bodies_hold_nothing_while_they_idle() {
    const SIZE: usize = 300_000;
    let upstream = Upstream::echo();
    let (gateway, address) = open_to(upstream.address, "");
    let body = noise(SIZE);
    let carry = || {
        let mut client = Talk::open(address);
        let (head, echoed) = client.exchange(post("/", &body));
        assert!(head.status() == 200 && echoed == body);
        client
    };
    let _first: Vec<Talk> = (0..10).map(|_| carry()).collect();
    settle(&gateway, address);
    let before = resident(&gateway);
    let kept: Vec<Talk> = (0..200).map(|_| carry()).collect();
    let grown = resident(&gateway).saturating_sub(before);
    assert!(grown < 8 * MEBIBYTE, "{} connections grew it by {grown} bytes", kept.len());
}

#[test]
fn a_slow_upstream_holds_the_client_back() {
    let upstream = Upstream::start(|mut talk| {
        talk.head();
        sleep(PATIENCE);
    });
    let (gateway, address) = open_to(upstream.address, "limits: { body: 1GiB }\n");
    settle(&gateway, address);
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

#[test]
fn a_client_that_asks_and_leaves_a_thousand_times_leaves_nothing_behind() {
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        talk.ends_within(PATIENCE);
    });
    let (gateway, address) = open_to(upstream.address, "");
    settle(&gateway, address);
    let before = descriptors(&gateway);
    for _ in 0..1000 {
        Talk::open(address).write(get("/"));
    }
    assert!(
        eventually(PATIENCE, || descriptors(&gateway) <= before),
        "{} descriptors, {before} before",
        descriptors(&gateway)
    );
    let mut client = Talk::open(address);
    client.write("GET / HTTP/1.0\r\n\r\n");
    client.half_close();
    assert_ne!(client.rest().1, End::TimedOut);
}
