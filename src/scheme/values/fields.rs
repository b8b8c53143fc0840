//! A text taken apart: `NAME=VALUE` pairs, or the groups of a regular expression.

use regex::bytes::Regex;

use crate::scheme::{
    Template, Why,
    template::{Parts, Scratch},
};

/// More pairs than any credential has.
const MOST_PAIRS: usize = 64;

/// A text and how it is taken apart.
#[derive(Debug)]
pub(in crate::scheme) struct Fields {
    pub(in crate::scheme) from: Template,
    pub(in crate::scheme) form: Form,
}

/// How a text is taken apart.
#[derive(Debug)]
pub(in crate::scheme) enum Form {
    /// Pairs with this byte between them.
    Pairs(u8),
    /// Named groups of an expression that the whole text must match.
    Groups(Regex),
}

/// A text that was taken apart.
#[derive(Debug, PartialEq)]
pub(in crate::scheme) struct Parsed(Vec<(Box<[u8]>, Scratch)>);

impl Fields {
    pub(in crate::scheme) fn parse(&self, text: &[u8]) -> Result<Parsed, Why> {
        match &self.form {
            Form::Pairs(separator) => pairs(text, *separator),
            Form::Groups(expression) => groups(text, expression),
        }
    }

    /// Whether it is no list, which may come in several lines.
    pub(in crate::scheme) fn is_of_one_text(&self) -> bool {
        matches!(self.form, Form::Groups(_))
    }

    pub(super) fn parts(&self) -> Parts {
        match &self.form {
            Form::Pairs(_) => Parts::Any,
            Form::Groups(expression) => Parts::These(expression.capture_names().flatten().map(str::to_owned).collect()),
        }
    }
}

impl Parsed {
    /// The one value of this name. Names count by their case.
    pub(in crate::scheme) fn one(&self, name: &str) -> Result<&[u8], Why> {
        let mut all = self.all(name);
        let first = all.next().ok_or(Why::Absent)?;
        match all.next() {
            None => Ok(first),
            Some(_) => Err(Why::Repeated),
        }
    }

    pub(in crate::scheme) fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.entries().filter(move |(own, _)| *own == name.as_bytes()).map(|(_, value)| value)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

/// `a=b, c="d, e"`: white space around a pair is none of it, every pair has its `=`, and nothing follows a closing quote.
fn pairs(text: &[u8], separator: u8) -> Result<Parsed, Why> {
    let mut entries = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        if entries.len() >= MOST_PAIRS {
            return Err(Why::Refused);
        }
        let equals = text.iter().position(|byte| *byte == b'=').ok_or(Why::Refused)?;
        let (name, value) = text.split_at(equals);
        let (name, value) = (name.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii_start());
        let (value, after) = match value.strip_prefix(b"\"") {
            Some(quoted) => unquoted(quoted, separator)?,
            None => cut(value, separator),
        };
        if name.is_empty() || name.contains(&separator) || name.contains(&b'"') {
            return Err(Why::Refused);
        }
        entries.push((Box::from(name), Scratch::from_slice(value)));
        rest = after;
    }
    Ok(Parsed(entries))
}

/// A value without quotes, and what follows its separator.
fn cut(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == separator) {
        Some(at) => (text.get(..at).unwrap_or_default().trim_ascii_end(), text.get(at + 1..)),
        None => (text.trim_ascii_end(), None),
    }
}

/// A value up to its closing quote. Escapes are refused: no dialect needs them, and two readers could differ.
fn unquoted(text: &[u8], separator: u8) -> Result<(&[u8], Option<&[u8]>), Why> {
    let end = text.iter().position(|byte| *byte == b'"').ok_or(Why::Refused)?;
    let (value, after) = (text.get(..end).unwrap_or_default(), text.get(end + 1..).unwrap_or_default().trim_ascii());
    match after.split_first() {
        _ if value.contains(&b'\\') => Err(Why::Refused),
        None => Ok((value, None)),
        Some((first, after)) if *first == separator => Ok((value, Some(after))),
        Some(_) => Err(Why::Refused),
    }
}

fn groups(text: &[u8], expression: &Regex) -> Result<Parsed, Why> {
    let found = expression.captures(text).ok_or(Why::Refused)?;
    let named = expression.capture_names().flatten();
    let entry = |name: &str| {
        let value = found.name(name)?;
        Some((Box::from(name.as_bytes()), Scratch::from_slice(value.as_bytes())))
    };
    Ok(Parsed(named.filter_map(entry).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, separator: u8) -> Result<String, Why> {
        let shown = |(name, value): (&[u8], &[u8])| {
            format!("{}<{}>", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
        };
        pairs(text.as_bytes(), separator).map(|parsed| parsed.entries().map(shown).collect())
    }

    #[test]
    fn pairs_may_be_quoted_and_spaced() {
        assert_eq!(read("a=1,b=2", b',').unwrap(), "a<1>b<2>");
        assert_eq!(read(" a = \"1, 2\" , b=x=y ", b',').unwrap(), "a<1, 2>b<x=y>");
        assert_eq!(read("ts=1;h1=ab", b';').unwrap(), "ts<1>h1<ab>");
        assert_eq!(read("a=,b=\"\"", b',').unwrap(), "a<>b<>");
    }

    #[test]
    fn what_is_no_list_of_pairs_is_refused() {
        for text in ["", "a", "a=1,", ",a=1", "a=1,,b=2", "=1", "a=\"1", "a=\"1\"x", "a=\"\\\"\"", "a,b=1", "\"a\"=1"] {
            assert_eq!(read(text, b','), Err(Why::Refused), "{text}");
        }
        assert_eq!(read(&"a=1,".repeat(70), b','), Err(Why::Refused));
    }

    #[test]
    fn a_name_that_comes_twice_has_no_one_value() {
        let parsed = pairs(b"v1=a,v1=b,V1=c", b',').unwrap();
        assert_eq!(parsed.one("v1"), Err(Why::Repeated));
        assert_eq!(parsed.one("V1"), Ok(&b"c"[..]));
        assert_eq!(parsed.one("v2"), Err(Why::Absent));
        assert_eq!(parsed.all("v1").collect::<Vec<_>>(), [b"a", b"b"]);
    }
}
