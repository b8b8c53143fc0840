//! A chunked body from arbitrary bytes: no panic, and the same result whole and byte by byte.
#![no_main]

use bytes::BytesMut;
use countersign::http1::{BodyDecoder, Framing, Limits, Step};
use libfuzzer_sys::fuzz_target;

/// The body so far, and how it ended: done, wanting more, or refused.
fn read(pieces: impl Iterator<Item = impl AsRef<[u8]>>) -> (Vec<u8>, Option<bool>) {
    let mut decoder = BodyDecoder::new(Framing::Chunked, &Limits::default());
    let mut buffer = BytesMut::new();
    let mut body = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece.as_ref());
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Step::Data(data)) => body.extend_from_slice(&data),
                Ok(Step::More | Step::End) => break,
                Err(_) => return (body, None),
            }
        }
    }
    (body, Some(decoder.is_done()))
}

fuzz_target!(|data: &[u8]| {
    assert_eq!(read(std::iter::once(data)), read(data.chunks(1)));
});
