//! Definition → scheme: every template compiled, every rule checked, all faults at once.

mod rules;

use super::{
    BodyNeed, Carrier, Coverage, Definition, Fault, Scheme, Template, TimestampDefinition,
    claimed::OpenUntilBody,
    replay::Replay,
    signed::{Leaf, Meanings, Signed},
    template::{Chain, Filter, Part, Scope, Source, Vocabulary, is_reserved, is_token},
    timestamp::Timestamp,
};

/// Named values of one scheme.
const MOST_VALUES: usize = 64;
/// Sources that a template may rest on once named values are written out: values of values grow quickly.
const MOST_SOURCES: usize = 512;

pub(super) fn compile(definition: &Definition) -> Result<Scheme, Vec<Fault>> {
    let mut compiler = Compiler::new(definition);
    let parts = compiler.templates();
    if !compiler.faults.is_empty() {
        return Err(compiler.faults);
    }
    // The rules speak of what templates rest on, so they need all of them compiled.
    let rules = rules::Rules::new(definition, &parts, &compiler.values);
    let faults = rules.faults();
    if !faults.is_empty() {
        return Err(faults);
    }
    let (key_id_is_signed, coverage) = (rules.key_id_is_signed(), Coverage::of(rules.signed()));
    let (body_need, open_until_body) = (rules.body_need(), rules.open_until_body());
    let warnings = rules.warnings();
    let Parts { key_id, require, message, signature, carrier, timestamp, replay, emit } = parts;
    Ok(Scheme {
        name: definition.name.clone(),
        algorithm: definition.signature.algorithm,
        encoding: definition.signature.encoding,
        carrier,
        key_id,
        values: compiler.values,
        require,
        message,
        signature,
        timestamp,
        replay,
        emit,
        coverage,
        key_id_is_signed,
        body_need,
        open_until_body,
        warnings,
    })
}

pub(super) fn template_faults(definition: &Definition) -> Vec<Fault> {
    let mut compiler = Compiler::new(definition);
    compiler.templates();
    compiler.faults
}

/// The compiled templates of a scheme but for its named values.
struct Parts {
    key_id: Option<Template>,
    require: Vec<(Template, Template)>,
    message: Template,
    signature: Chain,
    carrier: Carrier,
    timestamp: Option<Timestamp>,
    replay: Option<Replay>,
    emit: Vec<(String, Template)>,
}

struct Compiler<'d> {
    definition: &'d Definition,
    faults: Vec<Fault>,
    names: Vec<String>,
    values: Vec<Template>,
}

impl<'d> Compiler<'d> {
    fn new(definition: &'d Definition) -> Compiler<'d> {
        Compiler { definition, faults: Vec::new(), names: Vec::new(), values: Vec::new() }
    }
}

impl Compiler<'_> {
    fn templates(&mut self) -> Parts {
        let definition = self.definition;
        self.named_values();
        let key_id = definition.key_id.as_deref().map(|text| self.template("key_id", None, text, Uses::NoKeyId));
        let require = self.requirements();
        let message = self.template("message", None, &definition.message, Uses::KeyId);
        let signature = self.signature();
        let timestamp = definition.timestamp.as_ref().map(|timestamp| self.timestamp(timestamp));
        let replay = definition.replay.as_ref().map(|replay| {
            let key = replay.key.as_deref().map(|text| self.template("replay", None, text, Uses::KeyId));
            Replay::new(key, replay)
        });
        let emit = self.emit(signature.as_ref());
        // What did not compile has its fault, and no scheme is built from the stand-in.
        let (signature, carrier) = signature.unwrap_or_else(|| (Chain::nowhere(), Carrier::Header(String::new())));
        Parts { key_id, require, message, signature, carrier, timestamp, replay, emit }
    }

    fn named_values(&mut self) {
        for (index, (name, text)) in self.definition.values.iter().enumerate() {
            let problem = match name.as_str() {
                _ if index >= MOST_VALUES => Some("there are too many named values"),
                _ if !is_value_name(name) => Some("a value's name is lower-case letters, digits and `_`"),
                _ if is_reserved(name) => Some("this name is taken by a source"),
                _ if self.names.contains(name) => Some("this name is taken by an earlier value"),
                _ => None,
            };
            let value = self.template("values", Some(index), text, Uses::KeyId);
            match problem {
                Some(problem) => self.faults.push(Fault::whole("values", problem).in_field("values", Some(index))),
                None if weight(&value, &self.values) > MOST_SOURCES => {
                    let fault = Fault::at(0, text.len(), "this value rests on too many sources");
                    self.faults.push(fault.in_field("values", Some(index)));
                }
                None => {
                    self.names.push(name.clone());
                    self.values.push(value);
                }
            }
        }
    }

    fn requirements(&mut self) -> Vec<(Template, Template)> {
        let definition = self.definition;
        let sides = |(index, equality): (usize, &super::Equality)| {
            let left = self.template("require.left", Some(index), &equality.left, Uses::KeyId);
            (left, self.template("require.right", Some(index), &equality.right, Uses::KeyId))
        };
        definition.require.iter().enumerate().map(sides).collect()
    }

    fn timestamp(&mut self, definition: &TimestampDefinition) -> Timestamp {
        if definition.formats.is_empty() {
            self.faults.push(Fault::whole("timestamp.formats", "there must be at least one format"));
        }
        Timestamp::new(self.template("timestamp.from", None, &definition.from, Uses::NoKeyId), definition)
    }

    /// The carrier must be one source, or it could not be said where a signature is and whether there is one.
    fn signature(&mut self) -> Option<(Chain, Carrier)> {
        const FIELD: &str = "signature.from";
        let text = &self.definition.signature.from;
        let before = self.faults.len();
        let template = self.template(FIELD, None, text, Uses::NoKeyId);
        if self.faults.len() > before {
            return None;
        }
        let Some(chain) = template.single() else {
            let fault = Fault::at(0, text.len(), "a signature comes from exactly one source");
            self.faults.push(fault.hint("`{header:NAME}`").in_field(FIELD, None));
            return None;
        };
        if chain.default().is_some() {
            let fault = Fault::at(chain.offset, chain.length, "a signature has no default");
            self.faults.push(fault.in_field(FIELD, None));
        }
        let carrier = carrier(&chain.source);
        if carrier.is_none() {
            let message = format!("`{}` cannot carry a signature", chain.source);
            let fault = Fault::at(chain.offset, chain.length, message);
            self.faults.push(fault.hint("use header, query, json or form").in_field(FIELD, None));
        }
        Some((chain.clone(), carrier?))
    }

    fn emit(&mut self, signature: Option<&(Chain, Carrier)>) -> Vec<(String, Template)> {
        let mut emit: Vec<(String, Template)> = Vec::new();
        for (index, (name, text)) in self.definition.emit.iter().enumerate() {
            let template = self.template("emit", Some(index), text, Uses::Emission);
            let problem = match name {
                name if !is_token(name) => Some("not a header name"),
                name if emit.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) => {
                    Some("this header is set twice")
                }
                _ => None,
            };
            if let Some(problem) = problem {
                self.faults.push(Fault::whole("emit", problem).in_field("emit", Some(index)));
            }
            let writes_now = template.chains().find(|chain| matches!(chain.source, Source::Now));
            if let (Some(chain), None) = (writes_now, &self.definition.timestamp) {
                let fault =
                    Fault::at(chain.offset, chain.length, "there is no timestamp whose format `now` could have");
                self.faults.push(fault.in_field("emit", Some(index)));
            }
            emit.push((name.clone(), template));
        }
        match signature {
            Some((chain, Carrier::Header(name))) if emit.is_empty() => implied_emission(name, chain),
            Some((_, carrier)) => {
                self.signature_is_emitted(carrier, &emit);
                emit
            }
            None => emit,
        }
    }

    fn signature_is_emitted(&mut self, carrier: &Carrier, emit: &[(String, Template)]) {
        match carrier {
            Carrier::Header(name) => {
                if !emit.iter().any(|(set, _)| set.eq_ignore_ascii_case(name)) {
                    self.faults.push(Fault::whole("emit", format!("the signature's header `{name}` is not set")));
                }
            }
            Carrier::Query(_) | Carrier::Json(_) | Carrier::Form(_) => {
                if !emit.is_empty() {
                    self.faults.push(Fault::whole("emit", "only a signature in a header can be written"));
                }
            }
        }
    }

    /// Compiles one template; a fault is noted and an empty template stands in.
    fn template(&mut self, field: &'static str, index: Option<usize>, text: &str, uses: Uses) -> Template {
        let vocabulary = match uses {
            Uses::Emission => Vocabulary::Emit,
            Uses::KeyId | Uses::NoKeyId => Vocabulary::Request,
        };
        let key_id = match uses {
            // A sender may have an id even where the verifier reads none.
            Uses::Emission => true,
            Uses::KeyId => self.definition.key_id.is_some(),
            Uses::NoKeyId => false,
        };
        let compiled = Template::compile_in(text, Scope { vocabulary, values: &self.names, key_id });
        let fault = match compiled {
            Ok(template) if weight(&template, &self.values) <= MOST_SOURCES => return template,
            Ok(_) => Fault::at(0, text.len(), "this template rests on too many sources"),
            Err(fault) => fault,
        };
        self.faults.push(fault.in_field(field, index));
        Template::empty()
    }
}

#[derive(Clone, Copy)]
enum Uses {
    KeyId,
    NoKeyId,
    Emission,
}

fn carrier(source: &Source) -> Option<Carrier> {
    match source {
        Source::Header(name) => Some(Carrier::Header(name.clone())),
        Source::Parameter(name) => Some(Carrier::Query(name.clone())),
        Source::Json(pointer) => Some(Carrier::Json(pointer.clone())),
        Source::Form(name) => Some(Carrier::Form(name.clone())),
        _ => None,
    }
}

/// Where the filters can be undone by writing their argument, the signature's header can be written without being told.
fn implied_emission(name: &str, signature: &Chain) -> Vec<(String, Template)> {
    let (mut before, mut after) = (String::new(), String::new());
    for filter in &signature.filters {
        match filter {
            Filter::StripPrefix(prefix) => before.push_str(prefix),
            Filter::StripSuffix(suffix) => after.insert_str(0, suffix),
            _ => return Vec::new(),
        }
    }
    let value = Chain { source: Source::Signature, filters: Vec::new(), offset: 0, length: 0 };
    vec![(name.to_owned(), Template::of(vec![Part::Literal(before), Part::Chain(value), Part::Literal(after)]))]
}

/// How many sources a template rests on, named values written out.
fn weight(template: &Template, values: &[Template]) -> usize {
    let of_chain = |chain: &Chain| match &chain.source {
        Source::Value(index, _) => values.get(*index).map_or(1, |value| weight(value, values).max(1)),
        _ => 1,
    };
    template.chains().map(of_chain).fold(0, usize::saturating_add)
}

fn is_value_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
