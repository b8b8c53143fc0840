//! Templates meet a request: sources are read, filters applied, and the bytes handed on piece by piece.

use std::{cell::OnceCell, collections::BTreeSet};

use super::{
    Body, Dialect, Failure, Headers, Template, View, Why,
    answer::Reply,
    declared::{self, Declared},
    parameters,
    template::{Chain, Filter, Hasher, Part, Scratch, Source},
    timestamp::formatted,
    twins,
    values::{NamedValue, Parsed},
};
use crate::json::{Document, JsonProblem, Value};

/// Where the bytes go: a MAC, a digest, a buffer.
pub(super) type Sink<'s> = dyn FnMut(&[u8]) + 's;

/// Between the lines of one header (RFC 9110 section 5.3).
const COMMA: &[u8] = b", ";

/// One request under evaluation. A JSON body, or a value that is taken apart, is parsed once, when first asked for.
pub(super) struct Evaluation<'a> {
    view: View<'a>,
    values: &'a [NamedValue],
    key_id: Option<&'a [u8]>,
    repeated: Repeated,
    emission: Option<Emission<'a>>,
    reply: Option<Reply<'a>>,
    document: OnceCell<Result<Document<'a>, Why>>,
    declared: OnceCell<Declared>,
    parsed: OnceCell<Box<[ParsedOnce]>>,
}

/// A value that is taken apart, once it was asked for.
type ParsedOnce = OnceCell<Result<Parsed, Failure>>;

/// What a header that came more than once means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeated {
    /// In a message: one value.
    Join,
    /// In a carrier: nothing that could be trusted.
    Refuse,
}

/// What signing adds to the sources.
#[derive(Clone, Copy)]
pub(super) struct Emission<'a> {
    pub(super) signature: &'a str,
    pub(super) now: &'a str,
    pub(super) now_millis: i64,
    pub(super) expires: &'a str,
    pub(super) nonce: &'a str,
    pub(super) algorithm: &'a str,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(view: View<'a>) -> Evaluation<'a> {
        Evaluation {
            view,
            values: &[],
            key_id: None,
            repeated: Repeated::Join,
            emission: None,
            reply: None,
            document: OnceCell::new(),
            declared: OnceCell::new(),
            parsed: OnceCell::new(),
        }
    }

    pub(super) fn of(scheme: &'a Dialect, view: View<'a>, key_id: Option<&'a [u8]>) -> Evaluation<'a> {
        Evaluation { values: &scheme.values, key_id, ..Evaluation::new(view) }
    }

    pub(super) fn refusing_repeated(self) -> Evaluation<'a> {
        Evaluation { repeated: Repeated::Refuse, ..self }
    }

    pub(super) fn emitting(self, emission: Emission<'a>) -> Evaluation<'a> {
        Evaluation { emission: Some(emission), ..self }
    }

    /// Of an answer: the view's headers and body are the answer's then.
    pub(super) fn replying(self, reply: Reply<'a>) -> Evaluation<'a> {
        Evaluation { reply: Some(reply), ..self }
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

    /// The value of a chain that is a header and nothing else, and that came once: nothing is copied then.
    pub(super) fn lone_header(&self, chain: &Chain) -> Option<&'a [u8]> {
        match (&chain.source, chain.filters.as_slice(), &chain.otherwise) {
            (Source::Header(name), [], None) => self.view.headers.only(name),
            _ => None,
        }
    }

    /// The source's value before its filters.
    pub(super) fn raw(&self, chain: &Chain) -> Result<Scratch, Failure> {
        let mut out = Scratch::new();
        self.source(&chain.source, COMMA, &mut |piece| out.extend_from_slice(piece))?;
        Ok(out)
    }

    pub(super) fn chain(&self, chain: &Chain, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let Some(otherwise) = &chain.otherwise else { return self.alone(chain, sink) };
        // What is absent must not have written the half of it.
        let mut value = Scratch::new();
        match self.alone(chain, &mut |piece| value.extend_from_slice(piece)) {
            Ok(()) => {
                sink(&value);
                Ok(())
            }
            Err(failure) if failure.is_absence() => self.chain(otherwise, sink),
            Err(failure) => Err(failure),
        }
    }

    /// A chain without what may stand in for it.
    fn alone(&self, chain: &Chain, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let mut value = Scratch::new();
        let (read, rest) = match chain.filters.as_slice() {
            [] => return self.source(&chain.source, COMMA, sink),
            [Filter::Digest(hash), rest @ ..] => {
                let mut hasher = Hasher::new(*hash);
                let read = self.source(&chain.source, COMMA, &mut |piece| hasher.update(piece));
                hasher.finish(&mut value);
                (read, rest)
            }
            [Filter::First(count), rest @ ..] => {
                let keep = |piece: &[u8]| {
                    let room = count.saturating_sub(value.len()).min(piece.len());
                    value.extend_from_slice(piece.get(..room).unwrap_or_default());
                };
                (self.source(&chain.source, COMMA, &mut { keep }), rest)
            }
            all => (self.source(&chain.source, COMMA, &mut |piece| value.extend_from_slice(piece)), all),
        };
        match read.and_then(|()| filtered(chain, value, rest, sink)) {
            Err(failure) => stand_in(chain, failure, sink),
            Ok(()) => Ok(()),
        }
    }

    /// Whether the request has a header that an upstream could take for this one, and would get in its stead.
    pub(super) fn has_twin(&self, name: &str) -> bool {
        twins::has_twin(self.view.headers, name)
    }

    /// `between` stands between the values of a header that came more than once.
    pub(super) fn source(&self, source: &Source, between: &[u8], sink: &mut Sink<'_>) -> Result<(), Failure> {
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
            Source::Host => given(Some(view.host_and_port().0), sink),
            Source::Port => given(Some(view.host_and_port().1), sink),
            Source::Url => {
                let pieces = [view.scheme, "://", view.authority, view.target];
                pieces.into_iter().try_for_each(|piece| given(Some(piece), sink))
            }
            Source::Header(name) => self.header(view.headers, name, between, sink),
            Source::HeaderNames(prefix) => given(Some(header_names(view.headers, prefix)), sink),
            Source::RequestHeader(name) => match &self.reply {
                Some(reply) => self.header(reply.request, name, between, sink),
                None => Err(Why::Absent),
            },
            Source::Status => given(self.reply.map(|reply| reply.status.to_string()), sink),
            Source::Json(pointer) => self.json(pointer, sink),
            Source::Form(name) => self.form(name, sink),
            Source::Body => return self.body(sink),
            Source::KeyId => given(self.key_id, sink),
            Source::Value(index, _) => match self.values.get(*index) {
                Some(value) => return value.feed(self, sink),
                None => Err(Why::Absent),
            },
            Source::Field(index, _, name) => self.parsed(*index)?.one(name).map(sink),
            Source::Claim(name) => given(known.claim(name).as_deref(), sink),
            Source::Attribute(name) => given(known.attribute(name).as_deref(), sink),
            Source::Fact(fact) => given(known.fact(*fact).as_deref(), sink),
            Source::Signature => given(emission.map(|emission| emission.signature), sink),
            Source::Now => given(emission.map(|emission| emission.now), sink),
            Source::NowAs(pattern) => {
                given(emission.and_then(|emission| formatted(pattern, emission.now_millis)), sink)
            }
            Source::Expires => given(emission.map(|emission| emission.expires), sink),
            Source::Nonce => given(emission.map(|emission| emission.nonce), sink),
            Source::Algorithm => given(emission.map(|emission| emission.algorithm), sink),
            // Their templates are not of a request, or are taken apart before they meet one.
            Source::Name | Source::Item | Source::Secret | Source::FirstOf { .. } | Source::Each(..) => {
                Err(Why::Absent)
            }
        };
        read.map_err(unreadable)
    }

    /// The parts of a named value that is taken apart.
    pub(super) fn parsed(&self, index: usize) -> Result<&Parsed, Failure> {
        let absent = || Failure::unreadable("values", Why::Absent);
        let all = self.parsed.get_or_init(|| self.values.iter().map(|_| OnceCell::new()).collect());
        let parsed = all.get(index).ok_or_else(absent)?.get_or_init(|| match self.values.get(index) {
            Some(NamedValue::Fields(fields)) => {
                if fields.is_of_one_text() {
                    self.refuse_repeated(&fields.from)?;
                }
                let text = self.collect(&fields.from)?;
                let place = || fields.from.chains().next().map_or_else(String::new, |chain| chain.source.to_string());
                fields.parse(&text).map_err(|why| Failure::unreadable(place(), why))
            }
            _ => Err(absent()),
        });
        parsed.as_ref().map_err(Failure::clone)
    }

    /// Lines that are joined could be taken apart as none of them could.
    fn refuse_repeated(&self, template: &Template) -> Result<(), Failure> {
        for chain in template.chains().flat_map(Chain::alternatives) {
            let Source::Header(name) = &chain.source else { continue };
            let mut count = 0_usize;
            self.view.headers.each(name, &mut |_| count += 1);
            if count > 1 {
                return Err(Failure::unreadable(&chain.source, Why::Repeated));
            }
        }
        Ok(())
    }

    pub(super) fn query(&self) -> &'a [u8] {
        self.view.query().as_bytes()
    }

    pub(super) fn memory(&self) -> Result<&'a [u8], Why> {
        match self.view.body {
            Body::Unread => Err(Why::BodyUnread),
            Body::Memory(bytes) => Ok(bytes),
            Body::Spooled(_) => Err(Why::BodySpooled),
        }
    }

    /// Whether the body is there and has no byte.
    pub(super) fn is_bodyless(&self) -> Result<bool, Failure> {
        let mut is_empty = true;
        self.body(&mut |piece| is_empty &= piece.is_empty())?;
        Ok(is_empty)
    }

    /// The body as the fields of a form, all of which count.
    pub(super) fn whole_form(&self) -> Result<&'a [u8], Why> {
        let body = self.memory()?;
        if body.is_empty() { Ok(body) } else { self.declared(body).check().map(|()| body) }
    }

    /// Whether the request says that its body is a form.
    pub(super) fn declares_form(&self) -> Result<bool, Failure> {
        let (mut count, mut is_form) = (0_usize, false);
        self.view.headers.each("content-type", &mut |value| {
            count += 1;
            is_form = declared::is_form(value);
        });
        match count {
            0 | 1 => Ok(is_form),
            _ => Err(Failure::unreadable("header:Content-Type", Why::Repeated)),
        }
    }

    fn header(&self, headers: &dyn Headers, name: &str, between: &[u8], sink: &mut Sink<'_>) -> Result<(), Why> {
        if let Some(value) = headers.only(name) {
            sink(value);
            return Ok(());
        }
        let mut count = 0_usize;
        headers.each(name, &mut |value| {
            if count > 0 {
                sink(between);
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

    fn form(&self, name: &str, sink: &mut Sink<'_>) -> Result<(), Why> {
        let body = self.memory()?;
        let value = parameters::unique(body, name, true)?.ok_or(Why::Absent)?;
        self.declared(body).check_form(body)?;
        // Servlets and ASP.NET look into the query first.
        if parameters::has_like(self.query(), name) {
            return Err(Why::InQueryToo);
        }
        given(Some(value), sink)
    }

    fn json(&self, pointer: &str, sink: &mut Sink<'_>) -> Result<(), Why> {
        let document = self.document()?;
        let value = document.pointer(pointer).ok_or(Why::Absent)?;
        if document.root().has_lookalike(pointer) {
            return Err(Why::Twofold);
        }
        let body = self.memory()?;
        self.declared(body).check_json(body, pointer)?;
        match value {
            Value::String(text) => given(Some(&*text), sink),
            Value::Number(text) => given(Some(text), sink),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(Why::WrongType),
        }
    }

    fn declared(&self, body: &[u8]) -> Declared {
        *self.declared.get_or_init(|| Declared::of(self.view.headers, body))
    }

    fn body(&self, sink: &mut Sink<'_>) -> Result<(), Failure> {
        match self.view.body {
            Body::Unread => return Err(Failure::unreadable(Source::Body, Why::BodyUnread)),
            Body::Memory(bytes) => sink(bytes),
            Body::Spooled(spooled) => spooled.read(sink).map_err(|_| Failure::Io)?,
        }
        Ok(())
    }

    fn document(&self) -> Result<&Document<'a>, Why> {
        let parsed = self.document.get_or_init(|| {
            let body = self.memory()?;
            Document::parse(body).map_err(|error| self.why_no_json(body, error.problem))
        });
        parsed.as_ref().map_err(|why| *why)
    }

    #[cold]
    fn why_no_json(&self, body: &[u8], problem: JsonProblem) -> Why {
        match body {
            [] => Why::EmptyBody,
            _ if declared::is_packed(self.view.headers) => Why::EncodedBody,
            _ => Why::NotJson(problem),
        }
    }
}

/// A value after its filters. Nothing is written unless all of them take it.
pub(super) fn filtered(
    chain: &Chain,
    mut value: Scratch,
    filters: &[Filter],
    sink: &mut Sink<'_>,
) -> Result<(), Failure> {
    for filter in filters {
        filter.apply(&mut value).map_err(|why| Failure::unreadable(filter.place_of(&chain.source), why))?;
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

/// The names that begin with `prefix`, in lower case and in order, each once, with a space between them.
fn header_names(headers: &dyn Headers, prefix: &str) -> String {
    let mut names = BTreeSet::new();
    headers.names(&mut |name| {
        let name = name.to_ascii_lowercase();
        if name.starts_with(prefix) {
            names.insert(name);
        }
    });
    names.into_iter().collect::<Vec<_>>().join(" ")
}

fn parameter(all: &[u8], name: &str, plus_is_space: bool, sink: &mut Sink<'_>) -> Result<(), Why> {
    given(parameters::unique(all, name, plus_is_space)?, sink)
}
