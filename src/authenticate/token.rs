//! One token leg: take the token out, verify it, or find it verified before.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{
    Desk, Reason, Replay, TokenRule,
    jwt::{Token, TokenError},
    possession,
};
use crate::{cookies, http1::RequestHead, scheme::Known};

/// The token of a request, unless there is none.
pub(super) fn find<'h>(rule: &TokenRule, head: &'h RequestHead) -> Result<Option<&'h [u8]>, TokenError> {
    rule.place.find(head, head.query())
}

/// A token that is verified, and shown by whom it is for.
pub(super) struct Shown {
    pub(super) token: Arc<Token>,
    /// The proof that came with it, which must not come again.
    proof: Option<Box<Replay>>,
}

/// Verifies the token that stands in `head`.
pub(super) fn verify(rule: &TokenRule, head: &RequestHead, desk: &Desk<'_>, now_millis: i64) -> Result<Shown, Reason> {
    let text = rule.place.candidate(head, head.query())?.ok_or(Reason::Absent)?;
    let token = desk.tokens.borrow_mut().verify(&rule.verifier, text, now_millis.div_euclid(1000))?;
    let mut proof = None;
    if token.is_bound() || rule.wants_binding() {
        proof = possession::check(rule, &token, text, head, desk, now_millis)?.map(Box::new);
    }
    rule.check_scope(&token)?;
    if rule.csrf && !cookies::is_own(head, text, desk.origin.authority) {
        return Err(TokenError::CrossSite.into());
    }
    Ok(Shown { token, proof })
}

/// What must be accepted once only: the proof, and the token where the rule says so.
pub(super) fn replays(rule: &TokenRule, shown: &Shown) -> Result<impl Iterator<Item = Replay>, Reason> {
    let token = replay(rule, &shown.token)?;
    Ok(token.into_iter().chain(shown.proof.as_deref().copied()))
}

/// The `jti` as something to be accepted once. A token that has none cannot be recognised, so it is refused.
fn replay(rule: &TokenRule, token: &Token) -> Result<Option<Replay>, Reason> {
    if !rule.replay {
        return Ok(None);
    }
    let jti = token.jti().ok_or_else(|| TokenError::MissingClaim("jti".to_owned()))?;
    let mut digest = Sha256::new();
    for part in ["jwt", &rule.name, jti] {
        // Lengths keep the parts apart, whatever bytes they hold.
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let leeway = i64::try_from(rule.leeway.as_secs()).unwrap_or(i64::MAX);
    let until = token.expires().map_or(i64::MAX, |exp| exp.saturating_add(leeway).saturating_mul(1000));
    let may_go_unchecked = rule.may_go_unchecked;
    let since = token.issued().map_or(i64::MIN, |iat| iat.saturating_sub(leeway).saturating_mul(1000));
    Ok(Some(Replay { digest: digest.finalize().into(), until_millis: until, since_millis: since, may_go_unchecked }))
}

impl Known for Token {
    fn claim(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
        // What is asked for most is at hand.
        if let ("sub", Some(subject)) = (name, self.subject()) {
            return Some(subject.into());
        }
        Token::claim(self, name)
    }

    fn fact(&self, _: crate::scheme::Fact) -> Option<std::borrow::Cow<'_, str>> {
        None
    }
}
