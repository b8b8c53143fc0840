//! Our codec against hyper's server, on all requests of one connection: what we accept hyper reads the same, and what
//! only we refuse is of a class with a name and a reason.
#![no_main]

use countersign_fuzz::readers::agreement;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Err(disagreement) = agreement::on_requests(data) {
        panic!("{disagreement}");
    }
});
