//! Where `keys` writes to: a file of keys, put in the old one's place in one go.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{super::trouble::Trouble, store::KeyStore};
use crate::keys::{Change, Format, KeyFileContent, KeyRecord, NotChanged, changed};

/// A file of keys.
pub(super) struct FileStore {
    pub(super) path: PathBuf,
    pub(super) format: Format,
}

impl KeyStore for FileStore {
    fn record(&self, id: &str) -> Result<Option<KeyRecord>, Trouble> {
        Ok(self.content()?.record(id.as_bytes()))
    }

    fn count(&self) -> Result<u64, Trouble> {
        Ok(u64::try_from(self.content()?.ids()).unwrap_or(u64::MAX))
    }

    fn change(&self, id: &str, change: &Change) -> Result<(), Trouble> {
        let directory = directory(&self.path);
        // Whoever changes the same file waits until this is done: the directory stays, the file is replaced.
        let lock = File::open(directory).map_err(|error| self.unwritten(error))?;
        lock.lock().map_err(|error| self.unwritten(error))?;
        let text = Zeroizing::new(fs::read(&self.path).map_err(|error| self.unwritten(error))?);
        let new = changed(&text, self.format, id, change).map_err(|why| self.trouble(why))?;
        replace(&self.path, &new).map_err(|error| self.unwritten(error))?;
        lock.sync_all().map_err(|error| self.unwritten(error))
    }

    fn since_millis(&self) -> i64 {
        // A secret in a file keeps its place until it is taken away.
        i64::MIN
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

impl FileStore {
    /// Everything in the file, as a gateway reads it.
    fn content(&self) -> Result<KeyFileContent, Trouble> {
        KeyFileContent::read(&self.path, self.format).map_err(|fault| self.trouble(fault.into()))
    }

    fn trouble(&self, why: NotChanged) -> Trouble {
        Trouble::Keys(self.name(), why)
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
