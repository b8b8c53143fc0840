//! Key id → key: the prepared MAC keys of one key source for one algorithm.
//!
//! Sources that can be away or change (files, SQL, Redis, HTTP) come behind the same [`KeyTable::find`].

use std::fmt;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::{
    scheme::{Algorithm, MacKey},
    secret::Secret,
};

/// Live secrets that one id may have at once: each costs a MAC, compared with every candidate.
pub const MOST_LIVE: usize = 4;

/// The keys of a scheme, prepared for its algorithm.
pub struct KeyTable(Source);

enum Source {
    /// One key for any id, and for requests that name none.
    Shared(Box<Key>),
    /// A key an id.
    Static(HashMap<Box<[u8]>, Key>),
}

/// An id's live secrets, as prepared MAC keys, in the order to try.
#[derive(Clone, Debug)]
pub struct Key {
    macs: SmallVec<[MacKey; 1]>,
}

impl KeyTable {
    /// The same key for every id.
    pub fn shared(secrets: &[Secret], algorithm: Algorithm) -> KeyTable {
        KeyTable(Source::Shared(Box::new(Key::prepare(secrets, algorithm))))
    }

    /// A key for each id.
    pub fn by_id<'k>(entries: impl IntoIterator<Item = (&'k [u8], &'k [Secret])>, algorithm: Algorithm) -> KeyTable {
        let prepare = |(id, secrets): (&'k [u8], &'k [Secret])| (Box::from(id), Key::prepare(secrets, algorithm));
        KeyTable(Source::Static(entries.into_iter().map(prepare).collect()))
    }

    /// The key of `id`. Without an id only a shared key will do.
    pub fn find(&self, id: Option<&[u8]>) -> Option<&Key> {
        match (&self.0, id) {
            (Source::Shared(key), _) => Some(key),
            (Source::Static(keys), Some(id)) => keys.get(id),
            (Source::Static(_), None) => None,
        }
    }
}

impl Key {
    /// The MAC keys, newest first as the config has them.
    pub fn macs(&self) -> SmallVec<[&MacKey; MOST_LIVE]> {
        self.macs.iter().take(MOST_LIVE).collect()
    }

    fn prepare(secrets: &[Secret], algorithm: Algorithm) -> Key {
        Key { macs: secrets.iter().map(|secret| MacKey::new(algorithm, secret)).collect() }
    }
}

impl fmt::Debug for KeyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Shared(_) => f.write_str("KeyTable(shared)"),
            Source::Static(keys) => write!(f, "KeyTable({} ids)", keys.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_id_has_no_key_and_no_id_only_a_shared_one() {
        let secret = [Secret::new(b"k".to_vec())];
        let table = KeyTable::by_id([(&b"dev-1"[..], &secret[..])], Algorithm::HmacSha256);
        assert!(table.find(Some(b"dev-1")).is_some());
        assert!(table.find(Some(b"dev-2")).is_none() && table.find(None).is_none());
        let shared = KeyTable::shared(&secret, Algorithm::HmacSha256);
        assert!(shared.find(None).is_some() && shared.find(Some(b"anything")).is_some());
    }
}
