//! JSON Web Keys (RFC 7517, 7518 section 6, 8037): one key, public or for signing.

use std::{borrow::Cow, sync::Arc};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::key::{AsymmetricKey, Keys, Pair, Purpose, verification};
use crate::{
    json::{Document, Value},
    scheme::{Algorithm, KeyFault},
};

/// Bytes of the shortest RSA modulus, 2048 bits.
const SHORTEST_MODULUS: usize = 256;

/// Whether the text is a JSON object with a key type.
pub(super) fn is_one(text: &[u8]) -> bool {
    text.starts_with(b"{") && Document::parse(text).is_ok_and(|document| document.pointer("/kty").is_some())
}

/// The key under each of the algorithms that it can serve.
pub(super) fn keys(text: &[u8], algorithms: &[Algorithm], purpose: Purpose) -> Result<Keys, KeyFault> {
    let document = Document::parse(text).map_err(|_| KeyFault::NoDocument)?;
    let jwk = Jwk(&document);
    if jwk.text("use").is_some_and(|used| used != "sig") {
        return Err(KeyFault::Unfit);
    }
    if purpose == Purpose::Sign && !jwk.has("/d") {
        return Err(KeyFault::NotPrivate);
    }
    let stated = jwk.text("alg");
    let fits = |algorithm: &&Algorithm| stated.as_deref().is_none_or(|stated| names(**algorithm).contains(&stated));
    let read = |algorithm: &Algorithm| Some((*algorithm, Arc::new(jwk.key(*algorithm, purpose)?)));
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

struct Jwk<'d>(&'d Document<'d>);

impl Jwk<'_> {
    fn has(&self, pointer: &str) -> bool {
        self.0.pointer(pointer).is_some()
    }

    fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.0.pointer(&format!("/{name}"))? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    fn bytes(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        BASE64_URL_SAFE_NO_PAD.decode(self.text(name)?.as_bytes()).ok().map(Zeroizing::new)
    }

    fn key(&self, algorithm: Algorithm, purpose: Purpose) -> Option<AsymmetricKey> {
        match (algorithm, &*self.text("kty")?, self.text("crv").as_deref()) {
            (Algorithm::Ed25519, "OKP", Some("Ed25519")) => self.ed25519(purpose),
            (Algorithm::EcdsaP256Sha256, "EC", Some("P-256")) => {
                self.ecdsa(algorithm, 32, &ECDSA_P256_SHA256_FIXED_SIGNING, purpose)
            }
            (Algorithm::EcdsaP384Sha384, "EC", Some("P-384")) => {
                self.ecdsa(algorithm, 48, &ECDSA_P384_SHA384_FIXED_SIGNING, purpose)
            }
            (Algorithm::RsaPssSha512, "RSA", None) => self.rsa(&RSA_PSS_2048_8192_SHA512, purpose),
            (Algorithm::RsaV15Sha256, "RSA", None) => self.rsa(&RSA_PKCS1_2048_8192_SHA256, purpose),
            _ => None,
        }
    }

    fn ed25519(&self, purpose: Purpose) -> Option<AsymmetricKey> {
        let public = self.bytes("x").filter(|x| x.len() == 32)?;
        match purpose {
            Purpose::Verify => self.public(Algorithm::Ed25519, &public),
            Purpose::Sign => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(&self.bytes("d")?, &public).ok()?;
                AsymmetricKey::private(Algorithm::Ed25519, Pair::Ed25519(pair))
            }
        }
    }

    /// `width`: bytes of a coordinate, which are never fewer.
    fn ecdsa(
        &self,
        algorithm: Algorithm,
        width: usize,
        signing: &'static EcdsaSigningAlgorithm,
        purpose: Purpose,
    ) -> Option<AsymmetricKey> {
        let (x, y) = (self.bytes("x")?, self.bytes("y")?);
        (x.len() == width && y.len() == width).then_some(())?;
        // An uncompressed point (SEC 1 section 2.3.3).
        let point = [&[4], x.as_slice(), y.as_slice()].concat();
        match purpose {
            Purpose::Verify => self.public(algorithm, &point),
            Purpose::Sign => {
                let pair = EcdsaKeyPair::from_private_key_and_public_key(signing, &self.bytes("d")?, &point).ok()?;
                AsymmetricKey::private(algorithm, Pair::Ecdsa(pair))
            }
        }
    }

    /// Private ones have half a dozen numbers that must agree; PEM is the form for those.
    fn rsa(&self, parameters: &'static RsaParameters, purpose: Purpose) -> Option<AsymmetricKey> {
        let (n, e) = (self.bytes("n")?, self.bytes("e")?);
        (purpose == Purpose::Verify && n.len() >= SHORTEST_MODULUS && n.first() != Some(&0)).then_some(())?;
        let components = RsaPublicKeyComponents { n: n.as_slice(), e: e.as_slice() };
        components.to_parsed_public_key(parameters).ok().map(AsymmetricKey::public)
    }

    fn public(&self, algorithm: Algorithm, bytes: &[u8]) -> Option<AsymmetricKey> {
        ParsedPublicKey::new(verification(algorithm)?, bytes).ok().map(AsymmetricKey::public)
    }
}
