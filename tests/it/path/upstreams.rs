//! Servers that answer oddly, late, twice or not at all: the client gets the right status, nothing of one answer ends in
//! another's, and the gateway stays up.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use super::support::{End, PATIENCE, Talk, Upstream, get, noise, ok, open_to, post};

const HEAD_200: &str = "HTTP/1.1 200 OK\r\n";

/// Answers `/odd` with `odd`, as one write, and anything else with `clean`; connections stay open.
fn odd(odd: impl Into<Vec<u8>>) -> Upstream {
    let odd = odd.into();
    Upstream::answering(move |head, _| if head.target() == "/odd" { odd.clone() } else { ok("clean") })
}

/// The odd answer as a client sees it, and that the next ones are clean.
fn seen(name: &str, answer: impl Into<Vec<u8>>) -> Option<(u16, Vec<u8>)> {
    let upstream = odd(answer);
    let (_gateway, address) = open_to(upstream.address, "timeouts: { upstream_body: 500ms, upstream: 500ms }\n");
    let mut client = Talk::open(address);
    client.write(get("/odd"));
    let answer = client.answer(false).map(|(head, body)| (head.status(), body));
    for _ in 0..3 {
        let (head, body) = Talk::open(address).exchange(get("/clean"));
        assert_eq!((head.status(), body.as_slice()), (200, &b"clean"[..]), "after {name}");
    }
    answer
}

#[test]
fn what_is_no_answer_is_a_502() {
    let huge = format!("{HEAD_200}X: {}\r\n\r\n", "x".repeat(70_000));
    let many = format!("{HEAD_200}{}\r\n", "X: y\r\n".repeat(300));
    let answers: [(&str, &str); 25] = [
        ("a bad status line", "HTTP/1.1 two hundred\r\n\r\n"),
        ("another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        ("HTTP/0.9", "hello"),
        ("HTTP/2", "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("a status of two digits", "HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n"),
        ("a status beyond 599", "HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n"),
        ("a status below 100", "HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n"),
        ("101 unasked", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        ("NUL in a field", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"),
        ("NUL in the reason", "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n"),
        ("a space in a name", "HTTP/1.1 200 OK\r\nX Y: a\r\nContent-Length: 0\r\n\r\n"),
        ("a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"),
        ("a folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
        ("two lengths alike", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"),
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
        ("a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok"),
        ("a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        ("a length beyond counting", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n"),
        ("length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        ("chunks on HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("a bare line feed", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
        ("an empty name", "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n"),
        ("a huge head", &huge),
        ("too many fields", &many),
    ];
    for (name, answer) in answers {
        assert_eq!(seen(name, answer).map(|(status, _)| status), Some(502), "{name}");
    }
}

#[test]
fn what_is_odd_and_yet_an_answer_is_passed_on_whole() {
    let answers: [(&str, &str, u16, &str); 11] = [
        (
            "interim heads",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            200,
            "ok",
        ),
        ("no reason", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
        ("an unusual status", "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok", 299, "ok"),
        (
            "chunks with trailers",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX: y\r\n\r\n",
            200,
            "ok",
        ),
        ("HTTP/1.0 with a length", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
        ("HTTP/1.0 kept alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
        ("204 with a length", "HTTP/1.1 204 None\r\nContent-Length: 2\r\n\r\nok", 204, ""),
        (
            "204 with bytes behind it",
            "HTTP/1.1 204 None\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
            204,
            "",
        ),
        ("304 with a length and bytes", "HTTP/1.1 304 Same\r\nContent-Length: 2\r\n\r\nok", 304, ""),
        ("garbage behind the answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokgarbage", 200, "ok"),
        (
            "a second answer nobody asked for",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
            200,
            "ok",
        ),
    ];
    for (name, answer, status, body) in answers {
        assert_eq!(seen(name, answer), Some((status, body.as_bytes().to_vec())), "{name}");
    }
}

#[test]
fn an_answer_that_breaks_off_never_looks_whole() {
    let broken: [(&str, &str); 5] = [
        ("a length too long", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"),
        ("no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"),
        ("a malformed chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n"),
        ("a chunk cut off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok"),
        ("no end of the trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n"),
    ];
    for (name, answer) in broken {
        // The upstream stays silent with its connection open; the gateway's patience ends first.
        assert_eq!(seen(name, answer), None, "{name}");
    }
}

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
