//! Where a token stands: arbitrary header values and queries. No carrier may panic, or hand out anything but the
//! characters of a token.
#![no_main]

use countersign::authenticate::jwt::{Carrier, HeaderValues};
use libfuzzer_sys::fuzz_target;
use smallvec::SmallVec;

struct Lines<'f>(Vec<&'f [u8]>);

impl HeaderValues for Lines<'_> {
    fn values<'h>(&'h self, _name: &str) -> SmallVec<[&'h [u8]; 2]> {
        self.0.iter().copied().collect()
    }
}

fuzz_target!(|bytes: &[u8]| {
    let query = std::str::from_utf8(bytes).ok();
    let lines = Lines(bytes.split(|byte| *byte == b'\n').collect());
    let named = || "token".to_owned();
    let carriers = [
        Carrier::Bearer,
        Carrier::Authorization,
        Carrier::Cookie(named()),
        Carrier::Query(named()),
        Carrier::Header(named()),
    ];
    for carrier in carriers {
        if let Ok(Some(token)) = carrier.find(&lines, query) {
            assert!(!token.is_empty());
            assert!(token.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte)));
        }
    }
});
