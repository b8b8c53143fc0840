//! A file of keys: CSV, JSON lines or YAML, read again when it changes.
//!
//! A new file that is broken changes nothing: the keys that were there stay, and what is wrong is said with its place.

mod csv;
mod doubts;
mod fault;
mod lines;
mod members;
mod rewrite;
mod row;
mod table;
#[cfg(test)]
mod tests;
mod yaml;

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;

pub use doubts::{Doubt, Odd};
use doubts::{Ending, unknown_route};
pub use fault::{FileFault, Why};
pub use rewrite::changed;
use table::{Filling, Table};

use super::{Lookout, Lookup};
use crate::{
    clock::Clock,
    watch::{Files, Seen, Watch},
};

/// Bytes read at once.
const BUFFER: usize = 1 << 18;
/// How often a file that cannot be read is looked at before that is said again: about ten minutes.
const LOOKS_UNTIL_SAID_AGAIN: u32 = 300;

/// How a file of keys is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header and rows.
    Csv,
    /// An object a line.
    JsonLines,
    /// A list or a map of records.
    Yaml,
}

/// The keys of a file, as it is now.
pub struct KeyFile {
    inner: Arc<Inner>,
    /// What was odd about it when it was opened.
    doubts: Vec<Doubt>,
    _watch: Watch,
}

struct Inner {
    path: PathBuf,
    format: Format,
    /// The names of the routes that keys can be tied to.
    routes: Arc<[Box<str>]>,
    table: ArcSwap<Table>,
    clock: Clock,
    refused: Arc<AtomicU64>,
    loaded_unix_millis: AtomicI64,
}

/// What is told of a file of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileReading {
    /// How many ids it holds.
    pub ids: usize,
    /// How many changed contents were refused since the start.
    pub refused: u64,
    /// When what is in use was read, in milliseconds since 1970.
    pub loaded_unix_millis: i64,
}

/// What a file of keys holds, read once.
pub struct KeyFileContent {
    table: Table,
    doubts: Vec<Doubt>,
    /// The names of routes that its keys are tied to, and the line of each.
    tied: BTreeMap<Box<str>, u64>,
}

impl Format {
    /// By the ending of a file's name.
    pub fn of(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()? {
            "csv" => Some(Format::Csv),
            "jsonl" | "ndjson" => Some(Format::JsonLines),
            "yaml" | "yml" => Some(Format::Yaml),
            _ => None,
        }
    }
}

impl KeyFileContent {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(path: &Path, format: Format) -> Result<KeyFileContent, FileFault> {
        let file = File::open(path).map_err(FileFault::whole)?;
        KeyFileContent::parse(file, format)
    }

    /// Reads a content from wherever it comes.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(from: impl Read, format: Format) -> Result<KeyFileContent, FileFault> {
        let mut filling = Filling::default();
        let (from, last) = Ending::of(from);
        let from = BufReader::with_capacity(BUFFER, from);
        match format {
            Format::Csv => csv::read(from, &mut filling)?,
            Format::JsonLines => lines::read(from, &mut filling)?,
            Format::Yaml => yaml::read(from, &mut filling)?,
        }
        filling.noted.end(format, last.get());
        let (table, noted) = filling.finished();
        let (doubts, tied) = noted.finished(&table);
        Ok(KeyFileContent { table, doubts, tied })
    }

    /// How many ids it holds.
    pub fn ids(&self) -> usize {
        self.table.len()
    }

    /// What is odd about it, where `routes` are the names of all routes.
    pub fn doubts(&self, routes: &[Box<str>]) -> Vec<Doubt> {
        self.doubts.iter().cloned().chain(unknown_route(&self.tied, routes)).collect()
    }

    /// All ids and what is known of each, in no order.
    pub fn records(&self) -> impl Iterator<Item = (&[u8], super::KeyRecord)> {
        self.table.records()
    }

    /// What is known of `id`.
    pub fn record(&self, id: &[u8]) -> Option<super::KeyRecord> {
        self.table.record(id)
    }
}

impl KeyFile {
    /// Reads the file at `path`, and again whenever it changes. Its counts go on with those of the one `before`. `routes` are
    /// the names of all routes. The log tells of what is odd.
    ///
    /// # Errors
    /// The first thing that is wrong with it, or with watching it.
    pub fn open(
        (path, format): (&Path, Format),
        routes: &Arc<[Box<str>]>,
        clock: Clock,
        before: Option<&KeyFile>,
    ) -> Result<KeyFile, FileFault> {
        let mut files = Files::new();
        files.add(path);
        let content = KeyFileContent::read(path, format)?;
        let doubts = content.doubts(routes);
        say(path, &doubts);
        let table = ArcSwap::from_pointee(content.table);
        let refused = before.map(|before| before.inner.refused.clone()).unwrap_or_default();
        let loaded_unix_millis = AtomicI64::new(clock.unix_millis());
        let (path, routes) = (path.to_owned(), routes.clone());
        let inner = Arc::new(Inner { path, format, routes, table, clock, refused, loaded_unix_millis });
        let (watched, mut told) = (inner.clone(), Told::default());
        let watch = Watch::start(files, move || watched.refresh(&mut told)).map_err(FileFault::whole)?;
        Ok(KeyFile { inner, doubts, _watch: watch })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// What was odd about it when it was opened.
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }

    /// How many ids it holds.
    pub fn ids(&self) -> usize {
        self.inner.table.load().len()
    }

    /// What is told of it now.
    pub fn reading(&self) -> FileReading {
        FileReading {
            ids: self.ids(),
            refused: self.inner.refused.load(Ordering::Relaxed),
            loaded_unix_millis: self.inner.loaded_unix_millis.load(Ordering::Acquire),
        }
    }
}

impl Inner {
    /// On the watcher's thread: requests go on with the table that is there until the new one is whole.
    fn refresh(&self, told: &mut Told) -> Seen {
        let path = self.path.display();
        match KeyFileContent::read(&self.path, self.format) {
            Ok(content) => {
                tracing::info!(%path, ids = content.ids(), "the changed keys are in use");
                say(&self.path, &content.doubts(&self.routes));
                // Before the table: whoever is let in by the new keys finds the time of theirs.
                self.loaded_unix_millis.store(self.clock.unix_millis(), Ordering::Release);
                self.table.store(Arc::new(content.table));
                *told = Told::default();
                Seen::Read
            }
            Err(fault) => {
                if told.is_news(&fault) {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(%path, %fault, "the changed keys are not used");
                }
                fault.seen()
            }
        }
    }
}

/// Once for each kind, whenever the file is read.
fn say(path: &Path, doubts: &[Doubt]) {
    for Doubt { line, what } in doubts {
        tracing::warn!(path = %path.display(), line, "a file of keys: {what}");
    }
}

/// What was said of a file that cannot be read. It is looked at again and again, and the same said of it once, and then rarely.
#[derive(Default)]
struct Told {
    fault: Option<String>,
    looks: u32,
}

impl Told {
    fn is_news(&mut self, fault: &FileFault) -> bool {
        // What was read is refused for what is in it, and then only another content is looked at.
        let said = (fault.seen() == Seen::NotRead).then(|| fault.to_string());
        if said.is_none() || said != self.fault {
            *self = Told { fault: said, looks: 0 };
            return true;
        }
        self.looks += 1;
        self.looks.is_multiple_of(LOOKS_UNTIL_SAID_AGAIN)
    }
}

impl Lookup for KeyFile {
    fn look_up(&self, id: &[u8]) -> Lookout<'_> {
        Lookout::Now(Ok(self.inner.table.load().record(id).map(Arc::new)))
    }
}

impl From<io::Error> for FileFault {
    fn from(error: io::Error) -> FileFault {
        FileFault::whole(error)
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFile({} ids)", self.ids())
    }
}

impl fmt::Debug for KeyFileContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFileContent({} ids)", self.ids())
    }
}
