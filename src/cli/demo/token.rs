//! Tokens for the demo's round and its lines to paste. The gateway itself mints none of these.
//!
//! A token signed with a shared key is an HMAC over its own text (RFC 7515 section 5.1), which the scheme language can
//! say like any other.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use super::setup::{AUDIENCE, ISSUER};
use crate::{
    cli::{request::RawRequest, trouble::Trouble},
    scheme::{Algorithm, Definition, Encoding, Scheme, SignatureDefinition},
    secret::Secret,
};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// An HS256 token for `subject` that expires `lifetime` seconds from `now` (before it where that is negative).
pub(super) fn mint(key: &[u8], subject: &str, now: i64, lifetime: i64) -> Result<String, Trouble> {
    let expires = now.saturating_add(lifetime);
    // Issued an hour before it expires, or now.
    let issued = now.min(expires.saturating_sub(3600));
    let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": issued, "exp": expires });
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(HEADER), part(&claims.to_string()));
    Ok(format!("{signed}.{}", signature(key, &signed)?))
}

fn signature(key: &[u8], signed: &str) -> Result<String, Trouble> {
    let scheme = Scheme::compile(&over_the_body()).map_err(Trouble::Scheme)?;
    let request = RawRequest::parse(format!("POST / HTTP/1.1\r\nHost: token\r\n\r\n{signed}").as_bytes())?;
    let key = scheme.key_recipe().signing(&Secret::new(key.to_vec())).map_err(Trouble::Secret)?;
    let written = scheme.sign(&request.view(request.origin(None)), &key, None, 0, "").map_err(Trouble::Unsignable)?;
    Ok(written.headers.into_iter().map(|(_, value)| value).collect())
}

/// The signature's header is written as it is read.
fn over_the_body() -> Definition {
    let signature = SignatureDefinition::new("{header:Signature}", Encoding::Base64Url, Algorithm::HmacSha256);
    Definition::new("token", "{body}", signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_of_the_known_token_is_found() {
        let signed = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoxMjMsInJvbGUiOiJhZG1pbiJ9";
        let known = "xiQIIxG93IoH5fEuP9BtFeqvJTGI9-XKcnVm0mrJsVc";
        assert_eq!(signature(b"my_super_secret_key", signed).unwrap(), known);
    }

    #[test]
    fn a_token_has_three_parts_and_says_when_it_ends() {
        let token = mint(b"key", "alice", 1_714_485_600, -60).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let claims = BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(
            (parts.len(), claims["exp"].as_i64(), claims["sub"].as_str()),
            (3, Some(1_714_485_540), Some("alice"))
        );
    }
}
