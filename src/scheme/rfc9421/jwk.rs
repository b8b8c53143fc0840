//! JSON Web Keys (RFC 7517, 7518 section 6, 8037): one key, public or for signing.

use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair,
};

use super::key::{AsymmetricKey, Keys, Pair, Purpose, fitting};
use crate::{
    jose::{Jwk, PublicKey, ShortRsa},
    json::Document,
    scheme::{Algorithm, KeyFault},
};

/// Whether the text is a JSON object with a key type.
pub(super) fn is_one(text: &[u8]) -> bool {
    text.starts_with(b"{") && Document::parse(text).is_ok_and(|document| document.pointer("/kty").is_some())
}

/// The key under each of the algorithms that it can serve.
pub(super) fn keys(text: &[u8], algorithms: &[Algorithm], purpose: Purpose) -> Result<Keys, KeyFault> {
    let document = Document::parse(text).map_err(|_| KeyFault::NoDocument)?;
    let jwk = Jwk::new(document.root()).map_err(|_| KeyFault::NoDocument)?;
    if jwk.text("use").is_some_and(|used| used != "sig") {
        return Err(KeyFault::Unfit);
    }
    if purpose == Purpose::Sign && !jwk.has("d") {
        return Err(KeyFault::NotPrivate);
    }
    let stated = jwk.text("alg");
    let fits = |algorithm: &&Algorithm| stated.as_deref().is_none_or(|stated| names(**algorithm).contains(&stated));
    let Ok(public) = jwk.public_key(ShortRsa::Refuse) else { return Ok(Keys::new()) };
    let read = |algorithm: &Algorithm| Some((*algorithm, Arc::new(key(jwk, &public, *algorithm, purpose)?)));
    Ok(algorithms.iter().filter(fits).filter_map(read).collect())
}

/// What `alg` says of a key for this algorithm (RFC 7518 section 3.1, RFC 8037, RFC 9864).
fn names(algorithm: Algorithm) -> &'static [&'static str] {
    match algorithm {
        Algorithm::Ed25519 => &["EdDSA", "Ed25519"],
        Algorithm::EcdsaP256Sha256 => &["ES256"],
        Algorithm::EcdsaP384Sha384 => &["ES384"],
        Algorithm::RsaPssSha512 => &["PS512"],
        Algorithm::RsaV15Sha256 => &["RS256"],
        Algorithm::HmacSha1 | Algorithm::HmacSha256 | Algorithm::HmacSha384 | Algorithm::HmacSha512 => &[],
    }
}

fn key(jwk: Jwk<'_>, public: &PublicKey, algorithm: Algorithm, purpose: Purpose) -> Option<AsymmetricKey> {
    let verifying = fitting(public, algorithm)?;
    if purpose == Purpose::Verify {
        return Some(AsymmetricKey::public(verifying));
    }
    let pair = match algorithm {
        Algorithm::Ed25519 => {
            Ed25519KeyPair::from_seed_and_public_key(&jwk.bytes("d")?, public.bytes()).ok().map(Pair::Ed25519)
        }
        Algorithm::EcdsaP256Sha256 => ecdsa(jwk, public, &ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::EcdsaP384Sha384 => ecdsa(jwk, public, &ECDSA_P384_SHA384_FIXED_SIGNING),
        // Private ones have half a dozen numbers that must agree; PEM is the form for those.
        Algorithm::RsaPssSha512 | Algorithm::RsaV15Sha256 => None,
        Algorithm::HmacSha1 | Algorithm::HmacSha256 | Algorithm::HmacSha384 | Algorithm::HmacSha512 => None,
    };
    AsymmetricKey::private(algorithm, pair?)
}

fn ecdsa(jwk: Jwk<'_>, public: &PublicKey, signing: &'static EcdsaSigningAlgorithm) -> Option<Pair> {
    EcdsaKeyPair::from_private_key_and_public_key(signing, &jwk.bytes("d")?, public.bytes()).ok().map(Pair::Ecdsa)
}
