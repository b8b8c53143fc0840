//! Why nobody is proven: a public cause, and the private reason of each attempt for the log.

use std::{fmt, sync::Arc};

use super::jwt::{self, PROOF_ALGORITHMS, ProofError, TokenError};
use crate::{keys::NoKey, message::HoldError, refusal::Cause, scheme};

/// Authentication failed.
#[derive(Debug)]
pub struct Denied {
    /// What the client may know.
    pub cause: Cause,
    /// Which credential is missing, if one is.
    pub missing: Option<Missing>,
    /// Whether a token would have helped, so that the answer says `WWW-Authenticate` (RFC 6750 section 3).
    pub challenge: Option<Challenge>,
    /// In which schemes it would have been taken.
    pub schemes: Schemes,
    /// Each attempt: the rule's name and why it failed.
    pub attempts: Vec<(Arc<str>, Reason)>,
}

/// A credential that is not there, by where it would stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A signature.
    Signature(scheme::Carrier),
    /// A token.
    Token(jwt::Carrier),
}

/// The challenge of a refusal, whatever the scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// No token came.
    Bare,
    /// One came and was not good: `error="invalid_token"`.
    InvalidToken,
    /// A good one lacks one of these scopes: `error="insufficient_scope"`.
    InsufficientScope(String),
    /// A good one came without a good proof of the key that it is bound to: `error="invalid_dpop_proof"`.
    InvalidProof,
}

/// The authentication schemes in which a route takes tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schemes {
    /// `Bearer` (RFC 6750).
    pub bearer: bool,
    /// `DPoP` (RFC 9449).
    pub dpop: bool,
}

/// Why one attempt failed. The texts are for the log; they hold no secret, no signature and no token.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// Nothing where this credential stands.
    #[error("nothing where its credential stands")]
    Absent,
    /// The same, and where that is.
    #[error("there is no {0}")]
    Missing(Box<Missing>),
    /// The same, where something else stands there.
    #[error("what stands in the header is no {0}")]
    OtherThan(Box<Missing>),
    /// The scheme refused.
    #[error(transparent)]
    Signature(#[from] scheme::Failure),
    /// There is no key to verify with.
    #[error(transparent)]
    NoKey(#[from] NoKey),
    /// Sent to another host than the public one that clients sign.
    #[error("sent to another host than the public origin `{0}`")]
    OtherHost(Box<str>),
    /// It may have been accepted when the window was shorter, and forgotten since.
    #[error("signed before the scheme's window was made longer, and outside the one from before")]
    BeforeWidening,
    /// The token was refused.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The covered body could not be held.
    #[error(transparent)]
    Hold(#[from] HoldError),
    /// More than one credential.
    #[error("credentials at {0}")]
    SeveralCarriers(String),
    /// The thread that read a spooled body stopped.
    #[error("checking a spooled body stopped")]
    Stopped,
}

impl Denied {
    /// A refusal with one reason.
    pub(super) fn one(name: Arc<str>, reason: Reason) -> Box<Denied> {
        let cause = reason.cause();
        let challenge = reason.challenge();
        let schemes = Schemes { bearer: challenge.is_some(), dpop: false };
        Box::new(Denied { cause, missing: None, challenge, schemes, attempts: vec![(name, reason)] })
    }
}

impl Missing {
    pub(super) fn cause(&self) -> Cause {
        match self {
            Missing::Signature(_) => Cause::MissingSignature,
            Missing::Token(_) => Cause::MissingToken,
        }
    }

    /// The header that it would stand in.
    pub(super) fn header(&self) -> Option<&str> {
        match self {
            Missing::Signature(scheme::Carrier::Header(name)) => Some(name),
            Missing::Signature(_) => None,
            Missing::Token(jwt::Carrier::Bearer | jwt::Carrier::Dpop | jwt::Carrier::Authorization) => {
                Some("authorization")
            }
            Missing::Token(jwt::Carrier::Header(name)) => Some(name),
            Missing::Token(jwt::Carrier::Cookie(_) | jwt::Carrier::Query(_)) => None,
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use jwt::Carrier::{Authorization, Bearer, Cookie, Dpop};
        match self {
            Missing::Signature(scheme::Carrier::Header(name)) => write!(f, "signature in the {name} header"),
            Missing::Signature(scheme::Carrier::Query(name)) => write!(f, "signature in the query parameter {name}"),
            Missing::Signature(scheme::Carrier::Json(pointer)) => write!(f, "signature at {pointer} of the JSON body"),
            Missing::Signature(scheme::Carrier::Form(name)) => write!(f, "signature in the form field {name}"),
            Missing::Token(Bearer) => f.write_str("`Authorization: Bearer TOKEN`"),
            Missing::Token(Dpop) => f.write_str("`Authorization: DPoP TOKEN`"),
            Missing::Token(Authorization) => f.write_str("token in the Authorization header"),
            Missing::Token(Cookie(name)) => write!(f, "token in the cookie {name}"),
            Missing::Token(jwt::Carrier::Query(name)) => write!(f, "token in the query parameter {name}"),
            Missing::Token(jwt::Carrier::Header(name)) => write!(f, "token in the {name} header"),
        }
    }
}

impl Schemes {
    pub(super) fn any(self) -> bool {
        self.bearer || self.dpop
    }
}

impl Challenge {
    /// `WWW-Authenticate`, with a challenge for each of `schemes`.
    pub fn field(&self, schemes: Schemes) -> String {
        let mut challenges: Vec<String> = Vec::new();
        if schemes.bearer {
            challenges.push(challenge("Bearer", self.parameters(false)));
        }
        if schemes.dpop {
            let names: Vec<&str> = PROOF_ALGORITHMS.iter().map(|algorithm| algorithm.name()).collect();
            let parameters = self.parameters(true).into_iter().chain([format!("algs=\"{}\"", names.join(" "))]);
            challenges.push(challenge("DPoP", parameters.collect()));
        }
        challenges.join(", ")
    }

    /// A scope's characters need no escape: the config takes no others.
    fn parameters(&self, dpop: bool) -> Vec<String> {
        let error = |name: &str| format!("error=\"{name}\"");
        match self {
            Challenge::Bare => Vec::new(),
            Challenge::InvalidToken => vec![error("invalid_token")],
            Challenge::InsufficientScope(scope) => vec![error("insufficient_scope"), format!("scope=\"{scope}\"")],
            Challenge::InvalidProof if dpop => vec![error("invalid_dpop_proof")],
            Challenge::InvalidProof => Vec::new(),
        }
    }
}

fn challenge(scheme: &str, parameters: Vec<String>) -> String {
    if parameters.is_empty() { scheme.to_owned() } else { format!("{scheme} {}", parameters.join(", ")) }
}

impl Denied {
    /// Whether a credential came that was not good for one of the rules that it was tried by, as a guess would not be, whatever
    /// the client is told of the others. One that is missing, unreadable or late is none, nor is what was verified by another
    /// rule and came to nothing for a reason of its own, or may have been good for one that could not judge it.
    pub fn is_forgery(&self) -> bool {
        let reasons = || self.attempts.iter().map(|(_, reason)| reason);
        reasons().any(Reason::is_forgery) && !reasons().any(|reason| reason.is_unjudged() || reason.is_genuine())
    }

    /// The rule whose refusal this is: the first attempt's, unless it failed before any rule was asked.
    pub fn rule(&self) -> Option<&str> {
        let (name, reason) = self.attempts.first()?;
        match reason {
            Reason::Absent
            | Reason::Missing(_)
            | Reason::OtherThan(_)
            | Reason::Signature(_)
            | Reason::NoKey(_)
            | Reason::OtherHost(_)
            | Reason::BeforeWidening
            | Reason::Token(_) => Some(name),
            Reason::Hold(_) | Reason::SeveralCarriers(_) | Reason::Stopped => None,
        }
    }
}

impl Reason {
    /// What a client with a token is told besides.
    pub(super) fn challenge(&self) -> Option<Challenge> {
        match self {
            Reason::Token(TokenError::InsufficientScope(scope)) => Some(Challenge::InsufficientScope(scope.clone())),
            Reason::Token(TokenError::Proof(_)) => Some(Challenge::InvalidProof),
            Reason::Token(error) if error.is_undecided() => None,
            Reason::Token(TokenError::CrossSite | TokenError::ForeignOrigin) => None,
            Reason::Token(_) => Some(Challenge::InvalidToken),
            Reason::Absent | Reason::Missing(_) | Reason::OtherThan(_) => None,
            Reason::Signature(_) | Reason::NoKey(_) | Reason::OtherHost(_) | Reason::BeforeWidening => None,
            Reason::Hold(_) | Reason::SeveralCarriers(_) | Reason::Stopped => None,
        }
    }

    /// Whether its token is bound to what its sender did not show, or to what cannot be read: it is good nowhere, whatever
    /// another server says of it.
    pub(super) fn is_of_another(&self) -> bool {
        use TokenError::{MalformedClaim, OtherCertificate, Proof, ShownAsBearer, UnknownBinding};
        let Reason::Token(error) = self else { return false };
        matches!(error, ShownAsBearer | OtherCertificate | Proof(_) | MalformedClaim("cnf") | UnknownBinding)
    }

    fn is_forgery(&self) -> bool {
        matches!(self.cause(), Cause::InvalidSignature | Cause::InvalidToken)
            && !matches!(self, Reason::Token(TokenError::Proof(ProofError::Stale)))
    }

    /// Whether it is said only of what was verified.
    fn is_genuine(&self) -> bool {
        matches!(self.cause(), Cause::TokenExpired | Cause::InsufficientScope | Cause::CrossSite)
    }

    /// Whether it says nothing of the credential: what it was to be judged by could not be had.
    pub(super) fn is_unjudged(&self) -> bool {
        matches!(self.cause(), Cause::StoreUnavailable | Cause::Overloaded)
    }

    /// What the client may know of it.
    pub fn cause(&self) -> Cause {
        use crate::message::BodyError;
        use scheme::Failure;
        match self {
            Reason::Absent => Cause::MissingSignature,
            Reason::Missing(missing) | Reason::OtherThan(missing) => missing.cause(),
            Reason::Signature(failure) => match failure {
                Failure::MissingSignature => Cause::MissingSignature,
                Failure::AmbiguousCarrier => Cause::AmbiguousCredential,
                Failure::Unreadable { .. } | Failure::TimestampUnreadable | Failure::TimestampForm(_) => {
                    Cause::UnreadableField
                }
                Failure::Stale { .. } => Cause::Stale,
                Failure::Undecodable | Failure::Misspelt(_) => Cause::InvalidSignature,
                Failure::KeyIdUnreadable | Failure::Algorithm => Cause::InvalidSignature,
                Failure::Uncovered { .. } | Failure::Requirement | Failure::Mismatch => Cause::InvalidSignature,
                Failure::NotUnderstood { .. } | Failure::Unstated { .. } => Cause::InvalidSignature,
                Failure::OtherTag | Failure::Digest | Failure::OtherScheme => Cause::InvalidSignature,
                // Nothing is signed here; were it said, it would be our fault and not the caller's.
                Failure::Io | Failure::NotEmitted | Failure::NotSigning => Cause::Overloaded,
            },
            Reason::NoKey(no_key) => match no_key {
                NoKey::Unknown | NoKey::Disabled | NoKey::NotNow | NoKey::Unfit(_) => Cause::InvalidSignature,
                NoKey::Away(_) => Cause::StoreUnavailable,
            },
            Reason::OtherHost(_) => Cause::InvalidSignature,
            Reason::BeforeWidening => Cause::Stale,
            Reason::Token(error) if error.is_expired() => Cause::TokenExpired,
            Reason::Token(TokenError::InsufficientScope(_)) => Cause::InsufficientScope,
            Reason::Token(error) if error.is_undecided() => Cause::StoreUnavailable,
            Reason::Token(TokenError::CrossSite | TokenError::ForeignOrigin) => Cause::CrossSite,
            Reason::Token(_) => Cause::InvalidToken,
            Reason::SeveralCarriers(_) => Cause::AmbiguousCredential,
            Reason::Hold(HoldError::TooLarge { .. } | HoldError::TooLargeToRead { .. }) => Cause::TooLarge,
            Reason::Hold(HoldError::Sender(BodyError::TooLarge { .. })) => Cause::TooLarge,
            Reason::Hold(HoldError::Sender(BodyError::Malformed(fault))) if fault.status() == 413 => Cause::TooLarge,
            Reason::Hold(HoldError::Sender(BodyError::Stalled)) => Cause::RequestTimeout,
            Reason::Hold(HoldError::Sender(_)) => Cause::BadRequest,
            Reason::Hold(HoldError::NoRoom(_) | HoldError::Spool(_)) | Reason::Stopped => Cause::Overloaded,
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, reason)) in self.attempts.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{name}: {reason}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Denied {}
