//! Keys of RFC 9421: a secret's own bytes for HMAC, a document (PEM or JWK) for public keys.
//!
//! What a key is follows from its document alone, never from a request: a public key that could be taken for a secret
//! would let everyone sign.

use std::sync::Arc;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
        ECDSA_P384_SHA384_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey,
        RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA512, RsaKeyPair, VerificationAlgorithm,
    },
};
use rustls::pki_types::pem::{PemObject, SectionKind};
use smallvec::SmallVec;
use zeroize::Zeroizing;

use super::jwk;
use crate::{
    jose::{KeyType, PublicKey, ShortRsa},
    scheme::{Algorithm, KeyFault},
    secret::Secret,
};

/// Bits of the shortest RSA key.
const SHORTEST_RSA: usize = 2048;

/// A public key under one algorithm, and the private one if it signs.
pub(in crate::scheme) struct AsymmetricKey {
    public: ParsedPublicKey,
    pair: Option<Pair>,
}

/// The private half.
pub(super) enum Pair {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
    RsaPss(RsaKeyPair),
}

/// The keys that a document holds, one an algorithm that it can serve.
pub(in crate::scheme) type Keys = SmallVec<[(Algorithm, Arc<AsymmetricKey>); 1]>;

/// What a key document is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scheme) enum Purpose {
    Verify,
    Sign,
}

/// Reads a document for these algorithms; `None` where they are HMACs, whose keys are no documents.
///
/// # Errors
/// It is no such document, holds the wrong half, or a key of none of the algorithms.
pub(in crate::scheme) fn prepared(
    secret: &Secret,
    algorithms: &[Algorithm],
    purpose: Purpose,
) -> Result<Option<Keys>, KeyFault> {
    let bytes = secret.expose().trim_ascii();
    let is_hmac = algorithms.iter().all(|algorithm| algorithm.is_hmac());
    let keys = match bytes {
        _ if is_hmac => return Ok(None),
        [b'-', b'-', b'-', b'-', b'-', ..] => of_pem(bytes, algorithms, purpose)?,
        _ if jwk::is_one(bytes) => jwk::keys(bytes, algorithms, purpose)?,
        _ => return Err(KeyFault::NoDocument),
    };
    if keys.is_empty() { Err(KeyFault::Unfit) } else { Ok(Some(keys)) }
}

impl AsymmetricKey {
    /// Whether this key's owner signed `message`.
    pub(in crate::scheme) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }

    /// `None` if it only verifies.
    pub(in crate::scheme) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self.pair.as_ref()? {
            Pair::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
            Pair::Ecdsa(pair) => Some(pair.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec()),
            Pair::RsaPss(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PSS_SHA512, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }

    pub(super) fn public(public: ParsedPublicKey) -> AsymmetricKey {
        AsymmetricKey { public, pair: None }
    }

    /// A private key verifies as well, and is not kept where it is for nothing else.
    pub(super) fn for_purpose(self, purpose: Purpose) -> AsymmetricKey {
        AsymmetricKey { pair: self.pair.filter(|_| purpose == Purpose::Sign), ..self }
    }

    /// A private key, whose public half is read from it. `None` where `algorithm` is another kind's.
    pub(super) fn private(algorithm: Algorithm, pair: Pair) -> Option<AsymmetricKey> {
        let verification = verification(algorithm)?;
        let public = match &pair {
            Pair::Ed25519(pair) => ParsedPublicKey::new(verification, pair.public_key()),
            Pair::Ecdsa(pair) => ParsedPublicKey::new(verification, pair.public_key()),
            Pair::RsaPss(pair) => ParsedPublicKey::new(verification, pair.public_key()),
        };
        Some(AsymmetricKey { public: public.ok()?, pair: Some(pair) })
    }
}

/// How signatures under `algorithm` are verified (RFC 9421 section 3.3); `None` for an HMAC.
pub(super) fn verification(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::Ed25519 => &ED25519,
        Algorithm::EcdsaP256Sha256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::EcdsaP384Sha384 => &ECDSA_P384_SHA384_FIXED,
        // Salts are as long as the digest, 64 bytes.
        Algorithm::RsaPssSha512 => &RSA_PSS_2048_8192_SHA512,
        Algorithm::RsaV15Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::HmacSha1 | Algorithm::HmacSha256 | Algorithm::HmacSha384 | Algorithm::HmacSha512 => return None,
    })
}

fn of_pem(text: &[u8], algorithms: &[Algorithm], purpose: Purpose) -> Result<Keys, KeyFault> {
    let sections: Result<Vec<(SectionKind, Vec<u8>)>, _> = PemObject::pem_slice_iter(text).collect();
    let Ok([(kind, der)]) = sections.as_deref() else { return Err(KeyFault::NoDocument) };
    let is_private = matches!(kind, SectionKind::PrivateKey | SectionKind::EcPrivateKey | SectionKind::RsaPrivateKey);
    match (is_private, purpose) {
        (false, _) if *kind != SectionKind::PublicKey => return Err(KeyFault::NoDocument),
        (false, Purpose::Sign) => return Err(KeyFault::NotPrivate),
        (false, Purpose::Verify) => return of_public_der(der, algorithms),
        (true, _) => {}
    }
    let der = Zeroizing::new(der.clone());
    let read = |algorithm: &Algorithm| {
        let key = AsymmetricKey::private(*algorithm, key_pair(*algorithm, &der)?)?;
        Some((*algorithm, Arc::new(key.for_purpose(purpose))))
    };
    Ok(algorithms.iter().filter_map(read).collect())
}

/// Out of a SubjectPublicKeyInfo (RFC 5280 section 4.1).
fn of_public_der(der: &[u8], algorithms: &[Algorithm]) -> Result<Keys, KeyFault> {
    let Ok(public) = PublicKey::from_der(der, ShortRsa::Refuse) else { return Err(KeyFault::Unfit) };
    let read =
        |algorithm: &Algorithm| Some((*algorithm, Arc::new(AsymmetricKey::public(fitting(&public, *algorithm)?))));
    Ok(algorithms.iter().filter_map(read).collect())
}

/// A public key under `algorithm`, if it is of that kind.
pub(super) fn fitting(public: &PublicKey, algorithm: Algorithm) -> Option<ParsedPublicKey> {
    let wanted = match algorithm {
        Algorithm::Ed25519 => KeyType::Ed25519,
        Algorithm::EcdsaP256Sha256 => KeyType::P256,
        Algorithm::EcdsaP384Sha384 => KeyType::P384,
        Algorithm::RsaPssSha512 | Algorithm::RsaV15Sha256 => KeyType::Rsa,
        Algorithm::HmacSha1 | Algorithm::HmacSha256 | Algorithm::HmacSha384 | Algorithm::HmacSha512 => return None,
    };
    (public.key_type() == wanted).then_some(())?;
    public.under(verification(algorithm)?)
}

/// Out of PKCS #8, or the older form of its kind. RSA signs with PSS alone: its older padding is only verified.
fn key_pair(algorithm: Algorithm, der: &[u8]) -> Option<Pair> {
    let ecdsa = |signing| EcdsaKeyPair::from_private_key_der(signing, der).ok().map(Pair::Ecdsa);
    match algorithm {
        Algorithm::Ed25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Pair::Ed25519),
        Algorithm::EcdsaP256Sha256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::EcdsaP384Sha384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
        Algorithm::RsaPssSha512 => {
            let pair = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)).ok()?;
            (pair.public_modulus_len().saturating_mul(8) >= SHORTEST_RSA).then_some(Pair::RsaPss(pair))
        }
        Algorithm::RsaV15Sha256 => None,
        Algorithm::HmacSha1 | Algorithm::HmacSha256 | Algorithm::HmacSha384 | Algorithm::HmacSha512 => None,
    }
}
