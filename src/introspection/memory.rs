//! What was said of tokens, by their hashes: the active ones, and apart from them those that are not, so that a flood of invented
//! tokens drives out no client's.

use std::{
    hash::BuildHasher,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use foldhash::quality::RandomState;

use super::Settings;
use crate::{asking::Table, authenticate::jwt::TokenDigest};

/// Locks, so that workers seldom wait for each other.
const SHARDS: usize = 16;

/// All that is remembered of one server's answers.
pub(super) struct Memory {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    ttl_millis: i64,
    inactive_millis: i64,
}

struct Shard {
    active: Table<(Arc<[u8]>, i64)>,
    inactive: Table<i64>,
}

/// What is remembered of a token.
pub(super) enum Remembered {
    /// It is active, and this was said of it.
    Active(Arc<[u8]>),
    /// It is not.
    Inactive,
    /// It was active, and must be asked for again.
    Over,
    /// Nothing, or that it was not active, too long ago.
    Nothing,
}

impl Remembered {
    /// The same as an answer, where there is one.
    pub(super) fn known(self) -> Option<Option<Arc<[u8]>>> {
        match self {
            Remembered::Active(answer) => Some(Some(answer)),
            Remembered::Inactive => Some(None),
            Remembered::Over | Remembered::Nothing => None,
        }
    }
}

impl Memory {
    pub(super) fn new(settings: &Settings) -> Memory {
        let each = settings.capacity.div_ceil(SHARDS);
        let shard = || Mutex::new(Shard { active: Table::new(each), inactive: Table::new(each) });
        let millis = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Memory {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            hasher: RandomState::default(),
            ttl_millis: millis(settings.ttl),
            inactive_millis: millis(settings.inactive_ttl),
        }
    }

    /// What is remembered. A clock that was set back makes an answer old rather than young.
    pub(super) fn recall(&self, digest: &TokenDigest, now_millis: i64) -> Remembered {
        let (hash, Some(mut shard)) = self.shard(digest) else { return Remembered::Nothing };
        let is_good = |asked: i64, ttl: i64| (0..ttl).contains(&now_millis.saturating_sub(asked));
        if let Some((answer, asked)) = shard.active.find(hash, digest) {
            return if is_good(*asked, self.ttl_millis) {
                Remembered::Active(answer.clone())
            } else {
                Remembered::Over
            };
        }
        match shard.inactive.find(hash, digest) {
            Some(asked) if is_good(*asked, self.inactive_millis) => Remembered::Inactive,
            _ => Remembered::Nothing,
        }
    }

    /// What was said, asked at `asked_millis`; `None` where the token is not active.
    pub(super) fn learn(&self, digest: &TokenDigest, answer: Option<Arc<[u8]>>, asked_millis: i64) {
        let (hash, Some(mut shard)) = self.shard(digest) else { return };
        match answer {
            Some(answer) => {
                shard.inactive.remove(hash, digest);
                shard.active.put(hash, digest, (answer, asked_millis));
            }
            None => {
                shard.active.remove(hash, digest);
                shard.inactive.put(hash, digest, asked_millis);
            }
        }
    }

    /// Answers that are remembered, active and not.
    pub(super) fn lengths(&self) -> (usize, usize) {
        let locked = self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner));
        locked.fold((0, 0), |(active, inactive), shard| {
            (active + shard.active.count(), inactive + shard.inactive.count())
        })
    }

    /// The digest is hashed once more, under a seed of this process: else tokens could be chosen that share a place.
    fn shard(&self, digest: &TokenDigest) -> (u64, Option<MutexGuard<'_, Shard>>) {
        let hash = self.hasher.hash_one(digest);
        let place = usize::try_from(hash >> 32).unwrap_or(0) % SHARDS;
        let shard = self.shards.get(place);
        (hash, shard.map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
