//! Templates meet a request: sources are read, filters applied, and the bytes handed on piece by piece.

use std::{borrow::Cow, cell::OnceCell};

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
        let view = &self.view;
        match source {
            Source::Method => sink(view.method.as_bytes()),
            Source::Path => sink(view.path().as_bytes()),
            Source::Target => sink(view.target.as_bytes()),
            Source::Query => sink(view.query().as_bytes()),
            Source::Scheme => sink(view.scheme.as_bytes()),
            Source::Authority => sink(view.authority.as_bytes()),
            Source::Url => {
                for piece in [view.scheme, "://", view.authority, view.target] {
                    sink(piece.as_bytes());
                }
            }
            Source::Body => self.body(sink)?,
            Source::Value(index, _) => match self.values.get(*index) {
                Some(value) => self.feed(value, sink)?,
                None => return Err(Failure::unreadable(source, Why::Absent)),
            },
            _ => self.fallible(source, sink).map_err(|why| Failure::unreadable(source, why))?,
        }
        Ok(())
    }

    /// The sources that may be absent or unfit.
    fn fallible(&self, source: &Source, sink: &mut Sink<'_>) -> Result<(), Why> {
        let known = self.view.known;
        match source {
            Source::Header(name) => self.header(name, sink)?,
            Source::Parameter(name) => {
                sink(&parameters::unique(self.view.query().as_bytes(), name, false)?.ok_or(Why::Absent)?);
            }
            Source::Form(name) => sink(&parameters::unique(self.memory()?, name, true)?.ok_or(Why::Absent)?),
            Source::Json(pointer) => match self.document()?.pointer(pointer).ok_or(Why::Absent)? {
                Value::String(text) => sink(text.as_bytes()),
                Value::Number(text) => sink(text.as_bytes()),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(Why::WrongType),
            },
            Source::KeyId => sink(self.key_id.ok_or(Why::Absent)?),
            Source::Claim(name) => text(known.claim(name), sink)?,
            Source::Fact(fact) => text(known.fact(*fact), sink)?,
            Source::Signature => sink(self.emission.ok_or(Why::Absent)?.signature.as_bytes()),
            Source::Now => sink(self.emission.ok_or(Why::Absent)?.now.as_bytes()),
            Source::Nonce => sink(self.emission.ok_or(Why::Absent)?.nonce.as_bytes()),
            Source::Method | Source::Path | Source::Target | Source::Query | Source::Scheme => {}
            Source::Authority | Source::Url | Source::Body | Source::Value(..) => {}
        }
        Ok(())
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

fn text(found: Option<Cow<'_, str>>, sink: &mut Sink<'_>) -> Result<(), Why> {
    sink(found.ok_or(Why::Absent)?.as_bytes());
    Ok(())
}
