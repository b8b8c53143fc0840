//! A scheme of either kind, behind one face: a dialect of the template language, or RFC 9421, which is built in.

use std::time::Duration;

use super::{
    Algorithm, AnswerView, BodyNeed, Carrier, Coverage, Definition, Dialect, Emitted, Explanation, Failure, Fault,
    KeyRecipe, OfRequest, PreparedKey, Presence, ReplayKey, SigningWindow, View,
    claimed::Claims,
    compile,
    rfc9421::{ClaimedSignature, MessageSignatures, MessageSignaturesDefinition},
};

/// A compiled scheme: how a request says who signed it, what was signed, and how that is checked.
#[derive(Debug)]
pub struct Scheme(Kind);

/// Boxed, because schemes are few and live long.
#[derive(Debug)]
enum Kind {
    Dialect(Box<Dialect>),
    MessageSignatures(Box<MessageSignatures>),
}

/// What a request claims. Made by [`Scheme::read`] alone.
#[derive(Clone, Debug)]
pub struct Claimed(Claim);

#[derive(Clone, Debug)]
enum Claim {
    Dialect(Box<Claims>),
    Signature(Box<ClaimedSignature>),
}

impl Claimed {
    /// The key id: 1 to 256 visible bytes. `None` if there is none, or the body must be read first.
    pub fn key_id(&self) -> Option<&[u8]> {
        match &self.0 {
            Claim::Dialect(claims) => claims.key_id(),
            Claim::Signature(claimed) => claimed.key_id(),
        }
    }

    /// When it says that it was signed, in milliseconds since 1970; `None` if it does not.
    pub fn signed_millis(&self) -> Option<i64> {
        match &self.0 {
            Claim::Dialect(claims) => claims.signed_millis(),
            Claim::Signature(claimed) => claimed.signed_millis(),
        }
    }

    /// The stated time in milliseconds since 1970: that of signing, or else the one until which the signature is good.
    pub fn time_millis(&self) -> Option<i64> {
        match &self.0 {
            Claim::Dialect(claims) => claims.time_millis(),
            Claim::Signature(claimed) => claimed.time_millis(),
        }
    }

    /// Whether all claims are read; otherwise [`Scheme::read`] must be called again with the body.
    pub fn is_complete(&self) -> bool {
        match &self.0 {
            Claim::Dialect(claims) => claims.is_complete(),
            // All of it stands in the head.
            Claim::Signature(_) => true,
        }
    }
}

impl Scheme {
    /// Compiles a definition. Every problem is reported, each with its place in the template it is in.
    pub fn compile(definition: &Definition) -> Result<Scheme, Vec<Fault>> {
        compile::compile(definition).map(|dialect| Scheme(Kind::Dialect(Box::new(dialect))))
    }

    /// Compiles a scheme of RFC 9421. Every problem is reported; a fault's field is the definition's.
    pub fn message_signatures(definition: &MessageSignaturesDefinition) -> Result<Scheme, Vec<Fault>> {
        MessageSignatures::compile(definition).map(|scheme| Scheme(Kind::MessageSignatures(Box::new(scheme))))
    }

    /// What is wrong with the templates of a definition, rules between them aside: all that can be said of one that is
    /// not whole.
    pub fn template_faults(definition: &Definition) -> Vec<Fault> {
        compile::template_faults(definition)
    }

    /// What is allowed but should not be: shown when the config is checked.
    pub fn warnings(&self) -> &[Fault] {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.warnings(),
            Kind::MessageSignatures(scheme) => scheme.warnings(),
        }
    }

    /// The name from the config.
    pub fn name(&self) -> &str {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.name(),
            Kind::MessageSignatures(scheme) => scheme.name(),
        }
    }

    /// What computes the signature; of several, the first, which also signs where the key is for it.
    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.algorithm(),
            Kind::MessageSignatures(scheme) => scheme.algorithm(),
        }
    }

    /// All that a request may choose from.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.algorithms().collect(),
            Kind::MessageSignatures(scheme) => scheme.algorithms().to_vec(),
        }
    }

    /// Whether a request of one could be written over for the other with its signature, were the keys the same: an
    /// algorithm is in both, and nothing at their beginnings tells their messages apart.
    pub fn may_share_messages(&self, other: &Scheme) -> bool {
        let (own, others) = (self.message_begins(), other.message_begins());
        let is_told_apart = !own.starts_with(others) && !others.starts_with(own);
        let algorithms = other.algorithms();
        !is_told_apart && self.algorithms().iter().any(|algorithm| algorithms.contains(algorithm))
    }

    fn message_begins(&self) -> &str {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.message.beginning(),
            // A component's name in quotes (RFC 9421 section 2.5).
            Kind::MessageSignatures(_) => "\"",
        }
    }

    /// How its keys are made of secrets.
    pub fn key_recipe(&self) -> &KeyRecipe {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.key_recipe(),
            Kind::MessageSignatures(scheme) => scheme.key_recipe(),
        }
    }

    /// Where the signature is.
    pub fn carrier(&self) -> &Carrier {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.carrier(),
            Kind::MessageSignatures(scheme) => scheme.carrier(),
        }
    }

    /// A header that stands beside the signature and means nothing without it.
    pub fn beside_carrier(&self) -> Option<&'static str> {
        match &self.0 {
            Kind::Dialect(_) => None,
            Kind::MessageSignatures(_) => Some(MessageSignatures::beside()),
        }
    }

    /// Which parts of a request the signature vouches for.
    pub fn coverage(&self) -> Coverage {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.coverage(),
            Kind::MessageSignatures(scheme) => scheme.coverage().clone(),
        }
    }

    /// Whether a request may list headers of its own choice that its signature covers.
    pub fn lists_headers(&self) -> bool {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.lists_headers(),
            Kind::MessageSignatures(_) => true,
        }
    }

    /// The names of all headers that it reads, signed or not: an upstream must get none that only looks like one.
    pub fn headers(&self) -> Vec<String> {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.headers(),
            Kind::MessageSignatures(scheme) => scheme.headers(),
        }
    }

    /// In lower case, how names of headers begin of which it reads every one.
    pub fn header_beginnings(&self) -> Vec<&str> {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.header_beginnings(),
            Kind::MessageSignatures(_) => Vec::new(),
        }
    }

    /// Whether a request may name its key. Where none can, the keys of the route are tried as they are.
    pub fn has_key_id(&self) -> bool {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.has_key_id(),
            Kind::MessageSignatures(_) => true,
        }
    }

    /// What may not be used with keys that accept any id: an id that nothing vouches for.
    ///
    /// Where the id selects its key, a wrong id finds the wrong key. A key shared by all ids gives no such proof: an
    /// unsigned id could be exchanged, and with it the subject and the replay key. So the config asks this.
    pub fn fault_with_shared_keys(&self) -> Option<Fault> {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.fault_with_shared_keys(),
            // `keyid` stands in `@signature-params`, which every signature covers.
            Kind::MessageSignatures(_) => None,
        }
    }

    /// How much of the body verification needs.
    pub fn body_need(&self) -> BodyNeed {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.body_need(),
            Kind::MessageSignatures(_) => MessageSignatures::body_need(),
        }
    }

    /// How long replay keys are remembered at most; `None` if a second use is not recognised.
    pub fn remembers(&self) -> Option<Duration> {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.remembers(),
            Kind::MessageSignatures(scheme) => scheme.remembers(),
        }
    }

    /// The window of the time of signing; `None` where requests do not say it.
    pub fn signing_window(&self) -> Option<SigningWindow> {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.timestamp.as_ref().and_then(|timestamp| timestamp.signing_window()),
            Kind::MessageSignatures(scheme) => Some(scheme.signing_window()),
        }
    }

    /// Whether the request carries a signature of this scheme. One that is ill-typed or came twice is there.
    pub fn is_present(&self, view: &View<'_>) -> Presence {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.is_present(view),
            Kind::MessageSignatures(_) => MessageSignatures::is_present(view),
        }
    }

    /// Reads what the request claims, and refuses what can be refused without a key.
    ///
    /// With [`Body::Unread`](super::Body::Unread) only what the head shows is read and checked; the rest stays open.
    pub fn read(&self, view: &View<'_>, now_millis: i64) -> Result<Claimed, Failure> {
        Ok(Claimed(match &self.0 {
            Kind::Dialect(dialect) => Claim::Dialect(dialect.read(view, now_millis)?),
            Kind::MessageSignatures(scheme) => Claim::Signature(Box::new(scheme.read(view, now_millis)?)),
        }))
    }

    /// Checks signature and requirements. Gives the index of the key that matched.
    ///
    /// Every key is tried whichever matches, so the time does not tell which one did.
    pub fn verify(&self, claimed: &Claimed, view: &View<'_>, keys: &[&PreparedKey]) -> Result<usize, Failure> {
        match (&self.0, &claimed.0) {
            (Kind::Dialect(dialect), Claim::Dialect(claims)) => dialect.verify(claims, view, keys),
            (Kind::MessageSignatures(scheme), Claim::Signature(claimed)) => scheme.verify(claimed, view, keys),
            _ => Err(Failure::OtherScheme),
        }
    }

    /// The exact bytes that are signed. For `--explain` and tests: clients never see them.
    pub fn message(&self, claimed: &Claimed, view: &View<'_>) -> Result<Vec<u8>, Failure> {
        match (&self.0, &claimed.0) {
            (Kind::Dialect(dialect), Claim::Dialect(claims)) => dialect.message(claims, view),
            (Kind::MessageSignatures(scheme), Claim::Signature(claimed)) => scheme.message(claimed, view),
            _ => Err(Failure::OtherScheme),
        }
    }

    /// What a request is signed as and what it came with, for whoever has the secret and looks for a mistake.
    ///
    /// # Errors
    /// What would be signed, or the signature itself, is not there.
    pub fn explain(&self, view: &View<'_>, now_millis: i64) -> Result<Explanation<'_>, Failure> {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.explain(view),
            Kind::MessageSignatures(scheme) => scheme.explain(view, now_millis),
        }
    }

    /// The replay key of a verified request; `None` if the scheme recognises no second use.
    ///
    /// The signature is no part of it: a sender with two live secrets can sign one request twice.
    pub fn replay_key(
        &self,
        claimed: &Claimed,
        view: &View<'_>,
        now_millis: i64,
    ) -> Result<Option<ReplayKey>, Failure> {
        match (&self.0, &claimed.0) {
            (Kind::Dialect(dialect), Claim::Dialect(claims)) => dialect.replay_key(claims, view, now_millis),
            (Kind::MessageSignatures(scheme), Claim::Signature(claimed)) => {
                scheme.replay_key(claimed, view, now_millis)
            }
            _ => Err(Failure::OtherScheme),
        }
    }

    /// What to set on the request. `nonce` is the caller's, random and visible.
    ///
    /// # Errors
    /// The scheme does not say how to write its signature, the key only verifies, or a value cannot be had.
    pub fn sign(
        &self,
        view: &View<'_>,
        key: &PreparedKey,
        key_id: Option<&str>,
        now_millis: i64,
        nonce: &str,
    ) -> Result<Emitted, Failure> {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.sign(view, key, key_id, now_millis, nonce),
            Kind::MessageSignatures(scheme) => scheme.sign(view, key, key_id, now_millis, nonce),
        }
    }

    /// Whether it can sign: a dialect must say how its signature is written.
    pub fn can_sign(&self) -> bool {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.can_sign(),
            Kind::MessageSignatures(scheme) => scheme.can_sign(),
        }
    }

    /// The headers that signing sets.
    pub fn emitted_headers(&self) -> Vec<&str> {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.emitted_headers().collect(),
            Kind::MessageSignatures(scheme) => scheme.emitted_headers().to_vec(),
        }
    }

    /// Whether signing writes a key id: then the signer must have one.
    pub fn emits_key_id(&self) -> bool {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.emits_key_id(),
            // `keyid` is written where there is one.
            Kind::MessageSignatures(_) => false,
        }
    }

    /// How much of the body signing needs.
    pub fn signing_need(&self) -> BodyNeed {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.signing_need(),
            Kind::MessageSignatures(scheme) => scheme.signing_need(),
        }
    }

    /// Whether it says how answers are signed.
    pub fn signs_answers(&self) -> bool {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.signs_answers(),
            Kind::MessageSignatures(scheme) => scheme.can_sign(),
        }
    }

    /// Whether the signature of an answer covers that part of the request.
    pub fn answer_signs(&self, part: OfRequest<'_>) -> bool {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.answer_signs(part),
            Kind::MessageSignatures(scheme) => scheme.answer_signs(part),
        }
    }

    /// How much of an answer's body its signature needs.
    pub fn answer_need(&self) -> BodyNeed {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.answer_need(),
            Kind::MessageSignatures(scheme) => scheme.answer_need(),
        }
    }

    /// The headers that a signed answer gets, each in the place of any of its name.
    pub fn answer_headers(&self) -> Vec<&str> {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.answer_headers().collect(),
            Kind::MessageSignatures(scheme) => scheme.answer_headers().to_vec(),
        }
    }

    /// Whether the request has what the signature of its answer will need of it: to be asked before anything is done.
    ///
    /// # Errors
    /// [`Failure::Unreadable`], with what is not there.
    pub fn is_answerable(&self, request: &View<'_>) -> Result<(), Failure> {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.is_answerable(request),
            Kind::MessageSignatures(scheme) => scheme.is_answerable(request),
        }
    }

    /// The headers to set on an answer, whose signature may name parts of its request. `key_id` is whose key it is;
    /// `nonce` is the caller's, random and visible.
    ///
    /// # Errors
    /// The scheme does not say how answers are signed, the key only verifies, or a value cannot be had.
    pub fn sign_answer(
        &self,
        answer: &AnswerView<'_>,
        key: &PreparedKey,
        key_id: Option<&str>,
        now_millis: i64,
        nonce: &str,
    ) -> Result<Vec<(String, String)>, Failure> {
        match &self.0 {
            Kind::Dialect(dialect) => dialect.sign_answer(answer, key, key_id, now_millis),
            Kind::MessageSignatures(scheme) => scheme.sign_answer(answer, key, key_id, now_millis, nonce),
        }
    }

    /// What a refused client is told to sign: the value of `Accept-Signature` (RFC 9421 section 5.1).
    pub fn accept_signature(&self) -> Option<String> {
        match &self.0 {
            Kind::Dialect(_) => None,
            Kind::MessageSignatures(scheme) => Some(scheme.accept_signature()),
        }
    }
}
