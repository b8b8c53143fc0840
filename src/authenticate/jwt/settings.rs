//! What a verifier is told at load. Building the verifier checks it.

use std::time::Duration;

use super::{ClaimRules, Decryption, Keys, MAX_KEYS_PER_KID};
use crate::json::JsonError;

/// The rules for one kind of token.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the configuration calls it.
    pub name: String,
    /// Keys that verify.
    pub keys: Keys,
    /// Keys that open encrypted tokens, where such are accepted.
    pub decryption: Option<Decryption>,
    /// `iss` must be this, byte for byte.
    pub issuer: Option<String>,
    /// `aud` must hold one of these; empty: any audience or none.
    pub audience: Vec<String>,
    /// Clock difference allowed on `exp`, `nbf` and `iat`; fractions of a second are dropped.
    pub leeway: Duration,
    /// Whether a token without `exp` is refused.
    pub require_exp: bool,
    /// What else it must say.
    pub claims: ClaimRules,
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
    /// A value that a claim is compared with cannot be read.
    #[error("the value for the claim {0:?} is not JSON: {1}")]
    ClaimNotJson(String, #[source] JsonError),
    /// A value that a claim is compared with is null, an array or an object.
    #[error("the value for the claim {0:?} is not a string, number or boolean")]
    ClaimNotScalar(String),
}
