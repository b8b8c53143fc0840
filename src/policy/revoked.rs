//! Whether what a verified request shows was revoked: asked first of all in admission, and anew for each request, for a
//! token that was verified a moment ago may be revoked by now.

use super::Admission;
use crate::{
    message::Identity,
    scheme::Known,
    store::revocations::{Revoked, Shown, ShownToken},
};

/// What of a request is revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Withdrawn {
    /// The key that signed it, or whoever it is of.
    #[error("revoked: {0}")]
    Key(Revoked),
    /// Its token, or whoever it is of.
    #[error("revoked: {0}")]
    Token(Revoked),
}

/// Lets through what is not revoked. Where nothing is it costs one load.
///
/// # Errors
/// [`Withdrawn`]
pub(super) fn check(identity: &Identity<'_>, admission: &Admission<'_>) -> Result<(), Withdrawn> {
    if admission.revocations.is_empty() {
        return Ok(());
    }
    let now_unix = admission.clock.unix();
    let first = Leg { by: identity.by, key_id: identity.key_id.as_deref(), claims: identity.claims.as_deref() };
    first.check(identity.subject.as_deref(), admission, now_unix)?;
    // What the legs behind the first of an `all_of` are from has no place in the identity.
    identity.others().iter().try_for_each(|other| {
        let leg = Leg { by: Some(other.by), key_id: other.key_id.as_deref(), claims: other.claims.as_deref() };
        leg.check(None, admission, now_unix)
    })
}

struct Leg<'a> {
    by: Option<&'a str>,
    key_id: Option<&'a str>,
    claims: Option<&'a dyn Known>,
}

impl Leg<'_> {
    fn check(&self, subject: Option<&str>, admission: &Admission<'_>, now_unix: i64) -> Result<(), Withdrawn> {
        let claim = |name: &str| self.claims.and_then(|claims| claims.claim(name));
        let (jti, sub, iat) = (claim("jti"), claim("sub"), claim("iat"));
        let token = self.claims.map(|_| ShownToken {
            tokens: self.by,
            jti: jti.as_deref(),
            subject: sub.as_deref(),
            // As it was verified: a number, in range.
            issued_unix: iat.and_then(|iat| iat.parse().ok()),
        });
        match admission.revocations.find(&Shown { key_id: self.key_id, subject, token }, now_unix) {
            None => Ok(()),
            Some(revoked) if self.claims.is_some() => Err(Withdrawn::Token(revoked)),
            Some(revoked) => Err(Withdrawn::Key(revoked)),
        }
    }
}
