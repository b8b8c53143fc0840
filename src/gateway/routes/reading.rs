//! How a path may be read: as it came, and in every way that a lenient upstream is known to read it.
//!
//! A path of plain characters has one reading. Any other is decoded and folded as far as servers go: percent-decoding,
//! `;` parameters cut off, slashes merged, backslashes taken for slashes, `+` for a space, trailing dots and spaces dropped,
//! case and Unicode look-alikes folded, what follows two slashes taken for a host. Whether all readings take the same route is for
//! the caller to see; a reading that holds a dot segment, or that no two servers would agree on, is refused here. The path
//! itself is never rewritten.

use std::borrow::Cow;

use smallvec::{SmallVec, smallvec};

use super::{
    lookalikes::{self, Fold},
    screening::Why,
};
use crate::percent::escape;

/// Bytes of a path, on the stack where they are few.
pub(super) type Buffer = SmallVec<[u8; 256]>;

/// Rounds of percent-decoding after the first; a path that is not stable then is refused.
const FURTHER_ROUNDS: usize = 3;

/// In how many places slashes may touch: each doubles the readings.
const DOUBLED: usize = 3;

/// Stands for an encoded slash or backslash. Decoded controls are refused, so these two bytes are free.
const ENCODED_SLASH: u8 = 1;
/// Stands for an encoded `?` or `#`, behind which some servers see no path any more.
const ENCODED_TAIL: u8 = 2;

/// A path with its percent-encoding undone until nothing is left to undo.
#[derive(Debug)]
pub(super) struct Decoded {
    bytes: Buffer,
    slash: bool,
    tail: bool,
}

/// Decodes a path that was [screened](super::screening::screen).
pub(super) fn decode(path: &str) -> Result<Decoded, Why> {
    let (mut slash, mut backslash, mut tail) = (false, false, false);
    let mut bytes = unescape(path.as_bytes(), |byte| match byte {
        b'/' | b'\\' => {
            slash |= byte == b'/';
            backslash |= byte == b'\\';
            Ok(ENCODED_SLASH)
        }
        b'?' | b'#' => {
            tail = true;
            Ok(ENCODED_TAIL)
        }
        _ => Ok(byte),
    })?;
    // Servers differ in which of the two separates segments; each alone is weighed, both together are not.
    if slash && backslash || bytes.split(|byte| *byte == b'/').any(parameters_hide_a_delimiter) {
        return Err(Why::EncodedDelimiter);
    }
    // A URL parser reads a host behind two slashes, and whoever takes the path for a URL would go there.
    if matches!(*bytes, [b'/', b'/' | ENCODED_SLASH, ..]) {
        return Err(Why::Authority);
    }
    let slash = slash || backslash;
    // One may take `//host` off and leave the slashes about it to the next, to whom the encoded ones are slashes too. So many
    // readings are not gone through.
    if slash && memchr::memmem::find(&bytes, b"//").is_some() {
        return Err(Why::EmptySegments);
    }
    for _ in 0..FURTHER_ROUNDS {
        if !is_escaped(&bytes) {
            return Ok(Decoded { bytes, slash, tail });
        }
        bytes = unescape(&bytes, |byte| match byte {
            b'/' | b'\\' | b'?' | b'#' | b';' => Err(Why::EncodedTwice),
            _ => Ok(byte),
        })?;
    }
    if is_escaped(&bytes) { Err(Why::EncodedTwice) } else { Ok(Decoded { bytes, slash, tail }) }
}

/// Servers differ in whether they cut parameters off before or after they decode delimiters.
fn parameters_hide_a_delimiter(segment: &[u8]) -> bool {
    segment.iter().skip_while(|byte| **byte != b';').any(|byte| matches!(*byte, ENCODED_SLASH | ENCODED_TAIL))
}

fn is_escaped(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'%', bytes).any(|at| {
        let rest = bytes.get(at..).unwrap_or(&[]);
        // IIS reads %uXXXX too.
        escape(rest).is_some() || matches!(rest, [_, b'u' | b'U', digit, ..] if digit.is_ascii_hexdigit())
    })
}

/// One round of percent-decoding; `octet` sees each decoded octet.
fn unescape(bytes: &[u8], mut octet: impl FnMut(u8) -> Result<u8, Why>) -> Result<Buffer, Why> {
    let mut output = Buffer::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((before, from)) = memchr::memchr(b'%', rest).and_then(|at| rest.split_at_checked(at)) {
        output.extend_from_slice(before);
        rest = match escape(from) {
            Some((byte, _)) if byte.is_ascii_control() => return Err(Why::EncodedControl),
            Some((byte, after)) => {
                output.push(octet(byte)?);
                after
            }
            None => {
                output.push(b'%');
                from.get(1..).unwrap_or(&[])
            }
        };
    }
    output.extend_from_slice(rest);
    if std::str::from_utf8(&output).is_ok() { Ok(output) } else { Err(Why::NotUtf8) }
}

/// How a server takes what it decoded.
#[derive(Clone, Copy)]
struct Manner {
    /// Encoded slashes separate segments.
    slashes: bool,
    /// The path ends at an encoded `?` or `#`.
    tail: bool,
    /// Slashes that touch are one. (For slashes that came as such this is always assumed: a pattern that fits the
    /// unmerged path fits the merged one.)
    merge: bool,
}

const MANNERS: [Manner; 6] = [
    Manner { slashes: false, tail: false, merge: true },
    Manner { slashes: false, tail: true, merge: true },
    Manner { slashes: true, tail: false, merge: true },
    Manner { slashes: true, tail: true, merge: true },
    Manner { slashes: true, tail: false, merge: false },
    Manner { slashes: true, tail: true, merge: false },
];

impl Decoded {
    /// Every reading that differs from the path as it came, folded to be compared with folded patterns. One if
    /// nothing but letters was encoded; six at most, and for each place where slashes touch twice as many.
    pub(super) fn readings(&self) -> impl Iterator<Item = Result<Buffer, Why>> {
        let applies = |manner: &&Manner| (self.slash || !manner.slashes) && (self.tail || !manner.tail);
        MANNERS.iter().filter(applies).flat_map(|manner| self.read(*manner))
    }

    fn read(&self, manner: Manner) -> SmallVec<[Result<Buffer, Why>; 1]> {
        match forms(self.up_to_tail(manner), manner.slashes) {
            Ok(forms) => forms.iter().map(|form| read(form, manner)).collect(),
            Err(why) => smallvec![Err(why)],
        }
    }

    fn up_to_tail(&self, manner: Manner) -> &[u8] {
        let end = memchr::memchr(ENCODED_TAIL, &self.bytes).filter(|_| manner.tail);
        self.bytes.get(..end.unwrap_or(self.bytes.len())).unwrap_or(&self.bytes)
    }
}

/// The path, and what is left of it where some of the hosts in it are taken for such: twice as many for each, so they are
/// counted here, in the path that they are cut out of, and before any is.
fn forms(path: &[u8], encoded: bool) -> Result<SmallVec<[Cow<'_, [u8]>; 1]>, Why> {
    let places: SmallVec<[(usize, usize); DOUBLED]> = hosts(path, encoded).take(DOUBLED + 1).collect();
    if places.len() > DOUBLED {
        return Err(Why::EmptySegments);
    }
    let mut forms: SmallVec<[Cow<'_, [u8]>; 1]> = smallvec![Cow::Borrowed(path)];
    // From the end, so that what is cut off moves no place that comes yet.
    for (start, end) in places.into_iter().rev() {
        let cut: SmallVec<[Cow<'_, [u8]>; 1]> = forms.iter().map(|form| without(form, start, end)).collect();
        forms.extend(cut);
    }
    Ok(forms)
}

/// Where an upstream that first takes off what it is mounted under, and reads the rest as a URL, sees `//host`: from the
/// first of the slashes to the end of the segment behind them.
fn hosts(path: &[u8], encoded: bool) -> impl Iterator<Item = (usize, usize)> {
    let is_slash = move |byte: u8| byte == b'/' || encoded && byte == ENCODED_SLASH;
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = path.get(from..)?;
        let start = from + rest.windows(2).position(|pair| pair.iter().all(|byte| is_slash(*byte)))?;
        let host = start + path.get(start..)?.iter().position(|byte| !is_slash(*byte))?;
        let end = path.get(host..)?.iter().position(|byte| is_slash(*byte)).map_or(path.len(), |length| host + length);
        from = end;
        Some((start, end))
    })
}

/// The path without a host in it; a URL of nothing but a host has the path `/`.
fn without(path: &[u8], start: usize, end: usize) -> Cow<'static, [u8]> {
    let (before, after) = (path.get(..start).unwrap_or_default(), path.get(end..).unwrap_or_default());
    Cow::Owned([before, if after.is_empty() { b"/" } else { after }].concat())
}

fn read(path: &[u8], manner: Manner) -> Result<Buffer, Why> {
    let mut reading = Buffer::with_capacity(path.len());
    let is_slash = |byte: &u8| *byte == b'/' || manner.slashes && *byte == ENCODED_SLASH;
    let (mut start, mut segments) = (1, path.split(is_slash).skip(1).peekable());
    while let Some(segment) = segments.next() {
        let (before, after) = (path.get(start - 1), path.get(start + segment.len()));
        let is_whole = before == Some(&b'/') && after.is_none_or(|byte| *byte == b'/');
        start += segment.len() + 1;
        if manner.merge && segment.is_empty() && segments.peek().is_some() {
            continue;
        }
        reading.push(b'/');
        fold_segment(segment, is_whole, &mut reading)?;
    }
    Ok(reading)
}

/// Appends a segment as the most lenient server sees it. It is whole where no encoded slash begins or ends it.
fn fold_segment(segment: &[u8], is_whole: bool, reading: &mut Buffer) -> Result<(), Why> {
    let start = reading.len();
    fold_letters(segment, reading)?;
    take_plus_for_space(reading.get_mut(start..).unwrap_or_default(), is_whole);
    let folded = reading.get(start..).unwrap_or(&[]);
    let named = cut_parameters(folded);
    let kept = trim_end(named);
    if kept.is_empty() && named.contains(&b'.') {
        return Err(Why::DotSegment);
    }
    if kept.is_empty() && !segment.is_empty() {
        return Err(Why::EmptiedSegment);
    }
    let spaces = kept.iter().take_while(|byte| **byte == b' ').count();
    let end = start + kept.len();
    reading.truncate(end);
    reading.drain(start..start + spaces);
    Ok(())
}

/// Whoever decodes a path as if it were a form sees a space. What is made of `+` alone stays: there are paths that are divided so,
/// and nothing that anybody guards is called nothing. Beside an encoded slash it does not: to some that is no slash yet, and the
/// space goes from the end of another segment.
fn take_plus_for_space(segment: &mut [u8], is_whole: bool) {
    if !is_whole || segment.iter().any(|byte| *byte != b'+') {
        segment.iter_mut().filter(|byte| **byte == b'+').for_each(|byte| *byte = b' ');
    }
}

fn fold_letters(segment: &[u8], reading: &mut Buffer) -> Result<(), Why> {
    if segment.is_ascii() {
        reading.extend_from_slice(segment);
        let start = reading.len() - segment.len();
        reading.get_mut(start..).unwrap_or_default().make_ascii_lowercase();
        return Ok(());
    }
    for character in std::str::from_utf8(segment).map_err(|_| Why::NotUtf8)?.chars() {
        match lookalikes::fold(character) {
            Fold::Keep(character) => {
                for lower in character.to_lowercase() {
                    reading.extend_from_slice(lower.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
            Fold::Ascii(text) => reading.extend_from_slice(text.as_bytes()),
            Fold::Ignored => {}
            Fold::Refuse => return Err(Why::Lookalike),
        }
    }
    Ok(())
}

/// Without `;parameters`, and without the name of an NTFS stream (`:$DATA`).
fn cut_parameters(segment: &[u8]) -> &[u8] {
    let end = segment.iter().position(|byte| *byte == b';').unwrap_or(segment.len());
    let name = segment.get(..end).unwrap_or(segment);
    match name.windows(2).position(|pair| pair == b":$") {
        Some(stream) => name.get(..stream).map_or(name, |name| name.strip_suffix(b":").unwrap_or(name)),
        None => name,
    }
}

/// Without the dots and spaces that Windows drops at the end of a name.
fn trim_end(name: &[u8]) -> &[u8] {
    let dropped = name.iter().rev().take_while(|byte| matches!(byte, b'.' | b' ')).count();
    name.get(..name.len() - dropped).unwrap_or(name)
}
