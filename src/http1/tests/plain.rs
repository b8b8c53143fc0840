//! The short way through a head and the long one read the same, or the short one steps aside.

use std::rc::Rc;

use bytes::BytesMut;
use proptest::prelude::*;

use crate::http1::{Limits, RequestHead, ResponseHead};

/// What came of the input, and what is left of it.
fn outcome<T, E>(
    input: &[u8],
    parse: impl Fn(&mut BytesMut) -> Result<Option<T>, E>,
) -> (Result<Option<T>, E>, BytesMut) {
    let mut buffer = BytesMut::from(input);
    (parse(&mut buffer), buffer)
}

fn requests_agree(input: &[u8], limits: &Limits) {
    let (short, rest) = outcome(input, |buffer| RequestHead::parse(buffer, limits));
    let (long, long_rest) = outcome(input, |buffer| RequestHead::parse_with_care(buffer, limits));
    let read = |head: Option<Rc<RequestHead>>| head.map(|head| head.all_that_was_read());
    let input = String::from_utf8_lossy(input);
    assert_eq!((short.map(read), rest), (long.map(read), long_rest), "{input:?}");
}

fn responses_agree(input: &[u8], limits: &Limits, to_head: bool) {
    let (short, rest) = outcome(input, |buffer| ResponseHead::parse(buffer, limits, to_head));
    let (long, long_rest) = outcome(input, |buffer| ResponseHead::parse_with_care(buffer, limits, to_head));
    let read = |head: Option<Box<ResponseHead>>| head.map(|head| head.all_that_was_read());
    let input = String::from_utf8_lossy(input);
    assert_eq!((short.map(read), rest), (long.map(read), long_rest), "{input:?}");
}

/// A field line that is right, or nearly: of a name that governs framing, or of bytes that some readers take.
fn field() -> impl Strategy<Value = Vec<u8>> {
    let names = "Host|host|Expect|Connection|Content-Length|content_length|Transfer-Encoding|Transfer_Encoding|TE|Trailer|\
                 Upgrade|Keep-Alive|Proxy-Connection|X-Key|x_key|X.Y|[!#$%&'*+.^`|~]{1,3}|[ -~]{0,3}";
    let values = "a|gw\\.test:80|close|keep-alive|close, x|7|07|chunked|100-continue|[ -~]{0,20}|[\t -~é]{0,6}";
    let ends =
        prop_oneof![12 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r"), 1 => Just(" \r\n"), 1 => Just("\r\n ")];
    let separators = prop_oneof![8 => Just(": "), 2 => Just(":"), 1 => Just(":  "), 1 => Just(" : "), 1 => Just(" :"), 1 => Just(":\t")];
    (names, separators, values, ends).prop_map(|(name, separator, value, end)| {
        [name.as_bytes(), separator.as_bytes(), value.as_bytes(), end.as_bytes()].concat()
    })
}

/// Field lines, their end, and what may follow.
fn fields() -> impl Strategy<Value = Vec<u8>> {
    let rest = prop_oneof![8 => Just("\r\n"), 2 => Just("\r\nGET / HTTP/1.1\r\n"), 1 => Just("\n"), 1 => Just("\r"), 1 => Just("")];
    (proptest::collection::vec(field(), 0..6), rest)
        .prop_map(|(fields, rest)| [fields.concat().as_slice(), rest.as_bytes()].concat())
}

/// The input with one byte of it changed, now and then.
fn with_a_flaw(mut input: Vec<u8>, flaw: Option<(usize, u8)>) -> Vec<u8> {
    if let Some((at, byte)) = flaw {
        let length = input.len().max(1);
        if let Some(place) = input.get_mut(at % length) {
            *place = byte;
        }
    }
    input
}

fn limits() -> impl Strategy<Value = Limits> {
    (prop_oneof![Just(1000_usize), 20..120_usize], 0..8_usize).prop_map(|(head, headers)| Limits {
        head,
        headers,
        chunk_overhead: 0,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_request_means_the_same_read_either_way(
        before in prop_oneof![9 => Just(""), 1 => Just("\r\n")],
        line in "(GET|POST|PRI|CONNECT|TRACE|TRACK|OPTIONS|get|[!A-Z]{0,3}) (/|\\*|http://a/b|[/?#a-z%\"<]{1,8}|/[ -~é]{0,8}) HTTP/1\\.[012]\r?\n",
        rest in fields(), flaw in proptest::option::weighted(0.3, any::<(usize, u8)>()), limits in limits(),
    ) {
        requests_agree(&with_a_flaw([before.as_bytes(), line.as_bytes(), &rest].concat(), flaw), &limits);
    }

    #[test]
    fn a_response_means_the_same_read_either_way(
        line in "HTTP/[12]\\.[012] ([0-9]{2,3}|200|204|304|101|599|600)( [ -~é\t]{0,6})?\r?\n",
        rest in fields(), flaw in proptest::option::weighted(0.3, any::<(usize, u8)>()), limits in limits(), to_head: bool,
    ) {
        responses_agree(&with_a_flaw([line.as_bytes(), &rest].concat(), flaw), &limits, to_head);
    }
}

#[test]
fn a_usual_head_is_read_in_one_pass() {
    let head = b"GET /a?b HTTP/1.1\r\nHost: gw.test\r\nX-Key:a\r\nAccept: */*\r\n\r\n";
    assert!(super::super::plain::request_line(head, 0).is_some());
    let mut fields = super::super::fields::Fields::default();
    assert_eq!(super::super::plain::Lines::into(&mut fields).read(head, 19, 3), Some(head.len()));
    assert_eq!(fields.len(), 3);
    let head = b"HTTP/1.1 200 OK\r\nServer: a\r\n\r\n";
    assert_eq!(super::super::plain::status_line(head).map(|line| (line.status, line.end)), Some((200, 17)));
}
