//! Where a config comes from, and what it was like when it was read last.

use std::{
    cell::RefCell,
    io,
    path::{Path, PathBuf},
};

use crate::{
    config::{self, Config, Environment, Problem, Problems, System},
    watch::Files,
};

/// A config's file. It can be read again.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    files: Files,
}

impl Source {
    /// The config at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Source {
        Source { path: path.into(), files: Files::new() }
    }

    /// Reads it, with secrets from the process's environment and the file system.
    ///
    /// # Errors
    /// All of its problems.
    pub fn load(&mut self) -> Result<(Config, Vec<Problem>), Problems> {
        let noting = Noting(RefCell::new(Files::new()));
        noting.0.borrow_mut().add(&self.path);
        let loaded = config::load_in(&self.path, &noting);
        self.files = noting.0.into_inner();
        // Listeners watch their certificates themselves: a new one needs no new config. They are left in where the config
        // is of no use, for they may be why.
        let listeners = loaded.iter().flat_map(|(config, _)| &config.listen);
        for tls in listeners.filter_map(|listen| listen.tls.as_ref()) {
            self.files.remove(&tls.certificate);
            self.files.remove(&tls.key);
        }
        loaded
    }

    /// The config and the files that it names, as they were when they were read last.
    pub(super) fn files(&self) -> Files {
        self.files.clone()
    }
}

/// The process's environment and the file system, noting each file before it is read.
struct Noting(RefCell<Files>);

impl Environment for Noting {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        System.variable(name)
    }

    fn file(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.borrow_mut().add(path);
        System.file(path)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

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
