//! HMAC (RFC 2104): its two hash states, computed once a key.

use hmac::{Hmac, KeyInit, Mac as _, digest::Key};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroize;

use super::{Algorithm, tag::Tag};

/// A MAC that is made ready or under way. Cloning one starts another without hashing the key again.
#[derive(Clone)]
pub(super) enum Mac {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

impl Mac {
    /// Any length of a secret works (RFC 2104 section 3). `None` for an algorithm that is no HMAC.
    pub(super) fn new(algorithm: Algorithm, secret: &[u8]) -> Option<Mac> {
        Some(match algorithm {
            Algorithm::HmacSha1 => Mac::Sha1(keyed::<_, Sha1>(secret)),
            Algorithm::HmacSha256 => Mac::Sha256(keyed::<_, Sha256>(secret)),
            Algorithm::HmacSha384 => Mac::Sha384(keyed::<_, Sha384>(secret)),
            Algorithm::HmacSha512 => Mac::Sha512(keyed::<_, Sha512>(secret)),
            Algorithm::Ed25519 | Algorithm::EcdsaP256Sha256 | Algorithm::EcdsaP384Sha384 => return None,
            Algorithm::RsaPssSha512 | Algorithm::RsaV15Sha256 => return None,
        })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Mac::Sha1(state) => state.update(bytes),
            Mac::Sha256(state) => state.update(bytes),
            Mac::Sha384(state) => state.update(bytes),
            Mac::Sha512(state) => state.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Tag {
        match self {
            Mac::Sha1(state) => Tag::new(&state.finalize().into_bytes()),
            Mac::Sha256(state) => Tag::new(&state.finalize().into_bytes()),
            Mac::Sha384(state) => Tag::new(&state.finalize().into_bytes()),
            Mac::Sha512(state) => Tag::new(&state.finalize().into_bytes()),
        }
    }
}

/// The digest that `algorithm` is made of, of `parts` one behind the other; `None` for an algorithm that is no HMAC.
pub(super) fn digest(algorithm: Algorithm, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let whole = parts.concat();
    Some(match algorithm {
        Algorithm::HmacSha1 => Sha1::digest(whole).to_vec(),
        Algorithm::HmacSha256 => Sha256::digest(whole).to_vec(),
        Algorithm::HmacSha384 => Sha384::digest(whole).to_vec(),
        Algorithm::HmacSha512 => Sha512::digest(whole).to_vec(),
        Algorithm::Ed25519 | Algorithm::EcdsaP256Sha256 | Algorithm::EcdsaP384Sha384 => return None,
        Algorithm::RsaPssSha512 | Algorithm::RsaV15Sha256 => return None,
    })
}

/// A key of exactly one block, so that there is no length that could be refused: RFC 2104 section 2 pads and hashes so.
fn keyed<M: KeyInit, D: Digest>(secret: &[u8]) -> M {
    let mut block = Key::<M>::default();
    if secret.len() <= block.len() {
        block[..secret.len()].copy_from_slice(secret);
    } else {
        let digest = D::digest(secret);
        block[..digest.len()].copy_from_slice(&digest);
    }
    let state = M::new(&block);
    block.as_mut_slice().zeroize();
    state
}
