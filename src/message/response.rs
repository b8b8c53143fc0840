//! An answer on its way to the client: what an upstream said, less what is hop-by-hop, or the gateway's own.

use std::borrow::Cow;

use super::Body;
use crate::http1::ResponseHead;

/// A final answer (never a 1xx).
#[derive(Debug)]
pub struct Response {
    /// The status code, 200 to 599.
    pub status: u16,
    /// The upstream's head, whose end-to-end fields are passed on.
    pub upstream: Option<ResponseHead>,
    /// Fields of the gateway's own.
    pub added: Vec<(Cow<'static, str>, Vec<u8>)>,
    /// The body. Its length decides the framing.
    pub body: Body,
    /// The length that a HEAD or 304 answer speaks of although it has no body.
    pub declared_length: Option<u64>,
}

impl Response {
    /// An answer of the gateway's own.
    pub fn own(status: u16, content_type: &str, body: impl Into<bytes::Bytes>) -> Response {
        let added = vec![(Cow::Borrowed("Content-Type"), content_type.as_bytes().to_vec())];
        Response { status, upstream: None, added, body: Body::from_bytes(body), declared_length: None }
    }

    /// Adds a field.
    pub fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Response {
        self.added.push((Cow::Borrowed(name), value.into()));
        self
    }

    /// The fields to send, except framing and connection fields and the request's id: those the writer of the message
    /// decides.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let upstream = self.upstream.iter().flat_map(|head| {
            head.fields().filter(move |(name, _)| {
                !is_hop_by_hop(name) && !name.eq_ignore_ascii_case("x-request-id") && !head.connection_names(name)
            })
        });
        upstream.chain(self.added.iter().map(|(name, value)| (name.as_ref(), value.as_slice())))
    }
}

/// Fields that belong to one connection (RFC 9110 section 7.6.1), and the length, which is written anew.
pub fn is_hop_by_hop(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "proxy-authenticate",
    ];
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}
