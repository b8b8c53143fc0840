//! Times as they are written. What is read as a time is written in one of its formats, or the request is refused.

use super::{bytes::Bytes, shape::Shape};
use crate::scheme::TimestampFormat;

/// Any of the formats.
pub(super) fn written(formats: &[TimestampFormat]) -> Shape {
    Shape::Either(formats.iter().map(one).collect())
}

/// A number as times have it.
pub(super) fn number() -> Shape {
    Shape::Repeated(Box::new(Shape::Byte(Bytes::digits())), 1, Some(19))
}

/// What a pattern of `strftime` writes and reads: its own text, and in the place of each directive so many digits, or else a name,
/// or a number with a sign or a fraction. A year before the year 0 is no time. Where a fraction may be of any length, so may white space.
pub(super) fn by_pattern(pattern: &str) -> Shape {
    let is_loose = pattern.contains("%f") || pattern.contains("%.f");
    let (mut row, mut rest) = (Vec::new(), pattern.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        row.push(match first {
            b'%' => {
                let end = after.iter().position(|byte| byte.is_ascii_alphabetic() || *byte == b'%');
                rest = end.and_then(|end| after.get(end + 1..)).unwrap_or_default();
                match after.first().and_then(digits).filter(|_| !is_loose) {
                    Some(digits) => digits,
                    None => Shape::any(directive()),
                }
            }
            space if is_loose && space.is_ascii_whitespace() => Shape::any(Bytes::white_space()),
            other => Shape::Byte(Bytes::these(&[*other])),
        });
    }
    Shape::Row(row)
}

/// What a directive without a flag always writes in as many digits.
fn digits(directive: &u8) -> Option<Shape> {
    match directive {
        b'Y' => Some(like("0000")),
        b'm' | b'd' | b'H' | b'M' | b'S' => Some(like("00")),
        _ => None,
    }
}

fn directive() -> Bytes {
    let written = Bytes::of(|byte| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace());
    written.or(Bytes::these(b"+-.,:/_%"))
}

fn one(format: &TimestampFormat) -> Shape {
    match format {
        TimestampFormat::Unix | TimestampFormat::UnixMillis => number(),
        TimestampFormat::Iso8601 => iso(true),
        TimestampFormat::Rfc3339 => iso(false),
        TimestampFormat::HttpDate => like("aaa, 00 aaa 0000 00:00:00 GMT"),
        TimestampFormat::Pattern(pattern) => by_pattern(pattern),
    }
}

fn iso(may_lack_zone: bool) -> Shape {
    let t = || Shape::Byte(Bytes::these(b"Tt"));
    let digits = Shape::Repeated(Box::new(Shape::Byte(Bytes::digits())), 1, Some(9));
    let fraction = Shape::Row(vec![like("."), digits]).optional();
    let offset = Shape::Row(vec![Shape::Byte(Bytes::these(b"+-")), like("00:00")]);
    let zone = Shape::Either(vec![Shape::Byte(Bytes::these(b"Zz")), offset]);
    let zone = if may_lack_zone { zone.optional() } else { zone };
    Shape::Row(vec![like("0000-00-00"), t(), like("00:00:00"), fraction, zone])
}

/// A digit for each `0`, a letter for each `a`, and the rest as it is.
fn like(text: &str) -> Shape {
    let one = |byte: u8| match byte {
        b'0' => Bytes::digits(),
        b'a' => Bytes::of(|byte| byte.is_ascii_alphabetic()),
        other => Bytes::these(&[other]),
    };
    Shape::Row(text.bytes().map(|byte| Shape::Byte(one(byte))).collect())
}
