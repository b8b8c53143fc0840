//! What the gateway must remember between requests: the claims that make a second use of a request visible, the counters of rate
//! limits, what is revoked, and families of refresh tokens.
//!
//! A store keeps hashes and times and knows nothing of what was signed or by whom; namespaces, windows and what to do
//! when a store is away are admission's. Times are given by the caller, so one clock decides for a whole request.

mod claims;
mod counters;
mod due;
pub mod families;
pub mod journal;
mod journaled;
mod memory;
pub mod redis;
pub mod revocations;
mod set_back;
mod shard;
mod slots;
pub mod sql;
mod steady;
mod sync;

use thiserror::Error;

pub use self::{
    claims::Claims,
    counters::{Counters, Draw, Drawn, MemoryCounters, SharedCounters, Standing},
    journaled::JournaledStore,
    memory::MemoryStore,
};
use crate::redis_link::LinkError;

/// What is claimed: a SHA-256 over the replay key, already namespaced by scheme and key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClaimKey(pub [u8; 32]);

/// The answer to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a claim that was seen must be refused"]
pub enum Claimed {
    /// Nobody holds it; it is held from now on.
    Fresh,
    /// Somebody claimed it before and its time is not over.
    Seen,
}

/// A claim that stands: what whoever made it gives it back by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    key: ClaimKey,
    until_millis: i64,
    /// Tells it from the next claim on the same key until the same time, where a release may be carried out twice.
    stamp: u64,
}

/// Why a store cannot answer. No case says anything about the key: refuse in doubt.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Every place is taken by a live claim; none is forgotten to make room.
    #[error("the replay store is full of live claims")]
    Full,
    /// The store cannot be asked, or did not answer. Whether it did what it was asked for is not known.
    #[error("the replay store is unavailable: {0}")]
    Unavailable(#[source] LinkError),
    /// The journal cannot be written, so the claim does not stand.
    #[error("the replay journal cannot be written: {0}")]
    Unwritable(std::io::ErrorKind),
    /// It answered something else than it was asked.
    #[error("the store gave an answer of another kind than expected")]
    Unexpected,
}

/// A place for claims. Of any number of concurrent claims on one key exactly one is [`Fresh`](Claimed::Fresh).
#[allow(async_fn_in_trait, reason = "workers are single-threaded; no caller needs the futures to be Send")]
pub trait Store {
    /// Claims `key` up to and including `until_millis`. Both times are milliseconds since 1970.
    ///
    /// A claim that is seen does not prolong the one that stands. A claim whose time is already over is held for the
    /// millisecond `now_millis`, so that two of them at once cannot both be fresh.
    async fn claim(&self, key: &ClaimKey, until_millis: i64, now_millis: i64) -> Result<Claimed, StoreError>;

    /// Gives a claim back, so that the same request may come again. Only for whoever got [`Fresh`](Claimed::Fresh), with
    /// the time it was claimed until; a key that is not held, or by now is held until another time, is left alone.
    async fn release(&self, key: &ClaimKey, until_millis: i64);
}

#[cfg(all(test, feature = "interleavings"))]
mod interleavings;
#[cfg(test)]
mod tests;
