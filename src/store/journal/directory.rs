//! The journal's directory: a lock, and files whose names are numbers. Later records are in files of higher numbers.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::JournalError;

const ENDING: &str = "claims";

/// The directory, which nobody else has while this is held.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes the directory where there is none, and locks it.
    pub(super) fn open(path: &Path) -> Result<Directory, JournalError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(about(path))?;
        let file = path.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&file);
        let lock = lock.map_err(about(&file))?;
        match lock.try_lock() {
            Ok(()) => Ok(Directory { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(JournalError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(about(&file)(source)),
        }
    }

    /// The numbers of its files, in order. What was not finished is deleted.
    pub(super) fn numbers(&self) -> Result<Vec<u64>, JournalError> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(about(&self.path))? {
            let path = entry.map_err(about(&self.path))?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            match path.extension().and_then(|ending| ending.to_str()) {
                Some(ENDING) => numbers.extend(name.and_then(|name| u64::from_str_radix(name, 16).ok())),
                Some("unfinished") => fs::remove_file(&path).map_err(about(&path))?,
                _ => {}
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Where the file of that number is.
    pub(super) fn file(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:016x}.{ENDING}"))
    }

    /// A new file of that number.
    pub(super) fn create(&self, number: u64) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.file(number))
    }

    /// Makes a whole file of `bytes` at once: it is there with all of them, or not at all.
    pub(super) fn write_whole(&self, number: u64, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.file(number).with_extension("unfinished");
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            io::Write::write_all(&mut file, bytes)?;
            // What it replaces is deleted next.
            file.sync_data()?;
            fs::rename(&unfinished, self.file(number))
        };
        // On a full disk what is left of it would be in everybody's way.
        write().inspect_err(|_| drop(fs::remove_file(&unfinished)))
    }

    /// Deletes the file of that number, if it is there.
    pub(super) fn delete(&self, number: u64) -> io::Result<()> {
        match fs::remove_file(self.file(number)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            deleted => deleted,
        }
    }
}

/// The error that names `file`.
pub(super) fn about(file: &Path) -> impl Fn(io::Error) -> JournalError {
    move |source| JournalError::Io { file: file.to_owned(), source }
}
