//! Counters in this process's memory: bounded, sharded, without a wait.
//!
//! They do not outlive the process: after a start every quota is whole. A shard is locked for one look-up and never
//! across an await.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::BuildHasher,
    sync::{Mutex, MutexGuard, PoisonError},
};

use smallvec::SmallVec;

use super::{
    Draw, Drawn, Standing,
    shard::{CounterKey, Shard},
};
use crate::rate::Verdict;

/// Counters a shard is made for.
const COUNTERS_PER_SHARD: usize = 1024;
const MOST_SHARDS: usize = 256;

/// Counters in memory, shared by all workers: about 35 bytes each, and never more of them than the capacity.
///
/// Where there is no room for another, the shard forgets one that is whole again, of which nothing is lost; and where there
/// is none, of some that it looks at, the one that is whole soonest. To make the gateway forget what somebody spent, one
/// must spend as much under many other names, and what is forgotten is the least of it. To refuse newcomers instead would
/// let whoever has many names shut out everybody else.
pub struct MemoryCounters {
    places: Box<[Place]>,
    /// Keyed at random, so that nobody can find two names that share a counter.
    hashers: [RandomState; 2],
}

/// One shard and its lock, on cache lines of its own.
#[repr(align(128))]
struct Place(Mutex<Shard>);

/// A shard that is locked, and its number.
type Locked<'a> = SmallVec<[(usize, MutexGuard<'a, Shard>); 2]>;

impl MemoryCounters {
    /// No counters yet, and room for about `capacity`: exactly so many over all, but each shard has its part of it.
    pub fn new(capacity: usize) -> MemoryCounters {
        let shards = (capacity / COUNTERS_PER_SHARD).clamp(1, MOST_SHARDS).next_power_of_two();
        let each = (capacity / shards).max(1);
        let places = (0..shards).map(|_| Place(Mutex::new(Shard::new(each)))).collect();
        MemoryCounters { places, hashers: [RandomState::new(), RandomState::new()] }
    }

    /// Counters held, those that are whole again included until their place is wanted.
    pub fn len(&self) -> usize {
        self.places.iter().map(|place| place.lock().len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Asks for one of each of `draws`, and spends all or nothing.
    pub fn draw(&self, draws: &[Draw<'_>], now_nanos: i64) -> Drawn {
        let keys: SmallVec<[CounterKey; 2]> = draws.iter().map(|draw| self.key(draw)).collect();
        let mut locked = self.lock(&keys);
        let mut after: SmallVec<[i64; 2]> = SmallVec::new();
        let mut longest: Option<(usize, i64)> = None;
        for (index, (draw, key)) in draws.iter().zip(&keys).enumerate() {
            let kept = self.shard(&mut locked, key).and_then(|shard| shard.kept(key));
            match draw.quota.take(kept, now_nanos) {
                Verdict::Within { full_at } => after.push(full_at),
                Verdict::Beyond { wait } if longest.is_none_or(|(_, most)| wait > most) => {
                    longest = Some((index, wait))
                }
                Verdict::Beyond { .. } => {}
            }
        }
        if let Some((draw, wait)) = longest {
            return Drawn::Beyond { draw, wait };
        }
        for (key, full_at) in keys.iter().zip(&after) {
            if let Some(shard) = self.shard(&mut locked, key) {
                shard.keep(key, *full_at, now_nanos);
            }
        }
        Drawn::Within(draws.iter().zip(after).map(|(draw, full_at)| Standing::of(draw, full_at, now_nanos)).collect())
    }

    /// Takes one of `draw` alone, or says how long until there is one, in nanoseconds.
    ///
    /// # Errors
    /// There is none.
    pub fn take(&self, draw: &Draw<'_>, now_nanos: i64) -> Result<(), i64> {
        match self.draw(std::slice::from_ref(draw), now_nanos) {
            Drawn::Within(_) => Ok(()),
            Drawn::Beyond { wait, .. } => Err(wait),
        }
    }

    /// How long until `draw` has one, in nanoseconds; `None` where it has. Nothing is spent.
    pub fn wait(&self, draw: &Draw<'_>, now_nanos: i64) -> Option<i64> {
        let key = self.key(draw);
        let kept = self.places.get(self.place(&key))?.lock().kept(&key);
        match draw.quota.take(kept, now_nanos) {
            Verdict::Within { .. } => None,
            Verdict::Beyond { wait } => Some(wait),
        }
    }

    /// Spends one of `draw` whether there is one or not. Whether that was the last.
    pub fn spend(&self, draw: &Draw<'_>, now_nanos: i64) -> bool {
        let key = self.key(draw);
        let Some(place) = self.places.get(self.place(&key)) else { return false };
        let mut shard = place.lock();
        let kept = shard.kept(&key);
        let full_at = draw.quota.spend(kept, now_nanos);
        shard.keep(&key, full_at, now_nanos);
        draw.quota.left(kept, now_nanos) > 0 && draw.quota.left(Some(full_at), now_nanos) == 0
    }

    /// Gives back one of `draw` that was spent.
    pub fn give_back(&self, draw: &Draw<'_>, now_nanos: i64) {
        let key = self.key(draw);
        let Some(place) = self.places.get(self.place(&key)) else { return };
        let mut shard = place.lock();
        // What was forgotten meanwhile is whole already.
        if let Some(kept) = shard.kept(&key) {
            shard.keep(&key, draw.quota.give_back(Some(kept), now_nanos), now_nanos);
        }
    }

    fn key(&self, draw: &Draw<'_>) -> CounterKey {
        let [one, other] = &self.hashers;
        let named = (draw.limit, draw.whom);
        CounterKey(one.hash_one(named), other.hash_one(named))
    }

    fn place(&self, key: &CounterKey) -> usize {
        // The other half of the key chooses the bucket inside the shard.
        usize::try_from(key.1 & (self.places.len() as u64 - 1)).unwrap_or(0)
    }

    /// Locks the shard of each key once, in ascending order: two requests never wait for each other.
    fn lock(&self, keys: &[CounterKey]) -> Locked<'_> {
        let mut numbers: SmallVec<[usize; 2]> = keys.iter().map(|key| self.place(key)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().filter_map(|number| Some((number, self.places.get(number)?.lock()))).collect()
    }

    fn shard<'l>(&self, locked: &'l mut Locked<'_>, key: &CounterKey) -> Option<&'l mut Shard> {
        let place = self.place(key);
        locked.iter_mut().find(|(number, _)| *number == place).map(|(_, shard)| &mut **shard)
    }

    #[cfg(test)]
    pub(super) fn allocated_bytes(&self) -> usize {
        self.places.iter().map(|place| place.lock().allocated_bytes()).sum()
    }
}

impl Standing {
    pub(super) fn of(draw: &Draw<'_>, full_at: i64, now_nanos: i64) -> Standing {
        let left = draw.quota.left(Some(full_at), now_nanos);
        let full_in = full_at.saturating_sub(now_nanos);
        let one_in = full_in.saturating_sub(draw.quota.window_nanos() - draw.quota.interval_nanos());
        Standing { left, back_in: if left == 0 { one_in } else { full_in } }
    }
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, Shard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryCounters({})", self.len())
    }
}
