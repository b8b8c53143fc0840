//! Claims in Redis: one `SET NX PX` each.

use std::fmt;

use super::{
    super::{ClaimKey, Claimed, Store, StoreError},
    script::Script,
};
use crate::redis_link::{Health, Link, LinkError};

/// How much longer than its time a claim is kept. A gateway whose clock is behind accepts a request for longer than the
/// one that claimed it, so this is how far apart the clocks of gateways on one Redis may be.
const SLACK_MILLIS: i64 = 10_000;
/// The longest that Redis is told to keep a claim: ten years.
const LONGEST_MILLIS: i64 = 10 * 366 * 24 * 3_600 * 1_000;

/// Deletes a claim, if it is still the one that was made.
const RELEASE: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0";

/// Claims that gateways share.
pub struct RedisClaims {
    link: Link,
    prefix: String,
    /// Who claims: this process, by a number that no other has.
    owner: [u8; 16],
    release: Script,
}

impl RedisClaims {
    /// Claims whose keys begin with `prefix`.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn new(link: Link, prefix: &str) -> Result<RedisClaims, getrandom::Error> {
        let mut owner = [0; 16];
        getrandom::fill(&mut owner)?;
        Ok(RedisClaims { link, prefix: format!("{prefix}claim:"), owner, release: Script::new(RELEASE) })
    }

    /// How the way there is.
    pub fn health(&self) -> &Health {
        self.link.health()
    }

    fn key(&self, key: &ClaimKey) -> Vec<u8> {
        [self.prefix.as_bytes(), &key.0].concat()
    }

    /// What a claim's value is: who made it, and until when. A request that comes again has the same.
    fn value(&self, until_millis: i64) -> Vec<u8> {
        [self.owner.as_slice(), &until_millis.to_le_bytes()].concat()
    }
}

impl Store for RedisClaims {
    async fn claim(&self, key: &ClaimKey, until_millis: i64, now_millis: i64) -> Result<Claimed, StoreError> {
        // A time to live, not a time of day: whether the server's clock is right does not matter.
        let lasting = until_millis.saturating_sub(now_millis).max(0).saturating_add(SLACK_MILLIS).min(LONGEST_MILLIS);
        let mut command = ::redis::cmd("SET");
        command.arg(self.key(key)).arg(self.value(until_millis)).arg("NX").arg("PX").arg(lasting);
        match self.link.ask::<Option<String>>(&command).await {
            Ok(Some(_)) => Ok(Claimed::Fresh),
            Ok(None) => Ok(Claimed::Seen),
            Err(LinkError::Full) => Err(StoreError::Full),
            Err(error) => Err(StoreError::Unavailable(error)),
        }
    }

    async fn release(&self, key: &ClaimKey, until_millis: i64) {
        let (key, value) = (self.key(key), self.value(until_millis));
        // Where it cannot be given back it stands until its time is over: refused in doubt.
        if let Err(error) = self.release.run::<i64>(&self.link, &[&key], &[&value]).await {
            tracing::debug!(%error, "a claim could not be given back");
        }
    }
}

impl fmt::Debug for RedisClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisClaims").field("link", &self.link).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
