//! The JOSE header (RFC 7515 section 4), read before anything is known to be genuine.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Segment, TokenError};
use crate::{
    jose::DecryptionKey,
    json::{Document, Object, Value},
};

/// Extensions that change what is signed or how it is read (`crit`, `b64`, `zip`, `enc`), and keys a forger would bring
/// along (CVE-2018-0114). Ignoring the latter would be safe too, but no honest token needs them here.
const FORBIDDEN: [&str; 8] = ["crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"];

/// The same of an encrypted token: what unpacks its content (a few bytes can become gigabytes), and what belongs to algorithms
/// that are not ours, such as a number of rounds that the sender chooses (CVE-2023-6681).
const FORBIDDEN_WHERE_ENCRYPTED: [&str; 14] =
    ["crit", "b64", "zip", "jwk", "jku", "x5u", "x5c", "epk", "apu", "apv", "p2s", "p2c", "iv", "tag"];

/// What the header says that a key can be chosen by.
pub(super) struct Header {
    pub(super) algorithm: String,
    pub(super) kid: Option<String>,
}

impl Header {
    pub(super) fn parse(segment: &[u8]) -> Result<Header, TokenError> {
        let bytes = decode(segment, Segment::Header)?;
        let document = Document::parse(&bytes).map_err(|error| TokenError::Json(Segment::Header, error))?;
        let Value::Object(header) = document.root() else { return Err(TokenError::NotAnObject(Segment::Header)) };
        if let Some(name) = FORBIDDEN.into_iter().find(|name| header.value(name).is_some()) {
            return Err(TokenError::ForbiddenHeader(name));
        }
        if string(&header, "typ")?.is_some_and(|typ| !is_token_type(&typ)) {
            return Err(TokenError::WrongType);
        }
        let algorithm = string(&header, "alg")?.ok_or(TokenError::MalformedHeader("alg"))?;
        Ok(Header { algorithm, kid: string(&header, "kid")? })
    }
}

/// What the header of an encrypted token (RFC 7516 section 4) says that a key can be chosen by.
pub(super) struct EncryptedHeader {
    pub(super) algorithm: String,
    pub(super) kid: Option<String>,
}

impl EncryptedHeader {
    pub(super) fn parse(segment: &[u8]) -> Result<EncryptedHeader, TokenError> {
        let bytes = decode(segment, Segment::Header)?;
        let document = Document::parse(&bytes).map_err(|error| TokenError::Json(Segment::Header, error))?;
        let Value::Object(header) = document.root() else { return Err(TokenError::NotAnObject(Segment::Header)) };
        if let Some(name) = FORBIDDEN_WHERE_ENCRYPTED.into_iter().find(|name| header.value(name).is_some()) {
            return Err(TokenError::ForbiddenHeader(name));
        }
        if string(&header, "typ")?.is_some_and(|typ| !is_token_type(&typ)) {
            return Err(TokenError::WrongType);
        }
        // RFC 7519 section 5.2: where a token is inside another, this must say so.
        if !string(&header, "cty")?.is_some_and(|cty| cty.eq_ignore_ascii_case("JWT")) {
            return Err(TokenError::NotNested);
        }
        let enc = string(&header, "enc")?.ok_or(TokenError::MalformedHeader("enc"))?;
        if !DecryptionKey::knows_content_encryption(&enc) {
            return Err(TokenError::WrongAlgorithm);
        }
        let algorithm = string(&header, "alg")?.ok_or(TokenError::MalformedHeader("alg"))?;
        Ok(EncryptedHeader { algorithm, kid: string(&header, "kid")? })
    }
}

/// The bytes that a segment stands for, in its only spelling: no padding, unused bits zero.
pub(super) fn decode(segment: &[u8], which: Segment) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(segment).map_err(|_| TokenError::Encoding(which))
}

/// A wrong type is a failure, never "absent".
fn string(header: &Object<'_>, name: &'static str) -> Result<Option<String>, TokenError> {
    match header.value(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.into_owned())),
        Some(_) => Err(TokenError::MalformedHeader(name)),
    }
}

/// RFC 7519 section 5.1 and RFC 9068 section 2.1; a media type may leave out `application/` (RFC 7515 section 4.1.9).
fn is_token_type(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt")
}
