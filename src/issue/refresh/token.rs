//! The form of a refresh token: the family's id, 128 bits, and 256 random bits that are good once.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{Grant, RefreshFault};
pub(super) use crate::store::families::FamilyId;
/// SHA-256 of what is good once. It is random itself, so nothing slower is needed.
pub(super) use crate::store::families::TokenHash as SecretHash;
use crate::store::families::{Holder, OF_HOLDER};

const SECRET: usize = 32;

/// What is written as a token and is none: it stands for one that is yet to come.
pub(in crate::issue) const STAND_IN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A token that was just made.
pub(super) struct Fresh {
    pub(super) token: String,
    pub(super) hash: SecretHash,
}

/// A new id. Whoever knows the subject knows half of it, and the other half is still more than anybody guesses.
pub(super) fn family_id(holder: &Holder) -> Result<FamilyId, RefreshFault> {
    let mut id = FamilyId::default();
    let (common, own) = id.split_at_mut(OF_HOLDER);
    common.iter_mut().zip(holder).for_each(|(byte, of_holder)| *byte = *of_holder);
    getrandom::fill(own).map_err(|_| RefreshFault::NoRandomness)?;
    Ok(id)
}

/// Whose the family is that is granted `grant`. One name may be two people at two issuers; the length keeps the two apart.
pub(super) fn holder(grant: &Grant) -> Holder {
    let length = u64::try_from(grant.issuer.len()).unwrap_or(u64::MAX);
    let hash = Sha256::new_with_prefix(length.to_be_bytes());
    hash.chain_update(grant.issuer.as_bytes()).chain_update(grant.subject.as_bytes()).finalize().into()
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
