//! One fetch: where the set is, and the set. Where anything about it is not right there is no set.

use std::{str::FromStr, sync::Arc};

use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

use super::{Place, Settings};
use crate::{
    authenticate::jwt::{KeySet, SettingsError},
    jose::{JwkSet, SetFault, SetRules},
    json::{Document, Value},
    outcall::{CallError, Client, is_this_machine},
};

/// Below an issuer (OpenID Connect Discovery 1.0 section 4.1).
const CONFIGURATION: &str = "/.well-known/openid-configuration";

/// A set as it was published, and what can be used of it.
pub(super) struct Published {
    pub(super) text: Vec<u8>,
    pub(super) keys: Arc<KeySet>,
    /// What was left out, in words.
    pub(super) skipped: Vec<String>,
}

/// Why there is no new set.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the answer is a {0}")]
    Status(StatusCode),
    #[error("the issuer's configuration is not strict JSON")]
    NotJson,
    #[error("the configuration is another issuer's")]
    OtherIssuer,
    #[error("the configuration names no key set that may be fetched")]
    NoSet,
    #[error("not a key set to be used: {0}")]
    Set(#[from] SetFault),
    #[error("not a key set to be used: {0}")]
    Keys(#[from] SettingsError),
}

/// Fetches the set of `settings`.
pub(super) async fn fetch(client: &Client, settings: &Settings) -> Result<Published, FetchError> {
    let uri = match &settings.place {
        Place::KeySet(uri) => uri.clone(),
        Place::Discovery(issuer) => discover(client, issuer, settings).await?,
    };
    read(get(client, uri).await?, &settings.rules)
}

/// Reads a set.
pub(super) fn read(text: Vec<u8>, rules: &SetRules) -> Result<Published, FetchError> {
    let set = JwkSet::parse(&text, rules)?;
    let in_words = |(place, kid, why): &(usize, Option<String>, _)| match kid {
        Some(kid) => format!("key {} ({:?}): {why}", place + 1, kid.chars().take(64).collect::<String>()),
        None => format!("key {}: {why}", place + 1),
    };
    let skipped = set.skipped.iter().filter(|(.., why)| !why.is_other_use()).map(in_words).collect();
    Ok(Published { text, keys: Arc::new(KeySet::new(set.keys)?), skipped })
}

async fn discover(client: &Client, issuer: &str, settings: &Settings) -> Result<Uri, FetchError> {
    let place = format!("{}{CONFIGURATION}", issuer.trim_end_matches('/'));
    let answer = get(client, Uri::from_str(&place).map_err(|_| FetchError::NoSet)?).await?;
    let document = Document::parse(&answer).map_err(|_| FetchError::NotJson)?;
    let text = |pointer| document.pointer(pointer).and_then(Value::into_string);
    // Section 4.3: byte for byte, or one issuer could pass its keys off as another's.
    if text("/issuer").as_deref() != Some(issuer) {
        return Err(FetchError::OtherIssuer);
    }
    let uri = text("/jwks_uri").and_then(|uri| Uri::from_str(&uri).ok());
    uri.filter(|uri| may_be_called(uri, settings)).ok_or(FetchError::NoSet)
}

/// Whoever can change a set on its way can sign: only on this machine it may come without TLS.
fn may_be_called(uri: &Uri, settings: &Settings) -> bool {
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => settings.place.is_https(),
        (Some("http"), Some(host)) => !settings.place.is_https() && (settings.plain || is_this_machine(host)),
        _ => false,
    }
}

async fn get(client: &Client, uri: Uri) -> Result<Vec<u8>, FetchError> {
    let accepted = HeaderValue::from_static("application/json, application/jwk-set+json");
    let answer = client.get(uri, HeaderMap::from_iter([(header::ACCEPT, accepted)])).await?;
    if answer.status != StatusCode::OK {
        return Err(FetchError::Status(answer.status));
    }
    Ok(answer.body.to_vec())
}
