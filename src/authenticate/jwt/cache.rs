//! Tokens verified a moment ago, so that a client's next request costs a look-up instead of a signature check.
//!
//! Only successes are kept, for a forger must not be able to fill it. It knows nothing of revocation, which is asked
//! anew for every request. One belongs to each worker; it is not shared.

use std::{hash::BuildHasher, mem, sync::Arc};

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::{KeySet, Token, TokenError, Verifier, carrier};
use crate::secret::are_equal;

/// A bounded cache of verified tokens.
///
/// Two generations: new and used entries stand in the young one; when it is half of the bound it becomes the old one,
/// and what was old is dropped. So what is used stays, without a list to keep in order.
pub struct TokenCache {
    hasher: RandomState,
    young: Generation,
    old: Generation,
    entries: usize,
    bytes: usize,
}

#[derive(Default)]
struct Generation {
    table: HashTable<Entry>,
    bytes: usize,
}

/// Whose rules and which keys accepted a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct By {
    verifier: u64,
    keys: u64,
}

struct Entry {
    hash: u64,
    by: By,
    text: Box<[u8]>,
    token: Arc<Token>,
}

impl TokenCache {
    /// A cache of at most so many tokens and about so many bytes; of zero entries it keeps nothing.
    pub fn new(entries: usize, bytes: usize) -> TokenCache {
        TokenCache {
            hasher: RandomState::default(),
            young: Generation::default(),
            old: Generation::default(),
            entries,
            bytes,
        }
    }

    /// As [`Verifier::verify`] of what is a token by its characters; the times are checked again for one that is found
    /// here.
    pub fn verify(&mut self, verifier: &Verifier, token: &[u8], now_unix: i64) -> Result<Arc<Token>, TokenError> {
        let current = verifier.current_keys();
        let keys = current.keys();
        let by = By { verifier: verifier.id(), keys: keys.map_or(0, KeySet::id) };
        let hash = self.hasher.hash_one((by, token));
        // Without keys nothing may be believed, whatever was believed with the last ones.
        if let Some(found) = keys.and_then(|_| self.find(hash, by, token)) {
            verifier.check_again(&found, now_unix)?;
            return Ok(found);
        }
        carrier::refuse_odd(token)?;
        let verified = Arc::new(verifier.verify_with(keys, token, now_unix)?);
        self.keep(Entry { hash, by, text: token.into(), token: Arc::clone(&verified) });
        Ok(verified)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.table.len() + self.old.table.len()
    }

    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        self.young.bytes + self.old.bytes
    }

    fn find(&mut self, hash: u64, by: By, text: &[u8]) -> Option<Arc<Token>> {
        // Where a guess begins to differ from another client's token must not show in the time taken.
        let same = |entry: &Entry| entry.hash == hash && entry.by == by && are_equal(&entry.text, text);
        if let Some(entry) = self.young.table.find(hash, same) {
            return Some(Arc::clone(&entry.token));
        }
        let entry = self.old.take(hash, same)?;
        let token = Arc::clone(&entry.token);
        self.keep(entry);
        Some(token)
    }

    fn keep(&mut self, entry: Entry) {
        let memory = entry.memory();
        if self.entries < 2 || memory > self.bytes / 2 {
            return;
        }
        if self.young.table.len() >= self.entries / 2 || self.young.bytes + memory > self.bytes / 2 {
            self.old = mem::take(&mut self.young);
        }
        self.young.bytes += memory;
        self.young.table.insert_unique(entry.hash, entry, |entry| entry.hash);
    }
}

impl Generation {
    fn take(&mut self, hash: u64, same: impl FnMut(&Entry) -> bool) -> Option<Entry> {
        let (entry, _) = self.table.find_entry(hash, same).ok()?.remove();
        self.bytes = self.bytes.saturating_sub(entry.memory());
        Some(entry)
    }
}

impl Entry {
    fn memory(&self) -> usize {
        size_of::<Entry>() + self.text.len() + self.token.memory()
    }
}
