//! The replay journal's reader on arbitrary bytes: it must not panic, and what it hands over is what stands in the bytes
//! that it calls good.
#![no_main]

use countersign::store::journal::{Record, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut records = Vec::new();
    let Ok(good) = read(bytes, |record| records.push(record)) else { return };
    assert!(good <= bytes.len());
    let start = if good == 0 { None } else { Some(Record::Start) };
    let written: Vec<u8> = start.iter().chain(&records).flat_map(Record::encode).collect();
    assert_eq!(written, bytes[..good]);
});
