//! Why a request is refused: the stable public names, statuses and texts, in one exhaustive table.
//!
//! Stages have error types of their own, with private detail for the log; `gateway::refusals` maps them to a
//! [`Cause`] and writes the answer. The texts here are what a client sees unless its route says otherwise.

/// A reason that a client can see. Its name is stable: `urn:countersign:NAME` in an answer, `cause` in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// No signature where the route's scheme carries it, or an empty one.
    MissingSignature,
    /// The signature is wrong, undecodable, of an unknown or disabled key id, or a signed digest does not match.
    InvalidSignature,
    /// The signed time lies outside the scheme's window.
    Stale,
    /// The request was accepted once before.
    Replayed,
    /// The key id was revoked.
    RevokedKey,
    /// The token or its subject was revoked.
    RevokedToken,
    /// No token where the route looks for it.
    MissingToken,
    /// The token is malformed, forged, or breaks a rule of the route.
    InvalidToken,
    /// A page of another site may have had it sent.
    CrossSite,
    /// The token was genuine and is past its `exp`.
    TokenExpired,
    /// A login without a name or a password.
    MissingCredentials,
    /// A name and a password that do not go together.
    InvalidCredentials,
    /// The token is good and was not given a scope that the route wants.
    InsufficientScope,
    /// A value that the scheme signs cannot be read (a missing JSON field, a wrong type).
    UnreadableField,
    /// Two credentials on one request.
    AmbiguousCredential,
    /// The key is not for this route.
    NotAllowed,
    /// The path can be read in two ways that differ.
    AmbiguousPath,
    /// The request is not well-formed HTTP.
    BadRequest,
    /// No route matches.
    NotFound,
    /// The best route does not take this method.
    MethodNotAllowed,
    /// Head, body or token is larger than the limit.
    TooLarge,
    /// A head that is larger than the limit (RFC 6585 section 5).
    HeadTooLarge,
    /// The client took too long to send its request.
    RequestTimeout,
    /// Requests from this address are not accepted.
    AddressDenied,
    /// Too many requests.
    RateLimited,
    /// A store that admission needs is away or full.
    StoreUnavailable,
    /// Who may log in cannot be asked.
    UsersUnavailable,
    /// Another login answered what is no answer to a login.
    UsersFailed,
    /// The gateway's own budgets are used up.
    Overloaded,
    /// The upstream could not be reached or answered nonsense.
    UpstreamFailed,
    /// The upstream did not answer in time.
    UpstreamTimeout,
}

/// The public face of a [`Cause`].
#[derive(Clone, Copy, Debug)]
pub struct Face {
    /// The last part of the problem type, `urn:countersign:NAME`.
    pub name: &'static str,
    /// The HTTP status, where the route does not say another.
    pub status: u16,
    /// RFC 9457 `title`: the same for every occurrence.
    pub title: &'static str,
    /// RFC 9457 `detail`, where the route does not say another.
    pub detail: &'static str,
}

impl Cause {
    /// Every cause, in the order of the documentation.
    pub const ALL: [Cause; 31] = [
        Cause::MissingSignature,
        Cause::InvalidSignature,
        Cause::Stale,
        Cause::Replayed,
        Cause::RevokedKey,
        Cause::RevokedToken,
        Cause::MissingToken,
        Cause::InvalidToken,
        Cause::CrossSite,
        Cause::TokenExpired,
        Cause::MissingCredentials,
        Cause::InvalidCredentials,
        Cause::InsufficientScope,
        Cause::UnreadableField,
        Cause::AmbiguousCredential,
        Cause::NotAllowed,
        Cause::AmbiguousPath,
        Cause::BadRequest,
        Cause::NotFound,
        Cause::MethodNotAllowed,
        Cause::TooLarge,
        Cause::HeadTooLarge,
        Cause::RequestTimeout,
        Cause::AddressDenied,
        Cause::RateLimited,
        Cause::StoreUnavailable,
        Cause::UsersUnavailable,
        Cause::UsersFailed,
        Cause::Overloaded,
        Cause::UpstreamFailed,
        Cause::UpstreamTimeout,
    ];

    /// The cause of that stable name.
    pub fn named(name: &str) -> Option<Cause> {
        Cause::ALL.into_iter().find(|cause| cause.face().name == name)
    }

    /// Name, status and texts.
    pub const fn face(self) -> Face {
        let (name, status, title, detail) = match self {
            Cause::MissingSignature => ("missing-signature", 400, "Missing signature", "Missing HMAC header"),
            Cause::InvalidSignature => ("invalid-signature", 403, "Invalid signature", "Invalid signature"),
            Cause::Stale => ("stale", 403, "Stale request", "The request's timestamp is outside the accepted window"),
            Cause::Replayed => ("replayed", 409, "Replayed request", "This request was already accepted once"),
            Cause::RevokedKey => ("revoked-key", 403, "Revoked key", "The key was revoked"),
            Cause::RevokedToken => ("revoked-token", 401, "Revoked token", "The token was revoked"),
            Cause::MissingToken => ("missing-token", 401, "Missing token", "Missing bearer token"),
            Cause::InvalidToken => ("invalid-token", 401, "Invalid token", "Invalid token"),
            Cause::CrossSite => (
                "cross-site",
                403,
                "Cross-site request",
                "The X-CSRF-Token header is missing or not that of the session",
            ),
            Cause::TokenExpired => ("token-expired", 401, "Token expired", "Token expired"),
            Cause::MissingCredentials => {
                ("missing-credentials", 400, "Missing credentials", "A name or a password is missing")
            }
            Cause::InvalidCredentials => ("invalid-credentials", 401, "Invalid credentials", "Invalid credentials"),
            Cause::InsufficientScope => {
                ("insufficient-scope", 403, "Insufficient scope", "The token was not given the scope that this needs")
            }
            Cause::UnreadableField => (
                "unreadable-field",
                400,
                "Unreadable field",
                "A field that the signature needs is missing or unreadable",
            ),
            Cause::AmbiguousCredential => {
                ("ambiguous-credential", 400, "Ambiguous credential", "The request carries more than one credential")
            }
            Cause::NotAllowed => ("not-allowed", 403, "Not allowed", "This key may not be used here"),
            Cause::AmbiguousPath => {
                ("ambiguous-path", 400, "Ambiguous path", "The path can be read in more than one way")
            }
            Cause::BadRequest => ("bad-request", 400, "Bad request", "The request is not well-formed"),
            Cause::NotFound => ("not-found", 404, "Not found", "No route for this request"),
            Cause::MethodNotAllowed => {
                ("method-not-allowed", 405, "Method not allowed", "This path does not take that method")
            }
            Cause::TooLarge => ("too-large", 413, "Too large", "The request is larger than this route accepts"),
            Cause::HeadTooLarge => {
                ("head-too-large", 431, "Request head too large", "The request's head is larger than accepted")
            }
            Cause::RequestTimeout => ("request-timeout", 408, "Request timeout", "The request did not arrive in time"),
            Cause::AddressDenied => {
                ("address-denied", 403, "Address denied", "Requests from this address are not accepted")
            }
            Cause::RateLimited => ("rate-limited", 429, "Rate limited", "Too many requests"),
            Cause::StoreUnavailable => {
                ("store-unavailable", 503, "Store unavailable", "The request cannot be admitted right now")
            }
            Cause::UsersUnavailable => ("users-unavailable", 503, "Users unavailable", "Nobody can log in right now"),
            Cause::UsersFailed => ("users-failed", 502, "Users failed", "What knows the users gave no usable answer"),
            Cause::Overloaded => ("overloaded", 503, "Overloaded", "The gateway is at its limit"),
            Cause::UpstreamFailed => ("upstream-failed", 502, "Upstream failed", "The upstream could not be reached"),
            Cause::UpstreamTimeout => {
                ("upstream-timeout", 504, "Upstream timeout", "The upstream did not answer in time")
            }
        };
        Face { name, status, title, detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_unique_and_finds_its_cause() {
        for cause in Cause::ALL {
            assert_eq!(Cause::named(cause.face().name), Some(cause));
        }
    }
}
