//! A key that verifies, with the one algorithm it is used with.

use std::{fmt, sync::Arc};

use aws_lc_rs::{hmac, signature::ParsedPublicKey};

use super::{Algorithm, PublicKey, is_key_document};
use crate::secret::Secret;

/// A key and its algorithm, ready for use.
#[derive(Clone)]
pub struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    material: Material,
}

#[derive(Clone)]
enum Material {
    /// Shared, for it is large and the same key stands in several sets.
    Secret(Arc<hmac::Key>),
    Public(ParsedPublicKey),
}

/// Why a key is not one of its algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Anyone can sign with an empty key.
    #[error("the secret is empty")]
    EmptySecret,
    /// RFC 7518 section 3.2, where a document and not a person chose the secret.
    #[error("a secret for {} has {} bytes or more", .0.name(), .0.shortest_secret())]
    ShortSecret(Algorithm),
    /// A document where an HMAC's secret is wanted: were it taken for one, whoever has a public key could sign
    /// (CVE-2016-10555).
    #[error("this is a key document (PEM, DER or JWK), and a key of {} is a secret", .0.name())]
    Document(Algorithm),
    /// A key of another kind.
    #[error("this is no key of {}", .0.name())]
    Unfit(Algorithm),
}

impl Key {
    /// A shared secret.
    ///
    /// # Errors
    /// It is empty, a key document, or the algorithm does not use secrets.
    pub fn secret(kid: Option<String>, algorithm: Algorithm, secret: &Secret) -> Result<Key, KeyFault> {
        let hmac = algorithm.hmac().ok_or(KeyFault::Unfit(algorithm))?;
        if secret.is_empty() {
            return Err(KeyFault::EmptySecret);
        }
        if is_key_document(secret.expose()) {
            return Err(KeyFault::Document(algorithm));
        }
        Ok(Key { kid, algorithm, material: Material::Secret(Arc::new(hmac::Key::new(hmac, secret.expose()))) })
    }

    /// A public key.
    ///
    /// # Errors
    /// The algorithm is of another kind of key, or not among those that a short RSA key may be used with.
    pub fn public(kid: Option<String>, algorithm: Algorithm, key: &PublicKey) -> Result<Key, KeyFault> {
        let parsed = key.ready_for(algorithm).ok_or(KeyFault::Unfit(algorithm))?;
        Ok(Key { kid, algorithm, material: Material::Public(parsed) })
    }

    /// The `kid` of tokens it verifies. A key without one verifies tokens without one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The same key under a name that its document did not give it.
    pub fn with_kid(self, kid: String) -> Key {
        Key { kid: Some(kid), ..self }
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether this key's owner signed `message`. A MAC is compared in constant time.
    pub fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Secret(key) => hmac::verify(key, message, signature).is_ok(),
            Material::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

/// Shows no key material.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?}, {})", self.kid, self.algorithm.name())
    }
}
