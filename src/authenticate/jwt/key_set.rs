//! The keys that one kind of token is verified with, found by `kid`; and sets that others replace while they are in use.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::{ArcSwapOption, Guard};
use smallvec::{SmallVec, smallvec};
use tokio::sync::Notify;

use super::{Introspection, MAX_KEYS_PER_KID, SettingsError, TokenError};
use crate::jose::Key;

/// Keys, at most [`MAX_KEYS_PER_KID`] of one `kid`.
#[derive(Debug)]
pub struct KeySet {
    id: u64,
    keys: Vec<Key>,
}

/// A set that its issuer may change: whoever fetches it puts it here, and every verifier reads it here.
#[derive(Debug, Default)]
pub struct SharedKeys {
    current: ArcSwapOption<KeySet>,
    wanted: Arc<Notify>,
}

/// Where a verifier has its keys from.
#[derive(Debug, Clone)]
pub enum Keys {
    /// The config; at least one.
    Fixed(Vec<Key>),
    /// The issuer, who may not have been heard of yet.
    Shared(Arc<SharedKeys>),
    /// None: tokens are opaque, and whoever issued them is asked.
    Asked(Arc<dyn Introspection>),
}

/// The same, ready for use.
pub(super) enum KeySource {
    Fixed(KeySet),
    Shared(Arc<SharedKeys>),
    Asked(Arc<dyn Introspection>),
}

/// The keys of this moment.
pub(super) enum Current<'s> {
    Fixed(&'s KeySet),
    Shared(Guard<Option<Arc<KeySet>>>),
    None,
}

impl KeySet {
    /// A set of these.
    ///
    /// # Errors
    /// There are none, or more with one `kid` (or without one) than may be tried on each forged token.
    pub fn new(keys: Vec<Key>) -> Result<KeySet, SettingsError> {
        if keys.is_empty() {
            return Err(SettingsError::NoKeys);
        }
        for key in &keys {
            if keys.iter().filter(|other| other.kid() == key.kid()).count() > MAX_KEYS_PER_KID {
                return Err(SettingsError::TooManyKeys);
            }
        }
        Ok(KeySet { id: next_id(), keys })
    }

    /// The `kid` of each key, in the set's order.
    pub fn kids(&self) -> impl Iterator<Item = Option<&str>> {
        self.keys.iter().map(Key::kid)
    }

    /// Differs between any two sets of a process: what one of them vouched for another must see for itself.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The key of this `kid` and algorithm that made `signature` of `message`. It may be called something where the
    /// token names none: whoever asks for whose signature it is asks the key.
    pub(super) fn check(
        &self,
        kid: Option<&str>,
        algorithm: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<&Key, TokenError> {
        let keys = self.keys_for(kid);
        if keys.is_empty() {
            return Err(TokenError::UnknownKid);
        }
        let mut keys = keys.into_iter().filter(|key| key.algorithm().is_called(algorithm)).peekable();
        if keys.peek().is_none() {
            return Err(TokenError::WrongAlgorithm);
        }
        keys.find(|key| key.accepts(message, signature)).ok_or(TokenError::WrongSignature)
    }

    /// The keys of a `kid`; of none, those without one, or the only key there is.
    fn keys_for(&self, kid: Option<&str>) -> SmallVec<[&Key; MAX_KEYS_PER_KID]> {
        match (kid, self.keys.as_slice()) {
            (None, [only]) => smallvec![only],
            (kid, keys) => keys.iter().filter(|key| key.kid() == kid).collect(),
        }
    }
}

impl SharedKeys {
    /// Puts another set in the place of the one that is there; `None` where there is none to be trusted any more.
    pub fn replace(&self, keys: Option<Arc<KeySet>>) {
        self.current.store(keys);
    }

    /// The set of this moment.
    pub fn current(&self) -> Option<Arc<KeySet>> {
        self.current.load_full()
    }

    /// What is notified when a token names a key that is not there, and at the end, when no verifier reads the set any more.
    /// Any number of tokens is one word, and none is forgotten that came when nobody waited.
    pub fn wanted(&self) -> Arc<Notify> {
        self.wanted.clone()
    }

    /// Notes that a key is wanted that is not there. Whoever fetches is woken by the first of many such notes, and takes
    /// its time; the token waits for nothing.
    pub(super) fn want(&self) {
        self.wanted.notify_one();
    }
}

impl Drop for SharedKeys {
    fn drop(&mut self) {
        self.wanted.notify_one();
    }
}

impl KeySource {
    pub(super) fn new(keys: Keys) -> Result<KeySource, SettingsError> {
        Ok(match keys {
            Keys::Fixed(keys) => KeySource::Fixed(KeySet::new(keys)?),
            Keys::Shared(shared) => KeySource::Shared(shared),
            Keys::Asked(server) => KeySource::Asked(server),
        })
    }

    pub(super) fn current(&self) -> Current<'_> {
        match self {
            KeySource::Fixed(keys) => Current::Fixed(keys),
            KeySource::Shared(shared) => Current::Shared(shared.current.load()),
            KeySource::Asked(_) => Current::None,
        }
    }

    /// Asks for keys anew, where they can be asked for.
    pub(super) fn want(&self) {
        match self {
            KeySource::Fixed(_) | KeySource::Asked(_) => (),
            KeySource::Shared(shared) => shared.want(),
        }
    }
}

impl Current<'_> {
    /// `None` before an issuer was first heard of, and when it has been silent for too long.
    pub(super) fn keys(&self) -> Option<&KeySet> {
        match self {
            Current::Fixed(keys) => Some(keys),
            Current::Shared(guard) => guard.deref().as_deref(),
            Current::None => None,
        }
    }
}

impl From<Vec<Key>> for Keys {
    fn from(keys: Vec<Key>) -> Keys {
        Keys::Fixed(keys)
    }
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
