//! A key that signs, with the one algorithm it is used with, and its public half for whoever verifies.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::{self, KeyPair as RsaKeyPair},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
        RSA_PSS_SHA512, RsaEncoding,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Algorithm, Key, KeyFault, KeyType, PublicKey, PublicKeyFault, ShortRsa, pem};
use crate::secret::Secret;

/// A signing key. Clones share the key itself.
#[derive(Clone)]
pub struct SigningKey {
    /// What verifies.
    key: Key,
    material: Arc<Material>,
}

enum Material {
    Secret(Box<hmac::Key>),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a document gives no signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyFault {
    /// Not the one PEM section.
    #[error("this is no PEM of one private key without a password")]
    NoDocument,
    /// The public half.
    #[error("this is a public key; the private one belongs here")]
    Public,
    /// A key of another kind than RSA, P-256, P-384 and Ed25519, or one that is broken.
    #[error("this is no private key of RSA, P-256, P-384 or Ed25519")]
    Unknown,
    /// RSA has six algorithms.
    #[error("an RSA key needs `algorithm` beside it")]
    WhichAlgorithm,
    /// The public half is weak.
    #[error("{0}")]
    PublicKey(#[from] PublicKeyFault),
    /// It is not a key of that algorithm.
    #[error("{0}")]
    Key(#[from] KeyFault),
}

impl SigningKey {
    /// A shared secret, which also verifies.
    ///
    /// # Errors
    /// It is empty, a key document, or the algorithm does not use secrets.
    pub fn secret(kid: Option<String>, algorithm: Algorithm, secret: &Secret) -> Result<SigningKey, KeyFault> {
        let key = Key::secret(kid, algorithm, secret)?;
        let hmac = algorithm.hmac().ok_or(KeyFault::Unfit(algorithm))?;
        Ok(SigningKey { key, material: Arc::new(Material::Secret(Box::new(hmac::Key::new(hmac, secret.expose())))) })
    }

    /// Reads PEM of a private key: PKCS #8, or the older forms of RSA and of elliptic curves. Only an RSA key needs to be told its
    /// algorithm.
    ///
    /// # Errors
    /// [`SigningKeyFault`]
    pub fn from_pem(
        kid: Option<String>,
        algorithm: Option<Algorithm>,
        text: &[u8],
    ) -> Result<SigningKey, SigningKeyFault> {
        let der = pem::private_der(text)?;
        let (material, own) = match algorithm.map(Algorithm::key_type) {
            Some(KeyType::Secret) => return Err(unfit(algorithm)),
            Some(KeyType::Rsa) | None if is_rsa(&der) => {
                let algorithm = algorithm.ok_or(SigningKeyFault::WhichAlgorithm)?;
                (rsa_pair(&der, algorithm)?, algorithm)
            }
            _ => curve_pair(&der).ok_or(SigningKeyFault::Unknown)?,
        };
        if algorithm.is_some_and(|wanted| wanted != own) {
            return Err(unfit(algorithm));
        }
        let public = PublicKey::from_der(&material.public_bytes(), ShortRsa::Refuse)?;
        Ok(SigningKey { key: Key::public(kid, own, &public)?, material: Arc::new(material) })
    }

    /// The key that verifies what this one signs.
    pub fn verifying(&self) -> &Key {
        &self.key
    }

    /// Whether `key` takes what this signs for its own, whatever they are called: they are halves of one, or the same secret, by
    /// one algorithm.
    pub fn is_verified_by(&self, key: &Key) -> bool {
        const PROBE: &[u8] = b"are these one key?";
        key.algorithm() == self.key.algorithm()
            && self.sign(PROBE).is_some_and(|signature| key.accepts(PROBE, &signature))
    }

    /// The signature of `message`; `None` where the library finds no way. RSA takes up to milliseconds.
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &*self.material {
            Material::Secret(key) => Some(hmac::sign(key, message).as_ref().to_vec()),
            Material::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
            Material::Ecdsa(pair) => Some(pair.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec()),
            Material::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }

    /// The public half as a JWK (RFC 7517); a shared secret has none.
    pub fn public_jwk(&self) -> Option<Value> {
        let mut jwk = self.material.members()?;
        let own = jwk.as_object_mut()?;
        own.insert("use".to_owned(), json!("sig"));
        own.insert("alg".to_owned(), json!(self.key.algorithm().name()));
        if let Some(kid) = self.key.kid() {
            own.insert("kid".to_owned(), json!(kid));
        }
        Some(jwk)
    }
}

fn unfit(algorithm: Option<Algorithm>) -> SigningKeyFault {
    algorithm.map_or(SigningKeyFault::Unknown, |algorithm| KeyFault::Unfit(algorithm).into())
}

fn is_rsa(der: &[u8]) -> bool {
    RsaKeyPair::from_der(der).is_ok() || RsaKeyPair::from_pkcs8(der).is_ok()
}

fn rsa_pair(der: &[u8], algorithm: Algorithm) -> Result<Material, SigningKeyFault> {
    let pair = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der));
    let encoding = encoding(algorithm).ok_or(KeyFault::Unfit(algorithm))?;
    Ok(Material::Rsa(pair.map_err(|_| SigningKeyFault::Unknown)?, encoding))
}

fn encoding(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    Some(match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_SHA512,
        Algorithm::Ps256 => &RSA_PSS_SHA256,
        Algorithm::Ps384 => &RSA_PSS_SHA384,
        Algorithm::Ps512 => &RSA_PSS_SHA512,
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return None,
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return None,
    })
}

/// Whichever it parses as, it is: an encoded key names its curve.
fn curve_pair(der: &[u8]) -> Option<(Material, Algorithm)> {
    let ecdsa = |signing: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::from_private_key_der(signing, der).ok();
    if let Some(pair) = ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING) {
        return Some((Material::Ecdsa(pair), Algorithm::Es256));
    }
    if let Some(pair) = ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING) {
        return Some((Material::Ecdsa(pair), Algorithm::Es384));
    }
    // RFC 8410's first version holds no public key, and is what other programs write.
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok()?;
    Some((Material::Ed25519(pair), Algorithm::EdDsa))
}

impl Material {
    /// The public half as [`PublicKey::from_der`] reads it.
    fn public_bytes(&self) -> Vec<u8> {
        match self {
            Material::Secret(_) => Vec::new(),
            Material::Rsa(pair, _) => pair.public_key().as_ref().to_vec(),
            Material::Ecdsa(pair) => pair.public_key().as_ref().to_vec(),
            Material::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// What a JWK has of the public half (RFC 7518 section 6, RFC 8037 section 2).
    fn members(&self) -> Option<Value> {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Material::Secret(_) => None,
            Material::Rsa(pair, _) => {
                let key: &rsa::PublicKey = pair.public_key();
                let (n, e) = (key.modulus(), key.exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                Some(json!({ "kty": "RSA", "n": encode(n), "e": encode(e) }))
            }
            Material::Ecdsa(pair) => {
                // An uncompressed point (SEC 1 section 2.3.3).
                let (_, point) = pair.public_key().as_ref().split_first()?;
                let (x, y) = point.split_at_checked(point.len() / 2)?;
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                Some(json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) }))
            }
            Material::Ed25519(pair) => {
                Some(json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) }))
            }
        }
    }
}

/// Shows no key material.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?}, {})", self.key.kid(), self.key.algorithm().name())
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{encoding::AsDer, rsa::KeySize};
    use base64::prelude::BASE64_STANDARD;

    use super::*;
    use crate::{
        jose::{JwkSet, SetRules},
        json::Document,
    };

    fn pem(label: &str, der: &[u8]) -> Vec<u8> {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der)).into_bytes()
    }

    /// The older form of a curve's key (RFC 5915), and one of each kind as PKCS #8.
    fn documents() -> Vec<(Vec<u8>, Vec<Algorithm>)> {
        use Algorithm::*;
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let ed25519 = Ed25519KeyPair::generate().unwrap();
        let rsa: aws_lc_rs::encoding::Pkcs8V1Der<'_> = rsa.as_der().unwrap();
        vec![
            (pem("PRIVATE KEY", rsa.as_ref()), vec![Rs256, Rs384, Rs512, Ps256, Ps384, Ps512]),
            (pem("PRIVATE KEY", p256.to_pkcs8v1().unwrap().as_ref()), vec![Es256]),
            (pem("EC PRIVATE KEY", p384.private_key().as_der().unwrap().as_ref()), vec![Es384]),
            (pem("PRIVATE KEY", ed25519.to_pkcs8v1().unwrap().as_ref()), vec![EdDsa]),
        ]
    }

    #[test]
    fn what_a_key_signs_its_public_half_verifies_also_where_it_was_published() {
        for (text, algorithms) in documents() {
            for algorithm in algorithms {
                let key = SigningKey::from_pem(Some("k1".to_owned()), Some(algorithm), &text).unwrap();
                let signature = key.sign(b"message").unwrap();
                assert!(key.verifying().accepts(b"message", &signature), "{algorithm:?}");
                assert!(!key.verifying().accepts(b"massage", &signature), "{algorithm:?}");
                let set = json!({ "keys": [key.public_jwk().unwrap()] }).to_string();
                let rules =
                    SetRules { algorithms: Algorithm::ALL.to_vec(), secrets: false, short_rsa: ShortRsa::Refuse };
                let set = JwkSet::parse(set.as_bytes(), &rules).unwrap();
                let published = &set.keys[0];
                assert_eq!((published.kid(), published.algorithm()), (Some("k1"), algorithm));
                assert!(published.accepts(b"message", &signature), "{algorithm:?}");
            }
        }
    }

    #[test]
    fn a_key_is_used_with_an_algorithm_of_its_own_alone() {
        for (text, algorithms) in documents() {
            for algorithm in Algorithm::ALL {
                let key = SigningKey::from_pem(None, Some(algorithm), &text);
                assert_eq!(key.is_ok(), algorithms.contains(&algorithm), "{algorithm:?} {algorithms:?}");
            }
            let implied = SigningKey::from_pem(None, None, &text).map(|key| key.verifying().algorithm());
            match algorithms.as_slice() {
                [only] => assert_eq!(implied.unwrap(), *only),
                _ => assert_eq!(implied.unwrap_err(), SigningKeyFault::WhichAlgorithm),
            }
        }
    }

    #[test]
    fn a_secret_signs_is_never_published_and_nothing_is_shown() {
        let secret = Secret::new(b"0123456789abcdef0123456789abcdef".to_vec());
        let key = SigningKey::secret(None, Algorithm::Hs256, &secret).unwrap();
        assert!(key.verifying().accepts(b"message", &key.sign(b"message").unwrap()));
        assert!(key.public_jwk().is_none());
        assert_eq!(format!("{key:?}"), "SigningKey(None, HS256)");
        assert!(SigningKey::secret(None, Algorithm::Es256, &secret).is_err());
    }

    #[test]
    fn a_published_key_has_no_private_member() {
        for (text, algorithms) in documents() {
            let jwk = SigningKey::from_pem(None, algorithms.first().copied(), &text).unwrap().public_jwk().unwrap();
            let text = jwk.to_string();
            let document = Document::parse(text.as_bytes()).unwrap();
            for private in ["/d", "/p", "/q", "/dp", "/dq", "/qi", "/k"] {
                assert!(document.pointer(private).is_none(), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_private_key_is_told_apart() {
        let public = include_bytes!("../../tests/config/cert.pem");
        assert_eq!(SigningKey::from_pem(None, None, public).unwrap_err(), SigningKeyFault::Public);
        for text in ["", "hunter2", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN X-----\nAAAA\n-----END X-----\n"] {
            let fault = SigningKey::from_pem(None, None, text.as_bytes()).unwrap_err();
            assert_eq!(fault, SigningKeyFault::NoDocument, "{text}");
        }
        assert_eq!(
            SigningKey::from_pem(None, None, &pem("PRIVATE KEY", &[0; 64])).unwrap_err(),
            SigningKeyFault::Unknown
        );
    }
}
