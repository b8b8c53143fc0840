//! Definition → scheme: every template compiled, every rule checked, all faults at once.

mod cures;
mod emit;
mod rules;
mod values;

use super::{
    AlgorithmDefinition, AnswerDefinition, BodyNeed, Carrier, Coverage, Definition, Dialect, Fault, KeyDefinition,
    KeyRecipe, Place, Requirement, RequirementDefinition, Several, Template, TimestampDefinition, TimestampFormat,
    algorithms::{self, Algorithms},
    answer::{self, AnswerForm},
    claimed::OpenUntilBody,
    key::KeyChain,
    leaves::{Leaf, Meanings},
    replay::Replay,
    signed::Signed,
    spans::Budget,
    template::{Chain, Named, Part, Scope, Source, Vocabulary},
    timestamp::Timestamp,
    values::NamedValue,
};

pub(super) fn compile(definition: &Definition) -> Result<Dialect, Vec<Fault>> {
    let mut compiler = Compiler::new(definition);
    let parts = compiler.templates();
    if !compiler.faults.is_empty() {
        return Err(compiler.faults);
    }
    let read = parts.read(&compiler.values);
    compiler.values.iter_mut().for_each(|value| value.set_alone(&read));
    // The rules speak of what templates rest on, so they need all of them compiled.
    let budget = Budget::default();
    let judged = rules::judged(definition, &parts, &compiler.values, &budget);
    let rules = rules::Rules::new(definition, &parts, &compiler.values, &judged, &budget);
    let faults = rules.faults();
    // Of what was not looked through nothing is known, and no fault of it either.
    if budget.is_spent() {
        return Err(vec![cures::too_complex()]);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let (with_shared_keys, coverage) = (rules.with_shared_keys(), Coverage::of(rules.signed(), &parts.carrier));
    let (body_need, signing_need) = (rules.body_need(), rules.signing_need());
    let open_until_body = rules.open_until_body();
    let warnings = rules.warnings();
    if budget.is_spent() {
        return Err(vec![cures::too_complex()]);
    }
    let Parts { key_id, require, key, message, signature, carrier, algorithms, timestamp, replay, emit, answer } =
        parts;
    let (key_from, key_chain) = key.map_or((None, None), |(from, chain)| (Some(from), chain));
    Ok(Dialect {
        name: definition.name.clone(),
        encoding: definition.signature.encoding,
        several: definition.signature.several.clone(),
        carrier,
        key_id,
        values: compiler.values,
        require,
        key_recipe: KeyRecipe::new(algorithms.all(), key_from),
        key_chain,
        algorithms,
        message,
        signature,
        timestamp,
        replay,
        emit,
        answer,
        coverage,
        with_shared_keys,
        body_need,
        signing_need,
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
    require: Vec<Requirement>,
    key: Option<(Template, Option<KeyChain>)>,
    message: Template,
    signature: Chain,
    carrier: Carrier,
    algorithms: Algorithms,
    timestamp: Option<Timestamp>,
    replay: Option<Replay>,
    emit: Vec<(Place, Template)>,
    answer: Option<AnswerForm>,
}

impl Parts {
    /// All sources that the scheme's templates read of a request, those of the values with them.
    fn read(&self, values: &[NamedValue]) -> Vec<Source> {
        let required = self.require.iter().flat_map(|requirement| [&requirement.left, &requirement.right]);
        let links = self.key.iter().filter_map(|(_, chain)| chain.as_ref()).flat_map(|chain| &chain.links);
        let times = self.timestamp.iter().flat_map(|timestamp| timestamp.templates().map(|(_, template)| template));
        let replayed = self.replay.iter().filter_map(|replay| replay.key.as_ref());
        let claimed = self.key_id.iter().chain(self.algorithms.template()).chain(times).chain(replayed);
        let own = required.chain(links).chain(claimed).chain([&self.message]);
        let chains = own.flat_map(Template::chains).flat_map(Chain::alternatives).chain([&self.signature]);
        let within = values.iter().flat_map(NamedValue::chains);
        chains.chain(within).map(|chain| chain.source.clone()).collect()
    }
}

struct Compiler<'d> {
    definition: &'d Definition,
    faults: Vec<Fault>,
    names: Vec<Named>,
    values: Vec<NamedValue>,
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
        let key = definition.signing_key.as_ref().map(|key| self.signing_key(key));
        let message = self.template("message", None, &definition.message, Uses::KeyId);
        let signature = self.signature();
        let algorithms = self.algorithms();
        let timestamp = definition.timestamp.as_ref().map(|timestamp| self.timestamp(timestamp));
        let replay = definition.replay.as_ref().map(|replay| {
            let key = replay.key.as_deref().map(|text| self.template("replay", None, text, Uses::KeyId));
            Replay::new(&definition.name, key, replay)
        });
        let emit = self.emit(signature.as_ref());
        let answer = definition.answer.as_ref().map(|answer| self.answer(answer));
        // What did not compile has its fault, and no scheme is built from the stand-in.
        let (signature, carrier) = signature.unwrap_or_else(|| (Chain::nowhere(), Carrier::Header(String::new())));
        Parts { key_id, require, key, message, signature, carrier, algorithms, timestamp, replay, emit, answer }
    }

    fn requirements(&mut self) -> Vec<Requirement> {
        let definition = self.definition;
        let compile = |(index, requirement): (usize, &RequirementDefinition)| Requirement {
            left: self.template("require.left", Some(index), &requirement.left, Uses::KeyId),
            right: self.template("require.right", Some(index), &requirement.right, Uses::KeyId),
            relation: requirement.relation,
        };
        definition.require.iter().enumerate().map(compile).collect()
    }

    fn signing_key(&mut self, definition: &KeyDefinition) -> (Template, Option<KeyChain>) {
        let from = self.template("signing_key.from", None, &definition.from, Uses::Secret);
        if self.faults.is_empty() && from.chains().next().is_none() {
            let fault = Fault::at(0, definition.from.len(), "a key that does not rest on `secret` is no key");
            self.faults.push(fault.hint("`{secret}`").in_field("signing_key.from", None));
        }
        let links = definition.chain.iter().enumerate();
        let links: Vec<Template> =
            links.map(|(index, text)| self.template("signing_key.chain", Some(index), text, Uses::KeyId)).collect();
        let chain = (!links.is_empty()).then_some(KeyChain { links, encoding: definition.encoding });
        if chain.is_some() && !self.definition.signature.algorithm.all().iter().all(|algorithm| algorithm.is_hmac()) {
            self.faults.push(Fault::whole("signing_key", "only keys of an HMAC can be chained"));
        }
        (from, chain)
    }

    fn algorithms(&mut self) -> Algorithms {
        let all = self.definition.signature.algorithm.all();
        if !all.iter().all(|algorithm| algorithm.is_for_dialects()) {
            self.faults.push(Fault::whole("signature.algorithm", "this algorithm is only for `rfc9421`"));
        }
        self.faults.extend(algorithms::mixed("signature.algorithm", &all));
        match &self.definition.signature.algorithm {
            AlgorithmDefinition::Fixed(algorithm) => Algorithms::Fixed(*algorithm),
            AlgorithmDefinition::Named { from, allow } => {
                const FIELD: &str = "signature.algorithm";
                let from = self.template(FIELD, None, from, Uses::NoKeyId);
                if allow.is_empty() {
                    self.faults.push(Fault::whole(FIELD, "there must be at least one algorithm"));
                }
                Algorithms::Named { from, allow: allow.clone() }
            }
        }
    }

    fn timestamp(&mut self, definition: &TimestampDefinition) -> Timestamp {
        if definition.formats.is_empty() {
            self.faults.push(Fault::whole("timestamp.formats", "there must be at least one format"));
        }
        for (index, format) in definition.formats.iter().enumerate() {
            if let TimestampFormat::Pattern(pattern) = format
                && !format.is_sound()
            {
                let message = format!("the pattern `{pattern}` does not read the times that it writes");
                let fault = Fault::whole("timestamp.formats", message).in_field("timestamp.formats", Some(index));
                self.faults.push(fault.hint("such as `%Y%m%dT%H%M%SZ`; it must give date and time, to the second"));
            }
            let earlier = definition.formats.iter().take(index);
            let both_ways = |one: &TimestampFormat| one.taken_otherwise_by(format).or(format.taken_otherwise_by(one));
            if let Some(text) = earlier.filter_map(both_ways).next() {
                let message =
                    format!("`{text}` is another time in an earlier format, so a request could be good twice");
                let fault = Fault::whole("timestamp.formats", message).in_field("timestamp.formats", Some(index));
                self.faults.push(fault.hint("keep one of the two"));
            }
        }
        let templates = [
            ("timestamp.from", &definition.from),
            ("timestamp.expires", &definition.expires),
            ("timestamp.lasts", &definition.lasts),
        ];
        let templates =
            templates.map(|(field, text)| text.as_deref().map(|text| self.template(field, None, text, Uses::NoKeyId)));
        match definition {
            TimestampDefinition { from: None, expires: None, .. } => {
                self.faults.push(Fault::whole("timestamp", "there is neither `from` nor `expires`"));
            }
            TimestampDefinition { from: None, lasts: Some(_), .. } => {
                self.faults.push(Fault::whole("timestamp.lasts", "`lasts` counts from `from`, which is not there"));
            }
            TimestampDefinition { from: None, past: Some(_), .. } => {
                let fault = Fault::whole("timestamp", "`past` says how old `from` may be, which is not there");
                self.faults.push(fault.hint("`expires` itself ends a signature"));
            }
            _ => {}
        }
        Timestamp::new(templates, definition)
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
        let Some(chain) = template.single().filter(|chain| chain.otherwise.is_none()) else {
            let fault = Fault::at(0, text.len(), "a signature comes from exactly one source");
            self.faults.push(fault.hint("`{header:NAME}`").in_field(FIELD, None));
            return None;
        };
        if chain.default().is_some() {
            let fault = Fault::at(chain.offset, chain.length, "a signature has no default");
            self.faults.push(fault.in_field(FIELD, None));
        }
        let is_pair = matches!(chain.source, Source::Field(..));
        if self.definition.signature.several == Several::Pairs && !is_pair {
            let fault = Fault::at(chain.offset, chain.length, "only a pair of a named value can come several times");
            self.faults.push(fault.hint("`split` takes one text apart").in_field(FIELD, None));
        }
        let carrier = self.carrier(&chain.source);
        if carrier.is_none() {
            let message = format!("`{}` cannot carry a signature", chain.source);
            let fault = Fault::at(chain.offset, chain.length, message);
            self.faults.push(fault.hint("use header, query, json or form").in_field(FIELD, None));
        }
        Some((chain.clone(), carrier?))
    }

    fn answer(&mut self, definition: &AnswerDefinition) -> AnswerForm {
        let is_hmac = self.definition.signature.algorithm.all().first().is_some_and(|algorithm| algorithm.is_hmac());
        let mut faults = Vec::new();
        let form = answer::compile(definition, is_hmac, &mut faults);
        if self.definition.signing_key.as_ref().is_some_and(|key| !key.chain.is_empty()) {
            faults.push(Fault::whole("answer", "an answer has no values to derive its key with"));
        }
        self.faults.extend(faults);
        form
    }

    /// Where a signature is that comes from `source`: that of what is taken apart is where the whole is.
    fn carrier(&self, source: &Source) -> Option<Carrier> {
        match source {
            Source::Header(name) => Some(Carrier::Header(name.clone())),
            Source::Parameter(name) => Some(Carrier::Query(name.clone())),
            Source::Json(pointer) => Some(Carrier::Json(pointer.clone())),
            Source::Form(name) => Some(Carrier::Form(name.clone())),
            Source::Field(index, ..) => match self.values.get(*index) {
                Some(NamedValue::Fields(fields)) => {
                    let chain = fields.from.single().filter(|chain| chain.otherwise.is_none())?;
                    self.carrier(&chain.source)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Compiles one template; a fault is noted and an empty template stands in.
    fn template(&mut self, field: &'static str, index: Option<usize>, text: &str, uses: Uses) -> Template {
        let vocabulary = match uses {
            Uses::Emission => Vocabulary::Emit,
            Uses::KeyId | Uses::NoKeyId => Vocabulary::Request,
            Uses::Each => Vocabulary::Each,
            Uses::Secret => Vocabulary::Key,
        };
        let key_id = match uses {
            // A sender may have an id even where the verifier reads none.
            Uses::Emission => true,
            Uses::KeyId => self.definition.key_id.is_some(),
            Uses::NoKeyId | Uses::Each | Uses::Secret => false,
        };
        let values = match uses {
            Uses::Each | Uses::Secret => &[],
            Uses::Emission | Uses::KeyId | Uses::NoKeyId => self.names.as_slice(),
        };
        let compiled = Template::compile_in(text, Scope { vocabulary, values, key_id });
        let fault = match compiled {
            Ok(template) if weight(&template, &self.values) <= values::MOST_SOURCES => return template,
            Ok(_) => Fault::at(0, text.len(), "this template rests on too many sources"),
            Err(fault) => fault,
        };
        self.faults.push(fault.in_field(field, index));
        Template::empty()
    }
}

/// What a template is for.
#[derive(Clone, Copy)]
enum Uses {
    KeyId,
    NoKeyId,
    Emission,
    /// One thing of a loop.
    Each,
    /// What a key is made of.
    Secret,
}

/// How many sources a template rests on, named values written out.
fn weight(template: &Template, values: &[NamedValue]) -> usize {
    let of_value =
        |value: &NamedValue| value.templates().into_iter().map(|template| weight(template, values)).sum::<usize>();
    let of_chain = |chain: &Chain| match &chain.source {
        Source::Value(index, _) | Source::Field(index, ..) => values.get(*index).map_or(1, |v| of_value(v).max(1)),
        _ => 1_usize,
    };
    template.chains().flat_map(Chain::alternatives).map(of_chain).fold(0, usize::saturating_add)
}
