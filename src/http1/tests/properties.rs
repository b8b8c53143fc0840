//! What holds for all input: no split of it matters, nothing panics, and what is written is read back.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::http1::{
    BadBody, BadRequest, BadResponse, BodyDecoder, Framing, Limits, RequestHead, ResponseFraming, ResponseHead, Step,
    encode,
};

/// All that one connection's bytes mean: the first request's head and fields, its body, and what is left over.
#[derive(Debug, PartialEq)]
struct Reading {
    head: Option<String>,
    body: Vec<u8>,
    end: Ending,
}

#[derive(Debug, PartialEq)]
enum Ending {
    /// The message is over, and so many bytes of the input were not used.
    Over(usize),
    More,
    BadHead,
    BadBody,
}

/// Reads a request that arrives in the given pieces.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: &Limits) -> Reading {
    let mut reading = Reading { head: None, body: vec![], end: Ending::More };
    let mut buffer = BytesMut::new();
    let mut decoder = None;
    for piece in pieces {
        buffer.extend_from_slice(piece);
        if decoder.is_none() && reading.end == Ending::More {
            match RequestHead::parse(&mut buffer, limits) {
                Ok(Some(head)) => {
                    reading.head = Some(format!("{} {} {:?}", head.target(), head.authority(), describe(&head)));
                    decoder = Some(BodyDecoder::new(head.framing(), limits));
                }
                Ok(None) => {}
                Err(_) => reading.end = Ending::BadHead,
            }
        }
        if let Some(decoder) = &mut decoder {
            reading.end = drain(decoder, &mut buffer, &mut reading.body);
        }
    }
    reading
}

fn describe(head: &RequestHead) -> impl std::fmt::Debug {
    head.fields().map(|(name, value)| (name.to_owned(), value.to_vec())).collect::<Vec<_>>()
}

fn drain(decoder: &mut BodyDecoder, buffer: &mut BytesMut, body: &mut Vec<u8>) -> Ending {
    loop {
        match decoder.decode(buffer) {
            Ok(Step::Data(data)) => body.extend_from_slice(&data),
            Ok(Step::More) => return Ending::More,
            Ok(Step::End) => return Ending::Over(buffer.len()),
            Err(_) => return Ending::BadBody,
        }
    }
}

/// The input cut at the given places, taken modulo its length.
fn cut<'a>(input: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = places.iter().map(|place| place % (input.len() + 1)).collect();
    places.extend([0, input.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect()
}

/// Bytes made of what matters to the codec, so that chance finds the rules.
fn near_http() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"GET / HTTP/1.1\r\n",
        b"POST /a?b HTTP/1.0\r\n",
        b"POST http://a/b HTTP/1.1\r\n",
        b"Host: a\r\n",
        b"\r\n",
        b"\r",
        b"\n",
        b" ",
        b":",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"X: y\r\n",
        b"0\r\n\r\n",
        b"3\r\nabc\r\n",
        b"3;x=y\r\nabc\r\n",
        b"abc",
        b"\0",
        b"\xff",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"Content_Length: 1\r\n",
        b"0\r\nX: y\r\n\r\n",
    ];
    let piece =
        prop_oneof![8 => proptest::sample::select(pieces).prop_map(<[u8]>::to_vec), 1 => vec(any::<u8>(), 0..4)];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A well-formed chunked request, with extensions and trailers, and the body that it carries.
fn chunked_request() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let chunk = (vec(any::<u8>(), 1..40), "(;[a-z]{1,4}(=[a-z0-9]{1,4})?)?");
    (vec(chunk, 0..6), "(X-[a-z]{1,6}: [ -~]{0,8}\r\n){0,2}").prop_map(|(chunks, trailers)| {
        let mut wire = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let mut body = vec![];
        for (data, extension) in &chunks {
            wire.extend_from_slice(format!("{:X}{extension}\r\n", data.len()).as_bytes());
            wire.extend_from_slice(data);
            wire.extend_from_slice(b"\r\n");
            body.extend_from_slice(data);
        }
        wire.extend_from_slice(format!("0\r\n{trailers}\r\nnext").as_bytes());
        (wire, body)
    })
}

proptest! {
    #[test]
    fn no_split_of_the_input_changes_what_it_means(input in near_http(), places in vec(any::<usize>(), 0..8)) {
        let limits = Limits { head: 120, headers: 6, chunk_overhead: 12 };
        prop_assert_eq!(read(cut(&input, &places), &limits), read([&input[..]], &limits));
        prop_assert_eq!(read(input.chunks(1), &limits), read([&input[..]], &limits));
    }

    #[test]
    fn no_split_of_a_response_changes_its_head(fields in near_http()) {
        let input = [b"HTTP/1.1 200 OK\r\n", &fields[..]].concat();
        let parse = |part: &[u8]| ResponseHead::parse(&mut BytesMut::from(part), &Limits::default(), false);
        let stepwise = (0..=input.len()).map(|end| parse(&input[..end])).find(|result| !matches!(result, Ok(None)));
        let described = |result: Result<Option<ResponseHead>, _>| result.map(|head| format!("{head:?}")).ok();
        let whole = described(parse(&input));
        prop_assert_eq!(stepwise.map_or(Some("None".to_owned()), described), whole);
    }

    #[test]
    fn a_chunked_body_arrives_whole_in_any_split((wire, body) in chunked_request(), places in vec(any::<usize>(), 0..8)) {
        let reading = read(cut(&wire, &places), &Limits::default());
        prop_assert_eq!(reading.end, Ending::Over(4));
        prop_assert_eq!(reading.body, body);
    }

    #[test]
    fn arbitrary_bytes_never_panic(input in vec(any::<u8>(), 0..200), was_head: bool) {
        let limits = Limits::default();
        let _: Result<_, BadRequest> = RequestHead::parse(&mut BytesMut::from(&input[..]), &limits);
        let _: Result<_, BadResponse> = ResponseHead::parse(&mut BytesMut::from(&input[..]), &limits, was_head);
        let mut body = BodyDecoder::new(Framing::Chunked, &limits);
        let mut buffer = BytesMut::from(&input[..]);
        while let Ok(Step::Data(_)) = body.decode(&mut buffer) {}
        let _: Result<_, BadBody> = body.end_of_input();
    }

    #[test]
    fn an_accepted_head_has_no_line_break_but_crlf(input in near_http()) {
        let mut buffer = BytesMut::from(&input[..]);
        if let Ok(Some(_)) = RequestHead::parse(&mut buffer, &Limits::default()) {
            let head = &input[..input.len() - buffer.len()];
            let mut rest = head.to_vec();
            while let Some(at) = rest.windows(2).position(|pair| pair == b"\r\n") {
                rest.drain(at..at + 2);
            }
            prop_assert!(!rest.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
        }
    }

    #[test]
    fn a_request_that_is_written_is_read_back(
        method in "[A-Z]{1,8}", path in "/[!-\"$->@-~]{0,20}", query in "(\\?[!-\"$-~]{0,10})?",
        fields in vec(("X-[!#-'*+.^-z|~-]{0,10}", "([!-~]([ -~]{0,10}[!-~])?)?"), 0..10),
    ) {
        prop_assume!(method != "PRI" && method != "CONNECT");
        let mut buffer = BytesMut::new();
        encode::request_line(&mut buffer, &method, &format!("{path}{query}"));
        encode::field(&mut buffer, "Host", b"gw.test");
        for (name, value) in &fields {
            encode::field(&mut buffer, name, value.as_bytes());
        }
        encode::end(&mut buffer);
        let head = RequestHead::parse(&mut buffer, &Limits::default()).expect("valid").expect("complete");
        prop_assert!(buffer.is_empty());
        prop_assert_eq!(head.method(), method);
        prop_assert_eq!(head.path(), path);
        prop_assert_eq!(head.query(), query.strip_prefix('?'));
        let read: Vec<_> = head.fields().skip(1).map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
        let written: Vec<_> = fields.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn a_response_that_is_written_is_read_back(status in 200_u16..600, reason in "([!-~][ -~]{0,10})?", body in vec(any::<u8>(), 0..99)) {
        prop_assume!(!matches!(status, 204 | 304));
        let mut buffer = BytesMut::new();
        encode::status_line(&mut buffer, status, &reason);
        encode::field(&mut buffer, "Transfer-Encoding", b"chunked");
        encode::end(&mut buffer);
        for data in body.chunks(17) {
            encode::chunk(&mut buffer, data);
        }
        buffer.extend_from_slice(encode::LAST_CHUNK);
        let head = ResponseHead::parse(&mut buffer, &Limits::default(), false).expect("valid").expect("complete");
        prop_assert_eq!(head.status(), status);
        prop_assert!(!head.reason().is_empty() && (reason.is_empty() || head.reason() == reason));
        prop_assert_eq!(head.framing(), ResponseFraming::Chunked);
        let mut decoder = BodyDecoder::new(head.framing(), &Limits::default());
        let mut read = vec![];
        prop_assert_eq!(drain(&mut decoder, &mut buffer, &mut read), Ending::Over(0));
        prop_assert_eq!(read, body);
        prop_assert!(decoder.is_done());
    }
}
