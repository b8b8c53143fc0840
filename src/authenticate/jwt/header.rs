//! The JOSE header (RFC 7515 section 4), read before anything is known to be genuine.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Segment, TokenError};
use crate::json::{Document, Object, Value};

/// Extensions that change what is signed or how it is read (`crit`, `b64`, `zip`, `enc`), and keys a forger would bring
/// along (CVE-2018-0114). Ignoring the latter would be safe too, but no honest token needs them here.
const FORBIDDEN: [&str; 8] = ["crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"];

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
