//! The journal while it is written.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    JournalError,
    directory::{Directory, about},
    read::read,
    record::{Record, SIZE},
};
use crate::store::ClaimKey;

/// Bytes that the files may hold beyond twice what is live, before they are written anew.
const SLACK: u64 = 8 << 20;

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    directory: Directory,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    number: u64,
    /// Where the next record goes. A write that failed half-way is written over by the next one.
    end: u64,
    /// The files before this one: their numbers and, together, their bytes.
    before: Vec<u64>,
    bytes_before: u64,
}

impl Journal {
    /// Opens the journal in the directory `path`, which is made if it is not there, and hands over what it holds, in order.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn open(path: &Path, mut take: impl FnMut(Record)) -> Result<Journal, JournalError> {
        let directory = Directory::open(path)?;
        let before = directory.numbers()?;
        let mut bytes_before = 0;
        for number in &before {
            bytes_before += read_file(&directory.file(*number), &mut take)?;
        }
        // One number is left free for what is live of those before.
        let number = before.last().map_or(1, |last| last.saturating_add(2));
        let (file, end) = started(&directory, number).map_err(about(&directory.file(number)))?;
        let state = Mutex::new(State { file, number, end, before, bytes_before });
        Ok(Journal { directory, state })
    }

    /// Writes that `key` is claimed until then. When this returns the system has it. How many bytes all files have now.
    ///
    /// # Errors
    /// What the system says. Then it is not written.
    pub fn claim(&self, key: &ClaimKey, until_millis: i64) -> io::Result<u64> {
        self.state().append(&Record::Claim(*key, until_millis))
    }

    /// Writes that a claim was given back, and has the memory forget it by `let_go`, written or not. Nothing else is written
    /// between the two: a [`rewrite`](Self::rewrite) would leave the record behind and find the claim still live.
    ///
    /// # Errors
    /// What the system says. Then it is not written.
    pub fn release(&self, key: &ClaimKey, until_millis: i64, let_go: impl FnOnce()) -> io::Result<u64> {
        let mut state = self.state();
        let written = state.append(&Record::Release(*key, until_millis));
        let_go();
        written
    }

    /// How many bytes all files have.
    pub fn bytes(&self) -> u64 {
        let state = self.state();
        state.bytes_before.saturating_add(state.end)
    }

    /// Whether `bytes` are so much more than `live` claims need that they should be written anew.
    pub fn is_overgrown(bytes: u64, live: usize) -> bool {
        let needed = u64::try_from(live * SIZE).unwrap_or(u64::MAX);
        bytes > needed.saturating_mul(2).saturating_add(SLACK)
    }

    /// Writes what is live into one file, in place of all those that there were when this began. `live` is asked for it only
    /// after claims go into another file: whatever is claimed or given back meanwhile stands behind it.
    ///
    /// # Errors
    /// What the system says. Nothing is lost then, and it can be tried again.
    pub fn rewrite(&self, live: impl FnOnce(&mut dyn FnMut(&ClaimKey, i64))) -> io::Result<()> {
        let (number, replaced) = self.turn_over()?;
        let mut bytes = Record::Start.encode().to_vec();
        live(&mut |key, until_millis| bytes.extend(Record::Claim(*key, until_millis).encode()));
        self.directory.write_whole(number, &bytes)?;
        self.state().before.push(number);
        for old in &replaced {
            self.directory.delete(*old)?;
        }
        let mut state = self.state();
        state.before = vec![number];
        state.bytes_before = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Lets every write fail, or work again.
    #[cfg(test)]
    pub(in crate::store) fn set_writable(&self, writable: bool) {
        let mut state = self.state();
        let file = self.directory.file(state.number);
        state.file = File::options().read(true).write(writable).open(file).unwrap();
    }

    /// Lets claims go into a new file from now on. The number left free before it, and the numbers of all files before that.
    fn turn_over(&self) -> io::Result<(u64, Vec<u64>)> {
        let mut state = self.state();
        let number = state.number.saturating_add(2);
        // What a failed write left behind the end would look like damage once it is not the last file.
        state.file.set_len(state.end)?;
        let (file, end) = started(&self.directory, number)?;
        let old = std::mem::replace(&mut state.file, file);
        let (old_number, old_end) = (state.number, state.end);
        state.before.push(old_number);
        state.bytes_before = state.bytes_before.saturating_add(old_end);
        (state.number, state.end) = (number, end);
        let replaced = state.before.clone();
        drop(state);
        drop(old);
        Ok((number - 1, replaced))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn append(&mut self, record: &Record) -> io::Result<u64> {
        self.file.write_all_at(&record.encode(), self.end)?;
        self.end += SIZE as u64;
        Ok(self.bytes_before.saturating_add(self.end))
    }
}

fn started(directory: &Directory, number: u64) -> io::Result<(File, u64)> {
    let file = directory.create(number)?;
    match file.write_all_at(&Record::Start.encode(), 0) {
        Ok(()) => Ok((file, SIZE as u64)),
        // The next try makes it anew.
        Err(error) => directory.delete(number).and(Err(error)),
    }
}

/// Reads one file. How many bytes it has; a torn end is cut off.
fn read_file(file: &Path, take: &mut impl FnMut(Record)) -> Result<u64, JournalError> {
    let bytes = fs::read(file).map_err(about(file))?;
    let good = read(&bytes, take).map_err(|damage| JournalError::Damaged { file: file.to_owned(), damage })?;
    if good < bytes.len() {
        tracing::warn!(file = %file.display(), bytes = bytes.len() - good, "the end of a replay journal is torn; it is cut off");
        let end = u64::try_from(good).unwrap_or(u64::MAX);
        File::options().write(true).open(file).and_then(|file| file.set_len(end)).map_err(about(file))?;
    }
    Ok(u64::try_from(good).unwrap_or(u64::MAX))
}
