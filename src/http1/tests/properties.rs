//! What holds for all input: no split of it matters, nothing panics, and what is written is read back.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::http1::{
    BadBody, BadRequest, BadResponse, BodyDecoder, Framing, Limits, RequestHead, ResponseFraming, ResponseHead, Step,
    encode,
};

/// All that one connection's bytes mean: the first message's head and fields, its body, and what is left over.
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
    BadBody(BadBody),
}

/// Takes a head off a buffer: its description, and what reads its body. Which fault of several is told of a bad head may
/// depend on how much of it is there, so none is.
type Parse<'p> = &'p dyn Fn(&mut BytesMut) -> Result<Option<(String, BodyDecoder)>, ()>;

/// Reads a request that arrives in the given pieces.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: &Limits) -> Reading {
    read_message(pieces, &|buffer| {
        let Some(head) = RequestHead::parse(buffer, limits).map_err(drop)? else { return Ok(None) };
        let said = (head.keep_alive(), head.expects_continue());
        let described = format!("{} {} {:?} {said:?}", head.target(), head.authority(), describe(head.fields()));
        Ok(Some((described, BodyDecoder::new(head.framing(), limits))))
    })
}

/// Reads the answer to a GET, or to a HEAD, that arrives in the given pieces and ends with them.
fn read_response<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, to_head: bool, limits: &Limits) -> Reading {
    read_message(pieces, &|buffer| {
        let Some(head) = ResponseHead::parse(buffer, limits, to_head).map_err(drop)? else { return Ok(None) };
        let said = (head.version(), head.framing(), head.keep_alive());
        let described = format!("{} {} {:?} {said:?}", head.status(), head.reason(), describe(head.fields()));
        Ok(Some((described, BodyDecoder::new(head.framing(), limits))))
    })
}

/// Reads a chunked body that arrives in the given pieces.
fn read_chunked<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: &Limits) -> Reading {
    read_message(pieces, &|_| Ok(Some((String::new(), BodyDecoder::new(Framing::Chunked, limits)))))
}

fn read_message<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, parse: Parse<'_>) -> Reading {
    let mut reading = Reading { head: None, body: vec![], end: Ending::More };
    let mut buffer = BytesMut::new();
    let mut decoder = None;
    for piece in pieces {
        buffer.extend_from_slice(piece);
        if decoder.is_none() && reading.end == Ending::More {
            match parse(&mut buffer) {
                Ok(Some((head, body))) => {
                    reading.head = Some(head);
                    decoder = Some(body);
                }
                Ok(None) => {}
                Err(()) => reading.end = Ending::BadHead,
            }
        }
        if let Some(decoder) = &mut decoder {
            reading.end = drain(decoder, &mut buffer, &mut reading.body);
        }
    }
    if reading.end == Ending::More
        && let Some(decoder) = &mut decoder
    {
        reading.end = decoder.end_of_input().map_or_else(Ending::BadBody, |_| Ending::Over(buffer.len()));
    }
    reading
}

fn describe<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<(&'a str, &'a [u8])> {
    fields.collect()
}

fn drain(decoder: &mut BodyDecoder, buffer: &mut BytesMut, body: &mut Vec<u8>) -> Ending {
    loop {
        match decoder.decode(buffer) {
            Ok(Step::Data(data)) => body.extend_from_slice(&data),
            Ok(Step::More) => return Ending::More,
            Ok(Step::End) => return Ending::Over(buffer.len()),
            Err(fault) => return Ending::BadBody(fault),
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

/// The input byte by byte, after a read that brought nothing.
fn bytewise(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::once(&input[..0]).chain(input.chunks(1))
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

/// A chunked body that is right in most places.
fn near_chunks() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => "[1-4](;[a-z]{1,3}(=[a-z\"]{0,3})?)?\r\n[a-z]{1,4}\r\n",
        2 => "0{1,3}(;a)?\r\n([A-Z]{1,2}:[ -~]{0,4}\r\n){0,2}\r\n",
        1 => "[0-9a-fA-F]{1,18}[ ;]?\r?\n",
        1 => vec(any::<u8>(), 0..4).prop_map(|bytes| bytes.iter().copied().map(char::from).collect()),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat().into_bytes())
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
        prop_assert_eq!(read(bytewise(&input), &limits), read([&input[..]], &limits));
    }

    #[test]
    fn no_split_of_a_response_changes_what_it_means(
        line in "HTTP/1\\.[01] (200|204|304|404|100|101|99|600)( [A-Z]{0,3})?\r\n", rest in near_http(),
        to_head: bool, places in vec(any::<usize>(), 0..8),
    ) {
        let input = [line.as_bytes(), &rest].concat();
        let limits = Limits { head: 120, headers: 6, chunk_overhead: 12 };
        let whole = read_response([&input[..]], to_head, &limits);
        prop_assert_eq!(&read_response(cut(&input, &places), to_head, &limits), &whole);
        prop_assert_eq!(&read_response(bytewise(&input), to_head, &limits), &whole);
    }

    #[test]
    fn no_split_of_chunks_changes_what_they_mean(input in near_chunks(), places in vec(any::<usize>(), 0..8)) {
        let limits = Limits { head: 120, headers: 6, chunk_overhead: 12 };
        let whole = read_chunked([&input[..]], &limits);
        prop_assert_eq!(&read_chunked(cut(&input, &places), &limits), &whole);
        prop_assert_eq!(&read_chunked(bytewise(&input), &limits), &whole);
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
        prop_assume!(method != "PRI" && !matches!(&*method, "CONNECT" | "TRACE" | "TRACK"));
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
