//! Where a config comes from, and what it was like when it was read last.

use std::{
    cell::{Cell, RefCell},
    io,
    path::{Path, PathBuf},
};

use crate::{
    config::{self, Config, Environment, Problem, Problems, System},
    watch::{Files, Seen},
};

/// A config's file. It can be read again.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    files: Files,
    seen: Seen,
}

impl Source {
    /// The config at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Source {
        Source { path: path.into(), files: Files::new(), seen: Seen::Read }
    }

    /// Reads it, with secrets from the process's environment and the file system.
    ///
    /// # Errors
    /// All of its problems.
    pub fn load(&mut self) -> Result<(Config, Vec<Problem>), Problems> {
        let noting = Noting { files: RefCell::default(), seen: Cell::new(Seen::Read) };
        let loaded = config::load_in(&self.path, &noting);
        self.seen = if loaded.is_ok() { Seen::Read } else { noting.seen.get() };
        self.files = noting.files.into_inner();
        // Listeners watch their certificates themselves: a new one needs no new config. They are left in where the config
        // is of no use, for they may be why.
        let listeners = loaded.iter().flat_map(|(config, _)| &config.listen);
        for tls in listeners.filter_map(|listen| listen.tls.as_ref()) {
            self.files.remove(&tls.certificate);
            self.files.remove(&tls.key);
        }
        loaded
    }

    /// Whether it was read the last time, whatever it said; else it is to be read again though nothing changes.
    pub(super) fn seen(&self) -> Seen {
        self.seen
    }

    /// Notes that a file it names was not read after all.
    pub(super) fn not_read(&mut self) {
        self.seen = Seen::NotRead;
    }

    /// The config and the files that it names, as they were when they were read last.
    pub(super) fn files(&self) -> Files {
        self.files.clone()
    }
}

/// The process's environment and the file system, noting each file before it is read, and whether all could be.
struct Noting {
    files: RefCell<Files>,
    seen: Cell<Seen>,
}

impl Noting {
    fn noted(&self, path: &Path, read: impl FnOnce(&Path) -> io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
        self.files.borrow_mut().add(path);
        read(path).inspect_err(|error| self.failed(error))
    }

    fn failed(&self, error: &io::Error) {
        if Seen::failed(error.kind()) == Seen::NotRead {
            self.seen.set(Seen::NotRead);
        }
    }
}

impl Environment for Noting {
    fn config(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.noted(path, |path| System.config(path))
    }

    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        System.variable(name)
    }

    fn file(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.noted(path, |path| System.file(path))
    }

    /// Who reads it watches it too: it is noted only where it may be why the config is of no use.
    fn opens(&self, path: &Path) -> io::Result<()> {
        self.files.borrow_mut().add(path);
        let opened = System.opens(path).inspect_err(|error| self.failed(error));
        if opened.is_ok() {
            self.files.borrow_mut().remove(path);
        }
        opened
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_could_not_be_read_is_known_from_what_is_wrong() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c.yaml");
        for (secret, seen) in [("/proc/self/mem", Seen::NotRead), ("not-there", Seen::Read), ("c.yaml", Seen::Read)] {
            let text = format!("keys: {{ fleet: {{ shared: {{ file: {secret} }} }} }}\n");
            fs::write(&path, text).unwrap();
            let mut source = Source::new(&path);
            assert!(source.load().is_err());
            assert_eq!(source.seen(), seen, "{secret}");
        }
        let mut source = Source::new("/proc/self/mem");
        assert!(source.load().is_err() && source.seen() == Seen::NotRead);
    }

    #[test]
    fn the_config_and_the_files_it_names_are_noted_also_where_they_are_not_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c.yaml");
        let text = "listen: 127.0.0.1:0\nkeys: { fleet: { shared: { file: fleet.key } } }\n\
                    schemes: { device: { preset: device, keys: fleet } }\nupstreams: { ok: { echo: true } }\n\
                    routes: [{ match: { path: / }, require: { hmac: device }, to: ok }]\n";
        fs::write(&path, text).unwrap();
        let key = directory.path().join("fleet.key");
        let mut source = Source::new(&path);
        assert!(source.load().is_err());
        assert_eq!(source.files().paths().collect::<Vec<_>>(), [&path, &key]);
        fs::write(&key, "a-secret-that-is-long-enough").unwrap();
        assert!(source.load().is_ok());
        assert_eq!(source.files().paths().collect::<Vec<_>>(), [&path, &key]);
    }
}
