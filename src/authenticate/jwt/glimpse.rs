//! What a token says, for a person who has it before him. It is no proof, and nothing that decides may use it.

use super::{
    MAX_TOKEN_BYTES, Segment, TokenError,
    claims::Registered,
    encrypted,
    header::{self, EncryptedHeader, Header},
};
use crate::json::Document;

/// A token taken apart as far as it can be.
#[derive(Debug)]
pub struct Glimpse {
    /// The header, where it is strict JSON.
    pub header: Option<Document<'static>>,
    /// The claims, where they are.
    pub claims: Option<Document<'static>>,
    /// How long the signature is, where it is base64url.
    pub signature_bytes: Option<usize>,
    /// How long what is encrypted is, where the token is. Then there are no claims to be seen and there is no signature.
    pub encrypted_bytes: Option<usize>,
    /// The first rule of form that it breaks.
    pub fault: Option<TokenError>,
}

impl Glimpse {
    /// Looks at a compact token.
    pub fn of(token: &[u8]) -> Glimpse {
        if let Some(segments) = encrypted::segments(token) {
            return Glimpse::of_encrypted(token, segments);
        }
        let mut segments = token.splitn(4, |byte| *byte == b'.');
        let (header, claims) = (document(segments.next()), document(segments.next()));
        let signature = segments.next().and_then(|segment| header::decode(segment, Segment::Header).ok());
        let signature_bytes = signature.map(|bytes| bytes.len());
        Glimpse { header, claims, signature_bytes, encrypted_bytes: None, fault: fault(token).err() }
    }

    fn of_encrypted(token: &[u8], segments: [&[u8]; 5]) -> Glimpse {
        let [header, _, _, content, _] = segments;
        let content = header::decode(content, Segment::Payload).ok();
        Glimpse {
            header: document(Some(header)),
            claims: None,
            signature_bytes: None,
            encrypted_bytes: content.map(|bytes| bytes.len()),
            fault: fault_of_encrypted(token, segments).err(),
        }
    }
}

fn document(segment: Option<&[u8]>) -> Option<Document<'static>> {
    Document::parse_owned(header::decode(segment?, Segment::Header).ok()?).ok()
}

fn fault_of_encrypted(token: &[u8], [header, parts @ ..]: [&[u8]; 5]) -> Result<(), TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong);
    }
    EncryptedHeader::parse(header)?;
    let is_plain = |part: &&[u8]| header::decode(part, Segment::Payload).is_ok();
    if parts.iter().all(is_plain) { Ok(()) } else { Err(TokenError::NotDecrypted) }
}

fn fault(token: &[u8]) -> Result<(), TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong);
    }
    let segments: Vec<&[u8]> = token.splitn(4, |byte| *byte == b'.').collect();
    let [header, payload, signature] = segments.as_slice() else { return Err(TokenError::SegmentCount) };
    Header::parse(header)?;
    let payload = header::decode(payload, Segment::Payload)?;
    let claims = Document::parse(&payload).map_err(|error| TokenError::Json(Segment::Payload, error))?;
    Registered::read(&claims)?;
    header::decode(signature, Segment::Payload).map_err(|_| TokenError::WrongSignature)?;
    Ok(())
}
