//! Minting: claims put together, signed, and written as a compact JWT (RFC 7519, RFC 7515 section 7.1).

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Failure, Grant, Refresh, answer::Told};
use crate::{
    jose::{KeyType, SigningKey},
    scheme::{self, Escape, Template, View, Why},
};

/// Issues tokens of one kind.
#[derive(Debug)]
pub struct Issuer {
    /// As the config calls it.
    pub name: String,
    /// Signs.
    pub key: SigningKey,
    /// `iss`
    pub issuer: Option<String>,
    /// `aud`
    pub audience: Option<String>,
    /// From `iat` to `exp`, whole seconds.
    pub lifetime: Duration,
    /// More claims; they override those of a user.
    pub claims: Vec<(String, ClaimValue)>,
    /// How refresh tokens come with its tokens, if they do.
    pub refresh: Option<Refresh>,
}

/// What a claim is made of.
#[derive(Debug, Clone)]
pub enum ClaimValue {
    /// Always this.
    Json(Value),
    /// Text, from what is known of the request and its sender.
    Template(Template),
}

/// A token, and what is to be known of it.
#[derive(Debug)]
pub(super) struct Minted {
    pub(super) token: String,
    pub(super) lifetime: u64,
    /// The refresh token that comes with it.
    pub(super) refresh: Option<String>,
}

impl Issuer {
    /// A token for the subject that is `told` of, with claims of their own, at `now_unix`, seconds since 1970.
    pub(super) async fn mint(&self, told: &Told<'_>, now_unix: i64) -> Result<Minted, Failure> {
        let lifetime = self.lifetime.as_secs();
        let mut claims = told.claims.as_object().cloned().unwrap_or_default();
        claims.insert("sub".to_owned(), json!(told.subject));
        let view = told.view();
        for (name, value) in &self.claims {
            claims.insert(name.clone(), value.filled_in(name, &view)?);
        }
        let standard = [("iss", &self.issuer), ("aud", &self.audience)];
        claims.extend(standard.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?)))));
        claims.insert("iat".to_owned(), json!(now_unix));
        claims.insert("exp".to_owned(), json!(now_unix.saturating_add_unsigned(lifetime)));
        claims.insert("jti".to_owned(), json!(random_id()?));
        Ok(Minted { token: self.written(&Value::Object(claims)).await?, lifetime, refresh: None })
    }

    /// The first refresh token of whoever is `told` of, where this issuer gives any.
    pub(super) fn begin(&self, told: &Told<'_>, now_millis: i64) -> Result<Option<String>, Failure> {
        let Some(refresh) = &self.refresh else { return Ok(None) };
        let grant = Grant {
            subject: told.subject.into(),
            claims: Arc::new(told.claims.clone()),
            issuer: self.name.as_str().into(),
        };
        Ok(Some(refresh.families.begin(refresh.rules, grant, now_millis)?))
    }

    async fn written(&self, claims: &Value) -> Result<String, Failure> {
        let mut header = json!({ "alg": self.key.verifying().algorithm().name(), "typ": "JWT" });
        if let (Some(kid), Some(header)) = (self.key.verifying().kid(), header.as_object_mut()) {
            header.insert("kid".to_owned(), json!(kid));
        }
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        self.signed(message).await
    }

    /// RSA takes a millisecond or more, in which a worker could serve many requests.
    async fn signed(&self, message: String) -> Result<String, Failure> {
        let key = self.key.clone();
        let sign = move || {
            let signature = key.sign(message.as_bytes()).ok_or(Failure::Unsigned)?;
            Ok(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
        };
        match self.key.verifying().algorithm().key_type() {
            KeyType::Rsa => tokio::task::spawn_blocking(sign).await.unwrap_or(Err(Failure::Unsigned)),
            KeyType::Secret | KeyType::P256 | KeyType::P384 | KeyType::Ed25519 => sign(),
        }
    }
}

impl ClaimValue {
    fn filled_in(&self, name: &str, view: &View<'_>) -> Result<Value, Failure> {
        match self {
            ClaimValue::Json(value) => Ok(value.clone()),
            ClaimValue::Template(template) => {
                let text = text(template, name, view);
                text.map(Value::String).map_err(|failure| Failure::Claim(name.to_owned(), failure))
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
fn random_id() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Failure::NoRandomness)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
