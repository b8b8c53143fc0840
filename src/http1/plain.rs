//! The short way through a head: in one pass what nearly every head is, and nothing else.
//!
//! Lines that end in CRLF, names of tokens, values in visible ASCII, the target in origin form. Whatever is not so, not
//! there as a whole, or wrong, is `None` and read the long way, which alone decides what is refused and why. What is read
//! here means what it would mean there; a property test holds the two together.

use super::control::ControlFields;
use super::fields::{Field, Fields, Span};
use super::known::Known;

/// The field lines of a head, while they are read.
pub(super) struct Lines<'f, 'a> {
    fields: &'f mut Fields,
    pub(super) control: ControlFields<'a>,
}

impl<'f, 'a> Lines<'f, 'a> {
    /// Lines that will be read into `fields`.
    pub(super) fn into(fields: &'f mut Fields) -> Lines<'f, 'a> {
        Lines { fields, control: ControlFields::default() }
    }

    /// Reads at most `most` field lines, from `at` up to the empty line, and says where that ends.
    pub(super) fn read(&mut self, window: &'a [u8], mut at: usize, most: usize) -> Option<usize> {
        loop {
            let rest = window.get(at..)?;
            if let [b'\r', b'\n', ..] = rest {
                return Some(at + 2);
            }
            let (name, is_odd) = name(rest)?;
            let (separator, is_as_written) = match rest.get(name.len()..)? {
                [b':', b' ', ..] => (2, true),
                [b':', ..] => (1, false),
                _ => return None,
            };
            let value = line(rest.get(name.len() + separator..)?)?;
            // Space around a value is no part of it, and an empty one is rare.
            if value.is_empty() || value.starts_with(b" ") || value.ends_with(b" ") || self.fields.len() == most {
                return None;
            }
            let known = Known::of(name);
            if is_odd && matches!(name.len(), 14 | 17) {
                return None; // it may pass for a framing field
            }
            if known != Known::Other {
                self.control.take(known, value).ok()?;
            }
            let value_at = at + name.len() + separator;
            let (name, value) = (Span::at(at, name.len())?, Span::at(value_at, value.len())?);
            at = value.end() + 2;
            self.fields.push(Field { name, value, known, is_odd, is_as_written });
        }
    }
}

/// The method and the target of a request line that begins at `start`, and where the next line does.
pub(super) struct RequestLine {
    pub(super) method: Span,
    pub(super) target: Span,
    /// Where the target's `?` is.
    pub(super) question: Option<usize>,
    pub(super) is_version_11: bool,
    pub(super) end: usize,
}

/// Reads a request line whose target is a path, with or without a query.
pub(super) fn request_line(window: &[u8], start: usize) -> Option<RequestLine> {
    let rest = window.get(start..)?;
    let method = rest.iter().position(|byte| !byte.is_ascii_uppercase())?;
    if let None | Some(b"PRI" | b"CONNECT" | b"TRACE" | b"TRACK" | b"") = rest.get(..method) {
        return None;
    }
    let target = start + method + 1;
    let [b' ', b'/', ..] = rest.get(method..)? else { return None };
    let (length, question) = target_length(window.get(target..)?);
    let end = target + length + VERSION_11.len();
    let is_version_11 = match window.get(target + length..end)? {
        VERSION_11 => true,
        b" HTTP/1.0\r\n" => false,
        _ => return None,
    };
    let question = question.map(|question| target + question);
    Some(RequestLine {
        method: Span::at(start, method)?,
        target: Span::at(target, length)?,
        question,
        is_version_11,
        end,
    })
}

const VERSION_11: &[u8] = b" HTTP/1.1\r\n";

/// How many bytes a target has, and at which the first `?` is.
fn target_length(text: &[u8]) -> (usize, Option<usize>) {
    let mut question = None;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'?' if question.is_none() => question = Some(at),
            b'#' => return (at, question),
            byte if !byte.is_ascii_graphic() => return (at, question),
            _ => {}
        }
    }
    (text.len(), question)
}

/// What a status line says.
pub(super) struct StatusLine {
    pub(super) status: u16,
    pub(super) reason: Span,
    pub(super) is_version_11: bool,
    pub(super) end: usize,
}

/// Reads a status line.
pub(super) fn status_line(window: &[u8]) -> Option<StatusLine> {
    const REASON: usize = "HTTP/1.1 200 ".len();
    let (version, [hundreds @ b'1'..=b'5', tens, ones, b' ']) =
        window.first_chunk::<REASON>()?.split_first_chunk::<9>()?
    else {
        return None;
    };
    let is_version_11 = match version {
        b"HTTP/1.1 " => true,
        b"HTTP/1.0 " => false,
        _ => return None,
    };
    if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
        return None;
    }
    let digit = |byte: &u8| u16::from(byte - b'0');
    let status = 100 * digit(hundreds) + 10 * digit(tens) + digit(ones);
    let reason = Span::at(REASON, line(window.get(REASON..)?)?.len())?;
    Some(StatusLine { status, reason, is_version_11, end: reason.end() + 2 })
}

/// A field's name at the beginning of `text`, and whether anything but letters, digits and `-` is in it.
fn name(text: &[u8]) -> Option<(&[u8], bool)> {
    let (words, _) = text.as_chunks::<8>();
    let mut length = 0;
    for word in words {
        let ends = unusual(*word);
        if ends != 0 {
            length += ends.trailing_zeros() as usize / 8;
            break;
        }
        length += 8;
    }
    match text.get(length) {
        Some(b':') if length > 0 => Some((text.get(..length)?, false)),
        _ => name_by_bytes(text),
    }
}

/// The same, byte by byte.
fn name_by_bytes(text: &[u8]) -> Option<(&[u8], bool)> {
    let mut seen = 0;
    let length = text.iter().position(|byte| {
        let class = NAME_BYTES[usize::from(*byte)];
        seen |= class;
        class == END
    })?;
    if length == 0 { None } else { Some((text.get(..length)?, seen & ODD != 0)) }
}

/// The high bit of each byte that is no letter or `-`, of which nearly all names are made. Sums of seven bits reach no other byte.
fn unusual(word: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let word = u64::from_le_bytes(word);
    let within = |word: u64, least: u8, most: u8| {
        let at_least = |word: u64, least: u8| word + ONES * u64::from(0x80 - least);
        at_least(word, least) & !at_least(word, most + 1)
    };
    let low = word & !HIGH;
    // No byte but a letter becomes one in lower case.
    let usual = within(low | (ONES * 0x20), b'a', b'z') | within(low, b'-', b'-');
    (!usual | word) & HIGH
}

const END: u8 = 0;
const USUAL: u8 = 1;
const ODD: u8 = 2;

const NAME_BYTES: [u8; 256] = {
    let mut classes = [END; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'-' => USUAL,
            _ if byte.is_ascii_alphanumeric() => USUAL,
            _ if super::grammar::is_token(byte) => ODD,
            _ => END,
        };
        byte += 1;
    }
    classes
};

/// The visible ASCII and spaces at the beginning of `text`, where CRLF follows.
fn line(text: &[u8]) -> Option<&[u8]> {
    let (line, rest) = text.split_at_checked(visible(text))?;
    if let [b'\r', b'\n', ..] = rest { Some(line) } else { None }
}

/// Whether all of it is visible ASCII or spaces.
pub fn is_visible(text: &[u8]) -> bool {
    visible(text) == text.len()
}

/// How many bytes come before the first that is a control or not ASCII: eight are looked at together.
fn visible(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    let mut length = 0;
    for word in words {
        let stops = stops(*word);
        if stops != 0 {
            return length + stops.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length + rest.iter().take_while(|byte| matches!(byte, b' '..=b'~')).count()
}

/// The high bit of each byte that is below space, DEL, or not ASCII. Borrows and carries can only mark more bytes behind
/// one that is marked rightly.
fn stops(word: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let word = u64::from_le_bytes(word);
    (word.wrapping_sub(ONES * 0x20) | word.wrapping_add(ONES) | word) & HIGH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_stop_is_found_wherever_it_is(text in "[ -~]{0,30}", stop: u8, more: Vec<u8>) {
            let whole = [text.as_bytes(), &[stop], &more].concat();
            let expected = whole.iter().position(|byte| !matches!(byte, b' '..=b'~')).unwrap_or(whole.len());
            prop_assert_eq!(visible(&whole), expected);
        }

        #[test]
        fn a_name_is_the_same_by_words_and_by_bytes(text in "([A-Za-z0-9-]{0,20}|[ -~]{0,20})", end in "[:@`\\[{/\r\u{10}é\u{ff}]", more: Vec<u8>) {
            let whole = [text.as_bytes(), end.as_bytes(), &more].concat();
            let by_words = name(&whole).filter(|(name, _)| whole.get(name.len()) == Some(&b':'));
            let by_bytes = name_by_bytes(&whole).filter(|(name, _)| whole.get(name.len()) == Some(&b':'));
            prop_assert_eq!(by_words, by_bytes);
        }
    }
}
