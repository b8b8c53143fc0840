//! A table of ids with room for so many: when it is full, the next that nobody asked for lately makes room.
//!
//! It neither locks nor knows the time; its owner does both.

use hashbrown::HashTable;

/// Ids and what is remembered of them.
pub struct Table<V> {
    /// Places in `slots`. Four bytes each, so that growing moves little.
    index: HashTable<u32>,
    slots: Vec<Slot<V>>,
    /// Where the search for room goes on.
    hand: usize,
    capacity: usize,
}

struct Slot<V> {
    id: Box<[u8]>,
    hash: u64,
    value: V,
    /// Whether it was asked for since the hand last came by.
    used: bool,
}

impl<V> Table<V> {
    /// Room for `capacity` ids, taken as it is needed; at least one.
    pub fn new(capacity: usize) -> Table<V> {
        let capacity = capacity.clamp(1, u32::MAX as usize);
        Table { index: HashTable::new(), slots: Vec::new(), hand: 0, capacity }
    }

    /// What is remembered of `id`.
    pub fn find(&mut self, hash: u64, id: &[u8]) -> Option<&mut V> {
        let place = self.place(hash, id)?;
        let slot = self.slots.get_mut(place)?;
        slot.used = true;
        Some(&mut slot.value)
    }

    /// Remembers `value`. Where there is no room another id is forgotten.
    pub fn put(&mut self, hash: u64, id: &[u8], value: V) {
        if let Some(known) = self.find(hash, id) {
            *known = value;
            return;
        }
        if self.slots.len() >= self.capacity {
            self.make_room();
        }
        // A new id has to be asked for again before it counts as used: those that come once go first.
        self.slots.push(Slot { id: id.into(), hash, value, used: false });
        let place = place_number(self.slots.len() - 1);
        let slots = &self.slots;
        self.index.insert_unique(hash, place, |&place| slots.get(place as usize).map_or(0, |slot| slot.hash));
    }

    /// Forgets `id`.
    pub fn remove(&mut self, hash: u64, id: &[u8]) {
        if let Some(place) = self.place(hash, id) {
            self.take_out(place);
        }
    }

    /// How many ids it remembers.
    pub fn count(&self) -> usize {
        self.slots.len()
    }

    fn place(&self, hash: u64, id: &[u8]) -> Option<usize> {
        let is_it = |&place: &u32| self.slots.get(place as usize).is_some_and(|slot| *slot.id == *id);
        self.index.find(hash, is_it).map(|&place| place as usize)
    }

    /// Second chance: whoever was asked for is passed over once. Ends, for each pass takes one chance away.
    fn make_room(&mut self) {
        loop {
            self.hand = if self.hand + 1 < self.slots.len() { self.hand + 1 } else { 0 };
            match self.slots.get_mut(self.hand) {
                Some(slot) if slot.used => slot.used = false,
                Some(_) => return self.take_out(self.hand),
                None => return,
            }
        }
    }

    /// Takes a slot out; the last one moves into its place.
    fn take_out(&mut self, place: usize) {
        let last = self.slots.len().saturating_sub(1);
        let Some((hash, moved)) = self.slots.get(place).map(|slot| slot.hash).zip(self.slots.last().map(|s| s.hash))
        else {
            return;
        };
        if let Ok(entry) = self.index.find_entry(hash, |&other| other as usize == place) {
            entry.remove();
        }
        if let Some(number) = self.index.find_mut(moved, |&other| other as usize == last) {
            *number = place_number(place);
        }
        self.slots.swap_remove(place);
    }
}

/// The capacity sees to it that it fits.
fn place_number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn number(id: &[u8]) -> u64 {
        // Collisions on purpose.
        u64::from(id[0] % 3)
    }

    proptest! {
        #[test]
        fn it_remembers_what_was_put_last_and_never_more_than_it_may(
            steps in prop::collection::vec((0..4_u8, 0..12_u8), 0..200),
            capacity in 1..8_usize,
        ) {
            let (mut table, mut model) = (Table::new(capacity), HashMap::new());
            for (count, (step, id)) in steps.into_iter().enumerate() {
                let (id, hash) = ([id], number(&[id]));
                match step {
                    0 | 1 => { table.put(hash, &id, count); model.insert(id, count); }
                    2 => { table.remove(hash, &id); model.remove(&id); }
                    _ => {
                        let found = table.find(hash, &id).copied();
                        prop_assert!(found.is_none() || found == model.get(&id).copied());
                    }
                }
                prop_assert!(table.count() <= capacity);
            }
            let held = model.iter().filter(|(id, _)| table.find(number(&id[..]), &id[..]).is_some()).count();
            prop_assert_eq!(held, table.count());
        }
    }

    #[test]
    fn an_id_that_is_asked_for_outlives_those_that_came_once() {
        let mut table = Table::new(4);
        table.put(0, b"a", 0);
        for id in 1..=255_u8 {
            assert!(table.find(0, b"a").is_some(), "{id}");
            table.put(u64::from(id), &[id, id], 0);
        }
        assert_eq!(table.count(), 4);
    }
}
