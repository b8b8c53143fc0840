//! One public key, whatever document it stood in.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rsa,
    signature::{ParsedPublicKey, RsaPublicKeyComponents, VerificationAlgorithm},
};

use super::{Algorithm, KeyType, pem, rsa as numbers};

/// Bits of the shortest RSA key (RFC 7518 section 3.3).
const SHORTEST_RSA: usize = 2048;
/// Bits of the shortest that may be allowed by name.
const SHORTEST_ALLOWED_RSA: usize = 1024;

/// A public key that was found fit: its point is on its curve, its numbers are no known weakness.
#[derive(Clone)]
pub struct PublicKey {
    key_type: KeyType,
    /// Bits of an RSA modulus, else 0.
    bits: usize,
    /// A SubjectPublicKeyInfo, or the bare point.
    bytes: Vec<u8>,
}

/// Whether RSA keys of less than 2048 bits are taken; those of less than 1024 never are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortRsa {
    /// They are refused.
    Refuse,
    /// The operator said so, in a key whose name warns.
    Allow,
}

/// Why a document gives no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyFault {
    /// Not the one PEM section, nor a certificate.
    #[error("this is no PEM of one public key or certificate")]
    NoDocument,
    /// The private half.
    #[error("this is a private key; the public one belongs here")]
    Private,
    /// A key of another kind than RSA, P-256, P-384 and Ed25519, or a point that is not on its curve.
    #[error("this is no key of RSA, P-256, P-384 or Ed25519")]
    Unknown,
    /// RFC 7518 section 3.3.
    #[error("an RSA key has {SHORTEST_RSA} bits or more, and this one has {0}")]
    Short(usize),
    /// An exponent of 1, or an even one.
    #[error("the exponent of the RSA key is 1 or even")]
    Exponent,
    /// CVE-2017-15361.
    #[error("the RSA key was made by a chip whose keys can be factored (ROCA)")]
    Roca,
}

impl PublicKey {
    /// Reads PEM: a public key (RFC 5280, or RFC 8017 for RSA), or a certificate, whose dates and issuer say nothing
    /// here.
    ///
    /// # Errors
    /// [`PublicKeyFault`]
    pub fn from_pem(text: &[u8], short: ShortRsa) -> Result<PublicKey, PublicKeyFault> {
        PublicKey::from_der(&pem::public_der(text)?, short)
    }

    /// Reads a SubjectPublicKeyInfo, or RSA's own older form.
    pub(crate) fn from_der(der: &[u8], short: ShortRsa) -> Result<PublicKey, PublicKeyFault> {
        if let Ok(key) = rsa::PublicKey::from_der(der) {
            let (modulus, exponent) = (key.modulus(), key.exponent());
            let (modulus, exponent) =
                (modulus.big_endian_without_leading_zero(), exponent.big_endian_without_leading_zero());
            return PublicKey::rsa(modulus, exponent, short);
        }
        // Whichever it parses as, it is: an encoded key names its curve.
        [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa]
            .into_iter()
            .find_map(|algorithm| PublicKey::point(algorithm, der))
            .ok_or(PublicKeyFault::Unknown)
    }

    /// A point of `algorithm`'s curve, bare or as a SubjectPublicKeyInfo.
    pub(super) fn point(algorithm: Algorithm, bytes: &[u8]) -> Option<PublicKey> {
        ParsedPublicKey::new(algorithm.verification()?, bytes).ok()?;
        Some(PublicKey { key_type: algorithm.key_type(), bits: 0, bytes: bytes.to_vec() })
    }

    /// An RSA key of these numbers, big-endian without leading zeros.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8], short: ShortRsa) -> Result<PublicKey, PublicKeyFault> {
        let bits = numbers::bits(modulus);
        let shortest = if short == ShortRsa::Allow { SHORTEST_ALLOWED_RSA } else { SHORTEST_RSA };
        if bits < shortest {
            return Err(PublicKeyFault::Short(bits));
        }
        if !numbers::is_fair_exponent(exponent) {
            return Err(PublicKeyFault::Exponent);
        }
        if numbers::is_roca(modulus) {
            return Err(PublicKeyFault::Roca);
        }
        let der: Result<PublicKeyX509Der<'_>, _> = RsaPublicKeyComponents { n: modulus, e: exponent }.as_der();
        let bytes = der.map_err(|_| PublicKeyFault::Unknown)?.as_ref().to_vec();
        Ok(PublicKey { key_type: KeyType::Rsa, bits, bytes })
    }

    /// What kind of key it is.
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// Bits of an RSA modulus, where it is one.
    pub fn rsa_bits(&self) -> Option<usize> {
        (self.key_type == KeyType::Rsa).then_some(self.bits)
    }

    /// The same key, ready to check signatures of `verification`, if that is of its kind.
    pub(crate) fn under(&self, verification: &'static dyn VerificationAlgorithm) -> Option<ParsedPublicKey> {
        ParsedPublicKey::new(verification, &self.bytes).ok()
    }

    /// The bare point that a JWK gave; for other documents what they hold.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn ready_for(&self, algorithm: Algorithm) -> Option<ParsedPublicKey> {
        let verification = if self.rsa_bits().is_some_and(|bits| bits < SHORTEST_RSA) {
            algorithm.verification_of_short_rsa()
        } else {
            algorithm.verification()
        };
        self.under(verification.filter(|_| algorithm.key_type() == self.key_type)?)
    }
}

/// Public, but of no use in a log.
impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({:?})", self.key_type)
    }
}
