//! Which rule a token broke. It is for the private log: it holds names from the configuration and the standards, and
//! nothing of the token.

use std::fmt;

use super::{IntrospectionAway, ProofError};
use crate::json::JsonError;

/// A part of a compact token (RFC 7515 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// The JOSE header.
    Header,
    /// The claims.
    Payload,
}

/// Why there is no verified token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Two tokens, or two headers where one may be.
    #[error("the token's carrier came more than once")]
    CarrierRepeated,
    /// The header, cookie or parameter does not have the form of one token.
    #[error("the token's carrier is malformed")]
    CarrierMalformed,
    /// It came in a cookie, and nothing shows that a page of our own had it sent.
    #[error("the token stands in a cookie, and its CSRF token is missing or another's")]
    CrossSite,
    /// The same where a socket is opened, which only `Origin` can vouch for: no page can set a header there.
    #[error("the token stands in a cookie, and the `Origin` of who opens the socket is missing or another site's")]
    ForeignOrigin,
    /// More than [`MAX_TOKEN_BYTES`](super::MAX_TOKEN_BYTES).
    #[error("the token is too long")]
    TooLong,
    /// RFC 7515 section 3.1: three segments.
    #[error("the token does not have three segments")]
    SegmentCount,
    /// RFC 7515 section 2: base64url without padding; and only the one canonical spelling.
    #[error("the {0} is not canonical base64url")]
    Encoding(Segment),
    /// RFC 7519 section 7.2: JSON, here read strictly.
    #[error("the {0} is not strict JSON: {1}")]
    Json(Segment, #[source] JsonError),
    /// RFC 7519 section 7.2: a JSON object.
    #[error("the {0} is not a JSON object")]
    NotAnObject(Segment),
    /// A header parameter that changes how the token is to be read, or brings its own key.
    #[error("the header has {0:?}, which is never accepted")]
    ForbiddenHeader(&'static str),
    /// A header parameter of a wrong type, or `alg` missing.
    #[error("the header's {0:?} is missing or of a wrong type")]
    MalformedHeader(&'static str),
    /// RFC 8725 section 3.11: a token meant for something else.
    #[error("the header's typ is of another kind of token")]
    WrongType,
    /// No key has this `kid`, or none is given where several keys have one.
    #[error("no key for the token's kid")]
    UnknownKid,
    /// The issuer publishes its keys, and has not been heard of, or not for too long.
    #[error("the issuer's keys are not known")]
    NoKeysYet,
    /// RFC 8725 section 3.1: the key decides.
    #[error("the token's alg is not that of its key")]
    WrongAlgorithm,
    /// RFC 7515 section 5.2.
    #[error("the signature does not match")]
    WrongSignature,
    /// An encrypted token that is not for our key, or was altered. What exactly is wrong with it is told to nobody, not even
    /// the log.
    #[error("the token cannot be decrypted")]
    NotDecrypted,
    /// An encrypted token that does not say that a signed one is in it: whoever can encrypt could have made it.
    #[error("the header's cty is not JWT: claims that are encrypted and not signed are not believed")]
    NotNested,
    /// A token that only encryption makes acceptable came without it.
    #[error("the token is not encrypted")]
    NotEncrypted,
    /// RFC 7662 section 2.2: expired, revoked, of another server, or never issued. Which of them is not said.
    #[error("its server says that the token is not active")]
    NotActive,
    /// RFC 7662 section 2.2: it may be good, but not for this: a refresh token, or one whose bearer has to prove more.
    #[error("the claim {0:?} says that it is not a bearer's access token")]
    OtherUse(&'static str),
    /// Whoever issued an opaque token does not say what it is.
    #[error(transparent)]
    NotIntrospected(#[from] IntrospectionAway),
    /// A registered claim of a wrong type or out of range (RFC 7519 section 4.1).
    #[error("the claim {0:?} is of a wrong type or out of range")]
    MalformedClaim(&'static str),
    /// A time that is so large a number that it cannot be in seconds (RFC 7519 section 2).
    #[error("the claim {0:?} is too large for a time in seconds: milliseconds, where seconds are wanted?")]
    NotSeconds(&'static str),
    /// `cnf` names something that cannot be checked here (RFC 7800 section 3.1).
    #[error("the token is bound to something that is not known here")]
    UnknownBinding,
    /// RFC 9449 section 7.1: bound to a key, and shown as if it were not.
    #[error("the token is bound to a key, and was shown as a bearer token")]
    ShownAsBearer,
    /// The route wants tokens that are bound to a key, or a proof came for one that is not.
    #[error("the token is bound to no key")]
    NotBoundToKey,
    /// The route wants tokens that are bound to a certificate.
    #[error("the token is bound to no certificate")]
    NotBoundToCertificate,
    /// RFC 8705 section 3.
    #[error("the token is bound to another certificate than the connection's")]
    OtherCertificate,
    /// The proof of the key that it is bound to.
    #[error("the DPoP proof: {0}")]
    Proof(#[from] ProofError),
    /// A required claim is absent or null.
    #[error("the claim {0:?} is missing")]
    MissingClaim(String),
    /// A claim that must have one value has another, or is absent.
    #[error("the claim {0:?} does not have the value it must have")]
    UnequalClaim(String),
    /// A claim that must be one of several values is none of them, or absent.
    #[error("the claim {0:?} has none of the values that it may have")]
    ClaimNotAmong(String),
    /// A claim that must hold some values lacks one of them, or is absent.
    #[error("the claim {0:?} does not hold what it must hold")]
    ClaimLacks(String),
    /// Issued longer ago than a token may be.
    #[error("the token was issued too long ago")]
    TooOld,
    /// More time from `iat` to `exp` than a token may have.
    #[error("the token is valid for longer than a token may be")]
    LivesTooLong,
    /// RFC 6750 section 3.1. Everything else about it held.
    #[error("the token does not have the scope {0:?}")]
    InsufficientScope(String),
    /// RFC 7519 section 4.1.1.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// RFC 7519 section 4.1.3.
    #[error("the token is for another audience")]
    WrongAudience,
    /// RFC 7519 section 4.1.5.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` lies in the future (RFC 7519 section 4.1.6).
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// `exp` lies before `iat`.
    #[error("the token expired before it was issued")]
    ExpiresBeforeIssued,
    /// RFC 7519 section 4.1.4. Its signature and every other rule held.
    #[error("the token expired")]
    Expired,
}

impl TokenError {
    /// Whether the token is not for these rules at all: another entry of the route may know its issuer or key.
    pub fn is_foreign(&self) -> bool {
        matches!(self, TokenError::WrongIssuer | TokenError::UnknownKid)
    }

    /// Whether the token could not be judged, and may well be good.
    pub fn is_undecided(&self) -> bool {
        matches!(self, TokenError::NoKeysYet | TokenError::NotIntrospected(_))
    }

    /// Whether the token was genuine and only too old, so that its sender may be told to get a new one.
    pub fn is_expired(&self) -> bool {
        *self == TokenError::Expired
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Segment::Header => "header",
            Segment::Payload => "payload",
        })
    }
}
