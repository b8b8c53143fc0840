//! A signature's bytes and how they are written as text. Reading is strict: one spelling per value.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{Algorithm, Encoding};
use crate::secret::are_equal;

/// The longest signature, that of HMAC-SHA-512 and of Ed25519.
const LONGEST: usize = 64;

/// A signature's bytes, on the stack.
#[derive(Clone, Copy)]
pub(super) struct Tag {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Tag {
    /// Longer input is cut, which no caller does.
    pub(super) fn new(bytes: &[u8]) -> Tag {
        let length = bytes.len().min(LONGEST);
        let mut tag = Tag { bytes: [0; LONGEST], length };
        tag.bytes[..length].copy_from_slice(&bytes[..length]);
        tag
    }

    /// What stands in for a signature that is not computed yet.
    pub(super) fn zeros(algorithm: Algorithm) -> Tag {
        Tag { bytes: [0; LONGEST], length: algorithm.length().unwrap_or_default().min(LONGEST) }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// In a time that depends on the lengths alone.
    pub(super) fn equals(&self, other: &Tag) -> bool {
        are_equal(self.as_bytes(), other.as_bytes())
    }

    /// Reads a signature of exactly this algorithm's length in exactly this spelling; truncated ones are refused.
    pub(super) fn decode(text: &[u8], encoding: Encoding, algorithm: Algorithm) -> Option<Tag> {
        // Base64 decoders want room for whole groups of three.
        let mut buffer = [0_u8; LONGEST + 2];
        let length = match encoding {
            Encoding::Hex => unhex(text, &LOWER, &mut buffer)?,
            Encoding::HexUpper => unhex(text, &UPPER, &mut buffer)?,
            Encoding::Base64 => BASE64_STANDARD.decode_slice(text, &mut buffer).ok()?,
            Encoding::Base64Url => BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut buffer).ok()?,
        };
        (Some(length) == algorithm.length()).then(|| Tag::new(&buffer[..length]))
    }

    pub(super) fn encode(&self, encoding: Encoding) -> String {
        encoding.write(self.as_bytes())
    }
}

impl fmt::Debug for Tag {
    /// Neither claimed nor computed signatures belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({} bytes)", self.length)
    }
}

impl Encoding {
    /// Bytes as text.
    pub(super) fn write(self, bytes: &[u8]) -> String {
        match self {
            Encoding::Hex => hex::encode(bytes),
            Encoding::HexUpper => hex::encode_upper(bytes),
            Encoding::Base64 => BASE64_STANDARD.encode(bytes),
            Encoding::Base64Url => BASE64_URL_SAFE_NO_PAD.encode(bytes),
        }
    }
}

impl Algorithm {
    /// Length of the signature in bytes; `None` for RSA, whose signatures are as long as the key.
    pub fn length(self) -> Option<usize> {
        match self {
            Algorithm::HmacSha1 => Some(20),
            Algorithm::HmacSha256 => Some(32),
            Algorithm::HmacSha384 => Some(48),
            Algorithm::HmacSha512 | Algorithm::Ed25519 | Algorithm::EcdsaP256Sha256 => Some(64),
            Algorithm::EcdsaP384Sha384 => Some(96),
            Algorithm::RsaPssSha512 | Algorithm::RsaV15Sha256 => None,
        }
    }

    /// Whether one secret both signs and verifies.
    pub fn is_hmac(self) -> bool {
        match self {
            Algorithm::HmacSha1 | Algorithm::HmacSha256 | Algorithm::HmacSha384 | Algorithm::HmacSha512 => true,
            Algorithm::Ed25519 | Algorithm::EcdsaP256Sha256 | Algorithm::EcdsaP384Sha384 => false,
            Algorithm::RsaPssSha512 | Algorithm::RsaV15Sha256 => false,
        }
    }

    /// Whether dialects of the template language can use it.
    pub(super) fn is_for_dialects(self) -> bool {
        self.is_hmac() || self == Algorithm::Ed25519
    }

    /// The name as the config writes it.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::HmacSha1 => "hmac-sha1",
            Algorithm::HmacSha256 => "hmac-sha256",
            Algorithm::HmacSha384 => "hmac-sha384",
            Algorithm::HmacSha512 => "hmac-sha512",
            Algorithm::Ed25519 => "ed25519",
            Algorithm::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Algorithm::EcdsaP384Sha384 => "ecdsa-p384-sha384",
            Algorithm::RsaPssSha512 => "rsa-pss-sha512",
            Algorithm::RsaV15Sha256 => "rsa-v1_5-sha256",
        }
    }
}

/// What each byte is worth as a hexadecimal digit; more than 15 for one that is none.
const LOWER: [u8; 256] = digits(b"0123456789abcdef");
const UPPER: [u8; 256] = digits(b"0123456789ABCDEF");

const fn digits(alphabet: &[u8; 16]) -> [u8; 256] {
    let mut digits = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        digits[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    digits
}

fn unhex(text: &[u8], digits: &[u8; 256], buffer: &mut [u8]) -> Option<usize> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let out = buffer.get_mut(..pairs.len())?;
    let mut all = 0;
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        let (high, low) = (digits[usize::from(*high)], digits[usize::from(*low)]);
        all |= high | low;
        *byte = high << 4 | low;
    }
    (all <= 15).then_some(pairs.len())
}
