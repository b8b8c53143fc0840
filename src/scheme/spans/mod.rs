//! Which values of a message can lend bytes to each other, so that a signature over one request is good for another.
//!
//! **The rule.** Each value has a *shape*: all the texts that it may be, or more. A message is a row of literals and values, so
//! it has a shape too. A value of it *moves* if some text of that shape has two readings in which not the same bytes are the
//! value's. What moves is not taken for signed: see `signed`.
//!
//! **Why that is enough.** Two requests that one signature is good for have one message: were it two, the signature of one would
//! be a forgery for the other. Each request gives that text a reading, which says byte by byte what wrote it, and both are readings
//! of the message's shape, because no value is outside its own. If a value does not move, the same bytes of the one text are its own
//! in both readings: the requests agree in it. Of what moves nothing is said but that it cannot be told.
//!
//! **How it is found.** Two readings are made side by side (`readings`), over the shape as an automaton (`positions`): from its
//! beginning, by bytes that both may read, to its end. Wherever one reading is within a value and the other is not, the value
//! moves. That is exact for the shapes, so it needs no rules of its own for what a literal separates, for runs of several values, for
//! values of one length or for those that may be empty: each of them is a consequence. A literal separates what cannot hold it; in
//! a run without any, one value of open length is told by those of fixed length around it, and two are not.
//!
//! **Shapes** err to one side. What cannot be followed is held to be any text of its bytes, or any text (`filtered`, `pattern`:
//! anchors and boundaries are left out, so that is what an expression matches and more; a literal is its bytes, so characters of
//! several bytes are as long as they are; case folding and alternations are sets of bytes and of shapes). A value with a `default`,
//! one of several (`else`), and a choice are either of their shapes. Lists of parameters and of headers are any number of their
//! pieces; `values` says what tells a list's lines apart. What is too large to be looked through moves, and a scheme of which there
//! is too much in all is refused (`budget`).
//!
//! Not here: whether a value is there at all, and what filters lose of it (`leaves`, `signed`).

mod budget;
mod bytes;
mod filtered;
mod judged;
mod pattern;
mod positions;
mod readings;
mod shape;
mod sources;
#[cfg(test)]
mod tests;
mod times;
mod values;

use std::collections::HashSet;

pub(super) use budget::Budget;
pub(super) use judged::Judged;
use readings::Moving;
use shape::{Mark, Shape};
pub(super) use values::Lines;

use super::{
    leaves::Meanings,
    template::{Chain, Filter, Part, Template},
    values::NamedValue,
};

/// What moves in one text.
pub(super) struct Spans {
    /// `None` if it was too large to be looked through.
    moving: Option<Moving>,
    followed: HashSet<Mark>,
}

impl Meanings<'_> {
    /// Whether the value is of one length in every request.
    pub(super) fn has_one_length(self, chain: &Chain) -> bool {
        self.template_shape(&Template::of(vec![Part::Chain(chain.clone())])).length().is_some()
    }
}

impl Meanings<'_> {
    /// Whether what a template writes has a byte in every request.
    pub(super) fn is_never_empty(self, template: &Template) -> bool {
        !self.template_shape(template).may_be_empty()
    }
}

impl Spans {
    /// Of all that a template writes.
    pub(super) fn of(template: &Template, meanings: Meanings<'_>) -> Spans {
        Spans::of_shape(&meanings.template_shape(template), meanings.budget)
    }

    /// Of a template whose text is known only as it comes out of these filters.
    pub(super) fn of_filtered(template: &Template, filters: &[Filter], meanings: Meanings<'_>) -> Spans {
        Spans::seen_through(meanings.template_shape(template), filters, meanings.budget)
    }

    /// The same of a named value.
    pub(super) fn of_value(value: &NamedValue, filters: &[Filter], meanings: Meanings<'_>) -> Spans {
        Spans::seen_through(meanings.value_shape(value), filters, meanings.budget)
    }

    /// Whether what a chain writes is not the same in every reading: one of the template, or of a named value in it.
    pub(super) fn moves(&self, chain: &Chain) -> bool {
        self.is_moving(Mark::of(chain))
    }

    /// Whether one may have a byte that is the other's in another reading.
    pub(super) fn lends(&self, one: &Chain, other: &Chain) -> bool {
        let pair = (Mark::of(one), Mark::of(other));
        self.moving.as_ref().is_none_or(|moving| moving.lends.contains(&pair))
    }

    /// Of a URL, the scheme and the authority alone.
    pub(super) fn moves_origin(&self, url: &Chain) -> bool {
        self.is_moving(Mark::origin_of(url))
    }

    fn is_moving(&self, mark: Mark) -> bool {
        let is_told = self.moving.as_ref().is_some_and(|moving| !moving.marks.contains(&mark));
        !(is_told && self.followed.contains(&mark))
    }

    fn of_shape(shape: &Shape, budget: &Budget) -> Spans {
        let mut followed = HashSet::new();
        shape.marks(&mut followed);
        Spans { moving: readings::moving(shape, budget), followed }
    }

    /// What a filter makes of a text can be read as the text where nothing is lost, or the case of its bytes is lost; and a
    /// text that is one value and nothing else has one reading.
    fn seen_through(shape: Shape, filters: &[Filter], budget: &Budget) -> Spans {
        if shape.is_one_value() {
            return Spans::of_shape(&shape, budget);
        }
        let (mut shape, mut keeps_case) = (shape, true);
        for filter in filters {
            shape = match filter {
                Filter::Lower if keeps_case => shape.mapped(u8::to_ascii_lowercase),
                Filter::Upper if keeps_case => shape.mapped(u8::to_ascii_uppercase),
                other if other.is_lossy() => return Spans { moving: None, followed: HashSet::new() },
                _ => shape,
            };
            keeps_case = filter.keeps_case(keeps_case);
        }
        Spans::of_shape(&shape, budget)
    }
}
