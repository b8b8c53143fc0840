//! What is remembered of ids: the known ones with their records, and apart from them those that are not known, so that a
//! flood of invented ids drives out no device.

use std::{
    hash::BuildHasher,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use foldhash::quality::RandomState;

use super::Settings;
use crate::{asking::Table, keys::KeyRecord};

/// Locks, so that workers seldom wait for each other.
const SHARDS: usize = 16;

/// All that is remembered of one source.
pub(super) struct Memory {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    ttl_millis: i64,
    /// From then on a record that is asked for is fetched again before it is over.
    ahead_millis: i64,
    unknown_millis: i64,
    stale_millis: i64,
}

struct Shard {
    known: Table<Known>,
    unknown: Table<i64>,
    hits: u64,
    unknown_hits: u64,
}

struct Known {
    record: Arc<KeyRecord>,
    /// When it was asked for.
    asked_millis: i64,
    /// Until then it serves although it is over, without being asked for again: that has just failed.
    spared_millis: i64,
    /// Whether it is being fetched ahead of its end.
    is_fetched: bool,
}

/// What is remembered of an id.
pub(super) enum Remembered {
    /// It is known, and good; `fetch` it again, for it soon is not.
    Known { record: Arc<KeyRecord>, fetch: bool },
    /// It is not known.
    Unknown,
    /// It was known, and must be asked for again; `spared` where that has just failed.
    Over { record: Arc<KeyRecord>, spared: bool },
    /// Nothing.
    Nothing,
}

impl Memory {
    pub(super) fn new(settings: &Settings) -> Memory {
        let shard = || {
            Mutex::new(Shard {
                known: Table::new(settings.capacity.div_ceil(SHARDS)),
                unknown: Table::new(settings.unknown_capacity.div_ceil(SHARDS)),
                hits: 0,
                unknown_hits: 0,
            })
        };
        let millis = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let ttl_millis = millis(settings.ttl);
        Memory {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            hasher: RandomState::default(),
            ttl_millis,
            ahead_millis: ttl_millis - ttl_millis / 4,
            unknown_millis: millis(settings.unknown_ttl),
            stale_millis: ttl_millis.saturating_add(millis(settings.stale)),
        }
    }

    /// What is remembered of `id`, counted as a hit where it will do.
    pub(super) fn recall(&self, id: &[u8], now_millis: i64) -> Remembered {
        let (hash, mut shard) = self.shard(id);
        let shard = &mut *shard;
        if let Some(known) = shard.known.find(hash, id) {
            // A clock that was set back makes a record over rather than young.
            let age = now_millis.saturating_sub(known.asked_millis);
            if (0..self.ttl_millis).contains(&age) {
                shard.hits += 1;
                let fetch = age >= self.ahead_millis && !known.is_fetched && now_millis >= known.spared_millis;
                known.is_fetched |= fetch;
                return Remembered::Known { record: known.record.clone(), fetch };
            }
            if (0..self.stale_millis).contains(&age) {
                let spared = now_millis < known.spared_millis;
                return Remembered::Over { record: known.record.clone(), spared };
            }
        }
        match shard.unknown.find(hash, id) {
            Some(asked) if (0..self.unknown_millis).contains(&now_millis.saturating_sub(*asked)) => {
                shard.unknown_hits += 1;
                Remembered::Unknown
            }
            _ => Remembered::Nothing,
        }
    }

    /// Whether there is a record of `id`, however old.
    pub(super) fn has_record(&self, id: &[u8]) -> bool {
        let (hash, mut shard) = self.shard(id);
        shard.known.find(hash, id).is_some()
    }

    /// That `id` is known, asked at `asked_millis`. Whether there was a record of it before.
    pub(super) fn learn(&self, id: &[u8], record: Arc<KeyRecord>, asked_millis: i64) -> bool {
        let (hash, mut shard) = self.shard(id);
        shard.unknown.remove(hash, id);
        let was_known = shard.known.find(hash, id).is_some();
        shard.known.put(hash, id, Known { record, asked_millis, spared_millis: i64::MIN, is_fetched: false });
        was_known
    }

    /// That `id` is not known, asked at `asked_millis`.
    pub(super) fn learn_unknown(&self, id: &[u8], asked_millis: i64) {
        let (hash, mut shard) = self.shard(id);
        shard.known.remove(hash, id);
        shard.unknown.put(hash, id, asked_millis);
    }

    /// That nothing is to be believed of `id` any more.
    pub(super) fn forget(&self, id: &[u8]) {
        let (hash, mut shard) = self.shard(id);
        shard.known.remove(hash, id);
        shard.unknown.remove(hash, id);
    }

    /// That `id` was not fetched after all: who asks next may try.
    pub(super) fn not_fetched(&self, id: &[u8]) {
        let (hash, mut shard) = self.shard(id);
        if let Some(known) = shard.known.find(hash, id) {
            known.is_fetched = false;
        }
    }

    /// That `id` could not be asked for: its record, if it is known and not over for too long. It serves until
    /// `until_millis` without being asked for again.
    pub(super) fn spare(&self, id: &[u8], now_millis: i64, until_millis: i64) -> Option<Arc<KeyRecord>> {
        let (hash, mut shard) = self.shard(id);
        let known = shard.known.find(hash, id)?;
        known.spared_millis = until_millis;
        known.is_fetched = false;
        let age = now_millis.saturating_sub(known.asked_millis);
        (0..self.stale_millis).contains(&age).then(|| known.record.clone())
    }

    /// Hits on known ids and on unknown ones, and how many of each are held.
    pub(super) fn counts(&self) -> ((u64, u64), (usize, usize)) {
        let mut counts = ((0, 0), (0, 0));
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            counts.0.0 += shard.hits;
            counts.0.1 += shard.unknown_hits;
            counts.1.0 += shard.known.count();
            counts.1.1 += shard.unknown.count();
        }
        counts
    }

    fn shard(&self, id: &[u8]) -> (u64, MutexGuard<'_, Shard>) {
        let hash = self.hasher.hash_one(id);
        // The table takes the low bits and the highest.
        let shard = &self.shards[(hash >> 32) as usize % SHARDS];
        (hash, shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
