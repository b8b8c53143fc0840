//! A request kept in a file, as a person writes it: read as strictly as one from the wire, but for its line ends.

use std::{fs, io, io::Read, path::Path, rc::Rc};

use bytes::BytesMut;

use crate::{
    authenticate::Origin,
    config,
    http1::{BadBody, BadRequest, BodyDecoder, Framing, Limits, RequestHead, Step, encode},
    scheme::{Body, Unknown, View},
};

/// Largest file read, in bytes: a person's request, not a film.
const LARGEST: u64 = 64 << 20;

/// A request, whole.
#[derive(Debug)]
pub(super) struct RawRequest {
    head: RequestHead,
    /// Freed of its transfer coding: what schemes sign.
    body: Vec<u8>,
    /// As it is sent.
    wire_body: Vec<u8>,
    /// Bytes of the file after the body's stated end.
    left_over: usize,
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error("the request cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("the request is larger than {} MiB", LARGEST >> 20)]
    TooLarge,
    #[error("{0}")]
    Head(#[from] BadRequest),
    #[error("{0}")]
    Body(#[from] BadBody),
    #[error("the body has {there} bytes where Content-Length says {stated}")]
    Short { stated: u64, there: usize },
}

impl RequestError {
    /// Whether a gateway would have refused it as well: it was read, and is no request.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            RequestError::Unreadable(_) | RequestError::TooLarge => false,
            RequestError::Head(_) | RequestError::Body(_) | RequestError::Short { .. } => true,
        }
    }
}

impl RawRequest {
    /// Reads the file at `path`, or standard input where that is `-`.
    pub(super) fn read(path: &Path) -> Result<RawRequest, RequestError> {
        let mut bytes = Vec::new();
        match path.as_os_str() == "-" {
            true => io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)?,
            false => fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?,
        };
        match u64::try_from(bytes.len()) {
            Ok(length) if length <= LARGEST => RawRequest::parse(&bytes),
            _ => Err(RequestError::TooLarge),
        }
    }

    /// Reads a request. Lines of the head may end in a bare LF. Where the head says nothing of a body, all that follows
    /// it is one, and a Content-Length is added.
    pub(super) fn parse(bytes: &[u8]) -> Result<RawRequest, RequestError> {
        let (mut lines, rest) = split(bytes);
        let head = parse_head(&lines)?;
        let (head, body, taken) = match head.framing() {
            Framing::None if rest.is_empty() => (head, Vec::new(), 0),
            Framing::None => {
                encode::field(&mut lines, "Content-Length", rest.len().to_string().as_bytes());
                (parse_head(&lines)?, rest.to_vec(), rest.len())
            }
            Framing::Length(stated) => {
                let body = usize::try_from(stated).ok().and_then(|length| rest.get(..length));
                let body = body.ok_or(RequestError::Short { stated, there: rest.len() })?;
                (head, body.to_vec(), body.len())
            }
            Framing::Chunked => {
                let (body, taken) = unchunk(rest)?;
                (head, body, taken)
            }
        };
        let wire_body = rest.get(..taken).unwrap_or_default().to_vec();
        Ok(RawRequest { head, body, wire_body, left_over: rest.len() - taken })
    }

    /// The head.
    pub(super) fn head(&self) -> &RequestHead {
        &self.head
    }

    /// The body, freed of its transfer coding.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Bytes of the file after the body's stated end.
    pub(super) fn left_over(&self) -> usize {
        self.left_over
    }

    /// The scheme and authority that are signed: the public ones, or else plain HTTP and the request's own Host.
    pub(super) fn origin<'a>(&'a self, public: Option<&'a config::Origin>) -> Origin<'a> {
        let (scheme, authority) = match public {
            Some(origin) => (origin.scheme.as_str(), origin.authority.as_str()),
            None => ("http", self.head.authority()),
        };
        Origin { scheme, authority, asked: authority, is_public_host: true }
    }

    /// What a scheme may read of it.
    pub(super) fn view<'a>(&'a self, origin: Origin<'a>) -> View<'a> {
        View {
            method: self.head.method(),
            target: self.head.origin_form(),
            scheme: origin.scheme,
            authority: origin.authority,
            headers: &self.head,
            body: Body::Memory(&self.body),
            known: &Unknown,
        }
    }

    /// The same request with another target, if one is given, and these fields in place of those of the same name.
    pub(super) fn with(&self, target: Option<&str>, set: &[(String, String)]) -> Result<RawRequest, RequestError> {
        let is_set = |name: &str| set.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        let mut lines = Vec::new();
        encode::request_line(&mut lines, self.head.method(), target.unwrap_or(self.head.target()));
        let others = self.head.fields().filter(|(name, _)| !is_set(name));
        others.for_each(|(name, value)| encode::field(&mut lines, name, value));
        set.iter().for_each(|(name, value)| encode::field(&mut lines, name, value.as_bytes()));
        Ok(RawRequest {
            head: parse_head(&lines)?,
            body: self.body.clone(),
            wire_body: self.wire_body.clone(),
            left_over: self.left_over,
        })
    }

    /// The request as it goes over the wire.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode::request_line(&mut bytes, self.head.method(), self.head.target());
        self.head.fields().for_each(|(name, value)| encode::field(&mut bytes, name, value));
        encode::end(&mut bytes);
        bytes.extend_from_slice(&self.wire_body);
        bytes
    }
}

/// The head's lines, each ended by CR LF, without the empty one; and what follows that.
fn split(bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut lines = Vec::new();
    // One empty line in front is skipped, as the wire's reader does (RFC 9112 section 2.2).
    let mut rest = bytes.strip_prefix(b"\r\n").or_else(|| bytes.strip_prefix(b"\n")).unwrap_or(bytes);
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or_default();
        rest = rest.get(end + 1..).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        lines.extend_from_slice(line);
        lines.extend_from_slice(b"\r\n");
    }
    (lines, rest)
}

fn parse_head(lines: &[u8]) -> Result<RequestHead, BadRequest> {
    let mut buffer = BytesMut::from(lines);
    buffer.extend_from_slice(b"\r\n");
    RequestHead::parse(&mut buffer, &Limits::default())?.map(Rc::unwrap_or_clone).ok_or(BadRequest::RequestLine)
}

/// The body that chunks hold, and how many bytes they take.
fn unchunk(rest: &[u8]) -> Result<(Vec<u8>, usize), BadBody> {
    let mut buffer = BytesMut::from(rest);
    let mut decoder = BodyDecoder::new(Framing::Chunked, &Limits::default());
    let mut body = Vec::new();
    loop {
        match decoder.decode(&mut buffer)? {
            Step::Data(data) => body.extend_from_slice(&data),
            Step::End => return Ok((body, rest.len() - buffer.len())),
            Step::More => {
                decoder.end_of_input()?;
                return Ok((body, rest.len() - buffer.len()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LF: &str = "POST /verify?a=1 HTTP/1.1\nHost: api.test\nX-A: 1\n\n{\"a\":1}\n";

    fn parse(text: &str) -> RawRequest {
        RawRequest::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn line_feeds_alone_may_end_the_heads_lines_and_the_body_stays_as_it_is() {
        let request = parse(LF);
        assert_eq!((request.head().method(), request.head().origin_form()), ("POST", "/verify?a=1"));
        assert_eq!(request.body(), b"{\"a\":1}\n");
        let wire = "POST /verify?a=1 HTTP/1.1\r\nHost: api.test\r\nX-A: 1\r\nContent-Length: 8\r\n\r\n{\"a\":1}\n";
        assert_eq!(String::from_utf8(request.to_bytes()).unwrap(), wire);
    }

    #[test]
    fn a_stated_length_is_the_length() {
        let request = parse("POST / HTTP/1.1\nHost: a\nContent-Length: 2\n\nhi\n");
        assert_eq!((request.body(), request.left_over()), (&b"hi"[..], 1));
        let short = RawRequest::parse(b"POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhi").unwrap_err();
        assert!(short.is_refusal());
        assert_eq!(short.to_string(), "the body has 2 bytes where Content-Length says 5");
    }

    #[test]
    fn chunks_are_decoded_for_signing_and_kept_for_sending() {
        let request = parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
        assert_eq!(request.body(), b"hi");
        assert!(request.to_bytes().ends_with(b"\r\n\r\n2\r\nhi\r\n0\r\n\r\n"));
        assert!(RawRequest::parse(b"POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n2\r\nh").is_err());
    }

    #[test]
    fn a_head_without_an_empty_line_ends_with_the_file() {
        assert_eq!(parse("GET / HTTP/1.1\nHost: a").body(), b"");
    }

    #[test]
    fn a_field_that_is_set_replaces_those_of_its_name() {
        let signed = parse(LF).with(None, &[("x-a".to_owned(), "2".to_owned())]).unwrap();
        let values: Vec<&[u8]> = signed.head().values("X-A").collect();
        assert_eq!(values, [b"2"]);
        assert!(parse(LF).with(None, &[("Bad Name".to_owned(), String::new())]).is_err());
    }

    #[test]
    fn what_the_wire_refuses_is_refused() {
        for text in [
            "",
            "\n",
            "nonsense",
            "GET / HTTP/1.1\n\n",
            "get / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\nHost: a\nHost: b\n\n",
        ] {
            assert!(RawRequest::parse(text.as_bytes()).unwrap_err().is_refusal(), "{text:?}");
        }
    }
}
