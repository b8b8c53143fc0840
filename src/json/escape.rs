//! The inside of a JSON string, character by character (RFC 8259 section 7).
//!
//! The same reading checks a string when a document is parsed and unescapes it when its value is asked for.

use std::str::Chars;

use super::JsonProblem;

/// The characters that the text between two quotes stands for.
pub(super) struct Unescape<'d>(Chars<'d>);

impl<'d> Unescape<'d> {
    pub(super) fn new(between_quotes: &'d str) -> Unescape<'d> {
        Unescape(between_quotes.chars())
    }

    fn escape(&mut self) -> Result<char, JsonProblem> {
        match self.0.next() {
            Some(plain @ ('"' | '\\' | '/')) => Ok(plain),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('u') => self.unicode(),
            _ => Err(JsonProblem::MalformedEscape),
        }
    }

    fn unicode(&mut self) -> Result<char, JsonProblem> {
        let high = self.code_unit()?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).ok_or(JsonProblem::LoneSurrogate);
        }
        if self.0.next() != Some('\\') || self.0.next() != Some('u') {
            return Err(JsonProblem::LoneSurrogate);
        }
        let low = self.code_unit()?;
        if !(0xDC00..0xE000).contains(&low) {
            return Err(JsonProblem::LoneSurrogate);
        }
        char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)).ok_or(JsonProblem::LoneSurrogate)
    }

    fn code_unit(&mut self) -> Result<u32, JsonProblem> {
        (0..4).try_fold(0, |unit, _| {
            let digit = self.0.next().and_then(|c| c.to_digit(16)).ok_or(JsonProblem::MalformedEscape)?;
            Ok(unit << 4 | digit)
        })
    }
}

impl Iterator for Unescape<'_> {
    type Item = Result<char, JsonProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.0.next()? {
            '\\' => Some(self.escape()),
            c if c < ' ' => Some(Err(JsonProblem::ControlCharacter)),
            c => Some(Ok(c)),
        }
    }
}
