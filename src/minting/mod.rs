//! Minting: claims put together, signed, and written as a compact JWT (RFC 7519, RFC 7515 section 7.1).
//!
//! For whom, and who may have the token, is the business of whoever asks: `issue` gives tokens to clients, `forward` sends
//! them to upstreams.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::{
    jose::{KeyType, SigningKey},
    scheme::{self, Escape, Template, View, Why},
};

/// Claims that the minter alone writes.
pub const RESERVED_CLAIMS: [&str; 6] = ["iss", "aud", "iat", "nbf", "exp", "jti"];

/// Mints tokens of one kind.
#[derive(Debug, Clone)]
pub struct Minter {
    /// Signs.
    pub key: SigningKey,
    /// `iss`
    pub issuer: Option<String>,
    /// `aud`
    pub audience: Option<String>,
    /// From `iat` to `exp`, whole seconds.
    pub lifetime: Duration,
    /// More claims; of two with one name the later counts.
    pub claims: Vec<(String, ClaimValue)>,
}

/// What a claim is made of.
#[derive(Debug, Clone)]
pub enum ClaimValue {
    /// Always this.
    Json(Value),
    /// Text, from what is known of the request and its sender.
    Template(Template),
}

/// What a token says but for when it was made: the same for as long as its sender and the request say the same.
#[derive(Debug)]
pub struct Claims(Map<String, Value>);

/// A token, and how long it is good.
pub struct Minted {
    /// The token.
    pub token: String,
    /// Seconds.
    pub lifetime: u64,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum MintingFault {
    /// A claim could not be filled in.
    #[error("the claim {0:?}: {1}")]
    Claim(String, #[source] scheme::Failure),
    /// The token could not be signed.
    #[error("the token could not be signed")]
    Unsigned,
    /// The system has no random bytes.
    #[error("no random bytes to be had")]
    NoRandomness,
}

impl Minter {
    /// What a token for `subject` says: what is known of them (`own`), and over that the minter's claims, filled in from
    /// `view`.
    ///
    /// # Errors
    /// A value that a claim is made of is not there.
    pub fn claims(
        &self,
        own: Map<String, Value>,
        subject: Option<&str>,
        view: &View<'_>,
    ) -> Result<Claims, MintingFault> {
        let mut claims = own;
        claims.extend(subject.map(|subject| ("sub".to_owned(), json!(subject))));
        for (name, value) in &self.claims {
            claims.insert(name.clone(), value.filled_in(name, view)?);
        }
        let standard = [("iss", &self.issuer), ("aud", &self.audience)];
        claims.extend(standard.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?)))));
        Ok(Claims(claims))
    }

    /// A token that says `claims`, made at `now_unix`, seconds since 1970.
    ///
    /// # Errors
    /// It cannot be signed.
    pub async fn mint(&self, claims: Claims, now_unix: i64) -> Result<Minted, MintingFault> {
        let message = self.message(claims, now_unix)?;
        let key = self.key.clone();
        let token = match self.key.verifying().algorithm().key_type() {
            // RSA takes a millisecond or more, in which a worker could serve many requests.
            KeyType::Rsa => {
                let signed = tokio::task::spawn_blocking(move || signed(&key, &message)).await;
                signed.unwrap_or(Err(MintingFault::Unsigned))?
            }
            KeyType::Secret | KeyType::P256 | KeyType::P384 | KeyType::Ed25519 => signed(&key, &message)?,
        };
        Ok(Minted { token, lifetime: self.lifetime.as_secs() })
    }

    /// The same on this thread, for who has time.
    ///
    /// # Errors
    /// As [`mint`](Minter::mint).
    pub fn mint_here(&self, claims: Claims, now_unix: i64) -> Result<Minted, MintingFault> {
        let token = signed(&self.key, &self.message(claims, now_unix)?)?;
        Ok(Minted { token, lifetime: self.lifetime.as_secs() })
    }

    fn message(&self, Claims(mut claims): Claims, now_unix: i64) -> Result<String, MintingFault> {
        let lifetime = self.lifetime.as_secs();
        claims.insert("iat".to_owned(), json!(now_unix));
        claims.insert("exp".to_owned(), json!(now_unix.saturating_add_unsigned(lifetime)));
        claims.insert("jti".to_owned(), json!(random_id()?));
        let mut header = json!({ "alg": self.key.verifying().algorithm().name(), "typ": "JWT" });
        if let (Some(kid), Some(header)) = (self.key.verifying().kid(), header.as_object_mut()) {
            header.insert("kid".to_owned(), json!(kid));
        }
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        Ok(format!("{}.{}", part(&header), part(&Value::Object(claims))))
    }
}

fn signed(key: &SigningKey, message: &str) -> Result<String, MintingFault> {
    let signature = key.sign(message.as_bytes()).ok_or(MintingFault::Unsigned)?;
    Ok(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
}

impl Claims {
    /// The scopes that it gives, where that is a text.
    pub fn scope(&self) -> Option<&str> {
        self.0.get("scope")?.as_str()
    }

    /// With the scopes that are `asked` for and no others, under whichever name; `None` where it has not all of them, or they are not
    /// written as RFC 6749 section 3.3 has them.
    pub fn narrowed(mut self, asked: &str) -> Option<Claims> {
        let is_letter = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(is_letter);
        let given = self.scope().unwrap_or_default();
        let is_given = |word: &str| is_word(word) && given.split(' ').any(|known| known == word);
        if !asked.split(' ').all(is_given) {
            return None;
        }
        self.0.insert("scope".to_owned(), json!(asked));
        // Who reads tokens takes the scopes of either.
        self.0.remove("scp");
        Some(self)
    }

    /// All of them, as JSON: two that are the same say the same.
    pub fn text(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }
}

impl ClaimValue {
    fn filled_in(&self, name: &str, view: &View<'_>) -> Result<Value, MintingFault> {
        match self {
            ClaimValue::Json(value) => Ok(value.clone()),
            ClaimValue::Template(template) => {
                let text = text(template, name, view);
                text.map(Value::String).map_err(|failure| MintingFault::Claim(name.to_owned(), failure))
            }
        }
    }
}

fn text(template: &Template, name: &str, view: &View<'_>) -> Result<String, scheme::Failure> {
    let mut out = Vec::new();
    template.render(view, Escape::None, &mut out)?;
    let not_text = |_| scheme::Failure::Unreadable { place: format!("claim:{name}"), why: Why::Unwritable };
    String::from_utf8(out).map_err(not_text)
}

/// 128 random bits.
fn random_id() -> Result<String, MintingFault> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| MintingFault::NoRandomness)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// A token is a credential.
impl std::fmt::Debug for Minted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Minted").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(claims: Value) -> Claims {
        Claims(claims.as_object().unwrap().clone())
    }

    #[test]
    fn a_token_has_no_scope_beside_those_that_were_asked_for() {
        let all = || of(json!({ "scope": "read write", "scp": ["write", "admin"], "role": "r" }));
        assert_eq!(all().narrowed("read").unwrap().text(), r#"{"role":"r","scope":"read"}"#);
        for more in ["admin", "read admin", "read  write", "", " "] {
            assert!(all().narrowed(more).is_none(), "{more:?}");
        }
        assert!(of(json!({ "scp": ["read"] })).narrowed("read").is_none());
    }
}
