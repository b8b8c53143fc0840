//! A chunked body: the same whatever the split, and hyper reads the same body out of it, up to what we refuse by a
//! named class.
#![no_main]

use countersign::http1::Limits;
use countersign_fuzz::{
    NARROW, bytewise, in_pieces,
    readers::{agreement, ours},
};
use libfuzzer_sys::fuzz_target;

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

fuzz_target!(|data: &[u8]| {
    let request = [HEAD, data].concat();
    for limits in [Limits::default(), NARROW] {
        let whole = ours::requests([&request[..]], &limits);
        assert!(!whole.messages.is_empty(), "the head is a good one");
        for reading in [ours::requests(bytewise(&request), &limits), ours::requests(in_pieces(&request), &limits)] {
            assert!(whole.is_like(&reading), "whole: {whole:#?}\nin pieces: {reading:#?}");
        }
    }
    if let Err(disagreement) = agreement::on_requests(&request) {
        panic!("{disagreement}");
    }
});
