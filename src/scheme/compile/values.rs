//! Named values: their names, their templates, and what loops and lists of them may say.

use super::{Chain, Compiler, Fault, Source, Uses, weight};
use crate::scheme::{
    HeadersDefinition, ParametersDefinition, ParametersOf, Template, TestDefinition, ValueDefinition,
    template::{Named, Parts, is_reserved, is_token, whole_expression},
    values::{Choice, Cover, Covered, Fields, Form, HeaderLines, NamedValue, ParameterList, ParameterSource, Test},
};

/// Named values of one scheme.
const MOST_VALUES: usize = 64;
/// Sources that a template may rest on once named values are written out: values of values grow quickly.
pub(super) const MOST_SOURCES: usize = 512;

impl Compiler<'_> {
    pub(super) fn named_values(&mut self) {
        for (index, (name, definition)) in self.definition.values.iter().enumerate() {
            let problem = match name.as_str() {
                _ if index >= MOST_VALUES => Some("there are too many named values"),
                _ if !is_value_name(name) => Some("a value's name is lower-case letters, digits and `_`"),
                _ if is_reserved(name) => Some("this name is taken by a source"),
                _ if self.names.iter().any(|known| known.name == *name) => {
                    Some("this name is taken by an earlier value")
                }
                _ => None,
            };
            let value = self.named_value(index, definition);
            let heavy = value.templates().into_iter().map(|template| weight(template, &self.values)).sum::<usize>();
            match problem {
                Some(problem) => self.faults.push(Fault::whole("values", problem).in_field("values", Some(index))),
                None if heavy > MOST_SOURCES => {
                    let fault = Fault::whole("values", "this value rests on too many sources");
                    self.faults.push(fault.in_field("values", Some(index)));
                }
                None => {
                    self.names.push(Named { name: name.clone(), parts: value.parts() });
                    self.values.push(value);
                }
            }
        }
    }

    fn named_value(&mut self, index: usize, definition: &ValueDefinition) -> NamedValue {
        let at = Some(index);
        match definition {
            ValueDefinition::Text(text) => NamedValue::Text(self.template("values", at, text, Uses::KeyId)),
            ValueDefinition::Pairs { from, separator } => {
                let from = self.template("values.from", at, from, Uses::KeyId);
                NamedValue::Fields(Fields { from, form: Form::Pairs(*separator) })
            }
            ValueDefinition::Capture { from, expression } => {
                let from = self.template("values.from", at, from, Uses::KeyId);
                match self.expression("values.capture", index, expression) {
                    Some(expression) => NamedValue::Fields(Fields { from, form: Form::Groups(expression) }),
                    None => NamedValue::Fields(Fields { from, form: Form::Pairs(b',') }),
                }
            }
            ValueDefinition::Headers(definition) => NamedValue::Headers(self.header_lines(index, definition)),
            ValueDefinition::Parameters(definition) => NamedValue::Parameters(self.parameter_list(index, definition)),
            ValueDefinition::Choice { condition, test, then, otherwise } => {
                let condition = self.template("values.if", at, condition, Uses::KeyId);
                let test = match test {
                    TestDefinition::Present => Test::Present,
                    TestDefinition::Is(text) => Test::Is(text.clone()),
                    TestDefinition::Matches(text) => match self.expression("values.matches", index, text) {
                        Some(expression) => Test::Matches(expression),
                        None => Test::Present,
                    },
                };
                let then = self.template("values.then", at, then, Uses::KeyId);
                let otherwise = self.template("values.else", at, otherwise, Uses::KeyId);
                NamedValue::Choice(Choice { condition, test, then, otherwise })
            }
        }
    }

    fn expression(&mut self, field: &'static str, index: usize, text: &str) -> Option<regex::bytes::Regex> {
        let expression = whole_expression(text);
        if expression.is_none() {
            let fault = Fault::whole(field, "not a regular expression, or too large a one");
            self.faults.push(fault.in_field(field, Some(index)));
        }
        expression
    }

    fn header_lines(&mut self, index: usize, definition: &HeadersDefinition) -> HeaderLines {
        let names = self.template("values.headers", Some(index), &definition.names, Uses::KeyId);
        let each = self.template("values.each", Some(index), &definition.each, Uses::Each);
        if definition.split.is_empty() {
            self.faults.push(Fault::whole("values", "`split` is empty").in_field("values", Some(index)));
        }
        let mut special = Vec::new();
        for (inner, (name, text)) in definition.special.iter().enumerate() {
            let template = self.template("values.special", Some(index), text, Uses::KeyId);
            if let Some(fault) = self.faults.last_mut().filter(|fault| fault.field == "values.special") {
                fault.inner = fault.inner.or(Some(inner));
            }
            special.push((name.clone(), template));
        }
        let mut covers = Vec::new();
        for (inner, written) in definition.covers.iter().enumerate() {
            covers.extend(self.cover("values.covers", (index, inner), written, &special));
        }
        for (inner, written) in definition.covers_if_present.iter().enumerate() {
            let names = self.covered("values.covers_if_present", (index, inner), &[written.as_str()], &special);
            covers.extend(names.into_iter().flatten().map(Cover::IfPresent));
        }
        let shown = shown(&covers, &each);
        HeaderLines {
            names,
            split: definition.split.clone(),
            each,
            join: definition.join.clone(),
            repeated: definition.repeated.clone(),
            missing: definition.missing,
            special,
            covers,
            shown,
        }
    }

    /// `a`, `a else b` or `a or b`.
    fn cover(
        &mut self,
        field: &'static str,
        at: (usize, usize),
        written: &str,
        special: &[(String, Template)],
    ) -> Option<Cover> {
        let either: Vec<&str> = written.split(" or ").collect();
        if either.len() > 1 {
            return self.covered(field, at, &either, special).map(Cover::Either);
        }
        let first: Vec<&str> = written.split(" else ").collect();
        self.covered(field, at, &first, special).map(Cover::First)
    }

    fn covered(
        &mut self,
        field: &'static str,
        (index, inner): (usize, usize),
        names: &[&str],
        special: &[(String, Template)],
    ) -> Option<Vec<Covered>> {
        let mut covered = Vec::new();
        for name in names {
            let special = special.iter().position(|(own, _)| own.eq_ignore_ascii_case(name));
            if special.is_none() && !is_token(name) {
                let fault = Fault::whole(field, "this is neither a header name nor a special one");
                self.faults.push(fault.in_entry(field, index, Some(inner)));
                return None;
            }
            covered.push(Covered { name: name.to_ascii_lowercase(), special });
        }
        Some(covered)
    }

    fn parameter_list(&mut self, index: usize, definition: &ParametersDefinition) -> ParameterList {
        let each = self.template("values.each", Some(index), &definition.each, Uses::Each);
        let of = definition.of.iter().enumerate();
        let of: Vec<Option<ParameterSource>> = of.map(|(inner, of)| self.parameter_source(index, inner, of)).collect();
        for (inner, text) in definition.except.iter().enumerate() {
            let places = || of.iter().flatten().map(ParameterSource::name);
            let Some((place, _)) = text.split_once(':') else { continue };
            if !places().any(|name| name == place) {
                let fault = Fault::whole("values.except", format!("there are no parameters `{place}` here"));
                self.faults.push(fault.in_entry("values.except", index, Some(inner)));
            }
        }
        if definition.of.is_empty() {
            self.faults.push(Fault::whole("values", "`parameters` is empty").in_field("values", Some(index)));
        }
        ParameterList {
            of: of.into_iter().flatten().map(|of| (of.clone(), left_out(&of, &definition.except))).collect(),
            writing: definition.writing,
            plus_is_space: definition.plus_is_space,
            sort: definition.sort,
            unique: definition.unique,
            each,
            join: definition.join.clone(),
            // Known when all templates are.
            alone: Vec::new(),
        }
    }

    fn parameter_source(&mut self, index: usize, inner: usize, of: &ParametersOf) -> Option<ParameterSource> {
        Some(match of {
            ParametersOf::Query => ParameterSource::Query,
            ParametersOf::Form => ParameterSource::Form,
            ParametersOf::DeclaredForm => ParameterSource::DeclaredForm,
            ParametersOf::Pairs(name) => {
                let known = self.names.iter().position(|named| named.name == *name && named.parts == Parts::Any);
                if known.is_none() {
                    let names = self.names.iter().filter(|named| named.parts == Parts::Any);
                    let mut candidates: Vec<&str> = names.map(|named| named.name.as_str()).collect();
                    candidates.extend(["query", "form", "declared_form"]);
                    let fault = Fault::whole("values.parameters", format!("there are no parameters `{name}`"));
                    let fault = fault.hint(format!("there are {}", candidates.join(", "))).suggest(name, &candidates);
                    self.faults.push(fault.in_entry("values.parameters", index, Some(inner)));
                }
                ParameterSource::Pairs(known?, name.clone())
            }
        })
    }
}

/// The names that are left out of one place: `NAME` of every one, `PLACE:NAME` of that alone.
fn left_out(of: &ParameterSource, except: &[String]) -> Vec<String> {
    let own = |text: &String| match text.split_once(':') {
        Some((place, name)) if place == of.name() => Some(name.to_owned()),
        Some(_) => None,
        None => Some(text.clone()),
    };
    except.iter().filter_map(own).collect()
}

/// What the line of each header that must be covered shows of it.
fn shown(covers: &[Cover], each: &Template) -> Vec<(String, Chain)> {
    let Some(item) = each.chains().find(|chain| matches!(chain.source, Source::Item)) else { return Vec::new() };
    let mut shown: Vec<(String, Chain)> = Vec::new();
    for cover in covers {
        let these = match cover {
            Cover::First(these) | Cover::Either(these) => these.as_slice(),
            Cover::IfPresent(this) => std::slice::from_ref(this),
        };
        for covered in these.iter().filter(|covered| covered.special.is_none()) {
            let source = match covered.name.as_str() {
                "host" => Source::Authority,
                name => Source::Header(name.to_owned()),
            };
            shown.push((covered.name.clone(), Chain { filters: item.filters.clone(), ..Chain::plain(source) }));
        }
    }
    shown
}

fn is_value_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
