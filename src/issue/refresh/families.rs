//! Where families are kept, whichever it is: the same words for this process's memory and for a store that gateways share.

use super::{
    Grant, MemoryFamilies, RefreshFault, RefreshRules,
    token::{self, FamilyId, SecretHash},
};
use crate::store::families::{Beginning, SharedFamilies, ShownToken, Verdict};

/// The living families of all issuers that keep them in the same place.
#[derive(Debug)]
pub enum Families {
    /// In this process.
    Memory(MemoryFamilies),
    /// In a store that gateways share.
    Shared(SharedFamilies),
}

impl Families {
    /// Begins a family: the first refresh token after a login.
    ///
    /// # Errors
    /// [`RefreshFault::Full`], for a living family is never forgotten early; the store is away; or there is no randomness.
    pub async fn begin(&self, rules: RefreshRules, grant: Grant, now_millis: i64) -> Result<String, RefreshFault> {
        let shared = match self {
            Families::Memory(memory) => return memory.begin(rules, grant, now_millis),
            Families::Shared(shared) => shared,
        };
        let (holder, written) = (token::holder(&grant), grant.written());
        let id = token::family_id(&holder)?;
        let fresh = token::fresh(&id)?;
        shared
            .begin(&Beginning {
                id: &id,
                hash: &fresh.hash,
                issuer: &grant.issuer,
                subject: &grant.subject,
                holder: &holder,
                grant: &written,
                lifetime: rules.lifetime,
                absolute: rules.absolute,
                grace: rules.grace,
                most: rules.per_subject,
            })
            .await?;
        Ok(fresh.token)
    }

    /// What the family of a good token was granted; the token stays good.
    ///
    /// # Errors
    /// [`RefreshFault`]; after [`RefreshFault::Reused`] the family is dead.
    pub async fn look(&self, shown: &[u8], issuer: &str, now_millis: i64) -> Result<Grant, RefreshFault> {
        let (id, hash) = token::read(shown).ok_or(RefreshFault::Unknown)?;
        match self {
            Families::Memory(memory) => memory.look(&id, &hash, issuer, now_millis),
            Families::Shared(shared) => granted(shared.look(&shown_token(&id, &hash, issuer)).await?, issuer),
        }
    }

    /// Takes a token for its successor. Of many at once with the same token one gets it.
    ///
    /// # Errors
    /// [`RefreshFault`]; after [`RefreshFault::Reused`] the family is dead, after [`RefreshFault::Unavailable`] the token is
    /// still good.
    pub async fn renew(&self, shown: &[u8], issuer: &str, now_millis: i64) -> Result<String, RefreshFault> {
        let (id, hash) = token::read(shown).ok_or(RefreshFault::Unknown)?;
        let fresh = token::fresh(&id)?;
        match self {
            Families::Memory(memory) => memory.renew(&id, &hash, fresh.hash, issuer, now_millis)?,
            Families::Shared(shared) => {
                granted(shared.renew(&shown_token(&id, &hash, issuer), &fresh.hash).await?, issuer)?;
            }
        }
        Ok(fresh.token)
    }

    /// Ends the family of a token, spent or not, if it is of that issuer.
    ///
    /// # Errors
    /// [`RefreshFault::Unavailable`]: it may have ended.
    pub async fn end(&self, shown: &[u8], issuer: &str) -> Result<(), RefreshFault> {
        let Some((id, hash)) = token::read(shown) else { return Ok(()) };
        match self {
            Families::Memory(memory) => memory.end(&id, issuer),
            Families::Shared(shared) => shared.end(&shown_token(&id, &hash, issuer)).await?,
        }
        Ok(())
    }
}

fn shown_token<'t>(id: &'t FamilyId, hash: &'t SecretHash, issuer: &'t str) -> ShownToken<'t> {
    ShownToken { id, hash, issuer }
}

fn granted(verdict: Verdict, issuer: &str) -> Result<Grant, RefreshFault> {
    match verdict {
        Verdict::Good(grant) => Grant::read(&grant, issuer).ok_or(RefreshFault::Unreadable),
        Verdict::Unknown => Err(RefreshFault::Unknown),
        Verdict::OtherIssuer => Err(RefreshFault::OtherIssuer),
        Verdict::Expired => Err(RefreshFault::Expired),
        Verdict::Crossed => Err(RefreshFault::Crossed),
        Verdict::Reused => Err(RefreshFault::Reused),
    }
}
