//! Templates meet a request: sources are read, filters applied, and the bytes handed on piece by piece.

use std::cell::OnceCell;

use super::{
    Body, Failure, Scheme, Template, View, Why, parameters,
    template::{Chain, Filter, Hasher, Part, Scratch, Source},
};
use crate::json::{Document, Value};

/// Where the bytes go: a MAC, a digest, a buffer.
pub(super) type Sink<'s> = dyn FnMut(&[u8]) + 's;

/// One request under evaluation. A JSON body is parsed once, when first asked for.
pub(super) struct Evaluation<'a> {
    view: View<'a>,
    values: &'a [Template],
    key_id: Option<&'a [u8]>,
    repeated: Repeated,
    emission: Option<Emission<'a>>,
    document: OnceCell<Result<Document<'a>, Why>>,
}

/// What a header that came more than once means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeated {
    /// In a message: one value, joined with `, ` (RFC 9110 section 5.3).
    Join,
    /// In a carrier: nothing that could be trusted.
    Refuse,
}

/// What signing adds to the sources.
#[derive(Clone, Copy)]
pub(super) struct Emission<'a> {
    pub(super) signature: &'a str,
    pub(super) now: &'a str,
    pub(super) nonce: &'a str,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(view: View<'a>) -> Evaluation<'a> {
        let document = OnceCell::new();
        Evaluation { view, values: &[], key_id: None, repeated: Repeated::Join, emission: None, document }
    }

    pub(super) fn of(scheme: &'a Scheme, view: View<'a>, key_id: Option<&'a [u8]>) -> Evaluation<'a> {
        Evaluation { values: &scheme.values, key_id, ..Evaluation::new(view) }
    }

    pub(super) fn refusing_repeated(self) -> Evaluation<'a> {
        Evaluation { repeated: Repeated::Refuse, ..self }
    }

    pub(super) fn emitting(self, emission: Emission<'a>) -> Evaluation<'a> {
        Evaluation { emission: Some(emission), ..self }
    }

    pub(super) fn feed(&self, template: &Template, sink: &mut Sink<'_>) -> Result<(), Failure> {
        for part in template.parts() {
            match part {
                Part::Literal(literal) => sink(literal.as_bytes()),
                Part::Chain(chain) => self.chain(chain, sink)?,
            }
        }
        Ok(())
    }

    pub(super) fn collect(&self, template: &Template) -> Result<Scratch, Failure> {
        let mut out = Scratch::new();
        self.feed(template, &mut |piece| out.extend_from_slice(piece))?;
        Ok(out)
    }

    /// The source's value before its filters.
    pub(super) fn raw(&self, chain: &Chain) -> Result<Scratch, Failure> {
        let mut out = Scratch::new();
        self.source(&chain.source, &mut |piece| out.extend_from_slice(piece))?;
        Ok(out)
    }

    pub(super) fn chain(&self, chain: &Chain, sink: &mut Sink<'_>) -> Result<(), Failure> {
        match chain.filters.as_slice() {
            [] => self.source(&chain.source, sink),
            [Filter::Digest(hash), rest @ ..] => {
                let mut hasher = Hasher::new(*hash);
                match self.source(&chain.source, &mut |piece| hasher.update(piece)) {
                    Ok(()) => {
                        let mut digest = Scratch::new();
                        hasher.finish(&mut digest);
                        filtered(chain, digest, rest, sink)
                    }
                    Err(failure) => stand_in(chain, failure, sink),
                }
            }
            all => {
                let mut value = Scratch::new();
                match self.source(&chain.source, &mut |piece| value.extend_from_slice(piece)) {
                    Ok(()) => filtered(chain, value, all, sink),
                    Err(failure) => stand_in(chain, failure, sink),
                }
            }
        }
    }

    fn source(&self, source: &Source, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let (view, known, emission) = (&self.view, self.view.known, self.emission);
        let unreadable = |why| Failure::unreadable(source, why);
        let read = match source {
            Source::Method => given(Some(view.method), sink),
            Source::Path => given(Some(view.path()), sink),
            Source::Target => given(Some(view.target), sink),
            Source::Query => given(Some(view.query()), sink),
            Source::Parameter(name) => parameter(view.query().as_bytes(), name, false, sink),
            Source::Scheme => given(Some(view.scheme), sink),
            Source::Authority => given(Some(view.authority), sink),
            Source::Url => {
                let pieces = [view.scheme, "://", view.authority, view.target];
                pieces.into_iter().try_for_each(|piece| given(Some(piece), sink))
            }
            Source::Header(name) => self.header(name, sink),
            Source::Json(pointer) => self.json(pointer, sink),
            Source::Form(name) => self.memory().and_then(|body| parameter(body, name, true, sink)),
            Source::Body => return self.body(sink),
            Source::KeyId => given(self.key_id, sink),
            Source::Value(index, _) => match self.values.get(*index) {
                Some(value) => return self.feed(value, sink),
                None => Err(Why::Absent),
            },
            Source::Claim(name) => given(known.claim(name).as_deref(), sink),
            Source::Fact(fact) => given(known.fact(*fact).as_deref(), sink),
            Source::Signature => given(emission.map(|emission| emission.signature), sink),
            Source::Now => given(emission.map(|emission| emission.now), sink),
            Source::Nonce => given(emission.map(|emission| emission.nonce), sink),
        };
        read.map_err(unreadable)
    }

    fn header(&self, name: &str, sink: &mut Sink<'_>) -> Result<(), Why> {
        let mut count = 0_usize;
        self.view.headers.each(name, &mut |value| {
            if count > 0 {
                sink(b", ");
            }
            count += 1;
            sink(value);
        });
        match count {
            0 => Err(Why::Absent),
            1 => Ok(()),
            _ if self.repeated == Repeated::Refuse => Err(Why::Repeated),
            _ => Ok(()),
        }
    }

    fn json(&self, pointer: &str, sink: &mut Sink<'_>) -> Result<(), Why> {
        match self.document()?.pointer(pointer).ok_or(Why::Absent)? {
            Value::String(text) => given(Some(&*text), sink),
            Value::Number(text) => given(Some(text), sink),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(Why::WrongType),
        }
    }

    fn body(&self, sink: &mut Sink<'_>) -> Result<(), Failure> {
        match self.view.body {
            Body::Unread => return Err(Failure::unreadable(Source::Body, Why::BodyUnread)),
            Body::Memory(bytes) => sink(bytes),
            Body::Spooled(spooled) => spooled.read(sink).map_err(|_| Failure::Io)?,
        }
        Ok(())
    }

    fn memory(&self) -> Result<&'a [u8], Why> {
        match self.view.body {
            Body::Unread => Err(Why::BodyUnread),
            Body::Memory(bytes) => Ok(bytes),
            Body::Spooled(_) => Err(Why::BodySpooled),
        }
    }

    fn document(&self) -> Result<&Document<'a>, Why> {
        let parsed = self.document.get_or_init(|| Document::parse(self.memory()?).map_err(|_| Why::Malformed));
        parsed.as_ref().map_err(|why| *why)
    }
}

fn filtered(chain: &Chain, mut value: Scratch, filters: &[Filter], sink: &mut Sink<'_>) -> Result<(), Failure> {
    for filter in filters {
        filter.apply(&mut value).map_err(|why| Failure::unreadable(&chain.source, why))?;
    }
    sink(&value);
    Ok(())
}

/// Only absence has a default: a value of the wrong type, or one that came twice, stays a failure.
fn stand_in(chain: &Chain, failure: Failure, sink: &mut Sink<'_>) -> Result<(), Failure> {
    match chain.default() {
        Some((text, rest)) if failure.is_absence() => filtered(chain, Scratch::from_slice(text.as_bytes()), rest, sink),
        _ => Err(failure),
    }
}

fn given(value: Option<impl AsRef<[u8]>>, sink: &mut Sink<'_>) -> Result<(), Why> {
    sink(value.ok_or(Why::Absent)?.as_ref());
    Ok(())
}

fn parameter(all: &[u8], name: &str, plus_is_space: bool, sink: &mut Sink<'_>) -> Result<(), Why> {
    given(parameters::unique(all, name, plus_is_space)?, sink)
}
