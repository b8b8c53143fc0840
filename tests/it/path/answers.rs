//! Answers that are wrong, odd or broken off, some ninety kinds: what the client gets of each, and that the next
//! clients get theirs.

use super::support::{Talk, Upstream, get, ok, open_to};

/// The odd answer as a client sees it, and that the next ones are clean.
///
/// The upstream answers `/odd` in one write, then stays silent with its connection open; the gateway's patience is short.
fn seen(name: &str, answer: impl Into<Vec<u8>>) -> Option<(u16, Vec<u8>)> {
    let odd = answer.into();
    let upstream = Upstream::answering(move |head, _| if head.target() == "/odd" { odd.clone() } else { ok("clean") });
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

fn is_a_502(answers: &[(&str, &str)]) {
    for (name, answer) in answers {
        assert_eq!(seen(name, *answer).map(|(status, _)| status), Some(502), "{name}");
    }
}

#[test]
fn what_begins_like_no_answer_is_a_502() {
    is_a_502(&[
        ("a bad status line", "HTTP/1.1 two hundred\r\n\r\n"),
        ("another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        ("garbage", "\u{1}\u{2}\u{3}\u{fffd}\r\n\r\n"),
        ("HTTP/0.9", "hello"),
        ("HTTP/2", "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("HTTP/1.2", "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("http in lower case", "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("an empty line first", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("a space first", " HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("two spaces", "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("a tab", "HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("no space before the reason", "HTTP/1.1 200OK\r\nContent-Length: 0\r\n\r\n"),
        ("a status of two digits", "HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n"),
        ("a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
        ("a status with a sign", "HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n"),
        ("a status beyond 599", "HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n"),
        ("a status below 100", "HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n"),
        ("101 unasked", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        ("NUL in the reason", "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n"),
        ("an interim head and no answer", "HTTP/1.1 100 Continue\r\n\r\nhello"),
        ("a broken interim head", "HTTP/1.1 103 Hints\r\nX Y: z\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ]);
}

#[test]
fn fields_that_two_readers_could_take_in_two_ways_are_a_502() {
    is_a_502(&[
        ("NUL in a field", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"),
        ("a control byte in a field", "HTTP/1.1 200 OK\r\nX: a\u{1b}b\r\nContent-Length: 0\r\n\r\n"),
        ("a bare CR in a field", "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n"),
        ("a bare line feed", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
        ("one bare line feed", "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 0\r\n\r\n"),
        ("lines that end in CR", "HTTP/1.1 200 OK\rContent-Length: 0\r\r\n\r\n"),
        ("a space in a name", "HTTP/1.1 200 OK\r\nX Y: a\r\nContent-Length: 0\r\n\r\n"),
        ("a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"),
        ("a name outside ASCII", "HTTP/1.1 200 OK\r\nX\u{e9}: a\r\nContent-Length: 0\r\n\r\n"),
        ("an empty name", "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n"),
        ("no colon", "HTTP/1.1 200 OK\r\nhello\r\nContent-Length: 0\r\n\r\n"),
        ("a folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
        ("a folded first line", "HTTP/1.1 200 OK\r\n X: a\r\nContent-Length: 0\r\n\r\n"),
    ]);
}

#[test]
fn framing_in_doubt_is_a_502() {
    is_a_502(&[
        ("two lengths alike", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"),
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
        ("a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok"),
        ("a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        ("a length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"),
        ("a hexadecimal length", "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok"),
        ("an empty length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n"),
        ("a length beyond counting", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n"),
        ("a length with an underscore", "HTTP/1.1 200 OK\r\nContent_Length: 2\r\nContent-Length: 2\r\n\r\nok"),
        ("length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        ("no coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nok"),
        ("chunks twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
        (
            "chunks on two lines",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("chunks on HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ]);
}

#[test]
fn a_head_beyond_its_limits_is_a_502() {
    let huge = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(300));
    let endless = format!("HTTP/1.1 200 {}", "x".repeat(70_000));
    is_a_502(&[("a huge head", &huge), ("too many fields", &many), ("a line without end", &endless)]);
}

#[test]
fn what_is_odd_and_yet_an_answer_is_passed_on_whole() {
    let many_hints =
        format!("{}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 103 Hints\r\n\r\n".repeat(50));
    let answers: [(&str, &str, &str); 14] = [
        (
            "interim heads",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "ok",
        ),
        ("many interim heads", &many_hints, "ok"),
        (
            "an interim head with a length",
            "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "ok",
        ),
        ("no reason", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "ok"),
        ("an empty reason", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", "ok"),
        ("a reason outside ASCII", "HTTP/1.1 200 \u{e9}\r\nX: \u{e9}\r\nY:\r\nContent-Length: 2\r\n\r\nok", "ok"),
        ("a length with zeros in front", "HTTP/1.1 200 OK\r\nContent-Length: 0002\r\n\r\nok", "ok"),
        (
            "chunks with trailers",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX: y\r\n\r\n",
            "ok",
        ),
        (
            "trailers that speak of framing",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n",
            "ok",
        ),
        (
            "chunk sizes with zeros in front, in either case",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n000A\r\n0123456789\r\n0a\r\n0123456789\r\n000\r\n\r\n",
            "01234567890123456789",
        ),
        ("HTTP/1.0 with a length", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"),
        ("HTTP/1.0 kept alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", "ok"),
        ("garbage behind the answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokgarbage", "ok"),
        (
            "a second answer nobody asked for",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
            "ok",
        ),
    ];
    for (name, answer, body) in answers {
        assert_eq!(seen(name, answer), Some((200, body.as_bytes().to_vec())), "{name}");
    }
}

#[test]
fn a_status_that_has_no_body_gets_none() {
    let answers: [(&str, &str, u16); 7] = [
        ("an unusual status", "HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n", 299),
        ("204 with a length", "HTTP/1.1 204 None\r\nContent-Length: 2\r\n\r\nok", 204),
        ("204 with chunks", "HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 204),
        ("204 and another answer", "HTTP/1.1 204 None\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong", 204),
        ("304 with a length", "HTTP/1.1 304 Same\r\nContent-Length: 2\r\n\r\n", 304),
        ("304 with a length and bytes", "HTTP/1.1 304 Same\r\nContent-Length: 2\r\n\r\nok", 304),
        ("304 with chunks", "HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 304),
    ];
    for (name, answer, status) in answers {
        assert_eq!(seen(name, answer), Some((status, Vec::new())), "{name}");
    }
}

#[test]
fn an_answer_that_breaks_off_never_looks_whole() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let long_extension = format!("2;{}\r\nok\r\n0\r\n\r\n", "x".repeat(20_000));
    let long_trailers = format!("2\r\nok\r\n0\r\n{}\r\n", "X: y\r\n".repeat(5_000));
    let broken: [(&str, &str); 16] = [
        ("no last chunk", "2\r\nok\r\n"),
        ("a malformed chunk", "2\r\nok\r\nzz\r\n"),
        ("a chunk cut off", "9\r\nok"),
        ("a chunk longer than its size", "1\r\nok\r\n0\r\n\r\n"),
        ("a size with a space", "2 \r\nok\r\n0\r\n\r\n"),
        ("a size with a sign", "+2\r\nok\r\n0\r\n\r\n"),
        ("a size with a prefix", "0x2\r\nok\r\n0\r\n\r\n"),
        ("a size beyond counting", "fffffffffffffffff\r\nok\r\n0\r\n\r\n"),
        ("a line feed behind the size", "2\nok\r\n0\r\n\r\n"),
        ("a line feed behind the data", "2\r\nok\n0\r\n\r\n"),
        ("NUL in an extension", "2;a=\0\r\nok\r\n0\r\n\r\n"),
        ("an extension without end", &long_extension),
        ("trailers without end", &long_trailers),
        ("a trailer without a colon", "2\r\nok\r\n0\r\nX\r\n\r\n"),
        ("no end of the trailers", "2\r\nok\r\n0\r\nX: y\r\n"),
        ("a line feed for the end", "2\r\nok\r\n0\r\n\n"),
    ];
    for (name, body) in broken {
        assert_eq!(seen(name, format!("{head}{body}")), None, "{name}");
    }
    assert_eq!(seen("a length too long", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), None);
}
