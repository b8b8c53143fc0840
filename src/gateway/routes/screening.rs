//! A path's bytes as they came: what is no path is refused, what all servers read alike is told from what they may not.
//!
//! What a doubtful path may be read as is found in `reading`.

use crate::percent::escape;

/// What makes a path unfit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It does not start with `/`.
    #[error("it does not start with a slash")]
    NotAbsolute,
    /// `?` or `#`, which end a path (RFC 3986 section 3.3).
    #[error("it holds a query or fragment delimiter")]
    Delimiter,
    /// A backslash, which some servers take for a slash.
    #[error("it holds a backslash")]
    Backslash,
    /// A space or control character.
    #[error("it holds a space or control character")]
    Control,
    /// A byte outside ASCII that is not percent-encoded.
    #[error("it holds a character outside ASCII")]
    NotAscii,
    /// `%` without two hexadecimal digits.
    #[error("it holds a malformed percent-encoding")]
    BadPercent,
    /// `.` or `..` as a segment, in any reading.
    #[error("it holds a dot segment")]
    DotSegment,
    /// A percent-encoded control character.
    #[error("it holds an encoded control character")]
    EncodedControl,
    /// A delimiter in percent-encoding where none may stand.
    #[error("it holds an encoded delimiter")]
    EncodedDelimiter,
    /// Percent-encoding within percent-encoding that hides a delimiter, or goes deeper than anyone needs.
    #[error("it is percent-encoded more than once")]
    EncodedTwice,
    /// Decoded, it is not UTF-8 (overlong forms among others).
    #[error("it is not UTF-8 when decoded")]
    NotUtf8,
    /// A character that some servers turn into ASCII.
    #[error("it holds a character that resembles an ASCII one")]
    Lookalike,
    /// A segment of which nothing is left when parameters, spaces and ignored characters are cut.
    #[error("it holds a segment that may be read as empty")]
    EmptiedSegment,
    /// It begins with two slashes, however they are written: to a URL parser what follows is a host.
    #[error("it begins with two slashes, behind which a host may be read")]
    Authority,
    /// Slashes touch more often than anyone needs, or beside encoded ones.
    #[error("slashes touch in too many places, or where others are encoded")]
    EmptySegments,
    /// Another reading takes another route, or none.
    #[error("another reading of it takes another route")]
    OtherRoute,
}

/// Whether a path has but one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// It has one.
    Plain,
    /// It may have more.
    Doubtful,
}

/// Looks at the bytes as they came: refuses what is no path, tells the plain from the doubtful.
pub(super) fn screen(path: &str) -> Result<Shape, Why> {
    if !path.starts_with('/') {
        return Err(Why::NotAbsolute);
    }
    let mut doubtful = false;
    let mut previous = Class::Plain;
    for byte in path.bytes() {
        let class = CLASSES.get(usize::from(byte)).copied().unwrap_or(Class::Forbidden);
        match (class, previous) {
            (Class::Forbidden, _) => return Err(forbidden(byte)),
            (Class::Doubtful, _) | (Class::Slash, Class::Slash | Class::Dot) => doubtful = true,
            (Class::Plain | Class::Dot | Class::Slash, _) => {}
        }
        previous = class;
    }
    if !doubtful && previous != Class::Dot {
        return Ok(Shape::Plain);
    }
    if path.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(Why::DotSegment);
    }
    if memchr::memchr_iter(b'%', path.as_bytes()).any(|at| escape(path.as_bytes().get(at..).unwrap_or(&[])).is_none()) {
        return Err(Why::BadPercent);
    }
    Ok(Shape::Doubtful)
}

/// What a byte of a path means for its readings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Read alike by all.
    Plain,
    /// Read alike by all, unless it ends a segment.
    Dot,
    /// Read alike by all, unless two touch.
    Slash,
    /// Decoded, cut or folded by some.
    Doubtful,
    /// Not part of a path. Quotes, brackets and the like are none either by RFC 3986, but clients send them as they
    /// are, and no server reads them in two ways.
    Forbidden,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Forbidden; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            0..=b' ' | 0x7f..=0xff | b'#' | b'?' | b'\\' => Class::Forbidden,
            b'.' => Class::Dot,
            b'/' => Class::Slash,
            b'A'..=b'Z'
            | b'%'
            | b'+'
            | b';'
            | b'$'
            | b'"'
            | b'<'
            | b'>'
            | b'['
            | b']'
            | b'^'
            | b'`'
            | b'{'
            | b'|'
            | b'}' => Class::Doubtful,
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'!' | b'&'..=b'*' | b',' | b':' | b'=' | b'@' => {
                Class::Plain
            }
        };
        byte += 1;
    }
    classes
};

fn forbidden(byte: u8) -> Why {
    match byte {
        b'#' | b'?' => Why::Delimiter,
        b'\\' => Why::Backslash,
        0x80.. => Why::NotAscii,
        _ => Why::Control,
    }
}
