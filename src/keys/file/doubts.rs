//! What is odd about a file of keys that can be used nevertheless, and on which line. No secret is in any text.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fmt,
    hash::BuildHasher,
    io::{self, Read},
    rc::Rc,
};

use foldhash::quality::RandomState;
use hashbrown::HashMap;

use super::{Format, table::Table};
use crate::{
    keys::{Attributes, SHORTEST_GOOD_SECRET},
    secret::Secret,
};

/// One oddity. Where there are several of a kind, the first, and how many more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// From 1.
    pub line: u64,
    /// What is odd there.
    pub what: Odd,
}

/// What can be odd.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each says itself what it is")]
pub enum Odd {
    /// It works, as it does in a config.
    Short { more: u64 },
    /// `id, secret`: a blank that nobody means makes every signature wrong, and nothing else would say why.
    Padded { id: Box<str>, more: u64 },
    /// A secret that was copied: the one device can sign as the other.
    Shared { id: Box<str>, with: Box<str>, more: u64 },
    /// A key that is tied to a misspelt name alone is refused everywhere.
    UnknownRoute { route: Box<str>, more: u64 },
    /// A copy that broke off in its last value cannot be told from a file that ends so.
    OpenEnd,
}

/// What is noted while a file is read.
#[derive(Default)]
pub(super) struct Noted {
    /// Of the record at hand.
    line: u64,
    short: Kind<()>,
    padded: Kind<Box<str>>,
    secrets: Secrets,
    /// The names that keys are tied to, and where each stands first.
    routes: BTreeMap<Box<str>, u64>,
    has_open_end: bool,
}

/// The first of a kind with its line, and how many there are.
#[derive(Default)]
struct Kind<T> {
    first: Option<(u64, T)>,
    count: u64,
}

/// Finds a secret that two ids have, in little room: a bit for each hash says which may have come before. Which did is looked
/// up at the end.
#[derive(Default)]
struct Secrets {
    hasher: RandomState,
    seen: Vec<u64>,
    /// Those that may have come before, with the line and the id of the second time.
    again: HashMap<u64, (u64, Box<str>)>,
}

/// Eight megabytes, of which a small file touches little. Of a million secrets one in a hundred meets the bit of another.
const SEEN_BITS: u64 = 1 << 26;

impl<T> Kind<T> {
    fn note(&mut self, line: u64, what: impl FnOnce() -> T) {
        self.first.get_or_insert_with(|| (line, what()));
        self.count += 1;
    }

    fn doubt(&self, odd: impl FnOnce(&T, u64) -> Odd) -> Option<Doubt> {
        let (line, first) = self.first.as_ref()?;
        Some(Doubt { line: *line, what: odd(first, self.count - 1) })
    }
}

impl Noted {
    /// A record begins on that line.
    pub(super) fn at(&mut self, line: u64) {
        self.line = line;
    }

    /// A secret of `id`, and how it is written.
    pub(super) fn secret(&mut self, id: &str, secret: &Secret, written: &str) {
        if written.trim() != written {
            self.padded.note(self.line, || id.into());
        }
        if secret.len() < SHORTEST_GOOD_SECRET {
            self.short.note(self.line, || ());
        }
        self.secrets.note(id, secret, self.line);
    }

    /// Attributes that no record before had.
    pub(super) fn attributes(&mut self, attributes: &Attributes) {
        for route in attributes.routes().into_iter().flatten() {
            if !self.routes.contains_key(route) {
                self.routes.insert(route.into(), self.line);
            }
        }
    }

    /// The file is read, and ended so.
    pub(super) fn end(&mut self, format: Format, last: Option<u8>) {
        let ends: &[u8] = match format {
            Format::Csv => b"\n\r\"",
            Format::Yaml => b"\n\r\"'}]",
            // What breaks off is no object.
            Format::JsonLines => return,
        };
        self.has_open_end = last.is_some_and(|last| !ends.contains(&last));
    }

    /// What is odd about `table`, as far as it is known without the config; and the names of routes, which it knows.
    pub(super) fn finished(self, table: &Table) -> (Vec<Doubt>, BTreeMap<Box<str>, u64>) {
        let open_end = self.has_open_end.then_some(Doubt { line: self.line, what: Odd::OpenEnd });
        let doubts = [
            self.short.doubt(|(), more| Odd::Short { more }),
            self.padded.doubt(|id, more| Odd::Padded { id: id.clone(), more }),
            self.secrets.shared(table),
            open_end,
        ];
        (doubts.into_iter().flatten().collect(), self.routes)
    }
}

impl Secrets {
    fn note(&mut self, id: &str, secret: &Secret, line: u64) {
        if self.seen.is_empty() {
            self.seen = vec![0; usize::try_from(SEEN_BITS / 64).unwrap_or_default()];
        }
        let hash = self.hasher.hash_one(secret.expose());
        let (word, bit) = (hash % SEEN_BITS / 64, 1 << (hash % 64));
        let Some(word) = usize::try_from(word).ok().and_then(|word| self.seen.get_mut(word)) else { return };
        if *word & bit != 0 {
            self.again.entry(hash).or_insert_with(|| (line, id.into()));
        }
        *word |= bit;
    }

    /// Of ids that are not shut out: one may be shut out because another took its secret over.
    fn shared(&self, table: &Table) -> Option<Doubt> {
        if self.again.is_empty() {
            return None;
        }
        let mut owners: HashMap<u64, Vec<&[u8]>> = HashMap::new();
        for (id, record) in table.records().filter(|(_, record)| !record.disabled) {
            for known in &record.secrets {
                let hash = self.hasher.hash_one(known.secret.expose());
                if self.again.contains_key(&hash) {
                    owners.entry(hash).or_default().push(id);
                }
            }
        }
        owners.retain(|_, ids| ids.len() > 1);
        let (hash, (line, id)) =
            self.again.iter().filter(|(hash, _)| owners.contains_key(*hash)).min_by_key(|(_, (line, _))| *line)?;
        let with = owners.get(hash)?.iter().filter(|owner| **owner != id.as_bytes()).min()?;
        let ids: usize = owners.values().map(Vec::len).sum();
        Some(Doubt {
            line: *line,
            what: Odd::Shared {
                id: id.clone(),
                with: String::from_utf8_lossy(with).into(),
                more: u64::try_from(ids).unwrap_or(u64::MAX).saturating_sub(2),
            },
        })
    }
}

/// The first of `tied` that is none of `routes`, the names of all routes.
pub(super) fn unknown_route(tied: &BTreeMap<Box<str>, u64>, routes: &[Box<str>]) -> Option<Doubt> {
    let unknown = || tied.iter().filter(|(name, _)| !routes.contains(name));
    let (route, line) = unknown().min_by_key(|(_, line)| **line)?;
    let more = u64::try_from(unknown().count()).unwrap_or(u64::MAX).saturating_sub(1);
    Some(Doubt { line: *line, what: Odd::UnknownRoute { route: route.clone(), more } })
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = match self {
            Odd::Short { more } => {
                write!(f, "a secret has fewer than {SHORTEST_GOOD_SECRET} bytes")?;
                *more
            }
            Odd::Padded { id, more } => {
                write!(f, "a secret of `{id}` has white space around it, which is part of the key")?;
                *more
            }
            Odd::Shared { id, with, more } => {
                write!(f, "`{id}` has a secret of `{with}`: whoever has it can sign as either")?;
                *more
            }
            Odd::UnknownRoute { route, more } => {
                write!(f, "a key is tied to `{route}`, and no route has that name")?;
                *more
            }
            Odd::OpenEnd => {
                f.write_str(
                    "the file does not end with a newline: a copy that broke off would end so, its last value cut",
                )?;
                0
            }
        };
        if more == 0 { Ok(()) } else { write!(f, " (and {more} more)") }
    }
}

/// A text, and the last byte that was read of it.
pub(super) struct Ending<R> {
    from: R,
    last: Rc<Cell<Option<u8>>>,
}

impl<R: Read> Ending<R> {
    /// The same text, and where its last byte will be seen.
    pub(super) fn of(from: R) -> (Ending<R>, Rc<Cell<Option<u8>>>) {
        let last = Rc::default();
        (Ending { from, last: Rc::clone(&last) }, last)
    }
}

impl<R: Read> Read for Ending<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        if let Some(last) = into.get(..count).and_then(<[u8]>::last) {
            self.last.set(Some(*last));
        }
        Ok(count)
    }
}
