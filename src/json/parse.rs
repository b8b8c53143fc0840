//! From bytes to the flat table of nodes: one node for each value and each name, an array or object before its parts.

use std::borrow::Cow;

use super::{
    JsonError, JsonProblem, MAX_DEPTH,
    escape::Unescape,
    value::{Kind, Node, Nodes},
};

/// The bytes as text, if they are UTF-8 without a byte order mark.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, JsonError> {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(JsonError { problem: JsonProblem::ByteOrderMark, at: 0 });
    }
    std::str::from_utf8(bytes).map_err(JsonError::not_utf8)
}

/// The node table of one JSON text.
pub(super) fn nodes(text: &str) -> Result<Vec<Node>, JsonError> {
    if u32::try_from(text.len()).is_err() {
        return Err(JsonError { problem: JsonProblem::TooLong, at: 0 });
    }
    let mut parser = Parser { text, at: 0, depth: 0, nodes: Vec::new() };
    parser.whitespace();
    parser.value()?;
    parser.whitespace();
    if parser.at < text.len() {
        return Err(parser.error(JsonProblem::TrailingBytes));
    }
    Ok(parser.nodes)
}

struct Parser<'d> {
    text: &'d str,
    at: usize,
    depth: usize,
    nodes: Vec<Node>,
}

impl Parser<'_> {
    fn value(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'{') => self.nested(Kind::Object, Parser::members),
            Some(b'[') => self.nested(Kind::Array, Parser::elements),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Kind::True),
            Some(b'f') => self.literal("false", Kind::False),
            Some(b'n') => self.literal("null", Kind::Null),
            _ => Err(self.unexpected()),
        }
    }

    /// An array or object. Recursion is bounded by [`MAX_DEPTH`].
    fn nested(&mut self, kind: Kind, parts: fn(&mut Self) -> Result<(), JsonError>) -> Result<(), JsonError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(JsonProblem::TooDeep));
        }
        self.depth += 1;
        let (start, index) = (self.at, self.nodes.len());
        self.at += 1;
        self.push(kind, start, start);
        parts(self)?;
        self.depth -= 1;
        let size = u32_of(self.nodes.len() - index);
        let end = u32_of(self.at);
        if let Some(node) = self.nodes.get_mut(index) {
            (node.end, node.size) = (end, size);
        }
        if kind == Kind::Object {
            self.refuse_duplicates(start, index)?;
        }
        Ok(())
    }

    fn elements(&mut self) -> Result<(), JsonError> {
        self.whitespace();
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.whitespace();
            self.value()?;
            self.whitespace();
            if self.take(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn members(&mut self) -> Result<(), JsonError> {
        self.whitespace();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.whitespace();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected());
            }
            self.string()?;
            self.whitespace();
            self.expect(b':')?;
            self.whitespace();
            self.value()?;
            self.whitespace();
            if self.take(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// Names are compared as what they stand for, so `"a"` and `"\u0061"` are the same. Sorting keeps an object of a
    /// million names from costing a million squared, whatever the names are.
    fn refuse_duplicates(&self, start: usize, index: usize) -> Result<(), JsonError> {
        let parts = self.nodes.get(index + 1..).unwrap_or_default();
        let mut names: Vec<Cow<'_, str>> = Nodes::new(self.text, parts).names().collect();
        names.sort_unstable();
        match names.windows(2).any(|pair| pair.first() == pair.last()) {
            true => Err(JsonError { problem: JsonProblem::DuplicateName, at: start }),
            false => Ok(()),
        }
    }

    fn string(&mut self) -> Result<(), JsonError> {
        let start = self.at + 1;
        let mut escaped = false;
        self.at = start;
        loop {
            match self.peek() {
                None => return Err(self.error(JsonProblem::UnexpectedEnd)),
                Some(b'"') => break,
                Some(0..0x20) => return Err(self.error(JsonProblem::ControlCharacter)),
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(_) => self.at += 1,
            }
        }
        if escaped {
            self.check_escapes(start)?;
        }
        self.push(if escaped { Kind::EscapedString } else { Kind::String }, start, self.at);
        self.at += 1;
        Ok(())
    }

    fn check_escapes(&self, start: usize) -> Result<(), JsonError> {
        let malformed = |problem| JsonError { problem, at: start };
        let inside = self.text.get(start..self.at).ok_or(malformed(JsonProblem::MalformedEscape))?;
        Unescape::new(inside).try_for_each(|c| c.map(drop)).map_err(malformed)
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.error(JsonProblem::MalformedNumber));
        }
        self.push(Kind::Number, start, self.at);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.error(JsonProblem::MalformedNumber)) } else { Ok(()) }
    }

    fn literal(&mut self, word: &str, kind: Kind) -> Result<(), JsonError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.unexpected());
        }
        self.push(kind, self.at, self.at + word.len());
        self.at += word.len();
        Ok(())
    }

    fn whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        self.at += usize::from(taken);
        taken
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.take(byte) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        self.nodes.push(Node { kind, start: u32_of(start), end: u32_of(end), size: 1 });
    }

    fn unexpected(&self) -> JsonError {
        self.error(if self.peek().is_none() { JsonProblem::UnexpectedEnd } else { JsonProblem::UnexpectedByte })
    }

    fn error(&self, problem: JsonProblem) -> JsonError {
        JsonError { problem, at: self.at.min(self.text.len()) }
    }
}

/// Nothing is lost: the text's length was found to fit, and no offset or count exceeds it.
fn u32_of(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
