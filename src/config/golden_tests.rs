//! Broken configs and what is said of each: `tests/config/broken/NAME.yaml` and `NAME.expected`, whole.
//!
//! `COUNTERSIGN_BLESS=1` writes the expected files anew; read the difference before committing it.

use std::{fs, path::Path};

use super::{Severity, environment::Fixed, parse};

/// The world that the broken configs speak of.
fn environment() -> Fixed {
    Fixed {
        variables: vec![
            ("KEY", "0123456789abcdef0123456789abcdef"),
            ("OTHER", "fedcba9876543210fedcba9876543210"),
            ("SHORT", "env-hunter2"),
            ("EMPTY", ""),
        ],
        files: vec![
            ("short.key", "file-hunter2\n"),
            ("empty.key", "\n"),
            ("cert.pem", include_str!("../../tests/config/cert.pem")),
            ("key.pem", include_str!("../../tests/config/key.pem")),
            ("other-key.pem", include_str!("../../tests/config/other-key.pem")),
            ("users.yaml", "alice: { password: hunter2 }\nbob: { pasword: hunter2, claims: { sub: eve } }\n"),
            ("bad.nets", "# ours\n10.0.0.0/8 # inside\n\n192.0.2.1\n10.0.0/8\nx\n"),
            ("rsa-key.pem", include_str!("../../tests/config/rsa-key.pem")),
            ("rsa.pem", include_str!("../../tests/config/rsa.pem")),
            ("short-rsa.pem", include_str!("../../tests/config/short-rsa.pem")),
            ("set.json", include_str!("../../tests/config/set.json")),
            ("mixed.json", include_str!("../../tests/config/mixed.json")),
            ("cut.pem", "-----BEGIN CERTIFICATE-----\n"),
        ],
    }
}

fn broken() -> Vec<std::path::PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/broken");
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

fn said_of(path: &Path) -> String {
    let name = path.file_name().unwrap().to_str().unwrap();
    let problems = parse(&fs::read_to_string(path).unwrap(), name, &environment()).expect_err(name);
    assert!(problems.0.iter().any(|problem| problem.severity == Severity::Error), "{name} has no error");
    format!("{problems}\n")
}

#[test]
fn every_broken_config_is_told_all_that_is_wrong_with_it() {
    let bless = std::env::var_os("COUNTERSIGN_BLESS").is_some();
    let mut different = Vec::new();
    for path in broken() {
        let (said, expected) = (said_of(&path), path.with_extension("expected"));
        if bless {
            fs::write(&expected, &said).unwrap();
        } else if fs::read_to_string(&expected).ok().as_deref() != Some(said.as_str()) {
            different.push(format!("--- {}\n{said}", path.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn no_secret_of_a_broken_config_is_ever_shown() {
    for path in broken() {
        let said = said_of(&path);
        for secret in ["hunter2", "0123456789abcdef", "fedcba98"] {
            assert!(!said.contains(secret), "{}: {said}", path.display());
        }
    }
}

#[test]
fn there_are_enough_broken_configs_to_cover_every_section() {
    assert!(broken().len() >= 45, "{}", broken().len());
}
