//! Which claims of a shard are over next: by the second, the head of the list of those that are over with it.
//!
//! It knows heads alone; the lists run through the slots.

use std::{collections::BTreeMap, mem};

use super::slots::SlotId;

/// The lists' heads. Claims mostly come with the latest second of all, that of one now and a window more: its list is found
/// without a search.
#[derive(Default)]
pub(super) struct Due {
    /// The latest second, later than all in `earlier`.
    latest: Option<(i64, SlotId)>,
    earlier: BTreeMap<i64, SlotId>,
}

impl Due {
    /// Puts `id` at the head of the second's list; what was its head.
    pub(super) fn put(&mut self, second: i64, id: SlotId) -> Option<SlotId> {
        match &mut self.latest {
            Some((latest, head)) if *latest == second => Some(mem::replace(head, id)),
            Some((latest, _)) if *latest > second => self.earlier.insert(second, id),
            latest => {
                if let Some((latest, head)) = latest.replace((second, id)) {
                    self.earlier.insert(latest, head);
                }
                None
            }
        }
    }

    /// The second's list is empty.
    pub(super) fn remove(&mut self, second: i64) {
        match self.latest {
            Some((latest, _)) if latest == second => self.latest = self.earlier.pop_last(),
            _ => drop(self.earlier.remove(&second)),
        }
    }

    /// The first second of all, and its list's head.
    pub(super) fn first(&self) -> Option<(i64, SlotId)> {
        self.earlier.first_key_value().map(|(&second, &head)| (second, head)).or(self.latest)
    }

    /// What the tree takes from the heap at its worst: nodes of eleven that are half full.
    #[cfg(test)]
    pub(super) fn allocated_bytes(&self) -> usize {
        const BYTES_PER_SECOND: usize = 32;
        self.earlier.len() * BYTES_PER_SECOND
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_tree_whatever_comes_in_whatever_order(steps in prop::collection::vec((0..8_i64, any::<bool>()), 0..60)) {
            let (mut due, mut tree) = (Due::default(), BTreeMap::new());
            for (id, (second, puts)) in (0..).zip(steps) {
                if puts {
                    prop_assert_eq!(due.put(second, id), tree.insert(second, id));
                } else {
                    due.remove(second);
                    tree.remove(&second);
                }
                prop_assert_eq!(due.first(), tree.first_key_value().map(|(&second, &head)| (second, head)));
            }
        }
    }
}
