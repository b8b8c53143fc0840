//! The first bytes of a connection that a PROXY header must begin. However they arrive the header is the same, it is within
//! the bound, and what is refused is refused whatever comes after it.
#![no_main]

use countersign::proxy_protocol::{LONGEST, Source, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let whole = parse(bytes);
    if let Ok(Some(header)) = whole {
        assert!(header.length <= bytes.len().min(LONGEST));
        if let Source::At(address) = header.source {
            assert_eq!(address.to_canonical(), address);
        }
    }
    for end in 0..bytes.len() {
        match parse(&bytes[..end]) {
            Ok(None) => {}
            told => {
                assert_eq!(told, whole);
                break;
            }
        }
    }
});
