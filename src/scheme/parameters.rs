//! `&`-separated parameters of queries and forms, and percent-encoding (RFC 3986 section 2.1).

use super::{Why, template::Scratch};
use crate::percent;

/// The one parameter of this name, decoded. Twice is refused: two readers could pick different ones. So is one beside which
/// there is another that some take for it.
///
/// `plus_is_space` is the form encoding's rule; in a query a plus stands for itself.
pub(super) fn unique(parameters: &[u8], name: &str, plus_is_space: bool) -> Result<Option<Scratch>, Why> {
    let found = only(parameters, name, plus_is_space)?;
    if found.is_some() && is_twofold(parameters, name) { Err(Why::Twofold) } else { Ok(found) }
}

fn only(parameters: &[u8], name: &str, plus_is_space: bool) -> Result<Option<Scratch>, Why> {
    let mut found = None;
    for parameter in parameters.split(|byte| *byte == b'&') {
        let equals = parameter.iter().position(|byte| *byte == b'=').unwrap_or(parameter.len());
        let (key, value) = parameter.split_at(equals);
        if percent_decoded(key, plus_is_space).as_deref() != Some(name.as_bytes()) {
            continue;
        }
        if found.is_some() {
            return Err(Why::Repeated);
        }
        let value = value.strip_prefix(b"=").unwrap_or_default();
        found = Some(percent_decoded(value, plus_is_space).ok_or(Why::Malformed)?);
    }
    Ok(found)
}

/// Whether more than one parameter could be taken for `name`.
pub(super) fn is_twofold(parameters: &[u8], name: &str) -> bool {
    pieces(parameters).filter(|own| is_taken_for(own, name)).nth(1).is_some()
}

/// Whether a parameter could be taken for `name`.
pub(super) fn has_like(parameters: &[u8], name: &str) -> bool {
    pieces(parameters).any(|own| is_taken_for(own, name))
}

/// Whether whoever takes these bytes of JSON for a form finds `name` there. Its first name begins with a bracket, and is none.
pub(super) fn hides_in_json(json: &[u8], name: &str) -> bool {
    pieces(json).skip(1).any(|own| is_taken_for(own, name))
}

/// The names between `&`, and between `;`, which separates them for some: Rack before version 3, Python before 3.10, Perl.
fn pieces(parameters: &[u8]) -> impl Iterator<Item = &[u8]> {
    let pieces = parameters.split(|byte| matches!(byte, b'&' | b';'));
    pieces.map(|piece| piece.split(|byte| *byte == b'=').next().unwrap_or_default())
}

/// Whether a lenient reader takes the one name for the other: without regard to case (ASP.NET); up to a bracket (Rack, Express,
/// PHP), and past brackets in front and such as close nothing (Rack before version 3); with `_` for dots, spaces and a bracket that
/// is not closed, up to a NUL (PHP).
// Nothing is copied: nobody has vouched for these bytes, and there may be a great many names.
fn is_taken_for(own: &[u8], name: &str) -> bool {
    let decoded = || percent::decoding(own).take_while(|byte| *byte != 0);
    let is_same = |own_byte: u8, byte: u8| {
        loose(own_byte) == loose(byte) || (own_byte, byte) == (b'[', b'_') && !decoded().any(|byte| byte == b']')
    };
    let mut rest = significant(decoded());
    significant(name.bytes()).all(|byte| rest.next().is_some_and(|own| is_same(own, byte)))
        && rest.find(|byte| !byte.is_ascii_whitespace()).is_none_or(|byte| byte == b'[')
}

/// Without white space and brackets in front, and without those that close.
fn significant(name: impl Iterator<Item = u8>) -> impl Iterator<Item = u8> {
    name.skip_while(|byte| byte.is_ascii_whitespace() || *byte == b'[').filter(|byte| *byte != b']')
}

fn loose(byte: u8) -> u8 {
    if matches!(byte, b'.' | b' ') { b'_' } else { byte.to_ascii_lowercase() }
}

/// A target whose query has this parameter, in the place of any of its name; `None` where a name cannot be read.
pub(super) fn replaced(target: &str, name: &str, value: &[u8]) -> Option<String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut kept: Vec<&str> = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (own, _) = parameter.split_once('=').unwrap_or((parameter, ""));
        if *percent_decoded(own.as_bytes(), false)? != *name.as_bytes() {
            kept.push(parameter);
        }
    }
    let written = percent_encoded(name.as_bytes(), b"");
    let (name, value) = (std::str::from_utf8(&written).ok()?, std::str::from_utf8(value).ok()?);
    let new = format!("{name}={value}");
    kept.push(&new);
    Some(format!("{path}?{}", kept.join("&")))
}

/// Parameters in the order of their bytes; equal ones stay in theirs.
pub(super) fn sorted(parameters: &[u8]) -> Scratch {
    let mut parts: Vec<&[u8]> = parameters.split(|byte| *byte == b'&').collect();
    parts.sort();
    let mut out = Scratch::with_capacity(parameters.len());
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(part);
    }
    out
}

/// Everything but RFC 3986's unreserved characters and those of `kept` as `%XX`.
pub(super) fn percent_encoded(value: &[u8], kept: &[u8]) -> Scratch {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Scratch::with_capacity(value.len());
    for &byte in value {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
            _ if kept.contains(&byte) => out.push(byte),
            _ => out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
        }
    }
    out
}

/// Undoes `%XX`; `None` if a percent sign is not followed by two digits.
pub(super) fn percent_decoded(value: &[u8], plus_is_space: bool) -> Option<Scratch> {
    let mut out = Scratch::new();
    let mut rest = value;
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = match first {
            b'%' => percent::escape(rest)?,
            b'+' if plus_is_space => (b' ', after),
            other => (other, after),
        };
        out.push(byte);
        rest = after;
    }
    Some(out)
}
