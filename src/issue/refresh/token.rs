//! The form of a refresh token: the family's id, 128 bits, and 256 bits that are good once, both random.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::RefreshFault;
pub(super) use crate::store::families::FamilyId;
/// SHA-256 of what is good once. It is random itself, so nothing slower is needed.
pub(super) use crate::store::families::TokenHash as SecretHash;

const SECRET: usize = 32;

/// A token that was just made.
pub(super) struct Fresh {
    pub(super) token: String,
    pub(super) hash: SecretHash,
}

/// A new id.
pub(super) fn family_id() -> Result<FamilyId, RefreshFault> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|_| RefreshFault::NoRandomness)?;
    Ok(id)
}

/// A new token of that family.
pub(super) fn fresh(family: &FamilyId) -> Result<Fresh, RefreshFault> {
    let mut secret = [0; SECRET];
    getrandom::fill(&mut secret).map_err(|_| RefreshFault::NoRandomness)?;
    let token = BASE64_URL_SAFE_NO_PAD.encode([family.as_slice(), &secret].concat());
    Ok(Fresh { token, hash: Sha256::digest(secret).into() })
}

/// Family and hash of a token, if it is written as one, in the only way there is.
pub(super) fn read(token: &[u8]) -> Option<(FamilyId, SecretHash)> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == 16 + SECRET)?;
    let (family, secret) = bytes.split_first_chunk::<16>()?;
    Some((*family, Sha256::digest(secret).into()))
}
