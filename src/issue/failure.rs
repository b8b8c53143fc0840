//! Why nothing was issued.

use super::{ClientFault, FormFault, ProtocolRefusal, RefreshFault, RowFault, UsersAway};
use crate::{
    cookies::{CookieFault, OtherPage},
    message::HoldError,
    scheme,
    store::revocations::NotRevoked,
};

/// Why an admitted request got no token. What tells a wrong password from an unknown name is for the log alone.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The body did not arrive, or is too large.
    #[error("the request's body: {0}")]
    Held(#[from] HoldError),
    /// A name or a password is not there, or cannot be read.
    #[error("{0}")]
    Unreadable(#[source] scheme::Failure),
    /// No name that a user could have.
    #[error("the name is empty, too long, or holds control characters")]
    NoName,
    /// The credential names nobody whom a token could be for.
    #[error("the credential names nobody")]
    Nameless,
    /// There is no user of that name.
    #[error("no such user")]
    UnknownUser,
    /// The user may not log in.
    #[error("the user is disabled")]
    DisabledUser,
    /// The password is another one.
    #[error("wrong password")]
    WrongPassword,
    /// The user has no password and logs in elsewhere.
    #[error("the user has no password")]
    NoPassword,
    /// What is kept of the user cannot be read.
    #[error("the user cannot be read: {0}")]
    UnreadableUser(#[source] RowFault),
    /// The same of whom a refresh token is for, who has shown that it is theirs.
    #[error("the user cannot be read: {0}")]
    UnreadableHolder(#[source] RowFault),
    /// A page of another site, or of another host of this one, has had it sent.
    #[error("a page of another site or host has sent it: {0}")]
    OtherSite(#[source] Box<OtherPage>),
    /// Nothing shows that a page of ours has had it sent.
    #[error("the CSRF token is missing or not that of the session")]
    OtherCsrfToken,
    /// The session's cookies cannot be read.
    #[error("a session's cookie: {0}")]
    Cookie(#[from] CookieFault),
    /// There is no session to go on with.
    #[error("there is no cookie with a refresh token")]
    NoSession,
    /// No browser would keep it.
    #[error("the token is too long for a cookie")]
    TokenTooLong,
    /// It cannot be known who anybody is.
    #[error(transparent)]
    Users(#[from] UsersAway),
    /// More passwords wait to be checked than may.
    #[error("too many passwords wait to be checked")]
    Busy,
    /// Too many have failed by this name, or from this address.
    #[error("too many failed by this name or from this address")]
    Throttled {
        /// Until the next may be tried.
        seconds: i64,
    },
    /// The form of a request is not as it must be.
    #[error(transparent)]
    Form(#[from] FormFault),
    /// A client does not show itself as it must.
    #[error(transparent)]
    Client(#[from] ClientFault),
    /// The client is not the one that it says.
    #[error("client: {0}")]
    ClientRefused(Box<Failure>),
    /// A token is asked for with something that is none of the grants.
    #[error("a grant that is unknown or not allowed")]
    UnknownGrant,
    /// A scope is asked for that is not to be had.
    #[error("a scope that is not to be had")]
    Scope,
    /// A token is another client's than the one that asks.
    #[error("the token was issued to another client")]
    OtherClient,
    /// A token has no name by which it could be revoked.
    #[error("the token has no `jti`")]
    Irrevocable,
    /// It could not be revoked.
    #[error(transparent)]
    NotRevoked(#[from] NotRevoked),
    /// Any of these, told as OAuth 2.0 tells it.
    #[error("{}", .0.why)]
    Protocol(Box<ProtocolRefusal>),
    /// The refresh token is not good.
    #[error(transparent)]
    Refresh(#[from] RefreshFault),
    /// A claim could not be filled in.
    #[error("the claim {0:?}: {1}")]
    Claim(String, #[source] scheme::Failure),
    /// The answer could not be filled in.
    #[error("the answer: {0}")]
    Answer(#[source] scheme::Failure),
    /// The token could not be signed.
    #[error("the token could not be signed")]
    Unsigned,
    /// The system has no random bytes.
    #[error("no random bytes to be had")]
    NoRandomness,
}

impl Failure {
    /// The same, told as OAuth 2.0 tells it.
    pub(super) fn by_protocol(self) -> Failure {
        Failure::Protocol(Box::new(ProtocolRefusal { why: self }))
    }

    /// Whether it counts as an attempt: a guess, or what came of asking another login that said neither yes nor no.
    pub(super) fn is_attempt(&self) -> bool {
        self.is_guess() || matches!(self, Failure::Users(away) if away.may_be_no())
    }

    /// Whether there is no such user any more, or one who may not: what was granted before ends. A row that cannot be read
    /// is somebody's mistake, and ends nothing.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Failure::UnknownUser | Failure::DisabledUser)
    }

    /// Whether somebody showed what is not good, as one does who tries what might be.
    pub fn is_guess(&self) -> bool {
        match self {
            Failure::NoName
            | Failure::UnknownUser
            | Failure::DisabledUser
            | Failure::WrongPassword
            | Failure::NoPassword
            | Failure::UnreadableUser(_) => true,
            Failure::Refresh(fault) => match fault {
                RefreshFault::Unknown
                | RefreshFault::Expired
                | RefreshFault::Reused
                | RefreshFault::OtherIssuer
                | RefreshFault::OtherClient => true,
                RefreshFault::Crossed
                | RefreshFault::Withdrawn
                | RefreshFault::Unasked(_)
                | RefreshFault::Full
                | RefreshFault::Unavailable(_)
                | RefreshFault::Unreadable
                | RefreshFault::NoRandomness => false,
            },
            Failure::ClientRefused(why) => why.is_guess(),
            Failure::Protocol(refusal) => refusal.why.is_guess(),
            Failure::Form(_)
            | Failure::Client(_)
            | Failure::UnknownGrant
            | Failure::Scope
            | Failure::OtherClient
            | Failure::Irrevocable
            | Failure::NotRevoked(_)
            | Failure::Held(_)
            | Failure::Unreadable(_)
            | Failure::Users(_)
            | Failure::UnreadableHolder(_)
            | Failure::OtherSite(_)
            | Failure::OtherCsrfToken
            | Failure::Cookie(_)
            | Failure::NoSession
            | Failure::TokenTooLong
            | Failure::Nameless
            | Failure::Busy
            | Failure::Throttled { .. }
            | Failure::Claim(..)
            | Failure::Answer(_)
            | Failure::Unsigned
            | Failure::NoRandomness => false,
        }
    }
}
