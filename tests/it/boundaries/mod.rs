//! Which room of the source may know which: the rules of the house, held against every path in `src/`.
//!
//! A rule that is broken on purpose is changed here, with its reason, and nowhere else.

mod paths;
mod rules;

use std::{
    fs,
    path::{Path, PathBuf},
};

use self::paths::Named;
use self::rules::{RULES, SPECIAL_CRATES};

/// The longest file anyone should have to read.
const LONGEST: usize = 500;

/// One source file.
struct Source {
    /// Below `src/`.
    file: PathBuf,
    text: String,
}

impl Source {
    /// Its module: `src/http1/tests/request.rs` is `http1::tests::request`.
    fn module(&self) -> Vec<String> {
        let file = self.file.with_extension("");
        let parts = file.iter().map(|part| part.to_string_lossy().into_owned());
        parts.filter(|part| !matches!(part.as_str(), "mod" | "lib" | "main")).collect()
    }

    fn is_test(&self) -> bool {
        self.module().iter().any(|part| part == "tests" || part.ends_with("_tests"))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("source is UTF-8");
                let file = path.strip_prefix(&root).expect("below src").to_owned();
                sources.push(Source { file, text });
            }
        }
    }
    sources.sort_by(|one, other| one.file.cmp(&other.file));
    sources
}

/// What of `source` the rules forbid.
fn breaches(source: &Source) -> Vec<String> {
    let module = source.module();
    let Some(room) = module.first() else { return Vec::new() }; // lib.rs and main.rs are above all rooms
    let mut breaches = Vec::new();
    for named in paths::named(&source.text, &module) {
        let forbidden = match &named {
            Named::Ours(path) => RULES.iter().any(|rule| rule.room == *room && rule.forbids(path)),
            Named::Crate(name) => SPECIAL_CRATES.iter().any(|special| special.forbids(name, room)),
        };
        if forbidden {
            breaches.push(format!("src/{} names {named}", source.file.display()));
        }
    }
    breaches
}

#[test]
fn no_room_names_what_it_must_not_know() {
    let breaches: Vec<_> = sources().iter().filter(|source| !source.is_test()).flat_map(breaches).collect();
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn every_room_has_a_rule_or_stands_above_them() {
    for source in sources() {
        let Some(room) = source.module().first().cloned() else { continue };
        let known = RULES.iter().any(|rule| rule.room == room) || rules::ABOVE.contains(&room.as_str());
        assert!(known, "nothing is said of src/{room}; add it to the rules");
    }
}

#[test]
fn every_crate_with_a_rule_is_still_used() {
    let all: Vec<_> = sources().iter().flat_map(|source| paths::named(&source.text, &source.module())).collect();
    for special in SPECIAL_CRATES {
        let used = all.iter().any(|named| matches!(named, Named::Crate(path) if special.covers(path)));
        assert!(used, "no source names any of {:?}: the rule guards nothing", special.names);
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    let modules = sources().into_iter().filter(|source| !source.is_test());
    let silent: Vec<_> = modules.filter(|source| !source.text.starts_with("//!")).map(|source| source.file).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn no_file_is_too_long_to_read() {
    let long = sources().into_iter().filter(|source| source.text.lines().count() > LONGEST);
    let long: Vec<_> = long.map(|source| source.file).collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn a_breach_is_found_however_it_is_written() {
    let breach =
        |file: &str, text: &str| !breaches(&Source { file: PathBuf::from(file), text: text.to_owned() }).is_empty();
    for text in [
        "use crate::store::Claims;",
        "use crate::{keys::Keyring, store::{self, Claims}};",
        "pub use super::super::store;",
        "fn f() { crate::policy::admit() }",
        "use hyper::Request;",
        "fn f(now: std::time::SystemTime) {}",
    ] {
        assert!(breach("scheme/verify.rs", text), "{text}");
    }
    for text in [
        "use crate::secret::Secret;",
        "use super::view::View; // crate::store",
        "const TEXT: &str = \"crate::store::Claims\";",
        "#[cfg(test)] mod tests { use crate::store::Claims; }",
        "use std::time::Duration;",
    ] {
        assert!(!breach("scheme/verify.rs", text), "{text}");
    }
    assert!(breach("policy/mod.rs", "use crate::authenticate::Requirement;"));
    assert!(!breach("policy/mod.rs", "use crate::authenticate::Verified;"));
}
