//! The keys that one kind of token is verified with, found by `kid`.

use smallvec::{SmallVec, smallvec};

use super::{MAX_KEYS_PER_KID, SettingsError, TokenError};
use crate::jose::Key;

/// Keys, at most [`MAX_KEYS_PER_KID`] of one `kid`.
#[derive(Debug)]
pub(super) struct KeySet {
    keys: Vec<Key>,
}

impl KeySet {
    /// A set of these.
    ///
    /// # Errors
    /// There are none, or more with one `kid` (or without one) than may be tried on each forged token.
    pub(super) fn new(keys: Vec<Key>) -> Result<KeySet, SettingsError> {
        if keys.is_empty() {
            return Err(SettingsError::NoKeys);
        }
        for key in &keys {
            if keys.iter().filter(|other| other.kid() == key.kid()).count() > MAX_KEYS_PER_KID {
                return Err(SettingsError::TooManyKeys);
            }
        }
        Ok(KeySet { keys })
    }

    /// How many keys it has.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether a key of this `kid` and algorithm made `signature` of `message`.
    pub(super) fn check(
        &self,
        kid: Option<&str>,
        algorithm: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), TokenError> {
        let keys = self.keys_for(kid);
        if keys.is_empty() {
            return Err(TokenError::UnknownKid);
        }
        let mut keys = keys.into_iter().filter(|key| key.algorithm().is_called(algorithm)).peekable();
        if keys.peek().is_none() {
            return Err(TokenError::WrongAlgorithm);
        }
        if keys.any(|key| key.accepts(message, signature)) { Ok(()) } else { Err(TokenError::WrongSignature) }
    }

    /// The keys of a `kid`; of none, those without one, or the only key there is.
    fn keys_for(&self, kid: Option<&str>) -> SmallVec<[&Key; MAX_KEYS_PER_KID]> {
        match (kid, self.keys.as_slice()) {
            (None, [only]) => smallvec![only],
            (kid, keys) => keys.iter().filter(|key| key.kid() == kid).collect(),
        }
    }
}
