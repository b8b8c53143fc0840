//! Refresh tokens: opaque, good once, replaced at each use (RFC 9700 section 4.14).
//!
//! A login begins a family. Of a family one token is good at any time; one that was used before and comes again was stolen,
//! or its successor was, and nobody can tell which, so the family dies. Only hashes are kept.

mod families;
mod grant;
mod memory;
mod token;

pub use families::Families;
pub use grant::Grant;
pub use memory::MemoryFamilies;
pub(super) use token::STAND_IN;

use std::{sync::Arc, time::Duration};

use crate::store::{
    families::FamiliesError,
    revocations::{self, Revocations, ShownToken},
};

/// How long the tokens of an issuer are good.
#[derive(Clone, Copy, Debug)]
pub struct RefreshRules {
    /// From one use to the next, at most.
    pub lifetime: Duration,
    /// From the login on, however often they are used.
    pub absolute: Duration,
    /// So long after its use a token that comes again is refused and its family lives: requests of one client that crossed.
    pub grace: Duration,
    /// So many families of one subject live at once where gateways share them, at most.
    pub per_subject: usize,
}

/// Why a refresh token is refused. Its bearer is not told which.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshFault {
    /// It is none of ours, or its family is gone.
    #[error("the refresh token is unknown")]
    Unknown,
    /// It was not used in time, or the family is too old.
    #[error("the refresh token has expired")]
    Expired,
    /// It was used before: the family is revoked.
    #[error("the refresh token was used before; its family is revoked")]
    Reused,
    /// It was used a moment ago; the family lives.
    #[error("the refresh token was used a moment ago")]
    Crossed,
    /// It is another issuer's.
    #[error("the refresh token is another issuer's")]
    OtherIssuer,
    /// It came of a login that was revoked since: the family is ended.
    #[error("whom the refresh token was given to, or all that was issued then, was revoked")]
    Withdrawn,
    /// Nobody can say whether its login was revoked; it may not have been.
    #[error(transparent)]
    Unasked(revocations::Unknown),
    /// It was given to another client.
    #[error("the refresh token is another client's")]
    OtherClient,
    /// There is no room for another family.
    #[error("no more families of refresh tokens can be kept")]
    Full,
    /// Nobody can say whether it is good; it may be.
    #[error(transparent)]
    Unavailable(FamiliesError),
    /// What its family was granted cannot be read.
    #[error("what the refresh token was granted cannot be read")]
    Unreadable,
    /// The system has no random bytes.
    #[error("no random bytes to be had")]
    NoRandomness,
}

impl RefreshFault {
    /// Whether it says that the token is not good. Else nobody could tell, and it may be.
    pub fn is_verdict(&self) -> bool {
        match self {
            RefreshFault::Unknown
            | RefreshFault::Expired
            | RefreshFault::Reused
            | RefreshFault::Crossed
            | RefreshFault::OtherIssuer
            | RefreshFault::Withdrawn
            | RefreshFault::OtherClient => true,
            RefreshFault::Full
            | RefreshFault::Unavailable(_)
            | RefreshFault::Unasked(_)
            | RefreshFault::Unreadable
            | RefreshFault::NoRandomness => false,
        }
    }
}

impl From<FamiliesError> for RefreshFault {
    fn from(error: FamiliesError) -> RefreshFault {
        match error {
            FamiliesError::Full => RefreshFault::Full,
            other @ (FamiliesError::Redis(_) | FamiliesError::Sql(_)) => RefreshFault::Unavailable(other),
        }
    }
}

/// The refresh tokens of one issuer.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// How long they are good.
    pub rules: RefreshRules,
    /// Where families are kept, those of other issuers too.
    pub families: Arc<Families>,
    /// What was taken back.
    pub revocations: Arc<Revocations>,
    /// What the entry of tokens is called that believes what the issuer mints.
    pub tokens: String,
}

impl Refresh {
    /// What the family of a good token was granted; the token stays good. Where its subject was revoked, or what was issued
    /// before a time after its login, the family is ended: no new token may come of it.
    ///
    /// # Errors
    /// [`RefreshFault`]
    pub(super) async fn look(&self, shown: &[u8], issuer: &str, now_millis: i64) -> Result<Grant, RefreshFault> {
        let grant = self.families.look(shown, issuer, now_millis).await?;
        let subject = Some(&*grant.subject);
        // Seconds since 1970 are exact in a double for longer than anybody counts.
        let begun = Some(grant.begun_unix as f64);
        let token = ShownToken { tokens: Some(&self.tokens), jti: None, subject, issued_unix: begun };
        let asked = revocations::Shown { key_id: None, subject, token: Some(token) };
        match self.revocations.ask(&asked, now_millis.div_euclid(1000)).await {
            Ok(None) => Ok(grant),
            Ok(Some(_)) => {
                self.families.end(shown, issuer).await?;
                Err(RefreshFault::Withdrawn)
            }
            Err(unknown) => Err(RefreshFault::Unasked(unknown)),
        }
    }
}
