//! Numbered places for claims that never move.
//!
//! They are made in small blocks: growth copies nothing and leaves at most one block of slack a shard.

use std::ops::{Index, IndexMut};

/// The number of a slot.
pub(super) type SlotId = u32;
/// No slot: the end of a list.
pub(super) const NO_SLOT: SlotId = u32::MAX;

const BLOCK: usize = 64;

/// A claim, and its neighbours in the list of those that expire in the same second.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) key: [u8; 32],
    pub(super) until_millis: i64,
    pub(super) before: SlotId,
    pub(super) after: SlotId,
}

/// All slots of a shard. Freed ones are used again before new ones are made.
pub(super) struct Slots {
    blocks: Vec<Vec<Slot>>,
    /// How many were ever made; the number of the next new one.
    made: SlotId,
    /// The first free one; the others follow through `after`.
    first_free: SlotId,
}

impl Slots {
    pub(super) const MOST: usize = NO_SLOT as usize;

    /// Stores `slot` and numbers it. The owner keeps the count below [`Slots::MOST`].
    pub(super) fn put(&mut self, slot: Slot) -> SlotId {
        if self.first_free != NO_SLOT {
            let id = self.first_free;
            self.first_free = self[id].after;
            self[id] = slot;
            return id;
        }
        match self.blocks.last_mut() {
            Some(block) if block.len() < BLOCK => block.push(slot),
            _ => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(slot);
                self.blocks.push(block);
            }
        }
        let id = self.made;
        self.made += 1;
        id
    }

    /// Frees a slot. Its number must be in no list and in no table any more.
    pub(super) fn free(&mut self, id: SlotId) {
        self[id].after = self.first_free;
        self.first_free = id;
    }

    #[cfg(test)]
    pub(super) fn allocated_bytes(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(|block| block.capacity() * size_of::<Slot>()).sum();
        blocks + self.blocks.capacity() * size_of::<Vec<Slot>>()
    }
}

impl Default for Slots {
    fn default() -> Slots {
        Slots { blocks: Vec::new(), made: 0, first_free: NO_SLOT }
    }
}

impl Index<SlotId> for Slots {
    type Output = Slot;

    fn index(&self, id: SlotId) -> &Slot {
        let id = id as usize;
        &self.blocks[id / BLOCK][id % BLOCK]
    }
}

impl IndexMut<SlotId> for Slots {
    fn index_mut(&mut self, id: SlotId) -> &mut Slot {
        let id = id as usize;
        &mut self.blocks[id / BLOCK][id % BLOCK]
    }
}
