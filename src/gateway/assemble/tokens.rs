//! Tokens entries of the config → verifiers, and what routes make of them.

use std::sync::Arc;

use super::AssembleError;
use crate::{
    authenticate::{TokenRule, jwt},
    config::{self, OnStoreFailure, TokenFrom, TokenLeg},
};

/// One entry, its verifier built once for all routes.
pub(super) struct TokenEntry {
    verifier: Arc<jwt::Verifier>,
    from: TokenFrom,
    scope: Vec<String>,
    replay: bool,
    may_go_unchecked: bool,
    leeway: std::time::Duration,
}

impl TokenEntry {
    pub(super) fn new(entry: &config::Tokens) -> Result<TokenEntry, AssembleError> {
        let verifier = jwt::Verifier::new(settings(entry))
            .map_err(|source| AssembleError::Tokens { name: entry.name.clone(), source })?;
        Ok(TokenEntry {
            verifier: Arc::new(verifier),
            from: entry.from.clone(),
            scope: entry.scope.clone(),
            replay: entry.replay,
            may_go_unchecked: entry.on_store_failure == OnStoreFailure::Allow,
            leeway: entry.leeway,
        })
    }

    /// What a route wants of it.
    pub(super) fn rule(&self, leg: &TokenLeg) -> TokenRule {
        let place = carrier(leg.from.as_ref().unwrap_or(&self.from));
        TokenRule {
            scope: self.scope.iter().chain(&leg.scope).cloned().collect(),
            replay: self.replay,
            may_go_unchecked: self.may_go_unchecked,
            leeway: self.leeway,
            ..TokenRule::new(self.verifier.clone(), place)
        }
    }
}

fn settings(tokens: &config::Tokens) -> jwt::Settings {
    jwt::Settings {
        name: tokens.name.clone(),
        keys: tokens.keys.iter().map(|key| key.key.clone()).collect(),
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

fn carrier(from: &TokenFrom) -> jwt::Carrier {
    match from {
        TokenFrom::Bearer => jwt::Carrier::Bearer,
        TokenFrom::Authorization => jwt::Carrier::Authorization,
        TokenFrom::Cookie(name) => jwt::Carrier::Cookie(name.clone()),
        TokenFrom::Query(name) => jwt::Carrier::Query(name.clone()),
        TokenFrom::Header(name) => jwt::Carrier::Header(name.clone()),
    }
}
