//! What a token is bound to, so that whoever steals it cannot use it: a key (RFC 9449 section 6.1) or the certificate of a
//! client (RFC 8705 section 3.1). Whether the sender has it is asked elsewhere.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Segment, TokenError, header, verifier};
use crate::json::{Document, Object, Value};

/// A SHA-256 of a key (RFC 7638) or of a certificate's DER.
pub type Thumbprint = [u8; 32];

/// `cnf` of a token (RFC 7800 section 3): each that is there must be shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Confirmation {
    pub(super) key: Option<Thumbprint>,
    pub(super) certificate: Option<Thumbprint>,
}

impl Confirmation {
    /// `None` where the token is bound to nothing.
    pub(super) fn read(claims: &Object<'_>) -> Result<Option<Confirmation>, TokenError> {
        let members = match claims.value("cnf") {
            None => return Ok(None),
            Some(Value::Object(members)) => members,
            Some(_) => return Err(TokenError::MalformedClaim("cnf")),
        };
        let mut confirmation = Confirmation { key: None, certificate: None };
        for (name, value) in members.iter() {
            match &*name {
                "jkt" => confirmation.key = Some(thumbprint(value)?),
                "x5t#S256" => confirmation.certificate = Some(thumbprint(value)?),
                // To ignore what cannot be checked would be to take the token from anyone.
                _ => return Err(TokenError::UnknownBinding),
            }
        }
        if confirmation.key.is_none() && confirmation.certificate.is_none() {
            return Err(TokenError::MalformedClaim("cnf"));
        }
        Ok(Some(confirmation))
    }
}

/// Whether a token is a JWT that says itself that it is bound, or to what cannot be read: whoever is asked what it is may leave
/// that out.
pub(in crate::authenticate) fn is_bound_in_itself(token: &[u8]) -> bool {
    let Ok([_, payload, _]) = verifier::segments(token) else { return false };
    let Ok(payload) = header::decode(payload, Segment::Payload) else { return false };
    match Document::parse(&payload).as_ref().map(Document::root) {
        Ok(Value::Object(claims)) => !matches!(Confirmation::read(&claims), Ok(None)),
        Ok(_) | Err(_) => false,
    }
}

fn thumbprint(value: Value<'_>) -> Result<Thumbprint, TokenError> {
    let malformed = TokenError::MalformedClaim("cnf");
    let text = value.into_string().ok_or(malformed.clone())?;
    let bytes = URL_SAFE_NO_PAD.decode(text.as_bytes()).map_err(|_| malformed.clone())?;
    bytes.try_into().map_err(|_| malformed)
}
