//! Ids that a source told of lately. Where it withholds another, one of them is asked about: only a source that still tells of
//! others withholds that one for its own sake.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many are remembered: one may be withheld by now itself.
const MOST: usize = 4;

/// The last ids that were told of, the latest first, each once.
#[derive(Default)]
pub(super) struct Witnesses(Mutex<Vec<Box<[u8]>>>);

impl Witnesses {
    /// That the source told of `id`.
    pub(super) fn told(&self, id: &[u8]) {
        let mut ids = self.ids();
        ids.retain(|known| **known != *id);
        ids.insert(0, id.into());
        ids.truncate(MOST);
    }

    /// That nothing is to be believed of `id` any more.
    pub(super) fn forget(&self, id: &[u8]) {
        self.ids().retain(|known| **known != *id);
    }

    /// The latest that is not `id`.
    pub(super) fn other_than(&self, id: &[u8]) -> Option<Box<[u8]>> {
        self.ids().iter().find(|known| ***known != *id).cloned()
    }

    fn ids(&self) -> MutexGuard<'_, Vec<Box<[u8]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_other_id_is_a_witness_and_few_are_remembered() {
        let witnesses = Witnesses::default();
        assert_eq!(witnesses.other_than(b"a"), None);
        for id in [b"a", b"b", b"c", b"d", b"e", b"b", b"b"] {
            witnesses.told(id);
        }
        assert_eq!(witnesses.other_than(b"a").as_deref(), Some(&b"b"[..]));
        assert_eq!(witnesses.other_than(b"b").as_deref(), Some(&b"e"[..]));
        witnesses.forget(b"e");
        assert_eq!(witnesses.other_than(b"b").as_deref(), Some(&b"d"[..]));
        assert_eq!(witnesses.ids().len(), MOST - 1);
    }
}
