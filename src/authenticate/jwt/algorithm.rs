//! Signature algorithms of tokens (RFC 7518 section 3.1). `none` is not among them.

use jsonwebtoken::DecodingKey;

use crate::secret::Secret;

/// What a key signs with. It belongs to the key; a token can only agree with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl Algorithm {
    /// The value of `alg`, compared byte for byte.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Hs256 => "HS256",
            Algorithm::Hs384 => "HS384",
            Algorithm::Hs512 => "HS512",
        }
    }

    pub(super) fn decoding_key(self, secret: &Secret) -> DecodingKey {
        match self {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => DecodingKey::from_secret(secret.expose()),
        }
    }

    pub(super) fn check(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
            Algorithm::Hs384 => jsonwebtoken::Algorithm::HS384,
            Algorithm::Hs512 => jsonwebtoken::Algorithm::HS512,
        }
    }
}
