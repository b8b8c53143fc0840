//! What a request says of its body. Fields are read out of the bytes as they came; an upstream may go by what is said of
//! them, and unpack them, read other characters in them, or take them for another kind of document. Where it would find
//! something else there, what was read here is not what it acts on.

use super::{Headers, Why, parameters};
use crate::json::{Document, Value};

/// What the headers say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Declared {
    /// That the body is packed, or in characters of which these bytes are others.
    is_altered: bool,
    is_form: bool,
    /// That it is something else than a form.
    is_other: bool,
    /// That it is a form in parts, or a document in XML.
    is_framed: bool,
}

impl Declared {
    pub(super) fn of(headers: &dyn Headers, body: &[u8]) -> Declared {
        let mut declared = Declared { is_altered: is_packed(headers), ..Declared::default() };
        headers.each("content-type", &mut |value| {
            let media_type = media_type(value).to_ascii_lowercase();
            declared.is_altered |= !reads_alike(value, body);
            declared.is_form |= is_form(value);
            declared.is_other |= !is_form(value);
            declared.is_framed |= media_type.starts_with(b"multipart/") || media_type.ends_with(b"xml");
        });
        declared
    }

    /// That nobody unpacks the body, or reads other characters in it.
    pub(super) fn check(self) -> Result<(), Why> {
        if self.is_altered { Err(Why::Twofold) } else { Ok(()) }
    }

    /// The same, and that nobody takes the body for a form which has what `pointer` found in its JSON.
    pub(super) fn check_json(self, body: &[u8], pointer: &str) -> Result<(), Why> {
        self.check()?;
        // Rack takes a body of which nothing is said for a form.
        let may_be_form = self.is_form || !self.is_other;
        let name = pointer.split('/').nth(1).unwrap_or_default();
        if may_be_form && parameters::hides_in_json(body, name) { Err(Why::Twofold) } else { Ok(()) }
    }

    /// The same, and that nobody takes the body for anything else than a form, and finds `name` there.
    pub(super) fn check_form(self, body: &[u8], name: &str) -> Result<(), Why> {
        self.check()?;
        let may_be_json = self.is_other || !self.is_form;
        if self.is_framed || may_be_json && has_member(body, name) { Err(Why::Twofold) } else { Ok(()) }
    }
}

/// Whether a `Content-Encoding` says that the body is packed.
pub(super) fn is_packed(headers: &dyn Headers) -> bool {
    let mut is_packed = false;
    headers.each("content-encoding", &mut |coding| {
        is_packed |= !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity");
    });
    is_packed
}

/// Whether that is the media type of a form.
pub(super) fn is_form(content_type: &[u8]) -> bool {
    media_type(content_type).eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

fn media_type(content_type: &[u8]) -> &[u8] {
    content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

const CHARSET: &[u8] = b"charset";

/// Whether no `charset` makes other text of the body than UTF-8 does.
fn reads_alike(content_type: &[u8], body: &[u8]) -> bool {
    content_type.split(|byte| *byte == b';').skip(1).all(|parameter| {
        let mut sides = parameter.splitn(2, |byte| *byte == b'=').map(<[u8]>::trim_ascii);
        let (name, value) = (sides.next().unwrap_or_default(), sides.next().unwrap_or_default());
        let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        let is_about_it = name.get(..CHARSET.len()).is_some_and(|start| start.eq_ignore_ascii_case(CHARSET));
        // `charset*` is not meant for this parameter, and understood by some.
        !is_about_it || name.len() == CHARSET.len() && is_alike(value, body)
    })
}

/// Beginnings of the names of character sets in which ASCII is what it is, and nothing else: not UTF-7, UTF-16, ISO 2022 or
/// EBCDIC.
const ASCII_IS_ASCII: [&[u8]; 12] = [
    b"ascii",
    b"us-ascii",
    b"iso-8859-",
    b"iso8859-",
    b"latin",
    b"windows-",
    b"cp125",
    b"koi8-",
    b"euc-",
    b"gb",
    b"big5",
    b"shift_jis",
];

fn is_alike(charset: &[u8], body: &[u8]) -> bool {
    let begins = |start: &&[u8]| charset.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start));
    let is_utf8 = charset.eq_ignore_ascii_case(b"utf-8") || charset.eq_ignore_ascii_case(b"utf8");
    is_utf8 || body.is_ascii() && ASCII_IS_ASCII.iter().any(begins)
}

/// Whether the body is also JSON that has a member which some take for `name`.
fn has_member(body: &[u8], name: &str) -> bool {
    let has = |document: Document<'_>| match document.root() {
        Value::Object(object) => object.value(name).is_some() || object.has_lookalike(name),
        _ => false,
    };
    Document::parse(body).is_ok_and(has)
}
