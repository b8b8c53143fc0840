//! One token leg: take the token out, verify it, or find it verified before; or ask what it is, where it is opaque.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{
    Desk, Reason, Replay, TokenRule,
    jwt::{Introspected, Introspection, Lookout, MAX_TOKEN_BYTES, Token, TokenError, is_bound_in_itself},
    possession,
};
use crate::{
    clock::Clock,
    cookies::{self, Site},
    http1::RequestHead,
    scheme::Known,
    soon::Soon,
};

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
    if rule.csrf && !cookies::is_own(head, text, desk.origin.site()) {
        return Err(cross_site(head).into());
    }
    Ok(Shown { token, proof })
}

fn cross_site(head: &RequestHead) -> TokenError {
    if cookies::opens_socket(head) { TokenError::ForeignOrigin } else { TokenError::CrossSite }
}

/// What must be accepted once only: the proof, and the token where the rule says so.
pub(super) fn replays(rule: &TokenRule, shown: &Shown) -> Result<impl Iterator<Item = Replay>, Reason> {
    let token = replay(rule, &shown.token)?;
    Ok(token.into_iter().chain(shown.proof.as_deref().copied()))
}

/// What `server` says of the token that stands in `head`, judged by the rule. While it is asked time goes by.
pub(super) fn ask<'a>(
    rule: &'a TokenRule,
    server: &'a dyn Introspection,
    head: &RequestHead,
    (site, clock): (Site<'_>, &Clock),
    now_millis: i64,
) -> Soon<'a, Result<Shown, Reason>> {
    let token = match find(rule, head) {
        Ok(Some(token)) if token.len() <= MAX_TOKEN_BYTES => token,
        Ok(Some(_)) => return Soon::now(Err(TokenError::TooLong.into())),
        Ok(None) => return Soon::now(Err(Reason::Absent)),
        Err(error) => return Soon::now(Err(error.into())),
    };
    if rule.csrf && !cookies::is_own(head, token, site) {
        return Soon::now(Err(cross_site(head).into()));
    }
    let digest = Sha256::digest(token).into();
    let lookout = match server.recall(&digest) {
        Some(said) => Lookout::Now(said),
        // What is remembered was asked for, so it was none of these.
        None if is_bound_in_itself(token) => return Soon::now(Err(TokenError::OtherUse("cnf").into())),
        None => server.look_up(&digest, token),
    };
    match lookout {
        Lookout::Now(said) => Soon::now(judge(rule, said, now_millis.div_euclid(1000))),
        Lookout::Later(said) => {
            let clock = clock.clone();
            Soon::later(async move { judge(rule, said.await, clock.unix()) })
        }
    }
}

/// One that is bound to something is refused: no proof of it is looked at here.
fn judge(rule: &TokenRule, said: Introspected, now_unix: i64) -> Result<Shown, Reason> {
    let answer = said.map_err(TokenError::from)?.ok_or(TokenError::NotActive)?;
    let token = rule.verifier.judge_introspected(&answer, now_unix)?;
    if token.is_bound() || rule.wants_binding() {
        return Err(TokenError::OtherUse("cnf").into());
    }
    rule.check_scope(&token)?;
    Ok(Shown { token: Arc::new(token), proof: None })
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
