//! A piece for each parameter of query, form or pairs, in the spelling and the order that a signer has them.

use std::borrow::Cow;

use super::headers::write_each;
use crate::scheme::{
    Failure, Template, Why, Writing,
    evaluate::{Evaluation, Sink},
    parameters::{percent_decoded, percent_encoded},
    template::{Part, Source},
};

/// More parameters than any honest request has: each one costs more memory than it came in.
const MOST_PARAMETERS: usize = 4096;

/// A compiled list of parameters.
#[derive(Debug)]
pub(in crate::scheme) struct ParameterList {
    /// Where they are, and which of each place are left out.
    pub(in crate::scheme) of: Vec<(ParameterSource, Vec<String>)>,
    pub(in crate::scheme) writing: Writing,
    pub(in crate::scheme) plus_is_space: bool,
    pub(in crate::scheme) sort: bool,
    pub(in crate::scheme) unique: bool,
    pub(in crate::scheme) each: Template,
    pub(in crate::scheme) join: String,
}

/// Where parameters are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scheme) enum ParameterSource {
    Query,
    Form,
    DeclaredForm,
    /// Index and name of a named value.
    Pairs(usize, String),
}

/// Whether `+` is a space, and what is left out.
type Reading<'l> = (bool, &'l [String]);
type Parameter<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

impl ParameterList {
    pub(super) fn feed(&self, evaluation: &Evaluation<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let mut all: Vec<Parameter<'_>> = Vec::new();
        for (source, except) in &self.of {
            let place = || Failure::unreadable(source.name(), Why::Malformed);
            match source {
                ParameterSource::Query => {
                    self.add(evaluation.query(), (self.plus_is_space, except), &mut all).ok_or_else(place)?;
                }
                ParameterSource::DeclaredForm if !evaluation.declares_form()? => {}
                ParameterSource::Form | ParameterSource::DeclaredForm => {
                    let body = evaluation.memory().map_err(|why| Failure::unreadable(source.name(), why))?;
                    self.add(body, (true, except), &mut all).ok_or_else(place)?;
                }
                ParameterSource::Pairs(index, _) => {
                    for (name, value) in evaluation.parsed(*index)?.entries() {
                        self.add_one((name, value), (false, except), &mut all).ok_or_else(place)?;
                    }
                }
            }
        }
        if self.sort {
            all.sort();
        }
        if self.unique {
            let mut seen = std::collections::HashSet::new();
            all.retain(|parameter| seen.insert(parameter.clone()));
        }
        for (index, (name, value)) in all.iter().enumerate() {
            if index > 0 {
                sink(self.join.as_bytes());
            }
            write_each(&self.each, name, value, sink)?;
        }
        Ok(())
    }

    /// Whether what comes out tells one list of parameters from any other, but for their order and spelling.
    pub(in crate::scheme) fn is_faithful(&self) -> bool {
        let [Part::Chain(name), Part::Literal(between), Part::Chain(value)] = self.each.parts() else { return false };
        let as_they_are = name.filters.is_empty() && value.filters.is_empty();
        let in_order = matches!((&name.source, &value.source), (Source::Name, Source::Item));
        let separates = match self.writing {
            // Neither separator can be in a name, nor `&` in a value.
            Writing::Raw => between == "=" && self.join == "&",
            Writing::Encoded => [between, &self.join].into_iter().all(|text| text.bytes().any(is_never_encoded_to)),
            Writing::Decoded => false,
        };
        as_they_are && in_order && separates
    }

    /// Empty pieces between two `&` are nothing.
    fn add<'a>(&self, text: &'a [u8], reading: Reading<'_>, all: &mut Vec<Parameter<'a>>) -> Option<()> {
        for piece in text.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            let equals = piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len());
            let (name, value) = piece.split_at(equals);
            self.add_one((name, value.get(1..).unwrap_or_default()), reading, all)?;
        }
        Some(())
    }

    fn add_one<'a>(
        &self,
        (name, value): (&'a [u8], &'a [u8]),
        (plus_is_space, except): Reading<'_>,
        all: &mut Vec<Parameter<'a>>,
    ) -> Option<()> {
        if all.len() >= MOST_PARAMETERS {
            return None;
        }
        let (name_meant, value_meant) = (decoded(name, plus_is_space)?, decoded(value, plus_is_space)?);
        if except.iter().any(|except| except.as_bytes() == &*name_meant) {
            return Some(());
        }
        all.push(match self.writing {
            Writing::Raw => (Cow::Borrowed(name), Cow::Borrowed(value)),
            Writing::Decoded => (name_meant, value_meant),
            Writing::Encoded => (encoded(&name_meant), encoded(&value_meant)),
        });
        Some(())
    }
}

impl ParameterSource {
    /// Whether that source is one of its parameters. What counts only sometimes holds nothing for certain.
    pub(in crate::scheme) fn contains(&self, source: &Source) -> bool {
        match (self, source) {
            (ParameterSource::Query, Source::Parameter(_)) | (ParameterSource::Form, Source::Form(_)) => true,
            (ParameterSource::Pairs(own, _), Source::Field(index, ..)) => own == index,
            _ => false,
        }
    }

    pub(in crate::scheme) fn name(&self) -> &str {
        match self {
            ParameterSource::Query => "query",
            ParameterSource::Form | ParameterSource::DeclaredForm => "form",
            ParameterSource::Pairs(_, name) => name,
        }
    }
}

fn decoded(text: &[u8], plus_is_space: bool) -> Option<Cow<'_, [u8]>> {
    match text.iter().any(|byte| *byte == b'%' || *byte == b'+' && plus_is_space) {
        true => Some(Cow::Owned(percent_decoded(text, plus_is_space)?.into_vec())),
        false => Some(Cow::Borrowed(text)),
    }
}

/// Bytes that percent-encoding does not leave in a text.
fn is_never_encoded_to(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric() && !b"-._~%".contains(&byte)
}

fn encoded<'a>(text: &[u8]) -> Cow<'a, [u8]> {
    Cow::Owned(percent_encoded(text, b"").into_vec())
}
