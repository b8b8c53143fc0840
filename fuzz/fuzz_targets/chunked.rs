//! A chunked body: the same whatever the split, and hyper reads the same body out of it, up to what we refuse by a
//! named class. What is taken is what a reader finds who knows the plain form alone: hyper takes more.
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
        let first = whole.messages.first().expect("the head is a good one");
        if first.body.is_whole {
            assert_eq!(plain(data), Some(first.body.bytes.clone()));
        }
        for reading in [ours::requests(bytewise(&request), &limits), ours::requests(in_pieces(&request), &limits)] {
            assert!(whole.is_like(&reading), "whole: {whole:#?}\nin pieces: {reading:#?}");
        }
    }
    if let Err(disagreement) = agreement::on_requests(&request) {
        panic!("{disagreement}");
    }
});

/// The body in `input` by the plain form: every line ends in CRLF, a size is hex digits alone up to its extension.
fn plain(mut input: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(&mut input)?.split(|byte| *byte == b';').next()?;
        if !matches!(size.len(), 1..=16) || !size.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        match usize::from_str_radix(str::from_utf8(size).ok()?, 16).ok()? {
            0 => break,
            size => body.extend_from_slice(input.split_off(..size)?),
        }
        line(&mut input)?.is_empty().then_some(())?;
    }
    loop {
        let trailer = line(&mut input)?;
        if trailer.is_empty() {
            return Some(body);
        }
        let name = trailer.split(|byte| *byte == b':').next()?;
        if name.len() == trailer.len() || !name.iter().all(u8::is_ascii_graphic) {
            return None;
        }
    }
}

/// Takes a line off the front of `input`, if it has no control byte but a tab.
fn line<'i>(input: &mut &'i [u8]) -> Option<&'i [u8]> {
    let end = input.windows(2).position(|pair| pair == b"\r\n")?;
    let line = input.split_off(..end)?;
    *input = &input[2..];
    line.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control()).then_some(line)
}
