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
    /// What the scheme's templates read out of these places by name.
    pub(in crate::scheme) alone: Vec<Alone>,
}

/// A parameter that is there in one place and in one spelling, or not at all. Otherwise two requests with one list could
/// have it in two places, and a template that reads one of them would find another value, or none.
#[derive(Debug)]
pub(in crate::scheme) struct Alone {
    pub(in crate::scheme) of: ParameterSource,
    name: String,
    /// As the templates read it.
    pub(in crate::scheme) source: Source,
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

/// The place, whether `+` is a space there, and what is left out.
type Reading<'l> = (&'l ParameterSource, bool, &'l [String]);
type Parameter<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

impl ParameterList {
    pub(super) fn feed(&self, evaluation: &Evaluation<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let mut all: Vec<Parameter<'_>> = Vec::new();
        for (source, except) in &self.of {
            match source {
                ParameterSource::Query => {
                    self.add(evaluation.query(), (source, self.plus_is_space, except), &mut all)?;
                }
                ParameterSource::DeclaredForm if !evaluation.declares_form()? => {}
                ParameterSource::Form | ParameterSource::DeclaredForm => {
                    let body = evaluation.whole_form().map_err(|why| Failure::unreadable(source.name(), why))?;
                    self.add(body, (source, true, except), &mut all)?;
                }
                ParameterSource::Pairs(index, _) => {
                    for (name, value) in evaluation.parsed(*index)?.entries() {
                        self.add_one((name, value), (source, false, except), &mut all)?;
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
            // Neither separator can be in a name, nor `&` in a value; but pairs have separators of their own.
            Writing::Raw => between == "=" && self.join == "&" && !self.has_pairs(),
            Writing::Encoded => [between, &self.join].into_iter().all(|text| text.bytes().any(is_never_encoded_to)),
            Writing::Decoded => false,
        };
        as_they_are && in_order && separates
    }

    pub(in crate::scheme) fn has_pairs(&self) -> bool {
        self.of.iter().any(|(of, _)| matches!(of, ParameterSource::Pairs(..)))
    }

    /// What of these sources is in the list is there in no other place of it. A name that is read out of two of its places
    /// may be in both, and one that a form spells otherwise than a query is not told by its spelling.
    pub(in crate::scheme) fn set_alone(&mut self, read: &[Source]) {
        let mut alone: Vec<Alone> = Vec::new();
        for source in read {
            let Some(name) = source.parameter_name().filter(|name| !name.contains(['+', ' '])) else { continue };
            let holds = |(of, except): &&(ParameterSource, Vec<String>)| {
                of.contains(source) && !except.iter().any(|except| except == name)
            };
            if let Some((of, _)) = self.of.iter().find(holds)
                && !alone.iter().any(|known| known.source.same(source))
            {
                alone.push(Alone { of: of.clone(), name: name.to_owned(), source: source.clone() });
            }
        }
        let is_one = |one: &Alone| alone.iter().filter(|other| other.name == one.name).count() == 1;
        let lone: Vec<bool> = alone.iter().map(is_one).collect();
        self.alone = alone.into_iter().zip(lone).filter_map(|(one, is_one)| is_one.then_some(one)).collect();
    }

    /// What this is in a place or a spelling in which no template reads it.
    fn misplaced(&self, of: &ParameterSource, name: &[u8], meant: &[u8]) -> Option<&Alone> {
        let is_read = |alone: &Alone| alone.of == *of && (!matches!(of, ParameterSource::Pairs(..)) || name == meant);
        self.alone.iter().find(|alone| alone.name.as_bytes() == meant && !is_read(alone))
    }

    /// Empty pieces between two `&` are nothing.
    fn add<'a>(&self, text: &'a [u8], reading: Reading<'_>, all: &mut Vec<Parameter<'a>>) -> Result<(), Failure> {
        for piece in text.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            let equals = piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len());
            let (name, value) = piece.split_at(equals);
            self.add_one((name, value.get(1..).unwrap_or_default()), reading, all)?;
        }
        Ok(())
    }

    fn add_one<'a>(
        &self,
        (name, value): (&'a [u8], &'a [u8]),
        (of, plus_is_space, except): Reading<'_>,
        all: &mut Vec<Parameter<'a>>,
    ) -> Result<(), Failure> {
        let malformed = || Failure::unreadable(of.name(), Why::Malformed);
        if all.len() >= MOST_PARAMETERS {
            return Err(malformed());
        }
        let meant = decoded(name, plus_is_space).zip(decoded(value, plus_is_space));
        let (name_meant, value_meant) = meant.ok_or_else(malformed)?;
        if except.iter().any(|except| except.as_bytes() == &*name_meant) {
            return Ok(());
        }
        if let Some(alone) = self.misplaced(of, name, &name_meant) {
            return Err(Failure::unreadable(&alone.source, Why::Repeated));
        }
        if self.writing == Writing::Encoded && *of == ParameterSource::Query && !plus_is_space {
            refuse_plus(of, name, value)?;
        }
        all.push(match self.writing {
            Writing::Raw => (Cow::Borrowed(name), Cow::Borrowed(value)),
            Writing::Decoded => (name_meant, value_meant),
            Writing::Encoded => (encoded(&name_meant), encoded(&value_meant)),
        });
        Ok(())
    }
}

/// What is signed as `%2B` must not come as a `+`: to whoever reads a query as a form that is a space, and another request.
fn refuse_plus(of: &ParameterSource, name: &[u8], value: &[u8]) -> Result<(), Failure> {
    match name.contains(&b'+') || value.contains(&b'+') {
        true => Err(Failure::unreadable(of.name(), Why::Plus)),
        false => Ok(()),
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
