//! What a config may ask of the world around it: variables and files. Tests give their own.

use std::{fs::File, io, io::Read, path::Path};

use crate::clock::Clock;

/// Largest file that a config may name as a secret or certificate.
const LARGEST_FILE: u64 = 1 << 20;

/// Where secrets come from that do not stand in the file.
pub trait Environment {
    /// The value of an environment variable; `None` where it is not set.
    fn variable(&self, name: &str) -> Option<Vec<u8>>;
    /// The config itself.
    fn config(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }
    /// The content of a file of at most 1 MiB.
    fn file(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Whether a file of any size that somebody else reads can be opened.
    ///
    /// # Errors
    /// Why not.
    fn opens(&self, path: &Path) -> io::Result<()> {
        let metadata = std::fs::metadata(path)?;
        match metadata.is_dir() {
            true => Err(io::ErrorKind::IsADirectory.into()),
            // Of a pipe the one who reads it would get nothing any more.
            false if !metadata.is_file() => Ok(()),
            false => File::open(path).map(drop),
        }
    }
    /// What time it is, in seconds since 1970.
    fn unix(&self) -> i64 {
        Clock::system().unix()
    }
    /// Whether its secrets and files are the real ones, so that it means something what is in them and whether they fit.
    fn has_secrets(&self) -> bool {
        true
    }
}

/// Why a file cannot be read, in a person's words and without its path.
pub(super) fn why_unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::FileTooLarge => "it is larger than 1 MiB".to_owned(),
        io::ErrorKind::PermissionDenied => {
            format!("permission denied to the user {}, who runs this", rustix::process::geteuid().as_raw())
        }
        kind => kind.to_string(),
    }
}

/// The process's own environment and the file system.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Environment for System {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        std::env::var_os(name).map(std::ffi::OsString::into_encoded_bytes)
    }

    fn file(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut content)?;
        match u64::try_from(content.len()) {
            Ok(length) if length <= LARGEST_FILE => Ok(content),
            _ => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }
}

/// Variables and files that were given.
#[cfg(test)]
#[derive(Debug, Default)]
pub(super) struct Fixed {
    pub(super) variables: Vec<(&'static str, &'static str)>,
    pub(super) files: Vec<(&'static str, &'static str)>,
}

#[cfg(test)]
impl Environment for Fixed {
    fn unix(&self) -> i64 {
        0
    }

    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_bytes().to_vec())
    }

    fn opens(&self, path: &Path) -> io::Result<()> {
        self.file(path).map(drop)
    }

    fn file(&self, path: &Path) -> io::Result<Vec<u8>> {
        let found = self.files.iter().find(|(known, _)| Path::new(known) == path);
        found.map(|(_, content)| content.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_larger_than_the_limit_is_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        io::Write::write_all(&mut file, &vec![b'x'; (1 << 20) + 1]).unwrap();
        assert_eq!(System.file(file.path()).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
