//! Tokens entries of the config → verifiers, and what routes make of them.

use std::{borrow::Cow, sync::Arc};

use super::AssembleError;
use crate::{
    authenticate::{Dpop, TokenRule, jwt},
    clock::Clock,
    config::{self, OnStoreFailure, TokenFrom, TokenKeys, TokenLeg},
    gateway::publisher_book::PublisherBook,
    issue,
    message::Carrier,
};

/// One entry, its verifier built once for all routes.
pub(super) struct TokenEntry {
    verifier: Arc<jwt::Verifier>,
    from: TokenFrom,
    scope: Vec<String>,
    replay: bool,
    may_go_unchecked: bool,
    without_csrf: bool,
    leeway: std::time::Duration,
}

impl TokenEntry {
    pub(super) fn new(entry: &config::Tokens, publishers: &PublisherBook) -> Result<TokenEntry, AssembleError> {
        TokenEntry::of(entry, keys(entry, publishers))
    }

    fn of(entry: &config::Tokens, keys: jwt::Keys) -> Result<TokenEntry, AssembleError> {
        let verifier = jwt::Verifier::new(settings(entry, keys))
            .map_err(|source| AssembleError::Tokens { name: entry.name.clone(), source })?;
        Ok(TokenEntry {
            verifier: Arc::new(verifier),
            from: entry.from.clone(),
            scope: entry.scope.clone(),
            replay: entry.replay,
            may_go_unchecked: entry.on_store_failure == OnStoreFailure::Allow,
            without_csrf: entry.without_csrf,
            leeway: entry.leeway,
        })
    }

    /// What knows its tokens.
    pub(super) fn reader(&self) -> Arc<dyn issue::TokenReader> {
        Arc::new(self.verifier.clone())
    }

    /// What a route wants of it.
    pub(super) fn rule(&self, leg: &TokenLeg) -> TokenRule {
        let place = match leg.dpop {
            Some(_) => jwt::Carrier::Dpop,
            None => carrier(leg.from.as_ref().unwrap_or(&self.from)),
        };
        let dpop = |dpop: config::Dpop| Dpop { required: dpop.required, past: dpop.past, future: dpop.future };
        let rule = TokenRule::new(self.verifier.clone(), place);
        TokenRule {
            csrf: rule.csrf && !self.without_csrf,
            dpop: leg.dpop.map(dpop),
            certificate: leg.certificate,
            // What it proves it proves here: a proof is no upstream's business.
            beside: leg.dpop.map(|_| Carrier::header("dpop")),
            scope: self.scope.iter().chain(&leg.scope).cloned().collect(),
            replay: self.replay,
            may_go_unchecked: self.may_go_unchecked,
            leeway: self.leeway,
            ..rule
        }
    }
}

/// Knows what an issuer has issued, by the rules that routes believe it by.
impl issue::TokenReader for Arc<jwt::Verifier> {
    fn read(&self, token: &[u8], now_unix: i64) -> Option<issue::AccessToken> {
        let token = self.verify(token, now_unix).ok()?;
        Some(issue::AccessToken {
            jti: token.jti().map(str::to_owned),
            expires_unix: token.expires(),
            client: token.claim("client_id").map(Cow::into_owned),
        })
    }
}

/// An entry whose issuer is not in the book has a set that nothing is ever put into: it lets nobody in.
fn keys(tokens: &config::Tokens, publishers: &PublisherBook) -> jwt::Keys {
    match &tokens.keys {
        TokenKeys::Listed(keys, _) => jwt::Keys::Fixed(keys.iter().map(|key| key.key.clone()).collect()),
        TokenKeys::Published(_) => jwt::Keys::Shared(publishers.keys(&tokens.name).unwrap_or_default()),
        TokenKeys::Introspected(_) => match publishers.introspection(&tokens.name) {
            Some(server) => jwt::Keys::Asked(server),
            None => jwt::Keys::Shared(Arc::default()),
        },
    }
}

fn settings(tokens: &config::Tokens, keys: jwt::Keys) -> jwt::Settings {
    jwt::Settings {
        name: tokens.name.clone(),
        keys,
        decryption: tokens
            .decryption
            .as_ref()
            .map(|decryption| jwt::Decryption { keys: decryption.keys.clone(), required: decryption.required }),
        issuer: tokens.issuer.clone(),
        audience: tokens.audience.clone(),
        leeway: tokens.leeway,
        require_exp: tokens.require_exp,
        claims: jwt::ClaimRules {
            required: tokens.required_claims.clone(),
            equal: tokens.equal_claims.clone(),
            one_of: tokens.one_of_claims.clone(),
            contains: tokens.contained_claims.clone(),
            max_age: tokens.max_age,
            max_lifetime: tokens.max_lifetime,
        },
    }
}

/// One entry's rule by itself, with other keys than its own where some are given. Nothing is fetched for it.
///
/// # Errors
/// [`AssembleError`]
pub fn token_rule(
    config: &config::Config,
    entry: &config::Tokens,
    other_keys: Option<jwt::Keys>,
    clock: Clock,
) -> Result<TokenRule, AssembleError> {
    let publishers = PublisherBook::default().turned(config, &clock);
    let keys = other_keys.unwrap_or_else(|| keys(entry, &publishers));
    Ok(TokenEntry::of(entry, keys)?.rule(&TokenLeg::default()))
}

fn carrier(from: &TokenFrom) -> jwt::Carrier {
    match from {
        TokenFrom::Bearer => jwt::Carrier::Bearer,
        TokenFrom::Authorization => jwt::Carrier::Authorization,
        TokenFrom::Cookie(name) => jwt::Carrier::Cookie(name.clone()),
        TokenFrom::Query(name) => jwt::Carrier::Query(name.clone()),
        TokenFrom::Header(name) => jwt::Carrier::Header(name.clone()),
    }
}
