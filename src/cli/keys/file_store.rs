//! Where `keys` writes to: a file of keys, put in the old one's place in one go.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{super::trouble::Trouble, store::KeyStore};
use crate::{
    keys::{Change, Format, KeyFileContent, KeyRecord, NotChanged, changed},
    ownership,
};

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
        let (path, lock) = locked(&self.path).map_err(|error| self.unwritten(error))?;
        let text = Zeroizing::new(fs::read(&path).map_err(|error| self.unwritten(error))?);
        let new = changed(&text, self.format, id, change).map_err(|why| self.trouble(why))?;
        replace(&path, &new).map_err(|error| self.unwritten(error))?;
        // It is there already; whether it would outlast a crash nobody knows.
        lock.sync_all().map_err(|_| self.trouble(NotChanged::Unsure))
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
        let why = match (error.kind(), self.format) {
            (io::ErrorKind::NotFound, Format::Csv) => {
                "there is no such file; a new one begins with a line `id,secret`".to_owned()
            }
            (io::ErrorKind::NotFound, Format::JsonLines) => "there is no such file; an empty one will do".to_owned(),
            (io::ErrorKind::NotFound, Format::Yaml) => {
                "there is no such file; write one with a first record by hand".to_owned()
            }
            _ => error.to_string(),
        };
        self.trouble(NotChanged::Unwritable(why))
    }
}

/// The file that is meant, wherever links lead, and what is held as long as it is changed. Whoever changes the same file, by
/// whatever path, waits until this is done: its directory stays, the file is replaced.
fn locked(path: &Path) -> io::Result<(PathBuf, File)> {
    loop {
        let meant = path.canonicalize()?;
        let lock = File::open(directory(&meant))?;
        lock.lock()?;
        // A link may lead elsewhere by now.
        if path.canonicalize()? == meant {
            return Ok((meant, lock));
        }
    }
}

/// The directory that `path` is in.
pub(super) fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A reader sees the old file or the new one, never a part; mode and owner stay. That it lasts its directory must be synced.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let old = fs::metadata(path)?;
    let mut new = tempfile::NamedTempFile::new_in(directory(path))?;
    new.write_all(content)?;
    ownership::hand_on(&old, new.as_file())?;
    new.as_file().sync_all()?;
    new.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keys::NewSecret, secret::Secret};

    #[test]
    fn a_file_that_is_not_there_is_told_with_how_to_begin_one() {
        let directory = tempfile::tempdir().unwrap();
        let told = |name: &str, format: Format| {
            let store = FileStore { path: directory.path().join(name), format };
            let secret = NewSecret { secret: Secret::new(b"x".to_vec()), label: None };
            store.change("a", &Change::Add(secret)).unwrap_err().to_string()
        };
        assert!(told("k.csv", Format::Csv).ends_with("a new one begins with a line `id,secret`"));
        assert!(told("k.jsonl", Format::JsonLines).ends_with("an empty one will do"));
        // As it says.
        for (name, format, text) in [("k.csv", Format::Csv, "id,secret\n"), ("k.jsonl", Format::JsonLines, "")] {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            let secret = NewSecret { secret: Secret::new(b"x".to_vec()), label: None };
            assert!(FileStore { path, format }.change("a", &Change::Add(secret)).is_ok(), "{name}");
        }
    }

    #[test]
    fn whoever_changes_a_file_by_another_path_waits_as_well() {
        const OTHERS: usize = 8;
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (path, link) = (own.path().join("keys.csv"), other.path().join("linked.csv"));
        fs::write(&path, "id,secret\n").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let add = |path: &Path, id: &str| {
            let secret = NewSecret { secret: Secret::new(id.as_bytes().to_vec()), label: None };
            let store = FileStore { path: path.to_owned(), format: Format::Csv };
            assert!(store.change(id, &Change::Add(secret)).is_ok());
        };
        std::thread::scope(|scope| {
            for (name, path) in [("a", &path), ("b", &link)] {
                scope.spawn(move || (0..OTHERS).for_each(|number| add(path, &format!("{name}-{number}"))));
            }
        });
        let content = KeyFileContent::read(&path, Format::Csv).unwrap();
        assert_eq!(content.ids(), 2 * OTHERS, "none was lost");
        assert!(link.is_symlink(), "what it leads to is replaced");
    }
}
