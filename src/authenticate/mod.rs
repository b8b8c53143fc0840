//! Credentials → [`Verified`]: who sent a request, proven, or why that cannot be said.
//!
//! Nothing here admits a request (replay, rates and revocation are `policy`'s) and nothing forwards it.

mod denied;
mod held;
mod in_force;
pub mod jwt;
mod legs;
#[cfg(test)]
mod looked_up_tests;
mod possession;
mod requirement;
mod signature;
mod token;
mod verified;

use std::{cell::RefCell, fmt, time::Duration};

pub use denied::{Challenge, Denied, Missing, Reason, Schemes};
pub use in_force::InForce;
pub use requirement::{Dpop, Leg, Narrowed, Requirement, SignatureRule, TokenRule};
pub use verified::{Replay, Verified};

use crate::{
    clock::Clock,
    cookies::Site,
    deadline::Deadlines,
    message::{Budgets, HoldLimits, Request},
    soon::Soon,
};

/// What authentication needs besides the request.
pub struct Desk<'d> {
    /// The time when the request's head was complete, in milliseconds since 1970.
    pub now_millis: i64,
    /// The time, for what is judged after something was waited for.
    pub clock: &'d Clock,
    /// The scheme and authority that the client meant: the public ones.
    pub origin: Origin<'d>,
    /// SHA-256 of the certificate that the client's connection was made with.
    pub certificate: Option<&'d jwt::Thumbprint>,
    /// How much of a covered body is held.
    pub limits: HoldLimits,
    /// How long its sender may take for it, all in all.
    pub patience: Duration,
    /// The worker's waits.
    pub deadlines: &'d Deadlines,
    /// Out of which budgets.
    pub budgets: &'d Budgets,
    /// The worker's verified tokens.
    pub tokens: &'d RefCell<jwt::TokenCache>,
}

/// The public scheme and authority.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'d> {
    /// `http` or `https`.
    pub scheme: &'d str,
    /// Host and port as the client sees them.
    pub authority: &'d str,
    /// The one that was asked: `Host`, unless a trusted proxy may have written that; then the public one.
    pub asked: &'d str,
    /// Whether that is the public one.
    pub is_public_host: bool,
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl<'d> Origin<'d> {
    fn site(&self) -> Site<'d> {
        Site { scheme: self.scheme, authority: self.asked }
    }
}

/// Proves who sent `request`, as `requirement` wants it. A body that a scheme covers is held on return; another is
/// still to be read.
///
/// # Errors
/// [`Denied`], with the public cause and each attempt's private reason.
pub fn authenticate<'r, 'c: 'r>(
    requirement: &'c Requirement,
    request: Request,
    desk: &'r Desk<'r>,
) -> Soon<'r, Result<Verified<'c>, Box<Denied>>> {
    match requirement {
        Requirement::Public => Soon::now(Ok(Verified::anonymous(request))),
        Requirement::AnyOf(alternatives) => legs::try_each(alternatives, request, desk),
    }
}
