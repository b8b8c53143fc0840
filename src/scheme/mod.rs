//! What is signed: the template language, the message, the signature's carrier; one description verifies and signs.
//!
//! A [`Definition`] (filled in by the config or a preset) is compiled into a [`Scheme`], which reads a request through
//! a [`View`]. RFC 9421 is built in, and a [`Scheme`] like any other. Everything here is pure: time comes in as a number,
//! bodies as bytes, keys as [`PreparedKey`]s. It is not the place that looks keys up, remembers replay keys or answers
//! clients.

mod algorithms;
mod answer;
mod challenge;
mod claimed;
mod compile;
mod coverage;
mod declared;
mod definition;
mod evaluate;
mod explain;
mod failure;
mod fault;
mod key;
mod kinds;
mod leaves;
mod mac;
mod misspelt;
mod parameters;
mod path;
pub mod presets;
mod replay;
mod rfc9421;
mod sign;
mod signed;
mod spans;
mod tag;
mod template;
#[cfg(test)]
mod tests;
mod time_form;
mod timestamp;
mod twins;
mod values;
mod verify;
mod view;

use std::time::Duration;

pub use answer::{AnswerView, OfRequest};
pub use claimed::Presence;
pub use coverage::{BodyNeed, Coverage};
pub use definition::{
    Algorithm, AlgorithmDefinition, AnswerDefinition, Definition, Encoding, HeadersDefinition, KeyDefinition, Missing,
    ParametersDefinition, ParametersOf, Relation, ReplayDefinition, RequirementDefinition, Several,
    SignatureDefinition, TestDefinition, TimestampDefinition, TimestampFormat, ValueDefinition, Writing,
};
pub use explain::Explanation;
pub use failure::{Failure, Why};
pub use fault::Fault;
pub use key::{KeyFault, KeyRecipe, PreparedKey};
pub use kinds::{Claimed, Scheme};
pub use misspelt::Misspelt;
pub use replay::ReplayKey;
pub use rfc9421::{FieldType, MessageSignaturesDefinition};
pub use sign::Emitted;
pub use template::{Escape, Sources, Template};
pub use time_form::TimeForm;
pub use timestamp::SigningWindow;
pub use view::{Body, Fact, Headers, Known, Spooled, Unknown, View};

/// A compiled scheme of the template language.
#[derive(Debug)]
struct Dialect {
    name: String,
    algorithms: algorithms::Algorithms,
    encoding: Encoding,
    several: Several,
    carrier: Carrier,
    key_id: Option<Template>,
    values: Vec<values::NamedValue>,
    require: Vec<Requirement>,
    key_recipe: KeyRecipe,
    key_chain: Option<key::KeyChain>,
    message: Template,
    signature: template::Chain,
    timestamp: Option<timestamp::Timestamp>,
    replay: Option<replay::Replay>,
    emit: Vec<(Place, Template)>,
    answer: Option<answer::AnswerForm>,
    coverage: Coverage,
    with_shared_keys: Option<Fault>,
    body_need: BodyNeed,
    signing_need: BodyNeed,
    open_until_body: claimed::OpenUntilBody,
    warnings: Vec<Fault>,
}

/// What must hold besides the signature.
#[derive(Debug)]
struct Requirement {
    left: Template,
    right: Template,
    relation: Relation,
}

/// Where a signer writes a value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Header(String),
    Query(String),
}

/// Where the signature is: the one place that says whether a request uses this scheme at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A header field, by its name as the config writes it.
    Header(String),
    /// A query parameter.
    Query(String),
    /// A field of a JSON body, by its pointer (RFC 6901).
    Json(String),
    /// A field of a form body.
    Form(String),
}

impl Dialect {
    /// What is allowed but should not be: shown when the config is checked.
    fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// The name from the config.
    fn name(&self) -> &str {
        &self.name
    }

    /// What computes the signature; of several, the first, which also signs.
    fn algorithm(&self) -> Algorithm {
        self.algorithms.usual()
    }

    /// All that a request may choose from.
    fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.algorithms.all()
    }

    /// How its keys are made of secrets.
    fn key_recipe(&self) -> &KeyRecipe {
        &self.key_recipe
    }

    /// Where the signature is.
    fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    /// Which parts of a request the signature vouches for.
    fn coverage(&self) -> Coverage {
        self.coverage.clone()
    }

    /// The names of all headers that it reads, signed or not: an upstream must get none that only looks like one.
    fn headers(&self) -> Vec<String> {
        let header = |source: &template::Source| match source {
            template::Source::Header(name) => Some(name.clone()),
            _ => None,
        };
        let covered = self.values.iter().flat_map(values::NamedValue::covered_headers);
        self.read_sources().filter_map(header).chain(covered).collect()
    }

    /// How the names begin of headers that it reads, whatever they are.
    fn header_beginnings(&self) -> Vec<&str> {
        fn beginning(source: &template::Source) -> Option<&str> {
            match source {
                template::Source::HeaderNames(prefix) => Some(prefix),
                _ => None,
            }
        }
        self.read_sources().filter_map(beginning).collect()
    }

    /// All that it reads of a request, signed or not.
    fn read_sources(&self) -> impl Iterator<Item = &template::Source> {
        let required = self.require.iter().flat_map(|requirement| [&requirement.left, &requirement.right]);
        let templates = [&self.message].into_iter().chain(&self.key_id).chain(required);
        let templates =
            templates.chain(self.algorithms.template()).chain(self.key_chain.iter().flat_map(|key| &key.links));
        let templates =
            templates.chain(self.timestamp.iter().flat_map(|t| t.templates().map(|(_, template)| template)));
        let chains =
            templates.flat_map(Template::chains).flat_map(template::Chain::alternatives).chain([&self.signature]);
        let named = self.values.iter().flat_map(values::NamedValue::chains);
        chains.chain(named).map(|chain| &chain.source)
    }

    /// Whether a request lists headers that it signs.
    fn lists_headers(&self) -> bool {
        self.values.iter().any(values::NamedValue::lists_headers)
    }

    /// Whether a request names its key. Without, the keys of the route are tried as they are.
    fn has_key_id(&self) -> bool {
        self.key_id.is_some()
    }

    /// What may not be used with keys that accept any id: an id that nothing vouches for.
    fn fault_with_shared_keys(&self) -> Option<Fault> {
        self.with_shared_keys.clone()
    }

    /// How much of the body verification needs.
    fn body_need(&self) -> BodyNeed {
        self.body_need
    }

    /// How long replay keys are remembered at most; `None` if a second use is not recognised.
    fn remembers(&self) -> Option<Duration> {
        self.replay.as_ref().map(|replay| replay.at_most(self.timestamp.as_ref()))
    }
}
