//! HMAC (RFC 2104): keys with their two hash states computed once, and how a MAC is written as text.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac, digest::Key};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::{Algorithm, Encoding};
use crate::secret::Secret;

/// The longest MAC, that of HMAC-SHA-512.
const LONGEST: usize = 64;

/// A key made ready: cloning it starts a MAC without hashing the key again.
#[derive(Clone)]
pub struct MacKey(State);

#[derive(Clone)]
enum State {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

impl MacKey {
    /// Prepares a key. Any length works (RFC 2104 section 3); empty and short ones are the config's concern.
    pub fn new(algorithm: Algorithm, secret: &Secret) -> MacKey {
        let secret = secret.expose();
        MacKey(match algorithm {
            Algorithm::HmacSha1 => State::Sha1(keyed::<_, Sha1>(secret)),
            Algorithm::HmacSha256 => State::Sha256(keyed::<_, Sha256>(secret)),
            Algorithm::HmacSha384 => State::Sha384(keyed::<_, Sha384>(secret)),
            Algorithm::HmacSha512 => State::Sha512(keyed::<_, Sha512>(secret)),
        })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Tag {
        match self.0 {
            State::Sha1(state) => Tag::new(&state.finalize().into_bytes()),
            State::Sha256(state) => Tag::new(&state.finalize().into_bytes()),
            State::Sha384(state) => Tag::new(&state.finalize().into_bytes()),
            State::Sha512(state) => Tag::new(&state.finalize().into_bytes()),
        }
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(…)")
    }
}

/// A MAC's bytes, on the stack.
#[derive(Clone, Copy)]
pub(super) struct Tag {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Tag {
    /// Longer input is cut, which no caller does.
    fn new(bytes: &[u8]) -> Tag {
        let length = bytes.len().min(LONGEST);
        let mut tag = Tag { bytes: [0; LONGEST], length };
        tag.bytes[..length].copy_from_slice(&bytes[..length]);
        tag
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// In a time that depends on the lengths alone.
    pub(super) fn equals(&self, other: &Tag) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }

    /// Reads a MAC of exactly this algorithm's length in exactly this spelling; truncated ones are refused.
    pub(super) fn decode(text: &[u8], encoding: Encoding, algorithm: Algorithm) -> Option<Tag> {
        // Base64 decoders want room for whole groups of three.
        let mut buffer = [0_u8; LONGEST + 2];
        let length = match encoding {
            Encoding::Hex => unhex(text, u8::is_ascii_uppercase, &mut buffer)?,
            Encoding::HexUpper => unhex(text, u8::is_ascii_lowercase, &mut buffer)?,
            Encoding::Base64 => BASE64_STANDARD.decode_slice(text, &mut buffer).ok()?,
            Encoding::Base64Url => BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut buffer).ok()?,
        };
        (length == algorithm.length()).then(|| Tag::new(&buffer[..length]))
    }

    pub(super) fn encode(&self, encoding: Encoding) -> String {
        match encoding {
            Encoding::Hex => hex::encode(self.as_bytes()),
            Encoding::HexUpper => hex::encode_upper(self.as_bytes()),
            Encoding::Base64 => BASE64_STANDARD.encode(self.as_bytes()),
            Encoding::Base64Url => BASE64_URL_SAFE_NO_PAD.encode(self.as_bytes()),
        }
    }
}

impl fmt::Debug for Tag {
    /// Neither claimed nor computed MACs belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({} bytes)", self.length)
    }
}

impl Algorithm {
    /// Length of the MAC in bytes.
    pub fn length(self) -> usize {
        match self {
            Algorithm::HmacSha1 => 20,
            Algorithm::HmacSha256 => 32,
            Algorithm::HmacSha384 => 48,
            Algorithm::HmacSha512 => 64,
        }
    }

    /// The name as the config writes it.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::HmacSha1 => "hmac-sha1",
            Algorithm::HmacSha256 => "hmac-sha256",
            Algorithm::HmacSha384 => "hmac-sha384",
            Algorithm::HmacSha512 => "hmac-sha512",
        }
    }
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

/// What each byte is worth as a hexadecimal digit; more than 15 for one that is none.
const DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        digits[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

fn unhex(text: &[u8], is_wrong_case: fn(&u8) -> bool, buffer: &mut [u8]) -> Option<usize> {
    let out = buffer.get_mut(..text.len() / 2)?;
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let mut wrong = false;
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        let (high, low) = (DIGITS[usize::from(*high)], DIGITS[usize::from(*low)]);
        wrong |= high > 15 || low > 15;
        *byte = high << 4 | low;
    }
    wrong |= text.iter().any(is_wrong_case);
    (!wrong).then_some(text.len() / 2)
}
