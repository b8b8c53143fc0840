//! Templates as shapes: what each source may hold, with its filters, and what is known of it besides.
//!
//! What HTTP lets through (`http1`) is counted on: no line break in a header, none in a target, which begins with a slash,
//! and an authority that is a host and a port. A value out of a body or a decoded parameter may be anything.

use super::{
    bytes::Bytes,
    filtered::filtered,
    pattern,
    shape::{Mark, Shape},
};
use crate::scheme::{
    leaves::Meanings,
    template::{Chain, Filter, Part, Source, Template},
    values::{Form, NamedValue},
};

/// What it takes to make a source's shape, in steps: an expression is read for it.
const OF_A_SOURCE: usize = 64;

impl Meanings<'_> {
    pub(super) fn template_shape(self, template: &Template) -> Shape {
        let part = |part: &Part| match part {
            Part::Literal(text) => Shape::text(text.as_bytes()),
            Part::Chain(chain) => self.chain_shape(chain),
        };
        Shape::Row(template.parts().iter().map(part).collect())
    }

    fn chain_shape(self, chain: &Chain) -> Shape {
        let shape = match &chain.otherwise {
            None => self.one_shape(chain),
            Some(_) => {
                let each = chain.alternatives().map(|chain| self.one_shape(chain).unmarked()).collect();
                let known = self.judged.iter().find_map(|judged| judged.first_of(chain));
                known.into_iter().fold(Shape::Either(each), Shape::narrowed)
            }
        };
        shape.marked(Mark::of(chain))
    }

    /// Without what may stand in for it.
    fn one_shape(self, chain: &Chain) -> Shape {
        if chain.filters.is_empty() {
            return match &chain.source {
                Source::Url => url(Some(chain)),
                // Values within a value are followed on their own.
                Source::Value(..) | Source::KeyId => self.source_shape(&chain.source),
                _ => self.plain(&chain.source, &[]),
            };
        }
        let read = self.plain(&chain.source, &chain.filters);
        match chain.default() {
            Some((text, rest)) => {
                let otherwise = rest.iter().fold(Shape::text(text.as_bytes()), filtered);
                Shape::Either(vec![read, otherwise])
            }
            None => read,
        }
    }

    /// A source as it comes out of filters, with all that is known of it on the way.
    pub(super) fn plain(self, source: &Source, filters: &[Filter]) -> Shape {
        if self.budget.spend(OF_A_SOURCE).is_none() {
            return Shape::any(Bytes::ALL);
        }
        let known = |shape: Shape, done: &[Filter]| {
            let known = self.judged.iter().find_map(|judged| judged.after(source, done));
            known.into_iter().fold(shape, Shape::narrowed)
        };
        let mut shape = known(self.source_shape(source).unmarked().bounded(), &[]);
        for (index, filter) in filters.iter().enumerate() {
            shape = filtered(shape, filter);
            shape = known(shape, filters.get(..=index).unwrap_or_default());
        }
        shape
    }

    fn source_shape(self, source: &Source) -> Shape {
        match source {
            Source::Method => Shape::some(Bytes::token()),
            Source::Path => path(),
            Source::Target => target(),
            Source::Query => Shape::any(query_bytes()),
            Source::Scheme => Shape::Either(vec![Shape::text(b"http"), Shape::text(b"https")]),
            Source::Authority | Source::Host => Shape::some(authority_bytes()),
            Source::Port => Shape::some(Bytes::digits()),
            Source::Url => url(None),
            Source::Header(_) | Source::RequestHeader(_) => Shape::any(Bytes::field_value()),
            Source::HeaderNames(_) => Shape::any(Bytes::token().or(Bytes::these(b" "))),
            Source::KeyId => match self.key_id {
                Some(template) => self.without_key_id().template_shape(template),
                None => Shape::some(Bytes::visible()),
            },
            Source::Value(index, _) => match self.values.get(*index) {
                Some(value) => self.value_shape(value),
                None => Shape::any(Bytes::ALL),
            },
            Source::Field(index, _, name) => match self.values.get(*index) {
                Some(NamedValue::Fields(fields)) => {
                    let bytes = self.template_shape(&fields.from).bytes();
                    match &fields.form {
                        Form::Pairs(_) => Shape::any(bytes),
                        Form::Groups(expression) => pattern::group(expression.as_str(), name).within(bytes),
                    }
                }
                _ => Shape::any(Bytes::ALL),
            },
            Source::Parameter(_) | Source::Json(_) | Source::Form(_) | Source::Body => Shape::any(Bytes::ALL),
            Source::Name | Source::Item | Source::Secret | Source::Claim(_) | Source::Attribute(_) => {
                Shape::any(Bytes::ALL)
            }
            Source::Fact(_) | Source::Status | Source::Signature | Source::Now | Source::NowAs(_) | Source::Expires => {
                Shape::any(Bytes::ALL)
            }
            Source::Nonce | Source::Algorithm | Source::FirstOf { .. } | Source::Each(..) => Shape::any(Bytes::ALL),
        }
    }
}

impl Mark {
    pub(super) fn of(chain: &Chain) -> Mark {
        Mark::Chain(std::ptr::from_ref(chain).addr())
    }

    pub(super) fn origin_of(chain: &Chain) -> Mark {
        Mark::Origin(std::ptr::from_ref(chain).addr())
    }
}

fn path() -> Shape {
    let others = query_bytes().without(Bytes::these(b"?"));
    Shape::Row(vec![Shape::text(b"/"), Shape::any(others)])
}

fn target() -> Shape {
    let query = Shape::Row(vec![Shape::text(b"?"), Shape::any(query_bytes())]);
    Shape::Row(vec![path(), query.optional()])
}

fn url(followed: Option<&Chain>) -> Shape {
    let scheme = Shape::Either(vec![Shape::text(b"http"), Shape::text(b"https")]);
    let origin = Shape::Row(vec![scheme, Shape::text(b"://"), Shape::some(authority_bytes())]);
    let origin = match followed {
        Some(chain) => origin.marked(Mark::origin_of(chain)),
        None => origin,
    };
    Shape::Row(vec![origin, target()])
}

/// Visible, and no fragment.
pub(super) fn query_bytes() -> Bytes {
    Bytes::visible().without(Bytes::these(b"#"))
}

/// A name, or an address in brackets, and a port (RFC 3986 section 3.2).
fn authority_bytes() -> Bytes {
    Bytes::unreserved().or(Bytes::these(b"[]:"))
}
