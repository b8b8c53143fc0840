//! The JSON reader on arbitrary bytes: it must not panic, and what it accepts must read the same once written compactly.
#![no_main]

use countersign::json::Document;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = Document::parse(bytes) else { return };
    let compact = document.root().to_string();
    let again = Document::parse(compact.as_bytes()).expect("compact JSON is JSON");
    assert_eq!(again.root().to_string(), compact);
    let _ = document.pointer("/a~1b/0/~0");
});
