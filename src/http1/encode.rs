//! Heads and chunks as bytes, appended to the caller's buffer.
//!
//! What is written comes from a parsed head or from checked configuration. As a second wall, CR, LF and NUL are
//! written as a space (RFC 9110 section 5.5), so that no value can end its line early.

use std::num::NonZeroUsize;

use bytes::BufMut;

/// What follows a chunk's data.
pub const CHUNK_END: &[u8] = b"\r\n";

/// The chunk that ends a body, without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// An HTTP/1.1 request line. `target` must be free of spaces, as a parsed head's is.
pub fn request_line(out: &mut impl BufMut, method: &str, target: &str) {
    text(out, method.as_bytes());
    out.put_u8(b' ');
    text(out, target.as_bytes());
    out.put_slice(b" HTTP/1.1\r\n");
}

/// An HTTP/1.1 status line. With an empty `reason` the standard phrase is written: some clients need one.
pub fn status_line(out: &mut impl BufMut, status: u16, reason: &str) {
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(itoa::Buffer::new().format(status).as_bytes());
    out.put_u8(b' ');
    text(out, if reason.is_empty() { standard_reason(status) } else { reason }.as_bytes());
    out.put_slice(b"\r\n");
}

/// The request line of a head that was parsed: its bytes were checked then and are not checked again.
pub fn known_request_line(out: &mut Vec<u8>, method: &str, target: &str) {
    out.extend_from_slice(method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
}

/// The status line of a head that was parsed, or of none: then `reason` is empty and the standard phrase is written.
pub fn known_status_line(out: &mut Vec<u8>, status: u16, reason: &str) {
    if status == 200 && matches!(reason, "" | "OK") {
        return out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
    out.push(b' ');
    out.extend_from_slice(if reason.is_empty() { standard_reason(status) } else { reason }.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// One field line.
pub fn field(out: &mut impl BufMut, name: &str, value: &[u8]) {
    text(out, name.as_bytes());
    out.put_slice(b": ");
    text(out, value);
    out.put_slice(b"\r\n");
}

/// The empty line that ends a head.
pub fn end(out: &mut impl BufMut) {
    out.put_slice(b"\r\n");
}

/// The line before a chunk's data. Never of length 0, which would end the body.
pub fn chunk_head(out: &mut impl BufMut, length: NonZeroUsize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut shift = length.ilog2() / 4 * 4;
    loop {
        out.put_u8(DIGITS[(length.get() >> shift) & 0xf]);
        match shift.checked_sub(4) {
            Some(next) => shift = next,
            None => break,
        }
    }
    out.put_slice(b"\r\n");
}

/// A field line out of a head that was parsed: its bytes were checked then and are not checked again.
pub fn line(out: &mut impl BufMut, name: &[u8], value: &[u8]) {
    out.put_slice(name);
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

/// The same where the name is one of ours: `start` is the name, a colon and a space.
// Inlined, for what has a known length is a store or two and not a call.
#[inline(always)]
pub fn own_line(out: &mut Vec<u8>, start: &'static str, value: &[u8]) {
    out.extend_from_slice(start.as_bytes());
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// The line before `data` as a chunk, and what must follow it: for those who write `data` beside. Nothing for no data.
pub fn chunk_around(out: &mut impl BufMut, data: &[u8]) -> &'static [u8] {
    match NonZeroUsize::new(data.len()) {
        None => b"",
        Some(length) => {
            chunk_head(out, length);
            CHUNK_END
        }
    }
}

/// One whole chunk; nothing for no data.
pub fn chunk(out: &mut impl BufMut, data: &[u8]) {
    if let Some(length) = NonZeroUsize::new(data.len()) {
        chunk_head(out, length);
        out.put_slice(data);
        out.put_slice(CHUNK_END);
    }
}

fn text(out: &mut impl BufMut, text: &[u8]) {
    if !may_have_controls(text) {
        return out.put_slice(text);
    }
    for &byte in text {
        out.put_u8(if matches!(byte, b'\r' | b'\n' | 0) { b' ' } else { byte });
    }
}

/// Whether a byte below space may be there, told of eight bytes at a time: every short of one is marked, and now and then
/// another behind it.
fn may_have_controls(text: &[u8]) -> bool {
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    let marked = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        word.wrapping_sub(SPACES) & !word & HIGH != 0
    };
    let (words, rest) = text.as_chunks::<8>();
    words.iter().any(marked) || text.last_chunk::<8>().map_or_else(|| rest.iter().any(|byte| *byte < b' '), marked)
}

/// The reason phrase of a registered status (RFC 9110 section 15 and the IANA registry), or `Unknown`.
pub fn standard_reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn a_request_head_is_written_line_by_line() {
        let head = written(|out| {
            request_line(out, "GET", "/a?b");
            field(out, "Host", b"gw.test");
            end(out);
        });
        assert_eq!(head, "GET /a?b HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    }

    #[test]
    fn a_status_line_always_has_a_reason() {
        assert_eq!(written(|out| status_line(out, 200, "")), "HTTP/1.1 200 OK\r\n");
        assert_eq!(written(|out| status_line(out, 599, "")), "HTTP/1.1 599 Unknown\r\n");
        assert_eq!(written(|out| status_line(out, 403, "No Entry")), "HTTP/1.1 403 No Entry\r\n");
    }

    #[test]
    fn no_value_can_end_its_line() {
        let line = written(|out| field(out, "X-A\r\n", b"a\r\nX-Auth-User: admin\0"));
        assert_eq!(line, "X-A  : a  X-Auth-User: admin \r\n");
    }

    #[test]
    fn a_chunk_head_is_the_length_in_hex() {
        for length in [1, 9, 15, 16, 255, 256, 4096, 65_535, 1 << 20, usize::MAX] {
            let head = written(|out| chunk_head(out, NonZeroUsize::new(length).expect("not zero")));
            assert_eq!(head, format!("{length:x}\r\n"));
        }
    }

    #[test]
    fn a_chunk_of_nothing_does_not_end_the_body() {
        assert_eq!(written(|out| chunk(out, b"")), "");
        assert_eq!(written(|out| chunk(out, b"hello")), "5\r\nhello\r\n");
        let (mut empty, mut five) = (Vec::new(), Vec::new());
        assert_eq!((chunk_around(&mut empty, b""), empty.as_slice()), (&b""[..], &b""[..]));
        assert_eq!((chunk_around(&mut five, b"hello"), five.as_slice()), (CHUNK_END, &b"5\r\n"[..]));
    }

    proptest::proptest! {
        #[test]
        fn every_line_break_and_nul_becomes_a_space_wherever_it_stands(value: Vec<u8>, at in 0_usize..40, broken in "[\r\n\0]") {
            let mut value = value;
            value.insert(at.min(value.len()), broken.as_bytes()[0]);
            let mut out = Vec::new();
            text(&mut out, &value);
            let expected: Vec<u8> = value.iter().map(|b| if matches!(b, b'\r' | b'\n' | 0) { b' ' } else { *b }).collect();
            proptest::prop_assert_eq!(out, expected);
        }
    }
}
