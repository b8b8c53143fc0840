//! Claims in Redis: one `SET NX PX` each.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    super::{ClaimKey, Held, StoreError},
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
    /// How many claims it asked for.
    asked: AtomicU64,
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
        let (asked, release) = (AtomicU64::new(0), Script::new(RELEASE));
        Ok(RedisClaims { link, prefix: format!("{prefix}claim:"), owner, asked, release })
    }

    /// How the way there is.
    pub fn health(&self) -> &Health {
        self.link.health()
    }

    fn key(&self, key: &ClaimKey) -> Vec<u8> {
        [self.prefix.as_bytes(), &key.0].concat()
    }

    /// What a claim's value is: who made it, and as which of theirs. A request that comes again has another.
    fn value(&self, stamp: u64) -> Vec<u8> {
        [self.owner.as_slice(), &stamp.to_le_bytes()].concat()
    }

    /// Claims `key` up to `until_millis`; `None` where somebody else did. Both times are milliseconds since 1970.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn claim(&self, key: &ClaimKey, until_millis: i64, now_millis: i64) -> Result<Option<Held>, StoreError> {
        let stamp = self.asked.fetch_add(1, Ordering::Relaxed);
        // A time to live, not a time of day: whether the server's clock is right does not matter.
        let lasting = until_millis.saturating_sub(now_millis).max(0).saturating_add(SLACK_MILLIS).min(LONGEST_MILLIS);
        let mut command = ::redis::cmd("SET");
        command.arg(self.key(key)).arg(self.value(stamp)).arg("NX").arg("PX").arg(lasting);
        match self.link.ask::<Option<String>>(&command).await {
            Ok(Some(_)) => Ok(Some(Held { key: *key, until_millis, stamp })),
            Ok(None) => Ok(None),
            Err(LinkError::Full) => Err(StoreError::Full),
            Err(error) => Err(StoreError::Unavailable(error)),
        }
    }

    /// Gives a claim back. In a cluster this may be sent again when its answer is lost: the next claim on the key is another.
    pub async fn release(&self, held: &Held) {
        let (key, value) = (self.key(&held.key), self.value(held.stamp));
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
