//! Our codec against hyper's client, on the answer to a GET and to a HEAD: what we accept hyper reads the same, and what
//! only we refuse is of a class with a name and a reason.
#![no_main]

use countersign_fuzz::readers::agreement;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for to_head in [false, true] {
        if let Err(disagreement) = agreement::on_response(data, to_head) {
            panic!("{disagreement}");
        }
    }
});
