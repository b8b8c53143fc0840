//! What is signed: the template language, the message, the signature's carrier; one description verifies and signs.
//!
//! A [`Definition`] (filled in by the config or a preset) is compiled into a [`Scheme`], which reads a request through
//! a [`View`]. Everything here is pure: time comes in as a number, bodies as bytes, keys as [`MacKey`]s. It is not the
//! place that looks keys up, remembers replay keys or answers clients.

mod claimed;
mod compile;
mod coverage;
mod definition;
mod evaluate;
mod failure;
mod fault;
mod mac;
mod parameters;
pub mod presets;
mod replay;
mod sign;
mod signed;
mod template;
#[cfg(test)]
mod tests;
mod timestamp;
mod verify;
mod view;

use std::time::Duration;

pub use claimed::{Claimed, Presence};
pub use coverage::{BodyNeed, Coverage};
pub use definition::{
    Algorithm, Definition, Encoding, Equality, ReplayDefinition, SignatureDefinition, TimestampDefinition,
    TimestampFormat,
};
pub use failure::{Failure, Why};
pub use fault::Fault;
pub use mac::MacKey;
pub use replay::ReplayKey;
pub use template::{Escape, Sources, Template};
pub use view::{Body, Fact, Headers, Known, Spooled, Unknown, View};

/// A compiled scheme: how a request says who signed it, what was signed, and how that is checked.
#[derive(Debug)]
pub struct Scheme {
    name: String,
    algorithm: Algorithm,
    encoding: Encoding,
    carrier: Carrier,
    key_id: Option<Template>,
    values: Vec<Template>,
    require: Vec<(Template, Template)>,
    message: Template,
    signature: template::Chain,
    timestamp: Option<timestamp::Timestamp>,
    replay: Option<replay::Replay>,
    emit: Vec<(String, Template)>,
    coverage: Coverage,
    key_id_is_signed: bool,
    body_need: BodyNeed,
    open_until_body: claimed::OpenUntilBody,
    warnings: Vec<Fault>,
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

impl Scheme {
    /// Compiles a definition. Every problem is reported, each with its place in the template it is in.
    pub fn compile(definition: &Definition) -> Result<Scheme, Vec<Fault>> {
        compile::compile(definition)
    }

    /// What is wrong with the templates of a definition, rules between them aside: all that can be said of one that is
    /// not whole.
    pub fn template_faults(definition: &Definition) -> Vec<Fault> {
        compile::template_faults(definition)
    }

    /// What is allowed but should not be: shown when the config is checked.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// The name from the config.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The MAC.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Where the signature is.
    pub fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    /// Which parts of a request the signature vouches for.
    pub fn coverage(&self) -> Coverage {
        self.coverage.clone()
    }

    /// The names of all headers that it reads, signed or not: an upstream must get none that only looks like one.
    pub fn headers(&self) -> Vec<String> {
        let required = self.require.iter().flat_map(|(left, right)| [left, right]);
        let templates = [&self.message].into_iter().chain(&self.key_id).chain(&self.values).chain(required);
        let templates = templates.chain(self.timestamp.iter().map(|timestamp| &timestamp.from));
        let header = |chain: &template::Chain| match &chain.source {
            template::Source::Header(name) => Some(name.clone()),
            _ => None,
        };
        let chains = templates.flat_map(template::Template::chains).chain([&self.signature]);
        chains.filter_map(header).collect()
    }

    /// Whether a request names its key. Without, the keys of the route are tried as they are.
    pub fn has_key_id(&self) -> bool {
        self.key_id.is_some()
    }

    /// What may not be used with keys that accept any id: an id that nothing vouches for.
    ///
    /// Where the id selects its key, a wrong id finds the wrong key. A key shared by all ids gives no such proof: an
    /// unsigned id could be exchanged, and with it the subject and the replay key. So the config asks this.
    pub fn fault_with_shared_keys(&self) -> Option<Fault> {
        let unsigned = self.key_id.is_some() && !self.key_id_is_signed;
        unsigned.then(|| {
            Fault::whole("key_id", "the key id is not signed, and a shared key does not vouch for it")
                .hint("add `{key_id}` to the message, or give every id a key of its own")
        })
    }

    /// How much of the body verification needs.
    pub fn body_need(&self) -> BodyNeed {
        self.body_need
    }

    /// How long replay keys are remembered at most; `None` if a second use is not recognised.
    pub fn remembers(&self) -> Option<Duration> {
        self.replay.as_ref().map(|replay| replay.at_most(self.timestamp.as_ref()))
    }
}
