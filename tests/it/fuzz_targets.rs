//! Every fuzz target is one that is built, and one that its table tells of.

use std::{collections::BTreeSet, fs, path::Path};

type Names = BTreeSet<String>;

/// The files of `fuzz/fuzz_targets`.
fn targets() -> Names {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

/// What stands behind `before` and up to `after`, in each line that begins so.
fn named(text: &str, before: &str, after: &str) -> Names {
    let rests = text.lines().filter_map(|line| line.strip_prefix(before));
    rests.filter_map(|rest| rest.split_once(after)).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_fuzz_target_is_built() {
    let manifest = include_str!("../../fuzz/Cargo.toml");
    assert_eq!(named(manifest, "path = \"fuzz_targets/", ".rs\""), targets());
}

#[test]
fn every_fuzz_target_has_a_row_in_the_table() {
    let table = include_str!("../../fuzz/README.md");
    assert_eq!(named(table, "| `", "` | "), targets());
}
