//! The file behind the revocations: a line each, appended and on the disk before anybody is told that it holds.
//!
//! Whoever opens it has it alone. A last line without an end was being written when the process died, and nobody was told
//! of it: it is cut off. Any other line that cannot be read is an error, for it may be a revocation.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::entry::{BadRevocation, Line, Revocation};
use crate::ownership;

/// The longest line that is read, in bytes: a name and a reason of the greatest length, each character escaped, are shorter.
const LONGEST_LINE: u64 = 1 << 15;

/// Bytes that the file may hold beyond twice what it held when it was last written anew, before it is written anew again.
const SLACK: u64 = 1 << 20;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The system refuses.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("{}: another process has it open; commands ask a gateway that runs where they are given no --file", .0.display())]
    InUse(PathBuf),
    /// A line is no revocation.
    #[error("{}:{line}: {source}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Why.
        source: BadRevocation,
    },
    /// There are more than there may be.
    #[error("{}: more than {most} revocations", path.display())]
    TooMany {
        /// The file.
        path: PathBuf,
        /// How many there may be.
        most: usize,
    },
}

/// The open file.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// With more than so many it should be written anew.
    most: u64,
    /// Whether something may stand behind the whole lines: half a line that was not written to its end.
    is_torn: bool,
}

impl Log {
    /// Opens the file, which is made if it is not there, and hands over what stands in it, line by line. `take` says whether there
    /// is room for it; there may be `most`.
    ///
    /// # Errors
    /// [`LogError`]
    pub(super) fn open(
        path: &Path,
        now_unix: i64,
        most: usize,
        take: impl FnMut(Line) -> bool,
    ) -> Result<Log, LogError> {
        let failed = |source| LogError::File { path: path.to_owned(), source };
        let file = open(path).map_err(failed)?;
        file.try_lock().map_err(|error| unlocked(path, error))?;
        sync_directory(path).map_err(failed)?;
        let (length, is_torn) = lines(path, &file, now_unix, most, take)?;
        if is_torn {
            tracing::warn!(path = %path.display(), "the last line of the revocations broke off and is cut off");
            file.set_len(length).map_err(failed)?;
        }
        // Where a link leads there, what it leads to is written anew.
        let path = path.canonicalize().map_err(failed)?;
        Ok(Log { path, file, length, most: most_of(length), is_torn: false })
    }

    /// Appends a line and waits until it is on the disk.
    ///
    /// # Errors
    /// What the system says; the file is as it was then, as far as can be known.
    pub(super) fn append(&mut self, document: &serde_json::Value) -> io::Result<()> {
        let line = format!("{document}\n");
        self.mend()?;
        let written = self.file.write_all_at(line.as_bytes(), self.length).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.is_torn = true;
            // Where this fails too it is tried again before the next line.
            let _ = self.mend();
            return Err(error);
        }
        self.length += u64::try_from(line.len()).unwrap_or_default();
        Ok(())
    }

    /// Half a line must not stand before the next one, nor behind it where it is shorter.
    fn mend(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.length)?;
            self.is_torn = false;
        }
        Ok(())
    }

    /// Whether so much was appended since it was last written anew that it should be again.
    pub(super) fn is_overgrown(&self) -> bool {
        self.length > self.most
    }

    /// Writes the file anew with nothing but these, in one step.
    ///
    /// # Errors
    /// What the system says; the file is as it was then, and is overgrown again only when more was appended.
    pub(super) fn rewrite(&mut self, revocations: &[Revocation]) -> io::Result<()> {
        let beside = self.path.with_added_extension("new");
        match self.replace(&beside, revocations) {
            Ok(length) => {
                (self.length, self.most, self.is_torn) = (length, most_of(length), false);
                Ok(())
            }
            Err(error) => {
                self.most = self.length.saturating_add(SLACK);
                // On a disk that is full it would be in the way.
                let _ = fs::remove_file(&beside);
                Err(error)
            }
        }
    }

    /// How many bytes the new file has.
    fn replace(&mut self, beside: &Path, revocations: &[Revocation]) -> io::Result<u64> {
        // One that a killed process left; and whoever put a link there must not have us write where it leads.
        let _ = fs::remove_file(beside);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(beside)?;
        let mut writer = BufWriter::new(&file);
        let mut length = 0;
        for revocation in revocations {
            let line = format!("{}\n", revocation.to_json());
            writer.write_all(line.as_bytes())?;
            length += u64::try_from(line.len()).unwrap_or_default();
        }
        writer.flush()?;
        drop(writer);
        // Whoever runs a command may be another user than the gateway, which must be able to open it.
        ownership::hand_on(&self.file.metadata()?, &file)?;
        file.sync_all()?;
        file.try_lock().map_err(io::Error::from)?;
        fs::rename(beside, &self.path)?;
        // From here on it is the file, whatever comes: what is appended must go into it.
        self.file = file;
        (self.length, self.is_torn) = (length, false);
        sync_directory(&self.path)?;
        Ok(length)
    }

    /// Lets every write fail, or work again.
    #[cfg(test)]
    fn set_writable(&mut self, writable: bool) {
        self.file = File::options().read(true).write(writable).open(&self.path).unwrap();
    }
}

/// Hands over what stands in a file that nobody has open, line by line, as [`Log::open`] does. It makes and changes nothing.
///
/// # Errors
/// [`LogError`]
pub(super) fn look(path: &Path, now_unix: i64, most: usize, take: impl FnMut(Line) -> bool) -> Result<(), LogError> {
    let file = File::open(path).map_err(|source| LogError::File { path: path.to_owned(), source })?;
    file.try_lock_shared().map_err(|error| unlocked(path, error))?;
    // Half a line at the end is of a revocation that nobody was told of.
    lines(path, &file, now_unix, most, take).map(|_| ())
}

fn unlocked(path: &Path, error: TryLockError) -> LogError {
    match error {
        TryLockError::WouldBlock => LogError::InUse(path.to_owned()),
        TryLockError::Error(source) => LogError::File { path: path.to_owned(), source },
    }
}

/// How many bytes of the file are whole lines, and whether anything stands behind them.
fn lines(
    path: &Path,
    file: &File,
    now_unix: i64,
    most: usize,
    mut take: impl FnMut(Line) -> bool,
) -> Result<(u64, bool), LogError> {
    let full = || LogError::TooMany { path: path.to_owned(), most };
    let taken = |line| if take(line) { Ok(()) } else { Err(full()) };
    read(BufReader::new(file), now_unix, taken).map_err(|fault| match fault {
        Fault::Read(source) => LogError::File { path: path.to_owned(), source },
        Fault::Line(line, source) => LogError::Line { path: path.to_owned(), line, source },
        Fault::Taken(error) => error,
    })
}

fn most_of(length: u64) -> u64 {
    length.saturating_mul(2).saturating_add(SLACK)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// A file that was just made, or put in another's place, must be found there after a crash.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

/// Why a file of revocations was not read to its end.
#[derive(Debug)]
pub enum Fault<E> {
    /// The system refuses.
    Read(io::Error),
    /// A line, from 1, is no revocation.
    Line(usize, BadRevocation),
    /// Whoever takes them takes no more.
    Taken(E),
}

/// Hands over the lines of a file, one after the other. How many of its bytes are whole lines, and whether anything stands
/// behind them.
///
/// # Errors
/// [`Fault`]
pub fn read<E>(
    mut from: impl BufRead,
    now_unix: i64,
    mut take: impl FnMut(Line) -> Result<(), E>,
) -> Result<(u64, bool), Fault<E>> {
    let (mut whole, mut line) = (0, Vec::new());
    for number in 1.. {
        line.clear();
        let length = (&mut from).take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(Fault::Read)?;
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        let Some(content) = line.strip_suffix(b"\n") else {
            let is_long = length >= LONGEST_LINE;
            return if is_long { Err(Fault::Line(number, BadRevocation::Long)) } else { Ok((whole, length > 0)) };
        };
        if !content.is_empty() {
            let line = Line::parse(content, now_unix).map_err(|error| Fault::Line(number, error))?;
            take(line).map_err(Fault::Taken)?;
        }
        whole += length;
    }
    Ok((whole, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was read, how many bytes are whole, and whether anything stands behind them.
    fn all(content: &[u8]) -> Result<(Vec<Line>, u64, bool), Fault<()>> {
        let mut all = Vec::new();
        let (whole, is_torn) = read(content, 0, |line| {
            all.push(line);
            Ok(())
        })?;
        Ok((all, whole, is_torn))
    }

    #[test]
    fn whole_lines_are_read_and_a_torn_last_one_is_told() {
        let content = b"{\"jti\":\"a\",\"made\":1}\n\n{\"jti\":\"b\",\"made\":1}\n{\"jti\":\"c";
        let (revocations, whole, is_torn) = all(content).unwrap();
        assert_eq!((revocations.len(), whole, is_torn), (2, 43, true));
        assert_eq!(all(b"{\"jti\":\"a").unwrap(), (Vec::new(), 0, true));
        assert_eq!(all(b"").unwrap(), (Vec::new(), 0, false));
    }

    #[test]
    fn a_whole_line_that_is_no_revocation_is_an_error_with_its_number() {
        let refused = all(b"{\"jti\":\"a\"}\nnonsense\n{\"jti\":\"b\"}\n");
        assert!(matches!(refused, Err(Fault::Line(2, _))));
    }

    #[test]
    fn the_longest_revocation_is_read_and_a_line_without_end_is_not() {
        let longest = "\\u0041".repeat(1024);
        let line = format!("{{\"jti\":\"{longest}\",\"reason\":\"{longest}\"}}\n");
        assert_eq!(all(line.as_bytes()).unwrap().0.len(), 1);
        assert!(matches!(all(&vec![b'x'; 1 << 16]), Err(Fault::Line(1, BadRevocation::Long))));
    }

    #[test]
    fn after_a_write_that_failed_the_next_line_stands_where_it_should() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("revoked");
        let revocation = |jti: &str| Revocation::parse(format!(r#"{{"jti":"{jti}"}}"#).as_bytes(), 1).unwrap();
        let mut log = Log::open(&path, 1, 10, |_| true).unwrap();
        log.append(&revocation("one").to_json()).unwrap();
        log.set_writable(false);
        assert!(log.append(&revocation("two").to_json()).is_err());
        // As where a disk was full: the line is there in part, and more of it than the next one has.
        let half = "x".repeat(100) + "\ny";
        OpenOptions::new().append(true).open(&path).unwrap().write_all(half.as_bytes()).unwrap();
        log.set_writable(true);
        log.append(&revocation("three").to_json()).unwrap();
        drop(log);
        let mut all = Vec::new();
        Log::open(&path, 1, 10, |line| {
            all.push(line);
            true
        })
        .unwrap();
        assert_eq!(all, ["one", "three"].map(|jti| Line::Revoked(revocation(jti))));
    }
}
