//! An answer on its way to the client: what an upstream said, less what is hop-by-hop, or the gateway's own.

use std::borrow::Cow;

use super::{Body, Duplex};
use crate::{
    http1::{FieldName, ResponseHead, encode},
    scheme::Headers,
};

/// A final answer (never a 1xx, but for the 101 that hands the connection over).
#[derive(Debug)]
pub struct Response {
    /// The status code, 200 to 599, or 101 where there is a [`tunnel`](Response::tunnel).
    pub status: u16,
    /// The upstream's head, whose end-to-end fields are passed on.
    pub upstream: Option<Box<ResponseHead>>,
    /// Fields of the gateway's own.
    pub added: Vec<(Cow<'static, str>, Vec<u8>)>,
    /// The body. Its length decides the framing.
    pub body: Body,
    /// The length that a HEAD or 304 answer speaks of although it has no body.
    pub declared_length: Option<u64>,
    /// The other end of a connection that changes protocols with this answer.
    pub tunnel: Option<Box<dyn Duplex>>,
}

impl Response {
    /// An answer of the gateway's own.
    pub fn own(status: u16, content_type: &str, body: impl Into<bytes::Bytes>) -> Response {
        let added = vec![(Cow::Borrowed("Content-Type"), content_type.as_bytes().to_vec())];
        Response { status, upstream: None, added, body: Body::from_bytes(body), declared_length: None, tunnel: None }
    }

    /// Adds a field.
    pub fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Response {
        self.added.push((Cow::Borrowed(name), value.into()));
        self
    }

    /// Writes the upstream's fields to pass on, except framing and connection fields and the request's id, which the
    /// writer of the message decides, and those that the gateway has added in their place; and then these.
    pub fn write_fields(&self, out: &mut Vec<u8>) {
        if let Some(head) = &self.upstream {
            let fields = self.fields();
            head.copy_lines(out, |name| fields.passes(head, name));
        }
        for (name, value) in &self.added {
            encode::field(out, name, value);
        }
    }

    /// The fields that its client will get, but for those that the writer of the message adds.
    pub fn fields(&self) -> Fields<'_> {
        Fields { upstream: self.upstream.as_deref(), added: &self.added }
    }

    /// Sets a field in the place of any of its name.
    pub fn set(&mut self, name: String, value: Vec<u8>) {
        self.added.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        self.added.push((Cow::Owned(name), value));
    }
}

/// The fields of an answer as its client sees them.
#[derive(Clone, Copy)]
pub struct Fields<'r> {
    /// The upstream's head.
    pub upstream: Option<&'r ResponseHead>,
    /// The gateway's own.
    pub added: &'r [(Cow<'static, str>, Vec<u8>)],
}

impl Fields<'_> {
    fn passes(&self, head: &ResponseHead, name: FieldName<'_>) -> bool {
        !(name.is_hop_by_hop()
            || name.bytes.eq_ignore_ascii_case(b"x-request-id")
            || head.connection_names(name.bytes)
            || self.added.iter().any(|(own, _)| own.as_bytes().eq_ignore_ascii_case(name.bytes)))
    }
}

impl Headers for Fields<'_> {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        if let Some(head) = self.upstream.filter(|head| self.passes(head, FieldName::new(name.as_bytes()))) {
            head.values(name).for_each(&mut *visit);
        }
        let own = self.added.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        own.for_each(|(_, value)| visit(value.trim_ascii()));
    }

    fn names(&self, visit: &mut dyn FnMut(&str)) {
        let passed = self.upstream.into_iter().flat_map(|head| head.fields().map(move |(name, _)| (head, name)));
        let passed = passed.filter(|(head, name)| self.passes(head, FieldName::new(name.as_bytes())));
        passed.for_each(|(_, name)| visit(name));
        self.added.iter().for_each(|(name, _)| visit(name));
    }
}
