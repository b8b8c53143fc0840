//! Keys that sign tokens (RFC 7518 section 3.1), and the one algorithm each is used with.

use std::fmt;

use jsonwebtoken::EncodingKey;

use crate::secret::Secret;

/// What a key signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
}

/// A key that signs.
pub struct SigningKey {
    kid: Option<String>,
    algorithm: Algorithm,
    key: EncodingKey,
}

/// Why a secret is no signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum KeyFault {
    #[error("anyone can sign with an empty key")]
    Empty,
}

impl Algorithm {
    /// The value of `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Hs256 => "HS256",
            Algorithm::Hs384 => "HS384",
            Algorithm::Hs512 => "HS512",
        }
    }

    fn library(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
            Algorithm::Hs384 => jsonwebtoken::Algorithm::HS384,
            Algorithm::Hs512 => jsonwebtoken::Algorithm::HS512,
        }
    }
}

impl SigningKey {
    /// A key of that `kid`.
    ///
    /// # Errors
    /// [`KeyFault`]
    pub fn new(kid: Option<String>, algorithm: Algorithm, secret: &Secret) -> Result<SigningKey, KeyFault> {
        if secret.is_empty() {
            return Err(KeyFault::Empty);
        }
        Ok(SigningKey { kid, algorithm, key: EncodingKey::from_secret(secret.expose()) })
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The signature of `message` in base64url; `None` where the library finds no way.
    pub(super) fn sign(&self, message: &[u8]) -> Option<String> {
        jsonwebtoken::crypto::sign(message, &self.key, self.algorithm.library()).ok()
    }
}

/// Shows which key it is and nothing of it.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
