//! The interface of key sources that have to be asked: databases, Redis, other services. And how they fail.
//!
//! Caching, time-outs and what is served while a source is away are the source's own business; the table asks once a
//! request and believes the answer.

use std::{pin::Pin, sync::Arc};

use super::KeyRecord;
use crate::scheme::KeyFault;

/// A source that may have to be waited for. Shared by all workers.
pub trait Lookup: Send + Sync {
    /// What the source knows of `id`: at once, where it remembers, or else when it was asked.
    fn look_up(&self, id: &[u8]) -> Lookout<'_>;
}

/// What a source says of an id. `None` is an id that it does not know; a source that is away must never say so.
pub type Answer = Result<Option<Arc<KeyRecord>>, KeysAway>;

/// An answer, or what will come to one.
pub enum Lookout<'s> {
    /// It is known without asking.
    Now(Answer),
    /// It has to be waited for.
    Later(Pin<Box<dyn Future<Output = Answer> + Send + 's>>),
}

/// A source that cannot say whether it knows an id. No id, no secret and no address with a password is in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysAway {
    /// It did not answer in time.
    #[error("the key source did not answer in time")]
    TimedOut,
    /// More is asked of it at once than it may be.
    #[error("too many look-ups at once in the key source")]
    Busy,
    /// It failed, and how.
    #[error("the key source failed: {0}")]
    Failed(Arc<str>),
    /// It answered what cannot be read as a key.
    #[error("the key source answered what is no key: {0}")]
    Unreadable(Arc<str>),
}

/// Why there is no key to verify with. The texts are for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// The id is not known.
    #[error("unknown key id")]
    Unknown,
    /// It was shut out.
    #[error("the key id is disabled")]
    Disabled,
    /// Each of its secrets is over, or not good yet.
    #[error("no secret of the key id is good at this time")]
    NotNow,
    /// A secret of it is no key of the scheme.
    #[error("a secret of the key id cannot be used: {0}")]
    Unfit(#[from] KeyFault),
    /// Whether it is known cannot be said.
    #[error(transparent)]
    Away(#[from] KeysAway),
}
