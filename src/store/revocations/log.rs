//! The file behind the revocations: a line each, appended and on the disk before anybody is told that it holds.
//!
//! Whoever opens it has it alone. A last line without an end was being written when the process died, and nobody was told
//! of it: it is cut off. Any other line that cannot be read is an error, for it may be a revocation.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::entry::{BadRevocation, Revocation};

/// The largest file that is read.
const LARGEST: u64 = 1 << 30;

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
    #[error("{}: another process has it open", .0.display())]
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
}

impl Log {
    /// Opens the file, which is made if it is not there, and reads what stands in it.
    ///
    /// # Errors
    /// [`LogError`]
    pub(super) fn open(path: &Path, now_unix: i64) -> Result<(Log, Vec<Revocation>), LogError> {
        let failed = |source| LogError::File { path: path.to_owned(), source };
        let mut file = open(path).map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => LogError::InUse(path.to_owned()),
            TryLockError::Error(source) => failed(source),
        })?;
        sync_directory(path).map_err(failed)?;
        let mut content = Vec::new();
        (&file).take(LARGEST + 1).read_to_end(&mut content).map_err(failed)?;
        if u64::try_from(content.len()).is_ok_and(|length| length > LARGEST) {
            return Err(failed(io::ErrorKind::FileTooLarge.into()));
        }
        let (revocations, whole) = read(&content, now_unix).map_err(|(line, source)| LogError::Line {
            path: path.to_owned(),
            line,
            source,
        })?;
        let length = u64::try_from(whole).unwrap_or(u64::MAX);
        if whole < content.len() {
            tracing::warn!(path = %path.display(), "the last line of the revocations broke off and is cut off");
            file.set_len(length).map_err(failed)?;
        }
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok((Log { path: path.to_owned(), file, length }, revocations))
    }

    /// Appends a line and waits until it is on the disk.
    ///
    /// # Errors
    /// What the system says; the file is as it was then, as far as can be known.
    pub(super) fn append(&mut self, revocation: &Revocation) -> io::Result<()> {
        let line = format!("{}\n", revocation.to_json());
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half a line must not stand before the next one.
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            return Err(error);
        }
        self.length += u64::try_from(line.len()).unwrap_or_default();
        Ok(())
    }

    /// Writes the file anew with nothing but these, in one step.
    ///
    /// # Errors
    /// What the system says; the file is as it was then.
    pub(super) fn rewrite(&mut self, revocations: &[Revocation]) -> io::Result<()> {
        let beside = self.path.with_added_extension("new");
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        let text: String = revocations.iter().map(|revocation| format!("{}\n", revocation.to_json())).collect();
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        file.try_lock().map_err(io::Error::from)?;
        std::fs::rename(&beside, &self.path)?;
        sync_directory(&self.path)?;
        self.file = file;
        self.length = u64::try_from(text.len()).unwrap_or_default();
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// A file that was just made, or put in another's place, must be found there after a crash.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

/// The revocations of a file, and how many of its bytes are whole lines.
///
/// # Errors
/// The number of a line that is none, from 1, and why.
pub fn read(content: &[u8], now_unix: i64) -> Result<(Vec<Revocation>, usize), (usize, BadRevocation)> {
    let whole = memchr::memrchr(b'\n', content).map_or(0, |end| end + 1);
    let lines = content.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n').enumerate();
    let filled = lines.filter(|(_, line)| !line.is_empty());
    let read = filled.map(|(at, line)| Revocation::parse(line, now_unix).map_err(|error| (at + 1, error)));
    Ok((read.collect::<Result<_, _>>()?, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_are_read_and_a_torn_last_one_is_told() {
        let content = b"{\"jti\":\"a\",\"made\":1}\n\n{\"jti\":\"b\",\"made\":1}\n{\"jti\":\"c";
        let (revocations, whole) = read(content, 0).unwrap();
        assert_eq!((revocations.len(), content.get(whole..)), (2, Some(&b"{\"jti\":\"c"[..])));
        assert_eq!(read(b"{\"jti\":\"a", 0), Ok((Vec::new(), 0)));
    }

    #[test]
    fn a_whole_line_that_is_no_revocation_is_an_error_with_its_number() {
        let (line, _) = read(b"{\"jti\":\"a\"}\nnonsense\n{\"jti\":\"b\"}\n", 0).unwrap_err();
        assert_eq!(line, 2);
    }
}
