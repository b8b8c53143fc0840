//! Key id → key: the keys of one key source, prepared for one scheme.
//!
//! Sources that can be away or change (files, SQL, Redis, HTTP) come behind the same [`KeyTable::find`].

use std::fmt;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::{
    scheme::{KeyFault, PreparedKey},
    secret::Secret,
};

/// Live secrets that one id may have at once: each costs a MAC, compared with every candidate.
pub const MOST_LIVE: usize = 4;

/// The keys of a scheme, prepared as it wants them.
pub struct KeyTable(Source);

enum Source {
    /// One key for any id, and for requests that name none.
    Shared(Box<Key>),
    /// A key an id.
    Static(HashMap<Box<[u8]>, Key>),
}

/// A secret that was made ready, or why it could not be.
pub type Prepared = Result<PreparedKey, KeyFault>;

/// An id's live secrets, as prepared keys, in the order to try.
#[derive(Clone, Debug)]
pub struct Key {
    prepared: SmallVec<[PreparedKey; 1]>,
}

impl KeyTable {
    /// The same key for every id. `prepare` is how the scheme makes a key of a secret.
    ///
    /// # Errors
    /// A secret that is no key of the scheme.
    pub fn shared(secrets: &[Secret], prepare: impl Fn(&Secret) -> Prepared) -> Result<KeyTable, KeyFault> {
        Ok(KeyTable(Source::Shared(Box::new(Key::prepare(secrets, &prepare)?))))
    }

    /// A key for each id.
    ///
    /// # Errors
    /// A secret that is no key of the scheme.
    pub fn by_id<'k>(
        entries: impl IntoIterator<Item = (&'k [u8], &'k [Secret])>,
        prepare: impl Fn(&Secret) -> Prepared,
    ) -> Result<KeyTable, KeyFault> {
        let key = |(id, secrets): (&'k [u8], &'k [Secret])| Ok((Box::from(id), Key::prepare(secrets, &prepare)?));
        Ok(KeyTable(Source::Static(entries.into_iter().map(key).collect::<Result<_, KeyFault>>()?)))
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
    /// The keys, newest first as the config has them.
    pub fn prepared(&self) -> SmallVec<[&PreparedKey; MOST_LIVE]> {
        self.prepared.iter().take(MOST_LIVE).collect()
    }

    fn prepare(secrets: &[Secret], prepare: impl Fn(&Secret) -> Prepared) -> Result<Key, KeyFault> {
        Ok(Key { prepared: secrets.iter().map(prepare).collect::<Result<_, KeyFault>>()? })
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
    use crate::scheme::{Algorithm, Definition, Encoding, Scheme, SignatureDefinition};

    #[test]
    fn an_unknown_id_has_no_key_and_no_id_only_a_shared_one() {
        let signature = SignatureDefinition::new("{header:S}", Encoding::Hex, Algorithm::HmacSha256);
        let scheme = Scheme::compile(&Definition::new("test", "{path}", signature)).unwrap();
        let prepare = |secret: &Secret| scheme.key_recipe().verifying(secret);
        let secret = [Secret::new(b"k".to_vec())];
        let table = KeyTable::by_id([(&b"dev-1"[..], &secret[..])], prepare).unwrap();
        assert!(table.find(Some(b"dev-1")).is_some());
        assert!(table.find(Some(b"dev-2")).is_none() && table.find(None).is_none());
        let shared = KeyTable::shared(&secret, prepare).unwrap();
        assert!(shared.find(None).is_some() && shared.find(Some(b"anything")).is_some());
    }
}
