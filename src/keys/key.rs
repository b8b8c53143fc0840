//! A key: what is known of an id, made ready for one scheme. And which of its secrets a signature was made with.

use std::{fmt, sync::Arc};

use smallvec::SmallVec;

use super::{Attributes, KeyRecord, Lifetime, MOST_LIVE, NoKey, SourceIndex};
use crate::{
    scheme::{KeyFault, PreparedKey},
    secret::Secret,
};

/// A secret that was made ready, or why it could not be.
pub type Prepared = Result<PreparedKey, KeyFault>;

/// An id's secrets, made ready for one scheme, in the order to try.
#[derive(Clone, Debug)]
pub struct Key {
    secrets: SmallVec<[ReadySecret; 1]>,
    disabled: bool,
    attributes: Option<Arc<Attributes>>,
}

#[derive(Clone, Debug)]
struct ReadySecret {
    prepared: PreparedKey,
    lifetime: Lifetime,
    label: Option<Arc<str>>,
}

/// The key that a table has for an id: the table's own, or one that was made for the request.
#[derive(Clone, Debug)]
pub struct Found<'t> {
    key: Kept<'t>,
    source: SourceIndex,
}

#[derive(Clone, Debug)]
enum Kept<'t> {
    Here(&'t Key),
    Made(Arc<Key>),
}

/// The secrets that are good at one time, each with its place among all.
#[derive(Debug)]
pub struct Live<'k> {
    places: SmallVec<[usize; MOST_LIVE]>,
    prepared: SmallVec<[&'k PreparedKey; MOST_LIVE]>,
}

/// A key whose secret verified a signature.
#[derive(Clone)]
pub struct Matched<'t> {
    found: Found<'t>,
    place: usize,
}

impl Key {
    /// `record`, with each secret as `prepare` makes it ready.
    ///
    /// # Errors
    /// A secret that is no key of the scheme.
    pub fn new(record: &KeyRecord, prepare: impl Fn(&Secret) -> Prepared) -> Result<Key, KeyFault> {
        let ready = |known: &super::KeySecret| {
            let prepared = prepare(&known.secret)?;
            Ok(ReadySecret { prepared, lifetime: known.lifetime, label: known.label.clone() })
        };
        let secrets = record.secrets.iter().take(MOST_LIVE).map(ready).collect::<Result<_, KeyFault>>()?;
        Ok(Key { secrets, disabled: record.disabled, attributes: record.attributes.clone() })
    }

    /// Whether there is any secret to verify with now.
    ///
    /// # Errors
    /// The id is disabled, or none of its secrets is good now.
    pub fn check(&self, now_millis: i64) -> Result<(), NoKey> {
        match self.secrets.iter().any(|secret| secret.lifetime.contains(now_millis)) {
            _ if self.disabled => Err(NoKey::Disabled),
            true => Ok(()),
            false => Err(NoKey::NotNow),
        }
    }

    /// The secrets that are good now, in the order to try; at least one.
    ///
    /// # Errors
    /// The id is disabled, or none of its secrets is good now.
    pub fn live(&self, now_millis: i64) -> Result<Live<'_>, NoKey> {
        self.check(now_millis)?;
        let mut live = Live { places: SmallVec::new(), prepared: SmallVec::new() };
        for (place, secret) in self.secrets.iter().enumerate() {
            if secret.lifetime.contains(now_millis) {
                live.places.push(place);
                live.prepared.push(&secret.prepared);
            }
        }
        Ok(live)
    }
}

impl<'k> Live<'k> {
    /// The keys themselves.
    pub fn prepared(&self) -> &[&'k PreparedKey] {
        &self.prepared
    }

    /// The place among all secrets of the id, from 0, of the one at `index` of these.
    pub fn place(&self, index: usize) -> usize {
        self.places.get(index).copied().unwrap_or(index)
    }

    /// The first, which signs.
    pub fn first(&self) -> Option<&'k PreparedKey> {
        self.prepared.first().copied()
    }
}

impl<'t> Found<'t> {
    pub(super) fn here(key: &'t Key, source: SourceIndex) -> Found<'t> {
        Found { key: Kept::Here(key), source }
    }

    pub(super) fn made(key: Key, source: SourceIndex) -> Found<'t> {
        Found { key: Kept::Made(Arc::new(key)), source }
    }

    /// The key.
    pub fn key(&self) -> &Key {
        match &self.key {
            Kept::Here(key) => key,
            Kept::Made(key) => key,
        }
    }

    /// The same, to be taken to another thread.
    pub fn to_owned(&self) -> Found<'static> {
        let key = match &self.key {
            Kept::Here(key) => Arc::new((*key).clone()),
            Kept::Made(key) => key.clone(),
        };
        Found { key: Kept::Made(key), source: self.source }
    }

    pub(super) fn at(self, source: SourceIndex) -> Found<'t> {
        Found { source, ..self }
    }

    /// That a signature was made with the secret at that [place](Live::place).
    pub fn matched(self, place: usize) -> Matched<'t> {
        Matched { found: self, place }
    }
}

impl Matched<'_> {
    /// The very secret, made ready: it signs what goes back, where it can sign.
    pub fn prepared(&self) -> Option<&PreparedKey> {
        self.secret().map(|secret| &secret.prepared)
    }

    /// Its place among the id's secrets, from 0.
    pub fn place(&self) -> usize {
        self.place
    }

    /// What it is told by in the log: its label, or else its place from 1 on. `None` where the id has no other.
    pub fn told(&self) -> Option<&str> {
        let several = self.found.key().secrets.len() > 1;
        several.then(|| self.secret().and_then(|secret| secret.label.as_deref()).or(place_name(self.place))).flatten()
    }

    /// Which key source it came from.
    pub fn source(&self) -> SourceIndex {
        self.found.source
    }

    /// What else is known of its id.
    pub fn attributes(&self) -> Option<&Attributes> {
        self.found.key().attributes.as_deref()
    }

    fn secret(&self) -> Option<&ReadySecret> {
        self.found.key().secrets.get(self.place)
    }
}

/// A secret's place among those of its id, as people count.
pub fn place_name(place: usize) -> Option<&'static str> {
    ["1", "2", "3", "4"].get(place).copied()
}

impl fmt::Debug for Matched<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matched").field("place", &self.place).field("told", &self.told()).finish_non_exhaustive()
    }
}
