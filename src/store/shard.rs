//! One shard of the memory store: a table of claims and, by the second, the order in which they expire.
//!
//! It neither locks nor counts; its owner does both.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::{
    ClaimKey,
    due::Due,
    slots::{NO_SLOT, Slot, SlotId, Slots},
    steady::Steady,
};

/// The outcome of a claim in its shard.
pub(super) enum Attempt {
    /// Held from now on.
    Fresh,
    /// Held by another.
    Seen,
    /// It may have been, and is forgotten: nobody can tell until so many milliseconds have gone by.
    Forgotten(i64),
    /// Not held, and there is no room to hold it.
    NoRoom,
}

/// Claims, found by key and by expiry.
pub(super) struct Shard {
    /// Slot numbers by key. Four bytes each, so that growing moves little.
    index: HashTable<SlotId>,
    slots: Slots,
    /// The claims of each second, as lists through the slots. A second stands for its end: all of them are over then.
    due: Due,
    /// By which time they are over.
    pub(super) steady: Steady,
    /// The latest that a claim was held until that was forgotten: up to then nobody can tell what was claimed.
    forgotten_millis: Option<i64>,
    hasher: RandomState,
}

impl Shard {
    /// More cannot be numbered.
    pub(super) const MOST_CLAIMS: usize = Slots::MOST;

    pub(super) fn new(hasher: RandomState) -> Shard {
        Shard {
            index: HashTable::new(),
            slots: Slots::default(),
            due: Due::default(),
            steady: Steady::default(),
            forgotten_millis: None,
            hasher,
        }
    }

    /// Claims `key`; `take_room` is asked only where it needs a new place.
    pub(super) fn claim(
        &mut self,
        hash: u64,
        key: &ClaimKey,
        until_millis: i64,
        now_millis: i64,
        take_room: impl FnOnce() -> bool,
    ) -> Attempt {
        let until_millis = until_millis.max(now_millis);
        if let Some(id) = self.find(hash, key) {
            if self.slots[id].until_millis >= now_millis {
                return Attempt::Seen;
            }
            self.prolong(id, until_millis);
            return Attempt::Fresh;
        }
        // Only a clock that was set back leads here.
        if let Some(forgotten_millis) = self.forgotten_millis.filter(|forgotten| until_millis <= *forgotten) {
            return Attempt::Forgotten(forgotten_millis.saturating_sub(until_millis));
        }
        if !take_room() {
            return Attempt::NoRoom;
        }
        self.insert(hash, key, until_millis);
        Attempt::Fresh
    }

    /// Holds `key` until then, or longer if it is held longer already; `took_room` is told of a new place.
    pub(super) fn restore(&mut self, hash: u64, key: &ClaimKey, until_millis: i64, took_room: impl FnOnce()) {
        match self.find(hash, key) {
            Some(id) if self.slots[id].until_millis >= until_millis => {}
            Some(id) => self.prolong(id, until_millis),
            None => {
                took_room();
                self.insert(hash, key, until_millis);
            }
        }
    }

    /// The claims that are not over at `now_millis`.
    pub(super) fn live(&self, now_millis: i64) -> Vec<(ClaimKey, i64)> {
        let slots = self.index.iter().map(|&id| &self.slots[id]);
        slots
            .filter(|slot| slot.until_millis >= now_millis)
            .map(|slot| (ClaimKey(slot.key), slot.until_millis))
            .collect()
    }

    /// Forgets `key`, if it is held until then. Whether it was.
    pub(super) fn release(&mut self, hash: u64, key: &ClaimKey, until_millis: i64) -> bool {
        let Some(id) = self.find(hash, key).filter(|&id| self.slots[id].until_millis == until_millis) else {
            return false;
        };
        self.forget(hash, id);
        true
    }

    /// Forgets claims that are over, at most `most`. How many.
    pub(super) fn sweep(&mut self, now_millis: i64, most: usize) -> usize {
        for swept in 0..most {
            let Some((second, id)) = self.due.first() else { return swept };
            if second > now_millis.div_euclid(1000) {
                return swept;
            }
            let Slot { key, until_millis, .. } = self.slots[id];
            self.forgotten_millis = self.forgotten_millis.max(Some(until_millis));
            self.forget(self.hasher.hash_one(key), id);
        }
        most
    }

    /// When the next claims can be swept; the end of time where there are none.
    pub(super) fn earliest_millis(&self) -> i64 {
        self.due.first().map_or(i64::MAX, |(second, _)| second.saturating_mul(1000))
    }

    fn insert(&mut self, hash: u64, key: &ClaimKey, until_millis: i64) {
        let id = self.slots.put(Slot { key: key.0, until_millis, before: NO_SLOT, after: NO_SLOT });
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.index.insert_unique(hash, id, |&id| hasher.hash_one(slots[id].key));
        self.link(id);
    }

    fn prolong(&mut self, id: SlotId, until_millis: i64) {
        self.unlink(id);
        self.slots[id].until_millis = until_millis;
        self.link(id);
    }

    fn find(&self, hash: u64, key: &ClaimKey) -> Option<SlotId> {
        self.index.find(hash, |&id| self.slots[id].key == key.0).copied()
    }

    fn forget(&mut self, hash: u64, id: SlotId) {
        self.unlink(id);
        if let Ok(entry) = self.index.find_entry(hash, |&other| other == id) {
            entry.remove();
        }
        self.slots.free(id);
    }

    /// Puts the slot at the head of its second's list.
    fn link(&mut self, id: SlotId) {
        let second = due_second(self.slots[id].until_millis);
        let after = self.due.put(second, id).unwrap_or(NO_SLOT);
        if after != NO_SLOT {
            self.slots[after].before = id;
        }
        self.slots[id].before = NO_SLOT;
        self.slots[id].after = after;
    }

    fn unlink(&mut self, id: SlotId) {
        let Slot { until_millis, before, after, .. } = self.slots[id];
        if after != NO_SLOT {
            self.slots[after].before = before;
        }
        if before != NO_SLOT {
            self.slots[before].after = after;
        } else if after != NO_SLOT {
            self.due.put(due_second(until_millis), after);
        } else {
            self.due.remove(due_second(until_millis));
        }
    }

    /// What the shard takes from the heap.
    #[cfg(test)]
    pub(super) fn allocated_bytes(&self) -> usize {
        self.index.allocation_size() + self.slots.allocated_bytes() + self.due.allocated_bytes()
    }
}

/// The first whole second at which a claim held through `until_millis` is over.
fn due_second(until_millis: i64) -> i64 {
    until_millis.div_euclid(1000) + 1
}
