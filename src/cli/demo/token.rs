//! Tokens for the demo's round and its lines to paste. The gateway itself mints none of these.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

use super::setup::{AUDIENCE, ISSUER};
use crate::cli::trouble::Trouble;

/// An HS256 token for `subject` that expires `lifetime` seconds from `now` (before it where that is negative).
pub(super) fn mint(key: &[u8], subject: &str, now: i64, lifetime: i64) -> Result<String, Trouble> {
    let expires = now.saturating_add(lifetime);
    // Issued an hour before it expires, or now.
    let issued = now.min(expires.saturating_sub(3600));
    let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": issued, "exp": expires });
    Ok(encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(key))?)
}
