//! Where `keys` writes to: a file of keys, put in the old one's place in one go; and the line that says who changed what.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use super::super::{trouble::Trouble, words};
use crate::{
    clock::Clock,
    keys::{Change, Format, KeyFileContent, KeyRecord, NotChanged, changed},
};

/// Keys that can be changed from here.
pub(super) trait KeyStore {
    /// What is known of `id`.
    fn record(&self, id: &str) -> Result<Option<KeyRecord>, Trouble>;
    /// Makes a change, whole or not at all.
    fn change(&self, id: &str, change: &Change) -> Result<(), Trouble>;
    /// Its name, for the audit line.
    fn name(&self) -> String;
}

/// Where the keys are, and where it is noted who changed them.
#[derive(Args)]
pub(super) struct Place {
    /// The file of keys, CSV
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Append the audit line to this file [default: standard error]
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
}

impl Place {
    /// The keys themselves.
    pub(super) fn store(&self) -> impl KeyStore {
        CsvStore { path: self.file.clone() }
    }

    /// Everything in the file, as a gateway reads it.
    pub(super) fn content(&self) -> Result<KeyFileContent, Trouble> {
        let format = Format::of(&self.file).unwrap_or(Format::Csv);
        KeyFileContent::read(&self.file, format).map_err(|fault| Trouble::Keys(self.file.clone(), fault.into()))
    }

    /// Notes who did what to which id; never a secret.
    pub(super) fn note(&self, store: &dyn KeyStore, what: &str, id: &str) -> Result<(), Trouble> {
        let millis = Clock::system().unix_millis();
        let time = jiff::Timestamp::from_millisecond(millis).map(|time| time.to_string()).unwrap_or_default();
        let uid = rustix::process::getuid().as_raw();
        let line = json!({ "time": time, "uid": uid, "user": user(uid), "did": what, "keys": store.name(), "id": id });
        match &self.audit {
            None => words(format_args!("{line}")),
            Some(path) => {
                let mut file = File::options().append(true).create(true).open(path).map_err(Trouble::Audit)?;
                writeln!(file, "{line}").and_then(|()| file.sync_all()).map_err(Trouble::Audit)?;
            }
        }
        Ok(())
    }
}

struct CsvStore {
    path: PathBuf,
}

impl KeyStore for CsvStore {
    fn record(&self, id: &str) -> Result<Option<KeyRecord>, Trouble> {
        let content = KeyFileContent::read(&self.path, Format::Csv);
        Ok(content.map_err(|fault| self.trouble(fault.into()))?.record(id.as_bytes()))
    }

    fn change(&self, id: &str, change: &Change) -> Result<(), Trouble> {
        let directory = directory(&self.path);
        // Whoever changes the same file waits until this is done: the directory stays, the file is replaced.
        let lock = File::open(directory).map_err(|error| self.unwritten(error))?;
        lock.lock().map_err(|error| self.unwritten(error))?;
        let text = Zeroizing::new(fs::read(&self.path).map_err(|error| self.unwritten(error))?);
        let new = changed(&text, id, change).map_err(|why| self.trouble(why))?;
        replace(&self.path, &new).map_err(|error| self.unwritten(error))?;
        lock.sync_all().map_err(|error| self.unwritten(error))
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

impl CsvStore {
    fn trouble(&self, why: NotChanged) -> Trouble {
        Trouble::Keys(self.path.clone(), why)
    }

    fn unwritten(&self, error: io::Error) -> Trouble {
        self.trouble(NotChanged::Unwritable(error.to_string()))
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A reader sees the old file or the new one, never a part; mode and owner stay.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    // Where a link stands, what it leads to is replaced.
    let path = path.canonicalize()?;
    let old = fs::metadata(&path)?;
    let mut new = tempfile::NamedTempFile::new_in(directory(&path))?;
    new.write_all(content)?;
    new.as_file().set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777))?;
    let owner = new.as_file().metadata()?;
    if (owner.uid(), owner.gid()) != (old.uid(), old.gid()) {
        std::os::unix::fs::fchown(new.as_file(), Some(old.uid()), Some(old.gid()))?;
    }
    new.as_file().sync_all()?;
    new.persist(&path).map_err(|error| error.error)?;
    File::open(directory(&path))?.sync_all()
}

/// The name of a user, as the system's list has it.
fn user(uid: u32) -> Option<String> {
    let list = fs::read_to_string("/etc/passwd").ok()?;
    let own = list.lines().find(|line| line.split(':').nth(2).is_some_and(|field| field == uid.to_string()))?;
    own.split(':').next().map(str::to_owned)
}
