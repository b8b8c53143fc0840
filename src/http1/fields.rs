//! Where the fields of a head lie: offsets into its bytes, so that no field costs an allocation.

use smallvec::SmallVec;

use super::{
    BadHead, encode,
    grammar::elements,
    known::{FieldName, Known},
};

/// The most field lines that are read, whatever the limits say: the parser's room for them is on the stack.
pub(super) const MOST_FIELDS: usize = 256;

/// A head's bytes from `start` up to `end`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    /// Where `part` lies in `head`. It fails when it does not lie there, or beyond what 16 bits address.
    pub(super) fn of(part: &[u8], head: &[u8]) -> Result<Span, BadHead> {
        let start = part.as_ptr().addr().checked_sub(head.as_ptr().addr()).ok_or(BadHead::TooLarge)?;
        let end = start.checked_add(part.len()).filter(|end| *end <= head.len()).ok_or(BadHead::TooLarge)?;
        let narrow = |offset| u16::try_from(offset).map_err(|_| BadHead::TooLarge);
        Ok(Span { start: narrow(start)?, end: narrow(end)? })
    }

    /// `length` bytes from `start` on. `None` beyond what 16 bits address.
    pub(super) fn at(start: usize, length: usize) -> Option<Span> {
        Some(Span { start: u16::try_from(start).ok()?, end: u16::try_from(start.checked_add(length)?).ok()? })
    }

    /// The bytes `from` up to where `text` ends.
    pub(super) fn rest_of(text: &str, from: usize) -> Result<Span, BadHead> {
        let narrow = |offset| u16::try_from(offset).map_err(|_| BadHead::TooLarge);
        Ok(Span { start: narrow(from)?, end: narrow(text.len())? })
    }

    /// The bytes that the span names in `head`, the one that it was made of.
    pub(super) fn bytes(self, head: &[u8]) -> &[u8] {
        head.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    /// The text that the span names in the beginning of its head, kept as text.
    pub(super) fn within(self, text: &str) -> &str {
        text.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    /// Its length in bytes.
    pub(super) fn len(self) -> usize {
        usize::from(self.end.saturating_sub(self.start))
    }

    /// Where it begins in its head.
    pub(super) fn start(self) -> usize {
        usize::from(self.start)
    }

    /// Where it ends in its head.
    pub(super) fn end(self) -> usize {
        usize::from(self.end)
    }

    /// The same as text. What is stored as text was checked to be ASCII when the head was parsed.
    pub(super) fn text(self, head: &[u8]) -> &str {
        std::str::from_utf8(self.bytes(head)).unwrap_or_default()
    }
}

/// One field line: its name, and its value without the space around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: Span,
    pub(super) value: Span,
    pub(super) known: Known,
    /// Whether the name holds anything but letters, digits and `-`.
    pub(super) is_odd: bool,
    /// Whether the line is `name: value` CRLF to the byte.
    pub(super) is_as_written: bool,
}

impl Field {
    /// The field that `header` is in `head`.
    fn of(header: &httparse::Header<'_>, head: &[u8]) -> Result<Field, BadHead> {
        let (name, value) = (Span::of(header.name.as_bytes(), head)?, Span::of(header.value, head)?);
        let FieldName { known, is_odd, .. } = FieldName::new(header.name.as_bytes());
        let is_as_written = head.get(name.end()..value.start()) == Some(b": ")
            && head.get(value.end()..value.end() + 2) == Some(b"\r\n");
        Ok(Field { name, value, known, is_odd, is_as_written })
    }

    fn name(self, head: &[u8]) -> FieldName<'_> {
        FieldName { bytes: self.name.bytes(head), known: self.known, is_odd: self.is_odd }
    }
}

/// The field lines of one head, in order. A device sends few; a browser's twenty are worth an allocation of their own, or
/// every head would be as large.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(SmallVec<[Field; 12]>);

impl Fields {
    pub(super) fn read(parsed: &[httparse::Header<'_>], head: &[u8]) -> Result<Fields, BadHead> {
        parsed.iter().map(|header| Field::of(header, head)).collect::<Result<_, _>>().map(Fields)
    }

    pub(super) fn push(&mut self, field: Field) {
        self.0.push(field);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter<'a>(&'a self, head: &'a [u8]) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.0.iter().map(move |field| (field.name.text(head), field.value.bytes(head)))
    }

    /// As [`iter`](Fields::iter), names as bytes.
    pub(super) fn lines<'a>(&'a self, head: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.0.iter().map(move |field| (field.name.bytes(head), field.value.bytes(head)))
    }

    /// Writes the lines that `keeps`, in order. Those that already look as they would be written are copied in runs.
    pub(super) fn copy(&self, head: &[u8], out: &mut Vec<u8>, mut keeps: impl FnMut(FieldName<'_>) -> bool) {
        let mut run = 0..0;
        for field in &self.0 {
            if !keeps(field.name(head)) {
                continue;
            }
            if run.end != field.name.start() || !field.is_as_written {
                out.extend_from_slice(head.get(run).unwrap_or_default());
                run = field.name.start()..field.name.start();
            }
            match field.is_as_written {
                true => run.end = field.value.end() + 2,
                false => encode::line(out, field.name.bytes(head), field.value.bytes(head)),
            }
        }
        out.extend_from_slice(head.get(run).unwrap_or_default());
    }

    /// Whether there is a line of that name.
    pub(super) fn has(&self, known: Known) -> bool {
        self.0.iter().any(|field| field.known == known)
    }

    /// Whether a `Connection` line lists that name.
    pub(super) fn connection_names(&self, head: &[u8], name: &[u8]) -> bool {
        self.values(head, "connection").flat_map(elements).any(|option| option.eq_ignore_ascii_case(name))
    }

    /// The values of the lines of that name, in order. Names compare without case.
    pub(super) fn values<'a>(&'a self, head: &'a [u8], name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .iter()
            .filter(move |field| {
                field.name.len() == name.len() && is_same_name(field.name.bytes(head), name.as_bytes())
            })
            .map(move |field| field.value.bytes(head))
    }
}

/// Whether two names are one, whatever their case: asked of every field of every message, so eight bytes at a time.
#[inline]
pub(super) fn is_same_name(sent: &[u8], known: &[u8]) -> bool {
    // Most are written in one way by all.
    let same = |sent: &[u8; 8], known: &[u8; 8]| sent == known || lower(*sent) == lower(*known);
    let ((sent_words, sent_rest), (known_words, known_rest)) = (sent.as_chunks::<8>(), known.as_chunks::<8>());
    sent.len() == known.len()
        && sent_words.iter().zip(known_words).all(|(sent, known)| same(sent, known))
        && match (sent.last_chunk::<8>(), known.last_chunk::<8>()) {
            // Some bytes are looked at twice; that is cheaper than to look at each of the rest by itself.
            (Some(sent), Some(known)) => same(sent, known),
            _ => sent_rest.eq_ignore_ascii_case(known_rest),
        }
}

/// Eight bytes with ASCII letters in lower case.
fn lower(word: [u8; 8]) -> u64 {
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let word = u64::from_ne_bytes(word);
    let low = word & !HIGH;
    // The high bit of a byte's sum says whether the byte is at least, or beyond, the letter: no sum reaches the next byte.
    let (from_a, beyond_z) = (low + ONES * u64::from(0x80 - b'A'), low + ONES * u64::from(0x7f - b'Z'));
    let capitals = from_a & !beyond_z & !word & HIGH;
    word | (capitals >> 2)
}

/// The fault that `httparse` found in the field lines, or `None` when it is in the start line.
pub(super) fn fault(error: httparse::Error) -> Option<BadHead> {
    match error {
        httparse::Error::HeaderName => Some(BadHead::FieldName),
        httparse::Error::HeaderValue => Some(BadHead::FieldValue),
        httparse::Error::TooManyHeaders => Some(BadHead::TooManyFields),
        httparse::Error::NewLine | httparse::Error::Status | httparse::Error::Token | httparse::Error::Version => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_are_the_same_whatever_their_case(one in "[A-Za-z\\[@`{-]{0,20}", other in "\\PC{0,20}") {
            let (one, other) = (one.as_bytes(), other.as_bytes());
            for (left, right) in [(one, other), (one, &one.to_ascii_uppercase()), (one, &one.to_ascii_lowercase())] {
                prop_assert_eq!(is_same_name(left, right), left.eq_ignore_ascii_case(right));
            }
        }

        #[test]
        fn eight_bytes_are_lowered_as_one_by_one(word: [u8; 8]) {
            prop_assert_eq!(lower(word).to_ne_bytes(), word.map(|byte| byte.to_ascii_lowercase()));
        }
    }
}
