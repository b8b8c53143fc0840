//! What a request says of its body. Fields are read out of the bytes as they came; an upstream may go by what is said of
//! them, and unpack them, read other characters in them, or take them for another kind of document. Where it would find
//! something else there, what was read here is not what it acts on.

use std::{cell::LazyCell, ops::Deref};

use super::{Headers, Why, parameters};
use crate::json::reference_token;

/// What the headers say, as the least exact reader understands it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Declared {
    /// That the body is packed, or in characters of which these bytes are others.
    altered: Option<Why>,
    is_form: bool,
    /// That it is something else than a form.
    is_other: bool,
    /// That it is a form in parts, or a document in XML.
    is_framed: bool,
}

impl Declared {
    pub(super) fn of(headers: &dyn Headers, body: &[u8]) -> Declared {
        let is_ascii = LazyCell::new(|| body.is_ascii());
        let mut declared = Declared { altered: is_packed(headers).then_some(Why::Packed), ..Declared::default() };
        headers.each("content-type", &mut |value| {
            if !reads_alike(value, &is_ascii) {
                declared.altered = declared.altered.or(Some(Why::OtherText));
            }
            // Some read no further than a comma (Rack, PHP) or a space (PHP), or look no further than how it begins.
            declared.is_form |= mentions(value, b"x-www-form-urlencoded");
            declared.is_other |= !is_form(value) && !media_type(value).is_empty();
            declared.is_framed |= mentions(value, b"multipart/") || mentions(value, b"xml");
        });
        declared
    }

    /// That nobody unpacks the body, or reads other characters in it.
    pub(super) fn check(self) -> Result<(), Why> {
        self.altered.map_or(Ok(()), Err)
    }

    /// The same, and that nobody takes the body for a form which has what `pointer` found in its JSON.
    pub(super) fn check_json(self, body: &[u8], pointer: &str) -> Result<(), Why> {
        self.check()?;
        // Rack takes a body of which nothing is said for a form.
        let may_be_form = self.is_form || !self.is_other;
        let name = || reference_token(pointer.split('/').nth(1)?);
        let hides = may_be_form && parameters::hides_in_json(body, &name().unwrap_or_default());
        if hides { Err(Why::OtherKind) } else { Ok(()) }
    }

    /// The same, and that nobody takes the body for anything else than a form.
    pub(super) fn check_form(self, body: &[u8]) -> Result<(), Why> {
        self.check()?;
        let may_be_other = self.is_other || !self.is_form;
        let is_mistakable = self.is_framed || is_marked(body) || may_be_other && begins_as_document(body);
        if is_mistakable { Err(Why::OtherKind) } else { Ok(()) }
    }
}

/// Whether a `Content-Encoding` says that the body is packed.
pub(super) fn is_packed(headers: &dyn Headers) -> bool {
    let mut is_packed = false;
    headers.each("content-encoding", &mut |coding| {
        is_packed |= !coding.split(|byte| *byte == b',').all(|coding| is_no_coding(coding.trim_ascii()));
    });
    is_packed
}

/// A character set is none, and what some clients say there: nothing unpacks a body by it.
fn is_no_coding(name: &[u8]) -> bool {
    name.is_empty() || [&b"identity"[..], b"utf-8", b"utf8", b"none"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// Whether that is the media type of a form.
pub(super) fn is_form(content_type: &[u8]) -> bool {
    media_type(content_type).eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

fn media_type(content_type: &[u8]) -> &[u8] {
    content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

fn mentions(value: &[u8], word: &[u8]) -> bool {
    value.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// Whether a byte order mark is in front: to some it is no part of the first name, and says of which characters the rest is.
fn is_marked(body: &[u8]) -> bool {
    [&b"\xef\xbb\xbf"[..], b"\xfe\xff", b"\xff\xfe"].iter().any(|mark| body.starts_with(mark))
}

/// Whether it begins as JSON does, strict or not, or a comment in front of it, or as XML: as no name in a form does.
fn begins_as_document(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start(), [b'{' | b'[' | b'/' | b'#' | b'<', ..])
}

const CHARSET: &[u8] = b"charset";

/// Whether no `charset` makes other text of the body than UTF-8 does, wherever it stands: some look for the word alone.
fn reads_alike(content_type: &[u8], is_ascii: &impl Deref<Target = bool>) -> bool {
    let mut rest = content_type;
    while let Some(at) = rest.windows(CHARSET.len()).position(|part| part.eq_ignore_ascii_case(CHARSET)) {
        rest = rest.get(at + CHARSET.len()..).unwrap_or_default();
        let value = rest.split(|byte| matches!(byte, b';' | b',')).next().unwrap_or_default();
        // `charset*` is not meant for this parameter, and understood by some.
        let value = value.trim_ascii();
        // `charset: utf-8` is a slip that many make.
        let value = value.strip_prefix(b"=").or(value.strip_prefix(b":"));
        if !value.is_some_and(|value| is_alike(unquoted(value.trim_ascii()), is_ascii)) {
            return false;
        }
    }
    true
}

fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        bare => bare,
    }
}

/// Beginnings of the names of character sets in which ASCII is what it is, and nothing else: not UTF-7, UTF-16, ISO 2022 or
/// EBCDIC.
const ASCII_IS_ASCII: [&[u8]; 14] = [
    b"ascii",
    b"us-ascii",
    b"ansi_x3.4",
    b"iso-8859-",
    b"iso_8859-",
    b"iso8859",
    b"latin",
    b"windows-",
    b"cp125",
    b"koi8-",
    b"euc-",
    b"gb",
    b"big5",
    b"shift_jis",
];

fn is_alike(charset: &[u8], is_ascii: &impl Deref<Target = bool>) -> bool {
    let begins = |start: &&[u8]| charset.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start));
    let is_utf8 = [&b"utf-8"[..], b"utf8", b"utf_8"].iter().any(|own| charset.eq_ignore_ascii_case(own));
    charset.is_empty() || is_utf8 || ASCII_IS_ASCII.iter().any(begins) && **is_ascii
}
