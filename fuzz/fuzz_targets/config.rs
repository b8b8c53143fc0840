//! Any text is a config or a list of problems, never a panic; and problems can always be shown.
#![no_main]

use std::{io, path::Path};

use countersign::config::{self, Environment};
use libfuzzer_sys::fuzz_target;

struct Nothing;

impl Environment for Nothing {
    fn variable(&self, _: &str) -> Option<Vec<u8>> {
        Some(b"0123456789abcdef0123456789abcdef".to_vec())
    }

    fn file(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

fuzz_target!(|text: &str| {
    match config::parse(text, "fuzz.yaml", &Nothing) {
        Ok((_, notes)) => notes.iter().for_each(|note| drop(note.to_string())),
        Err(problems) => drop(problems.to_string()),
    }
});
