//! What a verifier is told at load. Building the verifier checks it.

use std::time::Duration;

use super::MAX_KEYS_PER_KID;
use crate::{
    jose::Key,
    json::{Document, JsonError, Value},
};

/// The rules for one kind of token.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the configuration calls it.
    pub name: String,
    /// Keys that verify; at least one, at most [`MAX_KEYS_PER_KID`] of one `kid`.
    pub keys: Vec<Key>,
    /// `iss` must be this, byte for byte.
    pub issuer: Option<String>,
    /// `aud` must hold one of these; empty: any audience or none.
    pub audience: Vec<String>,
    /// Clock difference allowed on `exp`, `nbf` and `iat`; fractions of a second are dropped.
    pub leeway: Duration,
    /// Whether a token without `exp` is refused.
    pub require_exp: bool,
    /// Claims that must be present and not null, named as in [`Token::claim`](super::Token::claim).
    pub required_claims: Vec<String>,
    /// Claims that must be a value, given as the JSON text of a string, number or boolean. Numbers are compared as
    /// they are written.
    pub equal_claims: Vec<(String, String)>,
}

/// Why no verifier can be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// There is nothing to verify with.
    #[error("no keys")]
    NoKeys,
    /// More than [`MAX_KEYS_PER_KID`]; each costs a signature check on every forged token.
    #[error("more than {MAX_KEYS_PER_KID} keys with the same kid")]
    TooManyKeys,
    /// The value of an equal claim cannot be read.
    #[error("the value for the claim {0:?} is not JSON: {1}")]
    EqualClaimNotJson(String, #[source] JsonError),
    /// The value of an equal claim is null, an array or an object.
    #[error("the value for the claim {0:?} is not a string, number or boolean")]
    EqualClaimNotScalar(String),
}

impl Settings {
    pub(super) fn equal_claim_values(&self) -> Result<Vec<(String, Document<'static>)>, SettingsError> {
        self.equal_claims.iter().map(|(name, text)| Ok((name.clone(), scalar(name, text)?))).collect()
    }
}

fn scalar(name: &str, text: &str) -> Result<Document<'static>, SettingsError> {
    let document = Document::parse_owned(text.as_bytes().to_vec())
        .map_err(|error| SettingsError::EqualClaimNotJson(name.to_owned(), error))?;
    match document.root() {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Ok(document),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(SettingsError::EqualClaimNotScalar(name.to_owned())),
    }
}
