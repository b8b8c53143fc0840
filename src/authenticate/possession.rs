//! Whether the sender of a bound token has what it is bound to: a key, shown by a DPoP proof (RFC 9449), or the certificate
//! that its connection was made with (RFC 8705).

use sha2::{Digest, Sha256};

use super::{
    Desk, Replay, TokenRule,
    jwt::{HeaderValues, Proof, ProofError, ProofWanted, Thumbprint, Token, TokenError, is_dpop},
};
use crate::{http1::RequestHead, secret::are_equal};

/// What must be accepted once only, where a proof was shown for `text`, the verified `token`.
///
/// # Errors
/// The token is bound to what its sender did not show, or to less than the rule wants.
pub(super) fn check(
    rule: &TokenRule,
    token: &Token,
    text: &[u8],
    head: &RequestHead,
    desk: &Desk<'_>,
    now_millis: i64,
) -> Result<Option<Replay>, TokenError> {
    match (token.bound_certificate(), desk.certificate) {
        (None, _) if rule.certificate => return Err(TokenError::NotBoundToCertificate),
        (None, _) => {}
        (Some(bound), Some(shown)) if are_equal(&bound, shown) => {}
        (Some(_), _) => return Err(TokenError::OtherCertificate),
    }
    match (token.bound_key(), &rule.dpop, is_dpop(head)) {
        (None, None, _) => Ok(None),
        (None, Some(dpop), by_dpop) if dpop.required || by_dpop => Err(TokenError::NotBoundToKey),
        (None, Some(_), _) => Ok(None),
        // RFC 9449 section 7.1: whoever stole it would show it so.
        (Some(_), None, _) | (Some(_), Some(_), false) => Err(TokenError::ShownAsBearer),
        (Some(key), Some(_), true) => proven(rule, key, text, head, desk, now_millis).map(Some),
    }
}

fn proven(
    rule: &TokenRule,
    key: Thumbprint,
    token: &[u8],
    head: &RequestHead,
    desk: &Desk<'_>,
    now_millis: i64,
) -> Result<Replay, TokenError> {
    let values = HeaderValues::values(head, "dpop");
    let [proof] = values.as_slice() else { return Err(ProofError::NotOne.into()) };
    let dpop = rule.dpop.unwrap_or_default();
    if !desk.origin.is_public_host {
        return Err(ProofError::OtherAddress.into());
    }
    let wanted = ProofWanted {
        method: head.method(),
        scheme: desk.origin.scheme,
        authority: desk.origin.authority,
        path: head.path(),
        token,
        key,
        now_unix: now_millis.div_euclid(1000),
        past: dpop.past,
        future: dpop.future,
    };
    let proof = Proof::verify(proof, &wanted)?;
    let seconds = |time: std::time::Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let millis = |unix: i64| unix.saturating_mul(1000);
    Ok(Replay {
        digest: digest(&key, &proof.id),
        // To the end of the last second in which it is fresh.
        until_millis: millis(proof.issued.saturating_add(seconds(dpop.past)).saturating_add(1)),
        since_millis: millis(proof.issued.saturating_sub(seconds(dpop.future))),
        may_go_unchecked: rule.may_go_unchecked,
    })
}

/// A proof is one of a kind by its key and `jti`. Lengths keep the parts apart.
fn digest(key: &Thumbprint, id: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in [b"dpop", key.as_slice(), id.as_bytes()] {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}
