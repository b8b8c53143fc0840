//! Text from strangers, made fit for a log: JSON strings and plain columns without control characters.
//!
//! Each value is cut at [`LONGEST`] bytes, so that no client decides how fast a disk fills.

use std::fmt::{self, Display, Write as _};

/// Bytes of one value that are written; a longer one ends in `…`.
pub(super) const LONGEST: usize = 1024;

/// Appends `text` as what stands between the quotes of a JSON string (RFC 8259 section 7).
#[inline]
pub(super) fn json_inside(text: &str, out: &mut Vec<u8>) {
    if text.len() <= LONGEST && is_plain(text) {
        return out.extend_from_slice(text.as_bytes());
    }
    let _ = JsonText { out, left: LONGEST }.write_str(text);
}

/// Appends what `value` displays as a JSON string.
pub(super) fn json_display(value: &dyn Display, out: &mut Vec<u8>) {
    out.push(b'"');
    let _ = write!(JsonText { out, left: LONGEST }, "{value}");
    out.push(b'"');
}

/// Appends what `value` displays for a terminal: one line, and nothing that a terminal obeys.
pub(super) fn plain_display(value: &dyn Display, out: &mut Vec<u8>) {
    let _ = write!(PlainText { out, left: LONGEST }, "{value}");
}

/// Appends what `value`, which is ours and harmless, displays.
pub(super) fn display(value: &dyn Display, out: &mut Vec<u8>) {
    let _ = write!(Raw(out), "{value}");
}

/// Appends a decimal number.
pub(super) fn number(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

struct Raw<'a>(&'a mut Vec<u8>);

impl fmt::Write for Raw<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

struct JsonText<'a> {
    out: &'a mut Vec<u8>,
    left: usize,
}

impl fmt::Write for JsonText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let (text, whole) = within(text, &mut self.left);
        runs(text, is_special_in_json, self.out, |special, out| match special {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            other => display(&format_args!("\\u{:04x}", u32::from(other)), out),
        });
        finish(whole, self.out)
    }
}

struct PlainText<'a> {
    out: &'a mut Vec<u8>,
    left: usize,
}

impl fmt::Write for PlainText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let (text, whole) = within(text, &mut self.left);
        runs(text, is_unprintable, self.out, |special, out| display(&special.escape_unicode(), out));
        finish(whole, self.out)
    }
}

fn is_special_in_json(character: char) -> bool {
    matches!(character, '"' | '\\') || is_unprintable(character)
}

/// Controls of both sets (JSON would let DEL and C1 pass, terminals obey them), line separators, and the marks that
/// turn the direction of what follows. All of them lie in the BMP, so four hex digits name each.
fn is_unprintable(character: char) -> bool {
    let turns_or_breaks =
        matches!(character, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns_or_breaks
}

/// Appends `text`, copying what needs no care in whole runs.
fn runs(text: &str, is_special: fn(char) -> bool, out: &mut Vec<u8>, mut special: impl FnMut(char, &mut Vec<u8>)) {
    if is_plain(text) {
        return out.extend_from_slice(text.as_bytes());
    }
    for piece in text.split_inclusive(is_special) {
        match piece.chars().next_back() {
            Some(last) if is_special(last) => {
                out.extend_from_slice(&piece.as_bytes()[..piece.len() - last.len_utf8()]);
                special(last, out);
            }
            _ => out.extend_from_slice(piece.as_bytes()),
        }
    }
}

/// Whether all of it stands for itself in JSON and on a terminal. Nearly every value does, so it is asked of eight bytes at
/// a time.
fn is_plain(text: &str) -> bool {
    let text = text.as_bytes();
    let (words, rest) = text.as_chunks::<8>();
    // Some bytes are looked at twice; that is cheaper than to look at each of the rest by itself.
    let ends = match (text.last_chunk::<8>(), text.first_chunk::<4>(), text.last_chunk::<4>()) {
        (Some(last), ..) => *last,
        (None, Some([a, b, c, d]), Some([e, f, g, h])) => [*a, *b, *c, *d, *e, *f, *g, *h],
        _ => return !rest.iter().any(|byte| !(b' '..=b'~').contains(byte) || matches!(byte, b'"' | b'\\')),
    };
    // It ends at the first special: for texts this short the vector code that a whole look would become costs more.
    specials(ends) == 0 && !words.iter().any(|word| specials(*word) != 0)
}

/// Not zero where a byte is a control, a quote, a backslash, DEL or not ASCII. Borrows and carries between the bytes of a
/// word can only mark more of them, and only behind one that is marked rightly.
fn specials(word: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let word = u64::from_le_bytes(word);
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let beyond = word.wrapping_sub(ONES * 0x20) | word.wrapping_add(ONES) | word;
    let quote = zeros(word ^ (ONES * u64::from(b'"')));
    let backslash = zeros(word ^ (ONES * u64::from(b'\\')));
    (beyond | quote | backslash) & HIGH
}

/// As much of `text` as `left` allows, and whether that is all of it.
fn within<'a>(text: &'a str, left: &mut usize) -> (&'a str, bool) {
    if text.len() <= *left {
        *left -= text.len();
        return (text, true);
    }
    let end = (0..=*left).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    *left = 0;
    (text.get(..end).unwrap_or_default(), false)
}

/// An error ends the formatting early, which is what a value that is too long needs.
fn finish(whole: bool, out: &mut Vec<u8>) -> fmt::Result {
    if whole {
        return Ok(());
    }
    out.extend_from_slice("…".as_bytes());
    Err(fmt::Error)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(text: &str) -> String {
        let mut out = vec![b'"'];
        json_inside(text, &mut out);
        out.push(b'"');
        String::from_utf8(out).unwrap()
    }

    fn plain(text: &str) -> String {
        let mut out = Vec::new();
        plain_display(&text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn quotes_backslashes_and_controls_are_escaped_in_json() {
        assert_eq!(json("a\"b\\c\nd\u{1b}[31m\u{7f}\u{85}\0é"), r#""a\"b\\c\nd\u001b[31m\u007f\u0085\u0000é""#);
    }

    #[test]
    fn a_terminal_is_sent_no_control_and_no_line_break() {
        assert_eq!(plain("a\u{1b}[2J\nb\u{202e}"), r"a\u{1b}[2J\u{a}b\u{202e}");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let long = "é".repeat(LONGEST);
        assert_eq!(json(&long), format!("\"{}…\"", "é".repeat(LONGEST / 2)));
        assert_eq!(plain(&long), format!("{}…", "é".repeat(LONGEST / 2)));
    }

    #[test]
    fn a_value_that_displays_in_pieces_is_cut_once() {
        struct Pieces;
        impl Display for Pieces {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (0..LONGEST).try_for_each(|_| f.write_str("abc"))
            }
        }
        let mut out = Vec::new();
        json_display(&Pieces, &mut out);
        let text: String = serde_json::from_slice(&out).unwrap();
        assert_eq!(text.chars().count(), LONGEST + 1);
        assert!(text.ends_with("a…"));
    }

    proptest! {
        #[test]
        fn plain_is_what_needs_no_escape(text in "[ -~\u{0}-\u{90}]{0,40}|[ -~]{0,40}") {
            let special = text.chars().any(|c| !matches!(c, ' '..='~') || matches!(c, '"' | '\\'));
            prop_assert_eq!(is_plain(&text), !special);
        }

        #[test]
        fn a_json_parser_reads_back_what_was_written(text in "\\PC{0,40}|[\\x00-\\u{ff}\u{2028}\"\\\\]{0,40}") {
            let written = json(&text);
            prop_assert!(!written.chars().any(char::is_control));
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
    }
}
