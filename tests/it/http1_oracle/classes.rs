//! Each way of being stricter than hyper, shown by an example; and the document that tells of it.

use super::readers::{agreement, stricter::Stricter};

/// The class and a request that shows it.
const REQUESTS: [(Stricter, &str); 25] = [
    (Stricter::BareLineFeed, "GET / HTTP/1.1\nHost: a\n\n"),
    (Stricter::EmptyLines, "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (Stricter::LengthForm, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\nx"),
    (Stricter::SeveralLengths, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
    (
        Stricter::LengthAndCoding,
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (Stricter::OtherCoding, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    (
        Stricter::SeveralCodings,
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (Stricter::Underscores, "GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n"),
    (Stricter::Method, "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (Stricter::Connect, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
    (Stricter::Trace, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (Stricter::Target, "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
    (Stricter::Target, "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n"),
    (Stricter::Target, "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    (Stricter::NoHost, "GET / HTTP/1.1\r\n\r\n"),
    (Stricter::SeveralHosts, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    (Stricter::HostForm, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    (Stricter::TwoAuthorities, "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"),
    (Stricter::Expectation, "GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n"),
    (Stricter::ChunkSize, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0 \r\n\r\n"),
    (Stricter::ChunkSize, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000000\r\n\r\n"),
    (Stricter::ChunkExtension, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0;\r\n\r\n"),
    (Stricter::ChunkExtension, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0;a=\0\r\n\r\n"),
    (Stricter::Trailer, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\r\n\r\n"),
    (
        Stricter::Close,
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, \u{e9}\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
];

/// The class and a response that shows it.
const RESPONSES: [(Stricter, &str); 8] = [
    (Stricter::BareLineFeed, "HTTP/1.1 204 None\n\n"),
    (Stricter::EmptyLines, "\r\nHTTP/1.1 204 None\r\n\r\n"),
    (Stricter::LengthForm, "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx"),
    (Stricter::SeveralLengths, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
    (Stricter::OtherCoding, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx"),
    (Stricter::OldCoding, "HTTP/1.0 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (Stricter::Status, "HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n"),
    (Stricter::Upgrade, "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
];

fn too_many_fields() -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(120))
}

#[test]
fn hyper_takes_what_each_class_refuses() {
    for (class, input) in REQUESTS {
        let verdict = agreement::on_requests(input.as_bytes());
        assert_eq!(verdict.expect("an agreement"), Some(class), "{input:?}");
    }
    for (class, input) in RESPONSES {
        let verdict = agreement::on_response(input.as_bytes(), false);
        assert_eq!(verdict.expect("an agreement"), Some(class), "{input:?}");
    }
    let verdict = agreement::on_requests(too_many_fields().as_bytes());
    assert_eq!(verdict.expect("an agreement"), Some(Stricter::Limits));
}

#[test]
fn each_class_has_an_example_and_a_line_in_the_document() {
    let document = include_str!("../../../docs/security.md");
    for class in Stricter::ALL {
        let mut examples = REQUESTS.iter().chain(&RESPONSES);
        assert!(class == Stricter::Limits || examples.any(|(shown, _)| *shown == class), "{class:?}");
        let line = format!("| {} | ", class.words());
        assert!(document.contains(&line), "docs/security.md lacks a line that begins with {line:?}");
    }
}
