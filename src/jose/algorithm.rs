//! Signature algorithms (RFC 7518 section 3.1, RFC 8037). `none` is not among them.

use aws_lc_rs::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
        RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
        VerificationAlgorithm,
    },
};

/// What a key signs with. It belongs to the key; a token can only agree with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256 and a salt of its length.
    Ps256,
    /// RSASSA-PSS with SHA-384 and a salt of its length.
    Ps384,
    /// RSASSA-PSS with SHA-512 and a salt of its length.
    Ps512,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// ECDSA over P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

/// What kind of key an algorithm wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// A shared secret.
    Secret,
    /// RSA.
    Rsa,
    /// A point of P-256.
    P256,
    /// A point of P-384.
    P384,
    /// A point of Ed25519.
    Ed25519,
}

impl Algorithm {
    /// Every algorithm, in the order of RFC 7518's table.
    pub const ALL: [Algorithm; 12] = [
        Algorithm::Hs256,
        Algorithm::Hs384,
        Algorithm::Hs512,
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::EdDsa,
    ];

    /// The algorithm that `alg` names, compared byte for byte.
    pub fn named(alg: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.is_called(alg))
    }

    /// Whether `alg` names it. RFC 9864 calls Ed25519 by its name, RFC 8037 by its family's.
    pub fn is_called(self, alg: &str) -> bool {
        alg == self.name() || self == Algorithm::EdDsa && alg == "Ed25519"
    }

    /// The value of `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Hs256 => "HS256",
            Algorithm::Hs384 => "HS384",
            Algorithm::Hs512 => "HS512",
            Algorithm::Rs256 => "RS256",
            Algorithm::Rs384 => "RS384",
            Algorithm::Rs512 => "RS512",
            Algorithm::Ps256 => "PS256",
            Algorithm::Ps384 => "PS384",
            Algorithm::Ps512 => "PS512",
            Algorithm::Es256 => "ES256",
            Algorithm::Es384 => "ES384",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    /// The kind of key that it is computed with.
    pub fn key_type(self) -> KeyType {
        match self {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => KeyType::Secret,
            Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 => KeyType::Rsa,
            Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => KeyType::Rsa,
            Algorithm::Es256 => KeyType::P256,
            Algorithm::Es384 => KeyType::P384,
            Algorithm::EdDsa => KeyType::Ed25519,
        }
    }

    /// Bytes of the shortest secret that RFC 7518 section 3.2 allows; 0 where the key is no secret.
    pub fn shortest_secret(self) -> usize {
        match self {
            Algorithm::Hs256 => 32,
            Algorithm::Hs384 => 48,
            Algorithm::Hs512 => 64,
            Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 => 0,
            Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => 0,
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => 0,
        }
    }

    pub(super) fn hmac(self) -> Option<hmac::Algorithm> {
        match self {
            Algorithm::Hs256 => Some(hmac::HMAC_SHA256),
            Algorithm::Hs384 => Some(hmac::HMAC_SHA384),
            Algorithm::Hs512 => Some(hmac::HMAC_SHA512),
            Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 => None,
            Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => None,
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => None,
        }
    }

    /// How its signatures are checked; ECDSA's only as two numbers of fixed width (RFC 7518 section 3.4), never DER.
    pub(super) fn verification(self) -> Option<&'static dyn VerificationAlgorithm> {
        Some(match self {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return None,
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
            Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
            Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
            Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
            Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
            Algorithm::EdDsa => &ED25519,
        })
    }

    /// The same for RSA keys of 1024 bits and more; the library has it for two algorithms alone.
    pub(super) fn verification_of_short_rsa(self) -> Option<&'static dyn VerificationAlgorithm> {
        match self {
            Algorithm::Rs256 => Some(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
            Algorithm::Rs512 => Some(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 | Algorithm::Rs384 => None,
            Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => None,
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => None,
        }
    }
}
