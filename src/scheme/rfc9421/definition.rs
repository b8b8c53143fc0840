//! What a scheme of RFC 9421 says, as plain data, and what is wrong with it.

use std::time::Duration;

use sfv::{KeyRef, StringRef};

use super::{
    CARRIER, MessageSignatures,
    component::{Component, Derived, Name},
    input::Choice,
    policy::Policy,
    value::FieldType,
};
use crate::scheme::{Algorithm, Carrier, Fault, KeyRecipe, algorithms::mixed};

/// What must be covered where the config does not say: all of a request that a gateway goes by.
const USUAL_COMPONENTS: [&str; 5] = ["@method", "@authority", "@path", "@query", "content-digest"];
/// What an answer's signature covers where the config does not say.
const USUAL_ANSWER: [&str; 4] = ["@status", "content-digest", "\"@method\";req", "\"@target-uri\";req"];

/// Oldest age of a signature where the config does not say.
const USUAL_AGE: Duration = Duration::from_secs(300);
/// How far ahead a signature may be dated where the config does not say.
const USUAL_FUTURE: Duration = Duration::from_secs(30);

/// A scheme of HTTP Message Signatures before it is compiled. Components are written as in the config.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageSignaturesDefinition {
    /// The name the config gives it; appears in logs and in the replay namespace.
    pub name: String,
    /// The label of the signature that is meant.
    pub label: Option<String>,
    /// The application that signatures must say they are for. Without it a signature must not say one.
    pub tag: Option<String>,
    /// What a signature must cover, and what signing covers: `content-…` only where there is a body.
    pub components: Vec<String>,
    /// What the signature of an answer covers.
    pub answer: Vec<String>,
    /// The algorithms allowed, either HMAC or those of public keys. The key says which of them it is.
    pub algorithms: Vec<Algorithm>,
    /// Whether a signature must say when it was made.
    pub created: bool,
    /// Whether it must say until when it is good.
    pub expires: bool,
    /// Whether it must bring a nonce.
    pub nonce: bool,
    /// How long a signature is good.
    pub max_age: Duration,
    /// How far ahead it may be dated.
    pub future: Duration,
    /// Whether a second use is recognised: by the nonce, or else by all that is signed.
    pub replay: bool,
    /// How long it is remembered at least.
    pub remember: Option<Duration>,
    /// Headers that are structured fields, besides those that are by their own specifications.
    pub structured: Vec<(String, FieldType)>,
}

impl MessageSignaturesDefinition {
    /// The usual rules under these algorithms.
    pub fn new(name: impl Into<String>, algorithms: Vec<Algorithm>) -> MessageSignaturesDefinition {
        MessageSignaturesDefinition {
            name: name.into(),
            label: None,
            tag: None,
            components: USUAL_COMPONENTS.map(str::to_owned).to_vec(),
            answer: USUAL_ANSWER.map(str::to_owned).to_vec(),
            algorithms,
            created: true,
            expires: false,
            nonce: false,
            max_age: USUAL_AGE,
            future: USUAL_FUTURE,
            replay: false,
            remember: None,
            structured: Vec::new(),
        }
    }
}

/// Every rule checked, all faults at once.
pub(super) fn compile(definition: &MessageSignaturesDefinition) -> Result<MessageSignatures, Vec<Fault>> {
    let mut faults = Vec::new();
    let components = listed(&definition.components, "components", is_of_request, &mut faults);
    let answer = listed(&definition.answer, "answer", is_of_answer, &mut faults);
    if !answer.is_empty() && !answer.iter().any(is_of_answers_alone) {
        let fault = Fault::whole("answer", "what an answer signs could be what a request signs");
        faults.push(fault.hint("add `@status`, which no request has"));
    }
    faults.extend(names(definition));
    faults.extend(algorithms(definition));
    faults.extend(times(definition));
    if !faults.is_empty() {
        return Err(faults);
    }
    let policy = Policy {
        tag: definition.tag.clone(),
        components,
        algorithms: definition.algorithms.clone(),
        created: definition.created,
        expires: definition.expires,
        nonce: definition.nonce,
        max_age: definition.max_age,
        future: definition.future,
    };
    let choice = match (&definition.label, &definition.tag) {
        (Some(label), _) => Choice::Label(label.clone()),
        (None, Some(tag)) => Choice::Tag(tag.clone()),
        (None, None) => Choice::Only,
    };
    let lower_case = |(name, kind): &(String, FieldType)| (name.to_ascii_lowercase(), *kind);
    Ok(MessageSignatures {
        name: definition.name.clone(),
        label: definition.label.clone().unwrap_or_else(|| "sig1".to_owned()),
        choice,
        coverage: policy.coverage(),
        key_recipe: KeyRecipe::of_documents(definition.algorithms.iter().copied()),
        policy,
        answer,
        types: definition.structured.iter().map(lower_case).collect(),
        // A nonce that nobody remembers would be worth nothing.
        replay: definition.replay || definition.nonce,
        remember: definition.remember,
        carrier: Carrier::Header(CARRIER.to_owned()),
        warnings: warnings(definition),
    })
}

fn listed(
    texts: &[String],
    field: &'static str,
    belongs: fn(&Component) -> bool,
    faults: &mut Vec<Fault>,
) -> Vec<Component> {
    let mut components: Vec<Component> = Vec::new();
    if texts.is_empty() {
        faults.push(Fault::whole(field, "a signature that covers nothing proves nothing").hint("`[\"@method\", …]`"));
    }
    for (index, text) in texts.iter().enumerate() {
        let fault = |message: &str| Fault::whole(field, message).in_field(field, Some(index));
        match Component::named(text) {
            Err(_) => faults.push(
                fault("this is not a component that can be covered")
                    .hint("a header in lower case, `@method`, or `\"@query-param\";name=\"id\"`"),
            ),
            Ok(component) if !belongs(&component) => {
                faults.push(fault("the message that is signed does not have this"))
            }
            Ok(component) if components.iter().any(|known| known.is(&component)) => {
                faults.push(fault("this is in the list already"));
            }
            Ok(component) => components.push(component),
        }
    }
    components
}

fn is_of_request(component: &Component) -> bool {
    !component.of_request && component.name != Name::Derived(Derived::Status)
}

fn is_of_answer(component: &Component) -> bool {
    let is_status = component.name == Name::Derived(Derived::Status);
    if component.of_request { !is_status } else { is_status || component.field().is_some() }
}

/// Whether no request can cover it, so that no signed answer passes for a signed request.
fn is_of_answers_alone(component: &Component) -> bool {
    component.of_request || component.name == Name::Derived(Derived::Status)
}

fn names(definition: &MessageSignaturesDefinition) -> Vec<Fault> {
    let mut faults = Vec::new();
    if definition.label.as_deref().is_some_and(|label| KeyRef::from_str(label).is_err()) {
        let fault = Fault::whole("label", "this cannot be a label");
        faults.push(fault.hint("a lower-case letter or `*`, then also digits and `_-.*`"));
    }
    if definition.tag.as_deref().is_some_and(|tag| tag.is_empty() || StringRef::from_str(tag).is_err()) {
        faults.push(Fault::whole("tag", "a tag is ASCII text without control characters"));
    }
    faults
}

fn algorithms(definition: &MessageSignaturesDefinition) -> Vec<Fault> {
    let fault = |message: &str| Fault::whole("algorithms", message);
    let all = &definition.algorithms;
    let is_registered = |algorithm: &Algorithm| match algorithm {
        Algorithm::HmacSha256 | Algorithm::Ed25519 | Algorithm::EcdsaP256Sha256 => true,
        Algorithm::EcdsaP384Sha384 | Algorithm::RsaPssSha512 | Algorithm::RsaV15Sha256 => true,
        Algorithm::HmacSha1 | Algorithm::HmacSha384 | Algorithm::HmacSha512 => false,
    };
    let mut faults = Vec::new();
    if all.is_empty() {
        faults.push(fault("no algorithm is allowed"));
    }
    if !all.iter().all(is_registered) {
        faults.push(fault("this algorithm is not one of RFC 9421"));
    }
    faults.extend(mixed("algorithms", all));
    faults
}

fn times(definition: &MessageSignaturesDefinition) -> Option<Fault> {
    let never_ends = !definition.created && !definition.expires;
    let remembers = definition.replay || definition.nonce;
    (never_ends && remembers && definition.remember.is_none()).then(|| {
        Fault::whole("replay", "a signature that says no time would have to be remembered for ever")
            .hint("`replay: { remember: 1h }`, or `created: required`")
    })
}

fn warnings(definition: &MessageSignaturesDefinition) -> Vec<Fault> {
    let mut warnings = Vec::new();
    if !definition.created && !definition.expires {
        let fault = Fault::whole("created", "a signature that says no time is good for ever");
        warnings.push(fault.hint("created: required"));
    }
    if !definition.replay && !definition.nonce {
        let fault = Fault::whole("replay", "a request can be sent again as it is");
        warnings.push(fault.hint("nonce: required, or replay: true"));
    }
    warnings
}
