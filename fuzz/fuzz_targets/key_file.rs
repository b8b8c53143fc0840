//! Files of keys: arbitrary bytes in each format, YAML among them. None may panic; what is wrong is said in one line.
#![no_main]

use countersign::keys::{Format, KeyFileContent};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for format in [Format::Csv, Format::JsonLines, Format::Yaml] {
        match KeyFileContent::parse(bytes, format) {
            Ok(content) => assert!(content.ids() <= bytes.len()),
            Err(fault) => assert!(!fault.to_string().contains('\n')),
        }
    }
});
