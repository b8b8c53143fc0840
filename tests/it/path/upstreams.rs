//! Servers that answer early, late, in pieces, too much or not at all: the client gets the right status, nothing of one
//! answer ends in another's, and the gateway stays up.

use std::{
    sync::mpsc,
    thread::sleep,
    time::{Duration, Instant},
};

use super::support::{End, PATIENCE, Talk, Upstream, get, noise, ok, open_to, post};

const HEAD_200: &str = "HTTP/1.1 200 OK\r\n";

/// Sends `part` of an answer and ends the connection, with a reset or in order.
fn breaking(part: &'static str, reset: bool) -> Upstream {
    Upstream::start(move |mut talk| {
        let Some((head, _)) = talk.request() else { return };
        talk.write(if head.target() == "/odd" { part.into() } else { ok("clean") });
        sleep(Duration::from_millis(50));
        if reset {
            talk.reset();
        }
    })
}

#[test]
fn an_upstream_that_ends_in_mid_answer_breaks_the_client_s_answer_too() {
    for reset in [false, true] {
        for part in [
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        ] {
            let upstream = breaking(part, reset);
            let (_gateway, address) = open_to(upstream.address, "");
            let mut client = Talk::open(address);
            client.write(get("/odd"));
            assert_eq!(client.head().expect("a head").status(), 200);
            let (_, end) = client.rest();
            assert_eq!(end, End::Broken, "reset: {reset}, {part}");
            assert_eq!(Talk::open(address).exchange(get("/clean")).1, b"clean");
        }
    }
}

#[test]
fn a_broken_answer_to_http_1_0_is_no_orderly_end() {
    // To such a client the end of the connection is the end of the body: only a reset tells that it is not.
    for part in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
    ] {
        let upstream = breaking(part, false);
        let (_gateway, address) = open_to(upstream.address, "");
        let mut client = Talk::open(address);
        client.write("GET /odd HTTP/1.0\r\nHost: a\r\n\r\n");
        assert_eq!(client.head().expect("a head").status(), 200);
        assert_eq!(client.rest().1, End::Broken, "{part}");
    }
}

#[test]
fn an_upstream_that_ends_before_its_head_is_a_502() {
    for reset in [false, true] {
        for part in ["", "HTTP/1.1 200 OK\r\nConte", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"] {
            let upstream = breaking(part, reset);
            let (_gateway, address) = open_to(upstream.address, "");
            let (head, _) = Talk::open(address).exchange(get("/odd"));
            assert_eq!(head.status(), 502, "reset: {reset}, {part:?}");
            assert_eq!(upstream.connections(), 1, "nothing is tried twice");
            assert_eq!(Talk::open(address).exchange(get("/clean")).1, b"clean");
        }
    }
}

#[test]
fn an_answer_that_ends_with_its_connection_is_whole() {
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        talk.write(format!("{HEAD_200}\r\nall of"));
        sleep(Duration::from_millis(50));
        talk.write(" it");
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    for _ in 0..2 {
        assert_eq!(client.exchange(get("/")).1, b"all of it");
    }
    assert_eq!(upstream.connections(), 2);
}

#[test]
fn an_answer_before_the_body_was_read_reaches_the_client() {
    let upstream = Upstream::start(|mut talk| {
        talk.head();
        talk.write("HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        talk.ends_within(PATIENCE);
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome");
    let (head, body) = client.answer(false).expect("an answer");
    assert_eq!((head.status(), body.as_slice()), (403, &b"no"[..]));
    assert!(client.ends_within(Duration::from_secs(5)), "the rest of the body cannot be a request");
}

#[test]
fn an_answer_and_a_close_before_the_body_was_read_reach_the_client() {
    let upstream = Upstream::start(|mut talk| {
        talk.head();
        talk.write("HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        talk.half_close();
        talk.ends_within(PATIENCE);
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(post("/", noise(300_000)));
    let (head, body) = client.answer(false).expect("an answer");
    assert_eq!((head.status(), body.as_slice()), (413, &b"no"[..]));
}

#[test]
fn an_answer_that_comes_while_nobody_asks_is_nobody_s() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::start(move |mut talk| {
        while let Some((head, _)) = talk.request() {
            talk.write(ok(head.target()));
            // As servers do that give up an idle connection.
            talk.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 5\r\n\r\nwrong");
            tell.send(()).expect("the test listens");
        }
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    for target in ["/1", "/2", "/3"] {
        let (head, body) = client.exchange(get(target));
        assert_eq!((head.status(), body.as_slice()), (200, target.as_bytes()));
        told.recv_timeout(PATIENCE).expect("the second answer was sent");
    }
    assert_eq!(upstream.connections(), 3, "no connection was used again");
}

#[test]
fn an_upstream_that_does_not_answer_in_time_is_a_504() {
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        talk.write("HTTP/1.1 200 OK\r\n");
        talk.ends_within(PATIENCE);
    });
    let (_gateway, address) = open_to(upstream.address, "timeouts: { upstream: 300ms }\n");
    let start = Instant::now();
    assert_eq!(Talk::open(address).exchange(get("/")).0.status(), 504);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn endless_interim_heads_are_no_answer() {
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        while talk.write("HTTP/1.1 103 Early Hints\r\n\r\n") {
            sleep(Duration::from_millis(20));
        }
    });
    let (_gateway, address) = open_to(upstream.address, "timeouts: { upstream: 300ms }\n");
    assert_eq!(Talk::open(address).exchange(get("/")).0.status(), 504);
}

#[test]
fn an_answer_that_drips_is_whole_in_the_end() {
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        for byte in format!("{HEAD_200}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").bytes() {
            talk.write([byte]);
            sleep(Duration::from_millis(3));
        }
    });
    let (_gateway, address) = open_to(upstream.address, "timeouts: { upstream_body: 300ms }\n");
    assert_eq!(Talk::open(address).exchange(get("/")).1, b"hello");
}

#[test]
fn a_body_after_an_answer_to_head_is_nobody_s() {
    let upstream = Upstream::answering(|head, _| ok(if head.method() == "HEAD" { "wrong" } else { "right" }));
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    for _ in 0..5 {
        assert_eq!(client.exchange("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").0.field("content-length"), Some("5"));
        assert_eq!(client.exchange(get("/")).1, b"right");
    }
}

#[test]
fn an_upstream_that_stops_taking_the_body_is_a_504() {
    let upstream = Upstream::start(|mut talk| {
        talk.head();
        sleep(PATIENCE);
    });
    let (_gateway, address) = open_to(upstream.address, "timeouts: { upstream: 500ms }\nlimits: { body: 1GiB }\n");
    let mut client = Talk::open(address);
    client.write(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 100 << 20));
    client.stream.set_write_timeout(Some(Duration::from_secs(2))).expect("a write time-out");
    client.write(noise(100 << 20));
    assert_eq!(client.answer(false).expect("an answer").0.status(), 504);
}

#[test]
fn an_answer_without_a_date_gets_one_and_one_with_a_date_keeps_it() {
    let upstream = Upstream::answering(|head, _| match head.target() {
        "/dated" => b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n".to_vec(),
        _ => ok(""),
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    assert_eq!(client.exchange(get("/dated")).0.field("date"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert!(client.exchange(get("/")).0.field("date").is_some(), "RFC 9110 section 6.6.1");
}
