//! Named values: what a name in `values` stands for once it is compiled, and how it meets a request.

mod choice;
mod fields;
mod headers;
mod parameters;

pub(super) use choice::{Choice, Test};
pub(super) use fields::{Fields, Form, Parsed};
pub(super) use headers::{Cover, Covered, HeaderLines};
pub(super) use parameters::{ParameterList, ParameterSource};

use super::{
    Failure, Template,
    evaluate::{Evaluation, Sink},
    template::{Chain, Parts, Source},
};

/// A compiled named value.
#[derive(Debug)]
pub(super) enum NamedValue {
    /// A template.
    Text(Template),
    /// A text taken apart; its parts are values, it is none itself.
    Fields(Fields),
    /// A line for each header of a list.
    Headers(HeaderLines),
    /// A piece for each parameter.
    Parameters(ParameterList),
    /// One of two templates.
    Choice(Choice),
}

impl NamedValue {
    pub(super) fn feed(&self, evaluation: &Evaluation<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        match self {
            NamedValue::Text(template) => evaluation.feed(template, sink),
            // Templates name its parts; were it named whole, it would be what it is taken from.
            NamedValue::Fields(fields) => evaluation.feed(&fields.from, sink),
            NamedValue::Headers(lines) => lines.feed(evaluation, sink),
            NamedValue::Parameters(list) => list.feed(evaluation, sink),
            NamedValue::Choice(choice) => evaluation.feed(choice.taken(evaluation)?, sink),
        }
    }

    /// Whether it is of headers that a request lists.
    pub(super) fn lists_headers(&self) -> bool {
        matches!(self, NamedValue::Headers(lines) if lines.names.chains().next().is_some())
    }

    /// What templates may name of it.
    pub(super) fn parts(&self) -> Parts {
        match self {
            NamedValue::Fields(fields) => fields.parts(),
            NamedValue::Text(_) | NamedValue::Headers(_) | NamedValue::Parameters(_) | NamedValue::Choice(_) => {
                Parts::None
            }
        }
    }

    /// All templates of a request's values that it rests on.
    pub(super) fn templates(&self) -> Vec<&Template> {
        match self {
            NamedValue::Text(template) => vec![template],
            NamedValue::Fields(fields) => vec![&fields.from],
            NamedValue::Headers(lines) => lines.templates().collect(),
            NamedValue::Parameters(_) => Vec::new(),
            NamedValue::Choice(choice) => vec![&choice.condition, &choice.then, &choice.otherwise],
        }
    }

    pub(super) fn chains(&self) -> impl Iterator<Item = &Chain> {
        self.templates().into_iter().flat_map(Template::chains).flat_map(Chain::alternatives)
    }

    /// Of a list of parameters, those that its scheme reads by name: see [`ParameterList::set_alone`].
    pub(super) fn set_alone(&mut self, read: &[Source]) {
        match self {
            NamedValue::Parameters(list) => list.set_alone(read),
            NamedValue::Text(_) | NamedValue::Fields(_) | NamedValue::Headers(_) | NamedValue::Choice(_) => {}
        }
    }

    /// The headers that must be in a list, whatever else a request puts there.
    pub(super) fn covered_headers(&self) -> Vec<String> {
        match self {
            NamedValue::Headers(lines) => lines.shown.iter().map(|(name, _)| name.clone()).collect(),
            _ => Vec::new(),
        }
    }
}
