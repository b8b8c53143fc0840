//! What a token says, for a person who has it before him. It is no proof, and nothing that decides may use it.

use super::{
    MAX_TOKEN_BYTES, Segment, TokenError,
    claims::Registered,
    header::{self, Header},
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
    /// The first rule of form that it breaks.
    pub fault: Option<TokenError>,
}

impl Glimpse {
    /// Looks at a compact token.
    pub fn of(token: &[u8]) -> Glimpse {
        let mut segments = token.splitn(4, |byte| *byte == b'.');
        let document =
            |segment: Option<&[u8]>| Document::parse_owned(header::decode(segment?, Segment::Header).ok()?).ok();
        let (header, claims) = (document(segments.next()), document(segments.next()));
        let signature = segments.next().and_then(|segment| header::decode(segment, Segment::Header).ok());
        Glimpse { header, claims, signature_bytes: signature.map(|bytes| bytes.len()), fault: fault(token).err() }
    }
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
