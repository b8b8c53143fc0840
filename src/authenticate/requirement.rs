//! What a route wants to be shown, in the form that is cheapest to check: alternatives, each a list of legs.

use std::{sync::Arc, time::Duration};

use super::{InForce, jwt};
use crate::{
    keys::KeyTable,
    message::Carrier,
    scheme::{self, Scheme},
};

/// A route's requirement.
#[derive(Debug)]
pub enum Requirement {
    /// Nothing: the route said `public: true`.
    Public,
    /// All legs of any one alternative (never empty; `all_of` and `any_of` are multiplied out at load).
    AnyOf(Vec<Vec<Leg>>),
}

/// One credential.
#[derive(Clone, Debug)]
pub enum Leg {
    /// A signature.
    Signature(Arc<SignatureRule>),
    /// A bearer token.
    Token(Arc<TokenRule>),
}

/// A scheme with its keys.
#[derive(Debug)]
pub struct SignatureRule {
    /// The scheme's name in the config.
    pub name: Arc<str>,
    /// The scheme.
    pub scheme: Arc<Scheme>,
    /// Its keys, prepared for its algorithm.
    pub keys: KeyTable,
    /// Where its signature stands.
    pub carrier: Carrier,
    /// What stands beside the signature and means nothing without it.
    pub beside: Option<Carrier>,
    /// Whether it signs the host that was asked.
    pub binds_authority: bool,
    /// Whether a request goes on where the store cannot tell if it was accepted before.
    pub may_go_unchecked: bool,
    /// What has a shorter window than the scheme says; hardly ever anything.
    pub narrowed: Vec<Narrowed>,
    /// What is in force meanwhile, where a request may outlive its config.
    pub in_force: Option<Arc<InForce>>,
}

/// Requests that may have been accepted when a scheme's window was shorter: it may be that they are remembered no longer than
/// that, so they are let in no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Narrowed {
    /// Those that say that they were signed then or before, in milliseconds since 1970.
    pub signed_until_millis: i64,
    /// How long after that time they are let in, in milliseconds.
    pub past_millis: i64,
}

/// A verifier with the place it takes its tokens from.
#[derive(Debug)]
pub struct TokenRule {
    /// The tokens' name in the config.
    pub name: Arc<str>,
    /// The verifier.
    pub verifier: Arc<jwt::Verifier>,
    /// Where the token stands.
    pub place: jwt::Carrier,
    /// The same as a place in a request.
    pub carrier: Carrier,
    /// Whether and how proofs of the key that a token is bound to are taken.
    pub dpop: Option<Dpop>,
    /// Whether a token must be bound to the client's certificate.
    pub certificate: bool,
    /// What stands beside the token and means nothing without it.
    pub beside: Option<Carrier>,
    /// What the token must have been given, each of them.
    pub scope: Vec<String>,
    /// Whether, standing in a cookie, it must come with its CSRF token where a request changes something.
    pub csrf: bool,
    /// Each `jti` once.
    pub replay: bool,
    /// How far past `exp` a token is still good, and so its `jti` remembered.
    pub leeway: Duration,
    /// Whether a request goes on where the store cannot tell if its token was accepted before.
    pub may_go_unchecked: bool,
}

/// Which proofs of a key are taken (RFC 9449).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dpop {
    /// Whether each token must be bound to a key.
    pub required: bool,
    /// How long ago a proof may have been made.
    pub past: Duration,
    /// How far its sender's clock may be ahead.
    pub future: Duration,
}

impl Requirement {
    /// What a refused client is told to sign: `Accept-Signature` of all that would do (RFC 9421 section 5.1). Of
    /// signatures with one label the first is asked for, because a label can stand there once.
    pub fn accept_signature(&self) -> Option<String> {
        let alternatives = match self {
            Requirement::Public => return None,
            Requirement::AnyOf(alternatives) => alternatives,
        };
        let mut members: Vec<String> = Vec::new();
        for leg in alternatives.iter().flatten() {
            let Leg::Signature(rule) = leg else { continue };
            let Some(member) = rule.scheme.accept_signature() else { continue };
            let label = |member: &str| member.split('=').next().map(str::to_owned);
            if !members.iter().any(|known| label(known) == label(&member)) {
                members.push(member);
            }
        }
        (!members.is_empty()).then(|| members.join(", "))
    }
}

impl Leg {
    /// The rule's name in the config.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Leg::Signature(rule) => &rule.name,
            Leg::Token(rule) => &rule.name,
        }
    }

    /// Where its credential stands.
    pub fn carrier(&self) -> &Carrier {
        match self {
            Leg::Signature(rule) => &rule.carrier,
            Leg::Token(rule) => &rule.carrier,
        }
    }
}

impl Leg {
    /// The place among `legs`, all of which are wanted, of the one that names the caller: the first that can. A signature without
    /// a key id cannot. A token can, and where one does not say of whom it is the caller has no name: it must not be what a
    /// caller leaves out that makes another credential's name his.
    pub(super) fn naming(legs: &[Leg]) -> usize {
        let can_name = |leg: &Leg| match leg {
            Leg::Signature(rule) => rule.scheme.has_key_id(),
            Leg::Token(_) => true,
        };
        legs.iter().position(can_name).unwrap_or_default()
    }

    /// What stands beside its credential and means nothing without it.
    pub(super) fn beside(&self) -> Option<&Carrier> {
        match self {
            Leg::Signature(rule) => rule.beside.as_ref(),
            Leg::Token(rule) => rule.beside.as_ref(),
        }
    }
}

impl Narrowed {
    /// Whether the window of a request that says that it was signed then is over by now.
    pub(super) fn is_over(&self, signed_millis: i64, now_millis: i64) -> bool {
        signed_millis <= self.signed_until_millis && now_millis > signed_millis.saturating_add(self.past_millis)
    }
}

impl SignatureRule {
    /// A rule for `scheme`.
    pub fn new(scheme: Arc<Scheme>, keys: KeyTable) -> SignatureRule {
        let carrier = match scheme.carrier() {
            scheme::Carrier::Header(name) => Carrier::header(name),
            scheme::Carrier::Query(name) => Carrier::Query(name.as_str().into()),
            scheme::Carrier::Json(field) | scheme::Carrier::Form(field) => Carrier::Body(field.as_str().into()),
        };
        let binds_authority = scheme.coverage().authority;
        let beside = scheme.beside_carrier().map(Carrier::header);
        let name = scheme.name().into();
        SignatureRule {
            name,
            scheme,
            keys,
            carrier,
            beside,
            binds_authority,
            may_go_unchecked: false,
            narrowed: Vec::new(),
            in_force: None,
        }
    }
}

impl TokenRule {
    /// Judges a token that stands nowhere: by all that this rule wants of it but that it comes once only, and from whom it is
    /// bound to.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn judge(&self, token: &[u8], now_unix: i64) -> Result<jwt::Token, jwt::TokenError> {
        let token = self.verifier.verify(token, now_unix)?;
        self.check_scope(&token)?;
        Ok(token)
    }

    /// The last thing that is asked, so that a client is sent for more rights only with a token that is good.
    pub(super) fn check_scope(&self, token: &jwt::Token) -> Result<(), jwt::TokenError> {
        if self.scope.iter().all(|scope| token.has_scope(scope)) {
            return Ok(());
        }
        Err(jwt::TokenError::InsufficientScope(self.scope.join(" ")))
    }

    /// Whether a token that is bound to nothing may not be enough.
    pub(super) fn wants_binding(&self) -> bool {
        self.certificate || self.dpop.is_some()
    }

    /// A rule for tokens that stand at `place`, which asks for no scope and may be shown more than once.
    pub fn new(verifier: Arc<jwt::Verifier>, place: jwt::Carrier) -> TokenRule {
        let carrier = match &place {
            jwt::Carrier::Bearer | jwt::Carrier::Dpop | jwt::Carrier::Authorization => Carrier::header("authorization"),
            jwt::Carrier::Header(name) => Carrier::header(name),
            jwt::Carrier::Cookie(name) => Carrier::Cookie(name.as_str().into()),
            jwt::Carrier::Query(name) => Carrier::Query(name.as_str().into()),
        };
        let (scope, replay, leeway, may_go_unchecked) = (Vec::new(), false, Duration::ZERO, false);
        let name = verifier.name().into();
        let csrf = matches!(place, jwt::Carrier::Cookie(_));
        let (dpop, certificate, beside) = (None, false, None);
        TokenRule {
            name,
            verifier,
            place,
            carrier,
            dpop,
            certificate,
            beside,
            scope,
            csrf,
            replay,
            leeway,
            may_go_unchecked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrowed_window_ends_by_the_time_of_signing() {
        let narrowed = Narrowed { signed_until_millis: 1000, past_millis: 60 };
        assert!(!narrowed.is_over(1000, 1060));
        assert!(narrowed.is_over(1000, 1061));
        assert!(!narrowed.is_over(1001, 1062), "it was signed later");
        assert!(narrowed.is_over(i64::MIN, 1061));
        assert!(!Narrowed { past_millis: i64::MAX, ..narrowed }.is_over(1000, i64::MAX));
    }
}
