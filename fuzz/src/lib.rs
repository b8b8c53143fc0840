//! What the codec's targets share: the two readers that the integration tests compare too, and ways to cut an input.

#[path = "../../tests/it/http1_oracle/readers/mod.rs"]
pub mod readers;

use countersign::http1::{Framing, Limits, encode};

/// Limits that short inputs can run into.
pub const NARROW: Limits = Limits { head: 200, headers: 5, chunk_overhead: 20 };

/// The input byte by byte, or as much of it as can be: each byte of a head looks at all of it again.
pub fn bytewise(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (front, rest) = input.split_at(input.len().min(1024));
    front.chunks(1).chain((!rest.is_empty()).then_some(rest))
}

/// The input in pieces of 1 to 16 bytes whose sizes only the input decides, so that a crash can be tried again.
pub fn in_pieces(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut state = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let mut rest = input;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let size = 1 + usize::from(state.to_be_bytes()[0] % 16);
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Whether no two readers could split an accepted head into lines in two ways: every line ends in CRLF, none goes on in the
/// next, and there is no NUL. hyper is no judge of that, it takes bare line feeds.
pub fn has_plain_lines(head: &[u8]) {
    let lines = head.strip_prefix(b"\r\n").unwrap_or(head).strip_suffix(b"\r\n\r\n").expect("an empty line at the end");
    let mut rest = lines;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\r\n") {
        assert!(!matches!(rest.get(at + 2), None | Some(b' ' | b'\t' | b'\r' | b'\n')), "{}", head.escape_ascii());
        assert!(!rest[..at].iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{}", head.escape_ascii());
        rest = &rest[at + 2..];
    }
    assert!(!rest.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{}", head.escape_ascii());
}

/// Where the body ends, as the lines of an accepted head say in one way only, or nobody could take them in two: hyper is no
/// judge of that either, it takes a length twice, and a length beside a coding.
pub fn framing(lines: &[(&[u8], &[u8])]) -> Framing {
    let named = |wanted: &str| {
        let is_wanted = |name: &[u8]| String::from_utf8_lossy(name).replace('_', "-").eq_ignore_ascii_case(wanted);
        lines.iter().filter(|(name, _)| is_wanted(name)).collect::<Vec<_>>()
    };
    match (&named("content-length")[..], &named("transfer-encoding")[..]) {
        ([], []) => Framing::None,
        ([(name, length)], []) if !name.contains(&b'_') && length.iter().all(u8::is_ascii_digit) => {
            Framing::Length(String::from_utf8_lossy(length).parse().expect("a number"))
        }
        ([], [(name, coding)]) if !name.contains(&b'_') && coding.eq_ignore_ascii_case(b"chunked") => Framing::Chunked,
        (lengths, codings) => panic!("two framings: {} and {}", lengths.len(), codings.len()),
    }
}

/// Whether a head's lines are copied as they would be written one by one: all of them, every second and every third.
pub fn are_passed_on(lines: &[(&[u8], &[u8])], copy: impl Fn(&mut Vec<u8>, &mut dyn FnMut() -> bool)) {
    for every in [1, 2, 3] {
        let (mut one_by_one, mut copied, mut count) = (Vec::new(), Vec::new(), 0);
        lines.iter().step_by(every).for_each(|(name, value)| encode::line(&mut one_by_one, name, value));
        copy(&mut copied, &mut || {
            count += 1;
            (count - 1) % every == 0
        });
        assert_eq!(copied.escape_ascii().to_string(), one_by_one.escape_ascii().to_string());
    }
}
