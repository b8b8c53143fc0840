//! Key id → key: the keys of one key source, prepared for one scheme.
//!
//! What is at hand is answered at once. Sources that have to be asked are behind [`Lookup`], and only they make a request
//! wait. Nothing here says what a key may do: attributes are handed on to who decides.

mod attributes;
pub mod cache;
mod change;
mod derive;
mod elsewhere;
mod encoding;
mod file;
pub mod http;
mod key;
mod lookup;
mod record;
pub mod redis;
mod remote;
mod rows;
pub mod sql;
mod writable;

use std::{fmt, sync::Arc};

use hashbrown::HashMap;

pub use attributes::{AttributeFault, Attributes, LONGEST_NAME, LONGEST_VALUE, MOST_ATTRIBUTES, ROUTES};
pub use change::{Change, Chosen, NewSecret, NotChanged, Position};
pub use derive::{Derived, Method, Output};
pub use elsewhere::{Elsewhere, Place};
pub use encoding::Encoding;
pub use file::{Doubt, FileFault, FileReading, Format, KeyFile, KeyFileContent, Odd, Why, changed};
pub use key::{Found, Key, Live, Matched, Prepared, place_name};
pub use lookup::{Answer, KeysAway, Lookout, Lookup, NoKey};
pub use record::{KeyRecord, KeySecret, LONGEST_SECRET, Lifetime, SHORTEST_GOOD_SECRET, moment};
pub use remote::{Asked, Remote, Trouble};
pub use rows::{Row, RowFault};
pub use writable::{NotWritable, Pending, Writable};

use crate::{scheme::KeyFault, secret::Secret, soon::Soon};

/// Live secrets that one id may have at once: each costs a MAC, compared with every candidate.
pub const MOST_LIVE: usize = 4;

/// Longest key id, in bytes: as much as a scheme reads from a request.
pub const LONGEST_ID: usize = 256;

/// Whether `id` can be a key id: 1 to [`LONGEST_ID`] visible ASCII characters.
pub fn is_key_id(id: &[u8]) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// Which of the config's key sources a key came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceIndex(pub usize);

/// The keys of a scheme, prepared as it wants them.
pub struct KeyTable {
    source: Source,
    index: SourceIndex,
}

enum Source {
    /// One key for any id, and for requests that name none.
    Shared(Box<Key>),
    /// A key an id.
    Static(HashMap<Box<[u8]>, Key>),
    /// Whatever the source says, made ready as it is used.
    Asked(Arc<dyn Lookup>, Prepare),
}

/// How a scheme makes a key of a secret, where that is done as it is used.
type Prepare = Box<dyn Fn(&Secret) -> Prepared + Send + Sync>;

impl KeyTable {
    /// The same key for every id. `prepare` is how the scheme makes a key of a secret.
    ///
    /// # Errors
    /// A secret that is no key of the scheme.
    pub fn shared(record: &KeyRecord, prepare: impl Fn(&Secret) -> Prepared) -> Result<KeyTable, KeyFault> {
        Ok(KeyTable::from(Source::Shared(Box::new(Key::new(record, prepare)?))))
    }

    /// A key for each id.
    ///
    /// # Errors
    /// A secret that is no key of the scheme.
    pub fn by_id<'k>(
        entries: impl IntoIterator<Item = (&'k [u8], &'k KeyRecord)>,
        prepare: impl Fn(&Secret) -> Prepared,
    ) -> Result<KeyTable, KeyFault> {
        let key = |(id, record): (&'k [u8], &'k KeyRecord)| Ok((Box::from(id), Key::new(record, &prepare)?));
        let keys = entries.into_iter().map(key).collect::<Result<_, KeyFault>>()?;
        Ok(KeyTable::from(Source::Static(keys)))
    }

    /// Keys that a source is asked for, each made ready by `prepare` when it is used.
    pub fn asking(source: Arc<dyn Lookup>, prepare: impl Fn(&Secret) -> Prepared + Send + Sync + 'static) -> KeyTable {
        KeyTable::from(Source::Asked(source, Box::new(prepare)))
    }

    /// The same as the key source at that index of the config: what metrics count by.
    pub fn at(self, index: SourceIndex) -> KeyTable {
        KeyTable { index, ..self }
    }

    /// The key of `id`, at once unless the source has to be asked. Without an id only a shared key will do.
    pub fn find<'t>(&'t self, id: Option<&[u8]>) -> Soon<'t, Result<Found<'t>, NoKey>> {
        let here = |key| Ok(Found::here(key, self.index));
        match (&self.source, id) {
            (Source::Shared(key), _) => Soon::now(here(key)),
            (Source::Static(keys), Some(id)) => Soon::now(keys.get(id).ok_or(NoKey::Unknown).and_then(here)),
            (Source::Asked(source, prepare), Some(id)) => match source.look_up(id) {
                Lookout::Now(answer) => Soon::now(self.made(answer, prepare)),
                Lookout::Later(answer) => Soon::later(async { self.made(answer.await, prepare) }),
            },
            (Source::Static(_) | Source::Asked(..), None) => Soon::now(Err(NoKey::Unknown)),
        }
    }

    /// A key out of another table, as one of this: what is counted of it is counted here.
    pub fn adopted(&self, found: &Found<'_>) -> Found<'static> {
        found.to_owned().at(self.index)
    }

    fn made(&self, answer: Answer, prepare: &Prepare) -> Result<Found<'_>, NoKey> {
        let record = answer?.ok_or(NoKey::Unknown)?;
        Ok(Found::made(Key::new(&record, prepare)?, self.index))
    }
}

impl From<Source> for KeyTable {
    fn from(source: Source) -> KeyTable {
        KeyTable { source, index: SourceIndex::default() }
    }
}

impl fmt::Debug for KeyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Shared(_) => f.write_str("KeyTable(shared)"),
            Source::Static(keys) => write!(f, "KeyTable({} ids)", keys.len()),
            Source::Asked(..) => f.write_str("KeyTable(asked)"),
        }
    }
}

#[cfg(test)]
mod tests;
