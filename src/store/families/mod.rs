//! Families of refresh tokens that gateways share: which token of a family is good, decided in one step by the store that
//! keeps them.
//!
//! Hashes and times alone are understood here. What a family was granted is a text that is kept and given back; what a
//! token looks like, and what is told of a bad one, is the issuer's.

mod home;
mod withdrawal;

use std::{sync::Arc, time::Duration};

use self::{home::Home, withdrawal::Withdrawal};
use super::{
    redis::RedisFamilies,
    sql::{SqlFamilies, SqlTrouble},
};
use crate::redis_link::LinkError;

/// Which family: [`OF_HOLDER`] bytes of its [`Holder`], by which a store finds all of one, and as many random ones.
pub type FamilyId = [u8; 16];
/// How many bytes of an id all families of a holder have in common.
pub const OF_HOLDER: usize = 8;
/// SHA-256 of what is good once.
pub type TokenHash = [u8; 32];
/// Whose a family is, as far as a store need know: a hash that tells one subject of one issuer from any other.
pub type Holder = [u8; 32];

/// A family at its beginning.
#[derive(Clone, Copy, Debug)]
pub struct Beginning<'b> {
    /// Which.
    pub id: &'b FamilyId,
    /// Of its first token.
    pub hash: &'b TokenHash,
    /// Who alone renews it.
    pub issuer: &'b str,
    /// Who logged in, for whoever reads the store.
    pub subject: &'b str,
    /// The same, of that issuer.
    pub holder: &'b Holder,
    /// What it was granted.
    pub grant: &'b str,
    /// From one use to the next, at most.
    pub lifetime: Duration,
    /// From the beginning on, at most.
    pub absolute: Duration,
    /// So long after its use a token that comes again does not end the family.
    pub grace: Duration,
    /// So many families of its holder are kept, at most; at least one.
    pub most: usize,
}

/// A token that somebody shows.
#[derive(Clone, Copy, Debug)]
pub struct ShownToken<'t> {
    /// Its family.
    pub id: &'t FamilyId,
    /// Its hash.
    pub hash: &'t TokenHash,
    /// Whose it would have to be.
    pub issuer: &'t str,
}

/// What is said of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the good one: what its family was granted. Where a successor was brought, that is the good one now.
    Good(String),
    /// There is no such family.
    Unknown,
    /// It is another issuer's; nothing has changed.
    OtherIssuer,
    /// Its time is over, and its family is gone.
    Expired,
    /// It was used a moment ago; the family lives.
    Crossed,
    /// It was used before, and its family is gone.
    Reused,
}

/// Why a store gave no verdict. No case says anything about the token: refuse in doubt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FamiliesError {
    /// It has no room for more.
    #[error("the store of refresh tokens is full")]
    Full,
    /// It cannot be asked, or did not answer.
    #[error("the store of refresh tokens is unavailable: {0}")]
    Redis(#[source] LinkError),
    /// The same of a database.
    #[error("the store of refresh tokens is unavailable: {0}")]
    Sql(#[source] SqlTrouble),
}

impl FamiliesError {
    /// Whether it is certain that what was asked for was not done, and will not be.
    fn was_not_done(&self) -> bool {
        match self {
            FamiliesError::Full => true,
            FamiliesError::Redis(error) => match error {
                LinkError::Away
                | LinkError::Busy
                | LinkError::Full
                | LinkError::NoScript
                | LinkError::Refused(_)
                | LinkError::Unusable(_) => true,
                LinkError::TimedOut | LinkError::Broken | LinkError::Unexpected => false,
            },
            FamiliesError::Sql(trouble) => match trouble {
                SqlTrouble::Away | SqlTrouble::Busy | SqlTrouble::Raced | SqlTrouble::Failed(_) => true,
                SqlTrouble::Unsure(_) => false,
            },
        }
    }
}

impl From<LinkError> for FamiliesError {
    fn from(error: LinkError) -> FamiliesError {
        match error {
            LinkError::Full => FamiliesError::Full,
            other => FamiliesError::Redis(other),
        }
    }
}

impl From<SqlTrouble> for FamiliesError {
    fn from(trouble: SqlTrouble) -> FamiliesError {
        FamiliesError::Sql(trouble)
    }
}

/// Families that gateways share. Clones are the same.
#[derive(Clone, Debug)]
pub struct SharedFamilies(Arc<Home>);

impl SharedFamilies {
    /// Those in Redis.
    pub fn in_redis(families: RedisFamilies) -> SharedFamilies {
        SharedFamilies(Arc::new(Home::Redis(families)))
    }

    /// Those in a database.
    pub fn in_sql(families: SqlFamilies) -> SharedFamilies {
        SharedFamilies(Arc::new(Home::Sql(families)))
    }

    /// Begins a family.
    ///
    /// # Errors
    /// [`FamiliesError`]: it may be there, and nobody has a token of it.
    pub async fn begin(&self, beginning: &Beginning<'_>) -> Result<(), FamiliesError> {
        self.0.begin(beginning).await
    }

    /// What there is to say of `shown`; it stays good if it is.
    ///
    /// # Errors
    /// [`FamiliesError`]
    pub async fn look(&self, shown: &ShownToken<'_>) -> Result<Verdict, FamiliesError> {
        self.0.judge(shown, None).await
    }

    /// Puts `successor` in the place of `shown`, if that is good. Of many at once with the same token one has its successor
    /// put there. Whoever is not told so, or has gone before, has it put back: a token is not spent for nothing.
    ///
    /// # Errors
    /// [`FamiliesError`]: `shown` is still good, or will be as soon as the store can be asked again.
    pub async fn renew(&self, shown: &ShownToken<'_>, successor: &TokenHash) -> Result<Verdict, FamiliesError> {
        let withdrawal = Withdrawal::unless_settled(self.0.clone(), shown, successor);
        let answered = self.0.judge(shown, Some(successor)).await;
        if answered.as_ref().map_or_else(FamiliesError::was_not_done, |_| true) {
            withdrawal.settled();
        }
        answered
    }

    /// Ends the family of `shown`, spent or not, if it is of that issuer.
    ///
    /// # Errors
    /// [`FamiliesError`]: it may have ended.
    pub async fn end(&self, shown: &ShownToken<'_>) -> Result<(), FamiliesError> {
        self.0.end(shown).await
    }
}
