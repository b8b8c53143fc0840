//! The classes of attack on framing: every way in which two readers of one message might disagree on where its body
//! ends (CVE-2021-21299, CVE-2021-32714, CVE-2021-32715, CVE-2023-40225, CVE-2025-22871, CVE-2026-2835).

use super::{response, with_fields};
use crate::http1::{BadHead, BadRequest, BadResponse, Framing, ResponseFraming};

const ONE_FRAMING: [(&str, Framing); 6] = [
    ("", Framing::None),
    ("Content-Length: 0\r\n", Framing::Length(0)),
    ("content-LENGTH:\t5 \r\n", Framing::Length(5)),
    ("Content-Length: 9223372036854775807\r\n", Framing::Length(9_223_372_036_854_775_807)),
    ("Transfer-Encoding: chunked\r\n", Framing::Chunked),
    ("transfer-encoding: CHUNKED\r\n", Framing::Chunked),
];

/// Field lines that leave in doubt where the body ends, and the class of the doubt.
fn doubtful() -> Vec<(String, BadHead)> {
    let mut cases = vec![];
    let values = [
        "",
        "+5",
        "-5",
        "5, 5",
        "5, 0",
        "5,",
        "0x5",
        "1_0",
        "5Z",
        "5 5",
        "5.0",
        "\u{a0}5",
        "five",
        "9223372036854775808",
        "18446744073709551621",
        "\"5\"",
    ];
    cases.extend(values.map(|value| (format!("Content-Length: {value}\r\n"), BadHead::ContentLength)));
    let codings = [
        "",
        "gzip",
        "identity",
        "xchunked",
        "chunked,",
        ",chunked",
        "chunked, chunked",
        "chunked, identity",
        "gzip, chunked",
        "\"chunked\"",
        "chunked;a=b",
        "chunked 1",
        "\u{a0}chunked",
        "chunke",
        "c hunked",
    ];
    cases.extend(codings.map(|value| (format!("Transfer-Encoding: {value}\r\n"), BadHead::TransferEncoding)));
    let lines = [
        ("Content-Length: 5\r\nContent-Length: 5\r\n", BadHead::DuplicateContentLength),
        ("Content-Length: 5\r\ncontent-length: 6\r\n", BadHead::DuplicateContentLength),
        ("Content-Length:\r\nContent-Length: 48\r\n", BadHead::ContentLength),
        ("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", BadHead::LengthAndEncoding),
        ("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", BadHead::LengthAndEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", BadHead::DuplicateTransferEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", BadHead::TransferEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", BadHead::TransferEncoding),
        ("Transfer-Encoding : chunked\r\n", BadHead::FieldName),
        ("Transfer-Encoding :chunked\r\n", BadHead::FieldName),
        ("Transfer-Encoding\t: chunked\r\n", BadHead::FieldName),
        ("Transfer-Encoding: \u{b}chunked\r\n", BadHead::FieldValue),
        ("Transfer-Encoding:\r\n chunked\r\n", BadHead::Folded),
        (" Transfer-Encoding: chunked\r\n", BadHead::Folded),
        ("Transfer-Encoding: chunked\n", BadHead::BareLineBreak),
        ("X: y\rTransfer-Encoding: chunked\r\n", BadHead::BareLineBreak),
        ("X: y\nTransfer-Encoding: chunked\r\n", BadHead::BareLineBreak),
        ("Content_Length: 5\r\n", BadHead::DisguisedFraming),
        ("TRANSFER_ENCODING: chunked\r\n", BadHead::DisguisedFraming),
        ("Content.Length: 5\r\n", BadHead::DisguisedFraming),
        ("Transfer~encoding: chunked\r\n", BadHead::DisguisedFraming),
    ];
    cases.extend(lines.map(|(lines, fault)| (lines.to_owned(), fault)));
    cases
}

#[test]
fn a_request_has_one_framing_or_is_refused() {
    for (lines, framing) in ONE_FRAMING {
        assert_eq!(with_fields(lines).expect("valid").framing(), framing, "{lines:?}");
    }
    for (lines, expected) in doubtful() {
        let fault = with_fields(&lines).expect_err(&lines);
        assert_eq!(fault, BadRequest::Head(expected), "{lines:?}");
        assert_eq!(fault.status(), 400, "{lines:?}");
    }
}

#[test]
fn a_response_has_one_framing_or_is_refused() {
    for (lines, framing) in ONE_FRAMING.into_iter().skip(1) {
        let head = response(format!("HTTP/1.1 200 OK\r\n{lines}\r\n")).expect("valid");
        assert_eq!(head.framing(), ResponseFraming::from(framing), "{lines:?}");
    }
    for (lines, expected) in doubtful() {
        let fault = response(format!("HTTP/1.1 200 OK\r\n{lines}\r\n")).expect_err(&lines);
        assert_eq!(fault, BadResponse::Head(expected), "{lines:?}");
    }
}

#[test]
fn http_1_0_has_no_transfer_encoding() {
    let fields = "Transfer-Encoding: chunked\r\n\r\n";
    let fault = super::request(format!("POST / HTTP/1.0\r\n{fields}")).expect_err("refused");
    assert_eq!(fault, BadHead::EncodingOnHttp10.into());
    let fault = response(format!("HTTP/1.0 200 OK\r\n{fields}")).expect_err("refused");
    assert_eq!(fault, BadHead::EncodingOnHttp10.into());
}
