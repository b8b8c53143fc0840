//! HTTP Message Signatures (RFC 9421), with Content-Digest (RFC 9530): a scheme that is built in.
//!
//! The message is not a template but what each signature says it covers, so the policy says what that must be. What is
//! not understood is refused. It is used like any other scheme; only key documents (PEM, JWK) are its own.

mod accept;
mod base;
mod component;
mod definition;
mod digest;
mod input;
mod jwk;
mod key;
mod policy;
mod query;
mod sign;
mod structured;
#[cfg(test)]
mod tests;
mod value;
mod verify;

use std::time::Duration;

pub use definition::MessageSignaturesDefinition;
pub(super) use key::{AsymmetricKey, Purpose, prepared};
pub use value::FieldType;
pub(super) use verify::ClaimedSignature;

use self::component::{Derived, Name};
use super::{Algorithm, BodyNeed, Carrier, Coverage, Fault, KeyRecipe, OfRequest, Presence, SigningWindow, View};

/// A compiled scheme of RFC 9421.
#[derive(Debug)]
pub(super) struct MessageSignatures {
    name: String,
    /// What our own signatures are called.
    label: String,
    choice: input::Choice,
    policy: policy::Policy,
    answer: Vec<component::Component>,
    types: value::FieldTypes,
    replay: bool,
    remember: Option<Duration>,
    key_recipe: KeyRecipe,
    coverage: Coverage,
    carrier: Carrier,
    warnings: Vec<Fault>,
}

/// Where its signatures stand.
const CARRIER: &str = "Signature";
/// What stands beside it and means nothing without it.
const BESIDE: &str = "Signature-Input";

impl MessageSignatures {
    /// Compiles a definition, or says all that is wrong with it. A fault's field is the definition's.
    pub(super) fn compile(definition: &MessageSignaturesDefinition) -> Result<MessageSignatures, Vec<Fault>> {
        definition::compile(definition)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// The first of them; never empty.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.policy.algorithms.first().copied().unwrap_or(Algorithm::HmacSha256)
    }

    pub(super) fn algorithms(&self) -> &[Algorithm] {
        &self.policy.algorithms
    }

    pub(super) fn key_recipe(&self) -> &KeyRecipe {
        &self.key_recipe
    }

    pub(super) fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    pub(super) fn beside() -> &'static str {
        BESIDE
    }

    pub(super) fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    pub(super) fn headers(&self) -> Vec<String> {
        let covered = self.policy.components.iter().filter_map(|component| component.field().map(str::to_owned));
        [CARRIER, BESIDE, digest::NAME].into_iter().map(str::to_owned).chain(covered).collect()
    }

    /// Whether signing has an algorithm that makes signatures.
    pub(super) fn can_sign(&self) -> bool {
        self.policy.algorithms.iter().any(|algorithm| *algorithm != Algorithm::RsaV15Sha256)
    }

    /// The headers that signing a request sets.
    pub(super) fn emitted_headers(&self) -> &'static [&'static str] {
        emitted(&self.policy.components)
    }

    /// How much of a request's body signing it needs.
    pub(super) fn signing_need(&self) -> BodyNeed {
        need(&self.policy.components)
    }

    /// Whether the signature of an answer covers that part of the request.
    pub(super) fn answer_signs(&self, part: OfRequest<'_>) -> bool {
        self.answer.iter().filter(|component| component.of_request).any(|component| match (part, &component.name) {
            (OfRequest::Target, Name::Derived(Derived::TargetUri | Derived::RequestTarget)) => true,
            (OfRequest::Header(wanted), Name::Field(name, _)) => name.eq_ignore_ascii_case(wanted),
            _ => false,
        })
    }

    /// The headers that a signed answer gets.
    pub(super) fn answer_headers(&self) -> &'static [&'static str] {
        emitted(&self.answer)
    }

    /// How much of an answer's body signing it needs.
    pub(super) fn answer_need(&self) -> BodyNeed {
        need(&self.answer)
    }

    /// A signature may cover the digest of a body though it need not; then it is checked.
    pub(super) fn body_need() -> BodyNeed {
        BodyNeed::Bytes
    }

    pub(super) fn remembers(&self) -> Option<Duration> {
        let window = self.policy.max_age.saturating_add(self.policy.future);
        self.replay.then(|| window.max(self.remember.unwrap_or_default()))
    }

    pub(super) fn signing_window(&self) -> SigningWindow {
        SigningWindow {
            past_millis: policy::millis(self.policy.max_age),
            future_millis: policy::millis(self.policy.future),
        }
    }

    pub(super) fn is_present(view: &View<'_>) -> Presence {
        if input::is_present(view.headers) { Presence::Yes } else { Presence::No }
    }
}

fn emitted(components: &[component::Component]) -> &'static [&'static str] {
    match need(components) {
        BodyNeed::Unneeded => &[BESIDE, CARRIER],
        BodyNeed::Bytes | BodyNeed::Parsed => &["Content-Digest", BESIDE, CARRIER],
    }
}

fn need(components: &[component::Component]) -> BodyNeed {
    if components.iter().any(policy::binds_body) { BodyNeed::Bytes } else { BodyNeed::Unneeded }
}
