//! Encrypted tokens (JWE, RFC 7516 compact), opened to the signed token inside.
//!
//! Encryption hides what a token says and proves nothing of who made it: a public key encrypts for everyone, and even a
//! shared secret says no more than that somebody has it. So what is inside must be a signed token (RFC 7519 section 5.2,
//! `cty: JWT`), which is then judged as if it had come alone; claims that are only encrypted are never believed.

use std::borrow::Cow;

use super::{
    MAX_TOKEN_BYTES, Segment, SettingsError, TokenError,
    header::{self, EncryptedHeader},
};
use crate::jose::{DecryptionKey, Sealed};

/// Which keys open encrypted tokens.
#[derive(Debug, Clone)]
pub struct Decryption {
    /// At least one; each `kid` once.
    pub keys: Vec<DecryptionKey>,
    /// Whether a token that comes without encryption is refused.
    pub required: bool,
}

impl Decryption {
    /// Whether the keys can be told apart.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let kids: Vec<_> = self.keys.iter().map(DecryptionKey::kid).collect();
        if kids.is_empty() {
            return Err(SettingsError::NoKeys);
        }
        let is_repeated = |kid: &Option<&str>| kids.iter().filter(|other| *other == kid).count() > 1;
        if kids.iter().any(is_repeated) { Err(SettingsError::TooManyKeys) } else { Ok(()) }
    }

    /// The signed token inside `token`, or itself where it is not encrypted and need not be.
    pub(super) fn open<'t>(&self, token: &'t [u8]) -> Result<Cow<'t, [u8]>, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        match (segments(token), self.required) {
            (Some(segments), _) => self.opened(segments).map(Cow::Owned),
            (None, true) => Err(TokenError::NotEncrypted),
            (None, false) => Ok(Cow::Borrowed(token)),
        }
    }

    fn opened(&self, segments: [&[u8]; 5]) -> Result<Vec<u8>, TokenError> {
        let [header, encrypted_key, nonce, ciphertext, tag] = segments;
        let EncryptedHeader { algorithm, kid } = EncryptedHeader::parse(header)?;
        let key = self.key_for(kid.as_deref()).ok_or(TokenError::UnknownKid)?;
        if key.algorithm().name() != algorithm {
            return Err(TokenError::WrongAlgorithm);
        }
        let decode = |segment| header::decode(segment, Segment::Payload).map_err(|_| TokenError::NotDecrypted);
        let sealed = Sealed {
            header,
            encrypted_key: decode(encrypted_key)?,
            nonce: decode(nonce)?,
            ciphertext: decode(ciphertext)?,
            tag: decode(tag)?,
        };
        key.open(sealed).map_err(|_| TokenError::NotDecrypted)
    }

    /// The key of a `kid`; of none, the one without, or the only one there is.
    fn key_for(&self, kid: Option<&str>) -> Option<&DecryptionKey> {
        match (kid, self.keys.as_slice()) {
            (None, [only]) => Some(only),
            (kid, keys) => keys.iter().find(|key| key.kid() == kid),
        }
    }
}

/// The five parts of a token that is encrypted; of others nothing.
pub(super) fn segments(token: &[u8]) -> Option<[&[u8]; 5]> {
    let mut parts = token.splitn(6, |byte| *byte == b'.');
    let five = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(five)
}
