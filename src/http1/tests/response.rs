//! Response heads, rule by rule.

use bytes::BytesMut;

use super::response;
use crate::http1::{BadHead, BadResponse, Limits, ResponseFraming, ResponseHead, Version};

#[test]
fn a_plain_head_is_taken_off_the_buffer() {
    let mut buffer =
        BytesMut::from("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nX-A: 1\r\nConnection: x-a\r\n\r\nbody");
    let head = ResponseHead::parse(&mut buffer, &Limits::default(), false).expect("valid").expect("complete");
    assert_eq!(buffer, "body");
    assert_eq!((head.status(), head.reason(), head.version()), (404, "Not Found", Version::Http11));
    assert_eq!(head.fields().map(|(name, _)| name).collect::<Vec<_>>(), ["Content-Length", "X-A", "Connection"]);
    assert_eq!((head.value("x-a"), head.values("X-A").count()), (Some(&b"1"[..]), 1));
    assert_eq!(head.framing(), ResponseFraming::Length(4));
    assert!(head.keep_alive() && head.connection_names("X-A"));
}

#[test]
fn a_reason_may_be_empty_or_beyond_ascii() {
    for empty in ["HTTP/1.1 200 \r\n\r\n", "HTTP/1.1 200\r\n\r\n"] {
        assert_eq!(response(empty).expect("valid").reason(), "");
    }
    assert_eq!(response("HTTP/1.1 200 S\u{e3}o\r\n\r\n").expect("valid").reason(), "S\u{e3}o");
    assert_eq!(response(b"HTTP/1.1 200 \xff\r\n\r\n").expect("valid").reason(), "");
}

#[test]
fn a_malformed_status_line_is_refused() {
    let bad = [
        "HTTP/1.1 099 A",
        "HTTP/1.1 600 A",
        "HTTP/1.1 20 A",
        "HTTP/1.1 2000 A",
        "HTTP/1.1 +20 A",
        "HTTP/1.1  200 A",
        "HTTP/1.1 200\tA",
        "HTTP/1.1 2x0 A",
        "HTTP/1.1 20: A",
        "HTTP/1.1 200 a\0",
        "HTTP/1.1 200 a\u{7f}",
    ];
    for bad in bad {
        assert_eq!(response(format!("{bad}\r\n\r\n")).expect_err(bad), BadResponse::StatusLine, "{bad:?}");
    }
    for bad in ["HTTP/2.0 200 OK", "HTTP/1.12 200 OK", "HTTP/1.1", "ICY 200 OK", "http/1.1 200 OK", "HTTP/1.1200 OK"] {
        assert!(response(format!("{bad}\r\n\r\n")).is_err(), "{bad:?}");
    }
    assert_eq!(response("\r\nHTTP/1.1 200 OK\r\n\r\n").expect_err("refused"), BadHead::NoStartLine.into());
}

#[test]
fn what_is_no_http_is_refused_before_its_end() {
    for text in ["220 mail.test ESMTP", "\u{16}", "HTTP/2", "\r"] {
        let result = ResponseHead::parse(&mut BytesMut::from(text), &Limits::default(), false);
        assert!(result.is_err(), "{text:?}");
    }
    for part in ["", "HT", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\n"] {
        let result = ResponseHead::parse(&mut BytesMut::from(part), &Limits::default(), false);
        assert!(result.expect("no fault").is_none(), "{part:?}");
    }
}

#[test]
fn some_responses_never_have_a_body() {
    for status in [100, 101, 103, 204, 304] {
        let head = response(format!("HTTP/1.1 {status} \r\nContent-Length: 5\r\n\r\n")).expect("valid");
        assert_eq!(head.framing(), ResponseFraming::None, "{status}");
    }
    let mut buffer = BytesMut::from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let head = ResponseHead::parse(&mut buffer, &Limits::default(), true).expect("valid").expect("complete");
    assert_eq!(head.framing(), ResponseFraming::None);
    assert!(head.keep_alive());
}

#[test]
fn a_body_that_the_status_cannot_have_ends_the_connection() {
    let persists = |head: &str| response(format!("HTTP/1.1 {head}\r\n\r\n")).expect("valid").keep_alive();
    assert!(!persists("204 \r\nContent-Length: 5"));
    assert!(!persists("204 \r\nTransfer-Encoding: chunked"));
    assert!(persists("204 \r\nContent-Length: 0"));
    assert!(persists("304 \r\nContent-Length: 5"));
    assert!(!persists("304 \r\nTransfer-Encoding: chunked"));
}

#[test]
fn a_body_without_length_ends_with_the_connection() {
    let head = response("HTTP/1.1 200 OK\r\n\r\n").expect("valid");
    assert_eq!(head.framing(), ResponseFraming::UntilClose);
    assert!(!head.keep_alive());
}

#[test]
fn a_connection_persists_by_its_version_unless_told_otherwise() {
    let persists =
        |head: &str| response(format!("HTTP/{head}\r\nContent-Length: 0\r\n\r\n")).expect("valid").keep_alive();
    assert!(persists("1.1 200 "));
    assert!(!persists("1.1 200 \r\nConnection: close"));
    assert!(!persists("1.0 200 "));
    assert!(persists("1.0 200 \r\nConnection: keep-alive"));
}

#[test]
fn a_head_in_a_log_shows_no_values() {
    let text = format!("{:?}", response("HTTP/1.1 200 OK\r\nSet-Cookie: s3cret\r\n\r\n").expect("valid"));
    assert!(text.contains("Set-Cookie") && !text.contains("s3cret"), "{text}");
}
