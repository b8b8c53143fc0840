//! The store that the config chose, whichever it is, and what is counted of it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{ClaimKey, Claimed, Held, JournaledStore, MemoryStore, Store, StoreError, redis::RedisClaims};
use crate::redis_link::Health;

/// The replay claims of a gateway. One outlives every reload that leaves its settings alone.
#[derive(Debug)]
pub struct Claims {
    place: Place,
    /// What was claimed up to then, in milliseconds since 1970, is not known here.
    unknown_until_millis: Option<i64>,
    failures: AtomicU64,
    unchecked: AtomicU64,
}

#[derive(Debug)]
enum Place {
    /// In this process, shared by its workers.
    Memory(MemoryStore),
    /// The same, with a journal that outlives it.
    Journaled(JournaledStore),
    /// Shared by all gateways on one Redis.
    Redis(RedisClaims),
}

impl Claims {
    /// In this process's memory, and gone with it.
    pub fn in_memory(memory: MemoryStore) -> Claims {
        Claims::at(Place::Memory(memory))
    }

    /// In this process's memory, with a journal behind it.
    pub fn in_journal(journaled: JournaledStore) -> Claims {
        Claims::at(Place::Journaled(journaled))
    }

    /// In Redis.
    pub fn in_redis(claims: RedisClaims) -> Claims {
        Claims::at(Place::Redis(claims))
    }

    /// The same, but what can have been accepted up to `start_millis` is taken for accepted.
    pub fn refusing_up_to(self, start_millis: i64) -> Claims {
        Claims { unknown_until_millis: Some(start_millis), ..self }
    }

    /// Whether a claim that was first possible at `since_millis` may have been made when nothing was remembered yet.
    pub fn may_have_forgotten(&self, since_millis: i64) -> bool {
        self.unknown_until_millis.is_some_and(|unknown| since_millis <= unknown)
    }

    /// As [`claim`](Claims::claim) where nothing has to be waited for; `None` where another has to be asked.
    pub fn claim_at_once(
        &self,
        key: &ClaimKey,
        until_millis: i64,
        now_millis: i64,
    ) -> Option<Result<Option<Held>, StoreError>> {
        let claimed = match &self.place {
            Place::Memory(memory) => memory.claim_at_once(key, until_millis, now_millis),
            Place::Journaled(journaled) => journaled.claim_at_once(key, until_millis, now_millis),
            Place::Redis(_) => return None,
        };
        Some(self.counted(claimed.map(|claimed| held(claimed, key, until_millis))))
    }

    /// Claims `key`, as a [`Store`] does; `None` where it is held.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn claim(&self, key: &ClaimKey, until_millis: i64, now_millis: i64) -> Result<Option<Held>, StoreError> {
        match (&self.place, self.claim_at_once(key, until_millis, now_millis)) {
            (_, Some(claimed)) => claimed,
            (Place::Redis(claims), None) => self.counted(claims.claim(key, until_millis, now_millis).await),
            // Of these nothing has to be waited for.
            (Place::Memory(_) | Place::Journaled(_), None) => Err(StoreError::Unexpected),
        }
    }

    /// Gives a claim back, so that the same request may come again.
    pub async fn release(&self, claim: &Held) {
        match &self.place {
            Place::Memory(memory) => memory.release(&claim.key, claim.until_millis).await,
            Place::Journaled(journaled) => journaled.release(&claim.key, claim.until_millis).await,
            Place::Redis(claims) => claims.release(claim).await,
        }
    }

    fn counted<T>(&self, claimed: Result<T, StoreError>) -> Result<T, StoreError> {
        claimed.inspect_err(|_| {
            self.failures.fetch_add(1, Ordering::Relaxed);
        })
    }

    fn at(place: Place) -> Claims {
        Claims { place, unknown_until_millis: None, failures: AtomicU64::new(0), unchecked: AtomicU64::new(0) }
    }

    /// Claims held, expired ones that are not yet swept included; `None` where the store cannot tell cheaply.
    pub fn held(&self) -> Option<usize> {
        match &self.place {
            Place::Memory(memory) => Some(memory.len()),
            Place::Journaled(journaled) => Some(journaled.memory().len()),
            Place::Redis(_) => None,
        }
    }

    /// The most that can be held; `None` where another says so.
    pub fn capacity(&self) -> Option<usize> {
        match &self.place {
            Place::Memory(memory) => Some(memory.capacity()),
            Place::Journaled(journaled) => Some(journaled.memory().capacity()),
            Place::Redis(_) => None,
        }
    }

    /// Claims refused because the wall clock was set back; `None` where another looks at its own.
    pub fn set_back(&self) -> Option<u64> {
        match &self.place {
            Place::Memory(memory) => Some(memory.set_back()),
            Place::Journaled(journaled) => Some(journaled.memory().set_back()),
            Place::Redis(_) => None,
        }
    }

    /// How the way to the store is, where there is one.
    pub fn link(&self) -> Option<&Health> {
        match &self.place {
            Place::Memory(_) | Place::Journaled(_) => None,
            Place::Redis(claims) => Some(claims.health()),
        }
    }

    /// Claims that the store could not decide.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Those of them whose requests went on nevertheless.
    pub fn unchecked(&self) -> u64 {
        self.unchecked.load(Ordering::Relaxed)
    }

    /// Notes that a request goes on although its claim could not be decided.
    pub fn note_unchecked(&self) {
        self.unchecked.fetch_add(1, Ordering::Relaxed);
    }
}

/// What one in memory is given back by: its time alone.
fn held(claimed: Claimed, key: &ClaimKey, until_millis: i64) -> Option<Held> {
    match claimed {
        Claimed::Fresh => Some(Held { key: *key, until_millis, stamp: 0 }),
        Claimed::Seen => None,
    }
}
