//! Templates: literal text with `{source:argument|filter}` in it, compiled once and evaluated per request.
//!
//! `{` opens a source only before a lower-case letter, `{{` is a literal brace, a `}` alone stands for itself.

mod filter;
mod parse;
mod scope;
mod source;

use smallvec::SmallVec;

pub(super) use filter::{Filter, Hash, Hasher, whole_expression};
use parse::{Alternative, Piece};
pub(super) use scope::{Named, Parts, Scope, Vocabulary, is_reserved};
pub(super) use source::{Source, is_token};

use super::{Failure, Fault, View, Why, evaluate::Evaluation};

/// Room for a value while filters work on it; short ones stay off the heap.
pub(super) type Scratch = SmallVec<[u8; 256]>;

/// More filters on one source than this is a mistake.
const MOST_FILTERS: usize = 16;

/// A compiled template.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Vec<Part>,
}

/// A part of a compiled template.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Literal(String),
    Chain(Chain),
}

/// A source and what is done to its value.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) source: Source,
    pub(super) filters: Vec<Filter>,
    /// What stands in where the value is absent.
    pub(super) otherwise: Option<Box<Chain>>,
    /// Its place in the text, for faults found later.
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// Which sources a template may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    /// What a request shows before it is verified.
    Request,
    /// What is known afterwards: `claim:NAME`, `subject`, `key_id`, `scheme_name`, `route`, `request_id`,
    /// `client_address`; and `method`, `path`, `target`, `query:NAME`, `header:NAME` of the request.
    Answer,
    /// The same once something was issued: `token`, `expires_in` and `refresh_token`.
    Issued,
}

/// How the values (never the literals) are made safe for the place they are written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// As they are.
    None,
    /// For the inside of a JSON string (RFC 8259 section 7); a value that is not UTF-8 fails.
    Json,
    /// For a header's value: one with control bytes fails.
    Header,
}

impl Template {
    /// Compiles a template outside any scheme: an answer's body, a header's value.
    pub fn compile(text: &str, sources: Sources) -> Result<Template, Fault> {
        let vocabulary = match sources {
            Sources::Request => Vocabulary::Request,
            Sources::Answer => Vocabulary::Answer,
            Sources::Issued => Vocabulary::Issued,
        };
        Template::compile_in(text, Scope { vocabulary, values: &[], key_id: false })
    }

    /// A template of that text alone, whatever braces stand in it.
    pub fn verbatim(text: &str) -> Template {
        Template::of(vec![Part::Literal(text.to_owned())])
    }

    pub(super) fn compile_in(text: &str, scope: Scope<'_>) -> Result<Template, Fault> {
        let pieces = parse::parse(text)?;
        let parts = pieces.into_iter().map(|piece| match piece {
            Piece::Literal(literal) => Ok(Part::Literal(literal)),
            Piece::Expression(expression) => {
                let place = (expression.offset, expression.length);
                Chain::compile_all(&expression.alternatives, place, scope).map(Part::Chain)
            }
        });
        Ok(Template { parts: parts.collect::<Result<_, _>>()? })
    }

    /// Appends the template's text for this request. On a failure `out` may hold a part of it.
    pub fn render(&self, view: &View<'_>, escape: Escape, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.render_with(&Evaluation::new(*view), escape, out)
    }

    pub(super) fn render_with(
        &self,
        evaluation: &Evaluation<'_>,
        escape: Escape,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        for part in &self.parts {
            match part {
                Part::Literal(literal) => out.extend_from_slice(literal.as_bytes()),
                Part::Chain(chain) => {
                    let written = escape.write_chain(evaluation, chain, out)?;
                    written.map_err(|why| Failure::unreadable(&chain.source, why))?;
                }
            }
        }
        Ok(())
    }

    /// The one source that it is made of, if it is.
    pub(super) fn lone_chain(&self) -> Option<&Chain> {
        match self.parts.as_slice() {
            [Part::Chain(chain)] => Some(chain),
            _ => None,
        }
    }

    /// The text, if it names no source.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(literal)] => Some(literal),
            _ => None,
        }
    }

    /// What stands in its text like a source of that name and is none, as written and as it may be meant: `{METHOD}`, or
    /// `{{method}}` as other programs have it.
    pub fn misspelt_source(&self) -> Option<(String, String)> {
        let literals = self.parts.iter().filter_map(|part| match part {
            Part::Literal(literal) => Some(literal.as_str()),
            Part::Chain(_) => None,
        });
        literals.flat_map(|literal| literal.split('{').skip(1)).find_map(|behind| {
            let inside = behind.split_once('}')?.0;
            let name = inside.split([':', '|']).next()?;
            let meant = name.to_ascii_lowercase();
            if !scope::is_source(&meant) {
                return None;
            }
            // A lower-case letter behind a single brace would have opened a source.
            let doubled = name.starts_with(|c: char| c.is_ascii_lowercase());
            let written = if doubled { format!("{{{{{inside}}}}}") } else { format!("{{{inside}}}") };
            let rest = inside.get(name.len()..).unwrap_or_default();
            Some((written, format!("{{{meant}{rest}}}")))
        })
    }

    /// The literal text that every value of it begins with.
    pub(super) fn beginning(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(literal)) => literal,
            Some(Part::Chain(_)) | None => "",
        }
    }

    pub(super) fn empty() -> Template {
        Template::of(Vec::new())
    }

    pub(super) fn of(parts: Vec<Part>) -> Template {
        Template { parts }
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(super) fn chains(&self) -> impl Iterator<Item = &Chain> {
        self.parts.iter().filter_map(|part| match part {
            Part::Chain(chain) => Some(chain),
            Part::Literal(_) => None,
        })
    }

    /// The names of its sources, as a template writes them: `claim` of `{claim:sub}`.
    pub fn source_names(&self) -> impl Iterator<Item = String> {
        let all = self.chains().flat_map(Chain::alternatives);
        all.map(|chain| chain.source.to_string().split(':').next().unwrap_or_default().to_owned())
    }

    /// A template that is nothing but one source with its filters.
    pub(super) fn single(&self) -> Option<&Chain> {
        match self.parts.as_slice() {
            [Part::Chain(chain)] => Some(chain),
            _ => None,
        }
    }
}

impl Chain {
    fn compile_all(written: &[Alternative], place: (usize, usize), scope: Scope<'_>) -> Result<Chain, Fault> {
        let mut chain: Option<Chain> = None;
        for alternative in written.iter().rev() {
            let mut compiled = Chain::compile(alternative, place, scope)?;
            compiled.otherwise = chain.map(Box::new);
            chain = Some(compiled);
        }
        chain.ok_or_else(|| Fault::at(place.0, place.1, "a source's name is missing"))
    }

    fn compile(written: &Alternative, place: (usize, usize), scope: Scope<'_>) -> Result<Chain, Fault> {
        let source = Source::resolve(&written.source, scope)?;
        let mut filters = Vec::with_capacity(written.filters.len());
        let mut raw_digest = false;
        for call in &written.filters {
            let filter = Filter::resolve(call)?;
            if raw_digest && filter.needs_text() {
                let fault = call.fault(format!("`{}` cannot follow a digest's raw bytes", call.name.text));
                return Err(fault.hint("put `hex` or `base64` between them"));
            }
            raw_digest = matches!(filter, Filter::Digest(_)) || (raw_digest && !filter.writes_text());
            filters.push(filter);
        }
        let (offset, length) = place;
        if filters.len() > MOST_FILTERS {
            return Err(Fault::at(offset, length, format!("more than {MOST_FILTERS} filters")));
        }
        if raw_digest && scope.vocabulary.is_text() {
            let fault = Fault::at(offset, length, "a digest's raw bytes cannot stand in text");
            return Err(fault.hint("end with `hex` or `base64`"));
        }
        Ok(Chain { source, filters, otherwise: None, offset, length })
    }

    /// Stands in for a chain that did not compile; no scheme is built with it.
    pub(super) fn nowhere() -> Chain {
        Chain::plain(Source::Body)
    }

    /// A source as it is.
    pub(super) fn plain(source: Source) -> Chain {
        Chain { source, filters: Vec::new(), otherwise: None, offset: 0, length: 0 }
    }

    /// It and what may stand in for it, in order.
    pub(super) fn alternatives(&self) -> impl Iterator<Item = &Chain> {
        std::iter::successors(Some(self), |chain| chain.otherwise.as_deref())
    }

    /// A value that was read without its filters, after them.
    pub(super) fn filtered(&self, mut value: Scratch) -> Result<Scratch, Failure> {
        for filter in &self.filters {
            filter.apply(&mut value).map_err(|why| Failure::unreadable(&self.source, why))?;
        }
        Ok(value)
    }

    /// What stands in for an absent source, and the filters that still follow.
    pub(super) fn default(&self) -> Option<(&str, &[Filter])> {
        self.filters.iter().enumerate().find_map(|(index, filter)| match filter {
            Filter::Default(text) => Some((text.as_str(), self.filters.get(index + 1..).unwrap_or_default())),
            _ => None,
        })
    }
}

impl Escape {
    fn write_chain(
        self,
        evaluation: &Evaluation<'_>,
        chain: &Chain,
        out: &mut Vec<u8>,
    ) -> Result<Result<(), Why>, Failure> {
        if self == Escape::Json {
            let mut value = Scratch::new();
            evaluation.chain(chain, &mut |piece| value.extend_from_slice(piece))?;
            return Ok(self.write(&value, out));
        }
        // Nothing is changed on the way, so nothing needs to be held.
        let start = out.len();
        evaluation.chain(chain, &mut |piece| out.extend_from_slice(piece))?;
        Ok(self.admits(out.get(start..).unwrap_or_default()))
    }

    fn write(self, value: &[u8], out: &mut Vec<u8>) -> Result<(), Why> {
        match self {
            Escape::None => out.extend_from_slice(value),
            Escape::Json => {
                let text = std::str::from_utf8(value).map_err(|_| Why::Unwritable)?;
                out.extend_from_slice(json_inside(text).as_bytes());
            }
            Escape::Header => {
                self.admits(value)?;
                out.extend_from_slice(value);
            }
        }
        Ok(())
    }

    /// Whether `value` can stand there as it is.
    fn admits(self, value: &[u8]) -> Result<(), Why> {
        match self == Escape::Header && value.iter().any(u8::is_ascii_control) {
            true => Err(Why::Unwritable),
            false => Ok(()),
        }
    }
}

/// RFC 8259 section 7.
fn json_inside(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if u32::from(control) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out
}
