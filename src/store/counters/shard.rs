//! One shard of the counters in memory: a bounded table that forgets what it can best do without.
//!
//! It does not lock; its owner does.

use hashbrown::HashTable;

/// What is counted: a keyed hash of limit and name, in two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CounterKey(pub(super) u64, pub(super) u64);

/// Counters looked at for each new one, so that those that are whole again go while others come.
const LOOKED_AT: usize = 2;
/// Counters looked at where there is no room: enough that one of little loss is among them.
const LOOKED_AT_FOR_ROOM: usize = 16;

/// Counters, found by key and gone through in turn.
pub(super) struct Shard {
    /// Places in `counters`. Four bytes each, so that growing moves little.
    index: HashTable<u32>,
    counters: Vec<Counter>,
    /// Where looking goes on.
    hand: usize,
    capacity: usize,
}

#[derive(Clone, Copy)]
struct Counter {
    key: CounterKey,
    full_at: i64,
}

impl Shard {
    pub(super) fn new(capacity: usize) -> Shard {
        let capacity = capacity.min(u32::MAX as usize);
        Shard { index: HashTable::new(), counters: Vec::new(), hand: 0, capacity }
    }

    pub(super) fn len(&self) -> usize {
        self.counters.len()
    }

    /// What is kept of `key`.
    pub(super) fn kept(&self, key: &CounterKey) -> Option<i64> {
        self.find(key).and_then(|at| self.counters.get(at)).map(|counter| counter.full_at)
    }

    /// Keeps `full_at` for `key`, and forgets another where there is no room.
    pub(super) fn keep(&mut self, key: &CounterKey, full_at: i64, now_nanos: i64) {
        if let Some(counter) = self.find(key).and_then(|at| self.counters.get_mut(at)) {
            counter.full_at = full_at;
            return;
        }
        self.forget_whole(now_nanos);
        if self.counters.len() >= self.capacity {
            self.forget_least();
        }
        let at = u32::try_from(self.counters.len()).unwrap_or(u32::MAX);
        self.counters.push(Counter { key: *key, full_at });
        let counters = &self.counters;
        self.index.insert_unique(key.0, at, |&at| counters.get(at as usize).map_or(0, |counter| counter.key.0));
    }

    /// Looks at the next few, and forgets those that are whole again: as if they had never been.
    fn forget_whole(&mut self, now_nanos: i64) {
        for _ in 0..LOOKED_AT {
            let at = self.next();
            if self.counters.get(at).is_some_and(|counter| counter.full_at <= now_nanos) {
                self.forget(at);
            }
        }
    }

    /// Looks at the next few, and forgets the one that is whole soonest.
    fn forget_least(&mut self) {
        let looked_at = (0..LOOKED_AT_FOR_ROOM).map(|_| self.next());
        let looked_at: smallvec::SmallVec<[usize; LOOKED_AT_FOR_ROOM]> = looked_at.collect();
        let soonest = |at: &&usize| self.counters.get(**at).map_or(i64::MAX, |counter| counter.full_at);
        if let Some(&at) = looked_at.iter().min_by_key(soonest) {
            self.forget(at);
        }
    }

    fn next(&mut self) -> usize {
        self.hand = if self.hand + 1 < self.counters.len() { self.hand + 1 } else { 0 };
        self.hand
    }

    /// Forgets the counter at `at`; the last one takes its place.
    fn forget(&mut self, at: usize) {
        let Some(&Counter { key, .. }) = self.counters.get(at) else { return };
        let last = self.counters.len() - 1;
        if let Ok(entry) = self.index.find_entry(key.0, |&other| other as usize == at) {
            entry.remove();
        }
        if let Some(moved) = self.counters.last().filter(|_| last != at)
            && let Some(place) = self.index.find_mut(moved.key.0, |&other| other as usize == last)
        {
            *place = u32::try_from(at).unwrap_or(u32::MAX);
        }
        self.counters.swap_remove(at);
    }

    fn find(&self, key: &CounterKey) -> Option<usize> {
        let is_it = |&at: &u32| self.counters.get(at as usize).is_some_and(|counter| counter.key == *key);
        self.index.find(key.0, is_it).map(|&at| at as usize)
    }

    #[cfg(test)]
    pub(super) fn allocated_bytes(&self) -> usize {
        self.index.allocation_size() + self.counters.capacity() * size_of::<Counter>()
    }
}
