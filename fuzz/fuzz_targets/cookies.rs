//! One cookie out of arbitrary Cookie fields. What is found must be what a plain reader of RFC 6265 finds there once, and what
//! a lenient one finds twice must not be found.
#![no_main]

use countersign::cookies::find;
use libfuzzer_sys::fuzz_target;

const NAME: &[u8] = b"token";

fuzz_target!(|bytes: &[u8]| {
    let fields: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let pairs: Vec<&[u8]> = fields.iter().flat_map(|field| field.split(|byte| *byte == b';')).collect();
    let name = |pair: &[u8]| pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii().to_vec();
    let named: Vec<&&[u8]> = pairs.iter().filter(|pair| name(pair) == NAME).collect();
    match find(fields.iter().copied(), NAME) {
        Ok(None) => assert!(named.is_empty()),
        Ok(Some(value)) => {
            assert_eq!(named.len(), 1);
            let plain = [b"token=", value].concat();
            assert_eq!(named[0].strip_prefix(b" ").unwrap_or(named[0]).trim_ascii_end(), plain.trim_ascii_end());
            assert!(!value.contains(&b';'));
        }
        Err(_) => assert!(!named.is_empty()),
    }
});
