//! Claims in this process's memory: bounded, sharded, swept a little at every claim.
//!
//! It does not outlive the process. A shard is locked for one look-up and never across an await; no two shards are
//! ever locked at once.

use std::{fmt, hash::BuildHasher};

use foldhash::quality::RandomState;

use super::{
    ClaimKey, Claimed, Store, StoreError,
    set_back::SetBack,
    shard::{Attempt, Shard},
    sync::{AtomicI64, AtomicUsize, Mutex, MutexGuard, Ordering, PoisonError},
};
use crate::clock::Clock;

/// Claims a shard is made for, roughly; it grows beyond where the hash is uneven.
const CLAIMS_PER_SHARD: usize = 1024;
/// Enough that two million claims grow their tables in steps of a fraction of a millisecond.
const MOST_SHARDS: usize = 256;
/// Expired claims swept by each claim. More than one, so that a backlog shrinks while claims come.
const SWEEP_PER_CLAIM: usize = 4;
/// Expired claims swept from another shard when there is no room: one pays, the next ones find room.
const SWEEP_FOR_ROOM: usize = 64;

/// Claims in memory, shared by all workers. About 60 bytes a claim, and
/// never over 100 when full, even where each expires in a second of its own.
pub struct MemoryStore {
    places: Box<[Place]>,
    room: Room,
    set_back: SetBack,
    /// What beside the wall clock says that time went by, where that may be set.
    clock: Option<Clock>,
    /// Seeded at random: a sender who picks his replay keys cannot pick the shard or the bucket they fall into.
    hasher: RandomState,
}

impl MemoryStore {
    /// An empty store that holds at most `capacity` claims in total, whatever shard they fall into.
    pub fn new(capacity: usize) -> MemoryStore {
        let hasher = RandomState::default();
        let shards = (capacity / CLAIMS_PER_SHARD).clamp(1, MOST_SHARDS).next_power_of_two();
        let places = (0..shards).map(|_| Place::new(Shard::new(hasher.clone()))).collect();
        let capacity = capacity.min(Shard::MOST_CLAIMS);
        let room = Room { taken: AtomicUsize::new(0), capacity };
        MemoryStore { places, room, set_back: SetBack::default(), clock: None, hasher }
    }

    /// The same, which forgets nothing because the wall clock was set ahead: `clock` tells how much time went by.
    pub fn with_clock(self, clock: Clock) -> MemoryStore {
        MemoryStore { clock: Some(clock), ..self }
    }

    /// Claims held, expired ones that are not yet swept included.
    pub fn len(&self) -> usize {
        self.room.taken.load(Ordering::Relaxed)
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most claims it holds.
    pub fn capacity(&self) -> usize {
        self.room.capacity
    }

    /// Claims that were refused because the wall clock was set back: whether they were made before is forgotten.
    pub fn set_back(&self) -> u64 {
        self.set_back.refused()
    }

    /// As [`claim`](Store::claim): nothing is ever waited for.
    ///
    /// # Errors
    /// [`StoreError::Full`]
    pub fn claim_at_once(&self, key: &ClaimKey, until_millis: i64, now_millis: i64) -> Result<Claimed, StoreError> {
        let hash = self.hasher.hash_one(key.0);
        let place = self.place(hash);
        let until_millis = until_millis.max(now_millis);
        let steady_millis = self.steady_millis();
        loop {
            let attempt = {
                let mut shard = place.lock();
                let over_millis = over(&mut shard, now_millis, steady_millis);
                if place.has_expired(over_millis) {
                    self.room.give(shard.sweep(over_millis, SWEEP_PER_CLAIM));
                }
                shard.steady.note(until_millis, now_millis);
                let attempt = shard.claim(hash, key, until_millis, over_millis, || self.room.take());
                place.note_earliest(&shard);
                attempt
            };
            match attempt {
                Attempt::Fresh => return Ok(Claimed::Fresh),
                Attempt::Seen => return Ok(Claimed::Seen),
                Attempt::Forgotten(left_millis) => {
                    self.set_back.note(left_millis, steady_millis.unwrap_or(now_millis));
                    return Ok(Claimed::Seen);
                }
                // Room is made with no shard locked, so the key is looked up anew: another may have claimed it.
                Attempt::NoRoom if self.make_room(now_millis) => {}
                Attempt::NoRoom => return Err(StoreError::Full),
            }
        }
    }

    /// Holds a claim that was made before, whatever room there is, and at least until then if it is held already.
    pub(super) fn restore(&self, key: &ClaimKey, until_millis: i64) {
        let hash = self.hasher.hash_one(key.0);
        let place = self.place(hash);
        let mut shard = place.lock();
        if let Some(clock) = &self.clock {
            let now_millis = clock.unix_millis();
            // What is held from before must not wait for its shard's first claim: the clock may have been set by then.
            over(&mut shard, now_millis, Some(clock.steady_millis()));
            shard.steady.note(until_millis, now_millis);
        }
        shard.restore(hash, key, until_millis, || {
            self.room.taken.fetch_add(1, Ordering::Relaxed);
        });
        place.note_earliest(&shard);
    }

    /// Lets go of a claim that is held until then.
    pub(super) fn take_back(&self, key: &ClaimKey, until_millis: i64) {
        let hash = self.hasher.hash_one(key.0);
        let place = self.place(hash);
        let mut shard = place.lock();
        if shard.release(hash, key, until_millis) {
            self.room.give(1);
        }
        place.note_earliest(&shard);
    }

    /// Shows every claim that is live, one shard after the other. Each shard is locked only while its claims are copied.
    pub(super) fn each_live(&self, now_millis: i64, take: &mut dyn FnMut(&ClaimKey, i64)) {
        let steady_millis = self.steady_millis();
        for place in &self.places {
            let live = {
                let mut shard = place.lock();
                let over_millis = over(&mut shard, now_millis, steady_millis);
                shard.live(over_millis)
            };
            live.iter().for_each(|(key, until_millis)| take(key, *until_millis));
        }
    }

    fn place(&self, hash: u64) -> &Place {
        // Bits apart from the low ones and the top seven, which choose the bucket inside a shard's table.
        let index = (hash >> 48) as usize & (self.places.len() - 1);
        &self.places[index]
    }

    /// Sweeps some shard that has expired claims. Whether there may be room now.
    fn make_room(&self, now_millis: i64) -> bool {
        let steady_millis = self.steady_millis();
        for place in self.places.iter().filter(|place| place.has_expired(now_millis)) {
            let mut shard = place.lock();
            let over_millis = over(&mut shard, now_millis, steady_millis);
            let swept = shard.sweep(over_millis, SWEEP_FOR_ROOM);
            // By the wall clock, or each refusal would look here again while that is ahead.
            place.note_earliest_ahead(&shard, now_millis.saturating_sub(over_millis));
            self.room.give(swept);
            if swept > 0 {
                return true;
            }
        }
        self.room.is_free()
    }

    fn steady_millis(&self) -> Option<i64> {
        self.clock.as_ref().map(Clock::steady_millis)
    }

    #[cfg(test)]
    pub(super) fn allocated_bytes(&self) -> usize {
        self.places.iter().map(|place| place.lock().allocated_bytes()).sum()
    }
}

impl Store for MemoryStore {
    async fn claim(&self, key: &ClaimKey, until_millis: i64, now_millis: i64) -> Result<Claimed, StoreError> {
        self.claim_at_once(key, until_millis, now_millis)
    }

    async fn release(&self, key: &ClaimKey, until_millis: i64) {
        self.take_back(key, until_millis);
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} of {})", self.len(), self.capacity())
    }
}

/// The time by which claims of a shard are over.
fn over(shard: &mut Shard, now_millis: i64, steady_millis: Option<i64>) -> i64 {
    steady_millis.map_or(now_millis, |steady_millis| shard.steady.believed(now_millis, steady_millis))
}

/// One shard and its lock, on cache lines of its own.
#[repr(align(128))]
struct Place {
    shard: Mutex<Shard>,
    /// When its next claims can be swept, readable without the lock.
    earliest: AtomicI64,
}

impl Place {
    fn new(shard: Shard) -> Place {
        Place { shard: Mutex::new(shard), earliest: AtomicI64::new(i64::MAX) }
    }

    fn lock(&self) -> MutexGuard<'_, Shard> {
        self.shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something can be swept; certain only while it is locked.
    fn has_expired(&self, now_millis: i64) -> bool {
        self.earliest.load(Ordering::Relaxed) <= now_millis
    }

    fn note_earliest(&self, shard: &Shard) {
        self.note_earliest_ahead(shard, 0);
    }

    /// The same as a clock says it that is so far ahead.
    fn note_earliest_ahead(&self, shard: &Shard, lead_millis: i64) {
        self.earliest.store(shard.earliest_millis().saturating_add(lead_millis), Ordering::Relaxed);
    }
}

/// The count over all shards: the capacity is exact in total, and no shard refuses while another has room.
struct Room {
    taken: AtomicUsize,
    capacity: usize,
}

impl Room {
    fn take(&self) -> bool {
        let more = |taken: usize| (taken < self.capacity).then_some(taken + 1);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn give(&self, places: usize) {
        if places > 0 {
            self.taken.fetch_sub(places, Ordering::Relaxed);
        }
    }

    fn is_free(&self) -> bool {
        self.taken.load(Ordering::Relaxed) < self.capacity
    }
}
