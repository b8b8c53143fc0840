//! What a proxy says of the addresses that a request came through: any lines of `Forwarded` and `X-Forwarded-For`. Nothing
//! in them can hide the hop that the nearest proxy adds, and chains are bounded.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use countersign::policy::chain;
use libfuzzer_sys::fuzz_target;

const NEAREST: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

fuzz_target!(|bytes: &[u8]| {
    let lines = || bytes.split(|byte| *byte == b'\n');
    for (read, added) in [
        (chain::forwarded(lines().chain([&b"for=192.0.2.7"[..]])), "forwarded"),
        (chain::x_forwarded_for(lines().chain([&b"192.0.2.7"[..]])), "x-forwarded-for"),
    ] {
        assert!(read.len() <= 64, "{added}");
        assert_eq!(read.last(), Some(&Some(NEAREST)), "{added}");
        assert!(read.iter().flatten().all(|address| address.to_canonical() == *address), "{added}");
    }
});
