//! Tokens: whose are believed, by which keys and rules.

use std::{path::PathBuf, time::Duration};

use http::Uri;

use super::{OnStoreFailure, Route};
use crate::{
    jose::{DecryptionKey, Key, SetRules, SigningKey},
    roots::Roots,
    secret::Secret,
};

/// `tokens: { NAME: … }`
#[derive(Debug)]
pub struct Tokens {
    /// The name.
    pub name: String,
    /// Verification keys; the algorithm is the key's, never the token's.
    pub keys: TokenKeys,
    /// Keys that open encrypted tokens, where such are accepted.
    pub decryption: Option<Decryption>,
    /// `iss` must be this.
    pub issuer: Option<String>,
    /// `aud` must hold one of these; empty: not looked at.
    pub audience: Vec<String>,
    /// Clock difference allowed on exp, nbf, iat.
    pub leeway: Duration,
    /// Whether a token without `exp` is refused.
    pub require_exp: bool,
    /// Claims that must be present.
    pub required_claims: Vec<String>,
    /// Claims that must equal a value (as JSON text: `"admin"`, `123`, `true`).
    pub equal_claims: Vec<(String, String)>,
    /// Claims that must equal one of several.
    pub one_of_claims: Vec<(String, Vec<String>)>,
    /// Claims that must hold each of several.
    pub contained_claims: Vec<(String, Vec<String>)>,
    /// Scopes that the token must have been given.
    pub scope: Vec<String>,
    /// How long ago it may have been issued.
    pub max_age: Option<Duration>,
    /// How long it may be valid, from `iat` to `exp`.
    pub max_lifetime: Option<Duration>,
    /// Where the token is, unless the route says otherwise.
    pub from: TokenFrom,
    /// `dangerously_without_csrf: true`: in a cookie it is enough by itself.
    pub without_csrf: bool,
    /// Each `jti` is accepted once.
    pub replay: bool,
    /// What becomes of a request whose claim no store can decide.
    pub on_store_failure: OnStoreFailure,
}

/// Where keys of tokens are.
#[derive(Debug)]
pub enum TokenKeys {
    /// In the config, or in files that it names; at least one. And what is accepted of a set that somebody puts in their
    /// place.
    Listed(Vec<TokenKey>, SetRules),
    /// With the issuer.
    Published(PublishedKeys),
    /// Nowhere: tokens are opaque, and a server says what they are.
    Introspected(Introspection),
}

/// `introspection: { … }`
#[derive(Debug, Clone)]
pub struct Introspection {
    /// The server's endpoint.
    pub url: Uri,
    /// Who asks.
    pub client_id: String,
    /// And proves it.
    pub client_secret: Secret,
    /// How long an answer about an active token is good. Default 30 s.
    pub ttl: Duration,
    /// How long a token counts as not active. Default 10 s.
    pub inactive_ttl: Duration,
    /// Answers that are remembered, of each kind. Default 10,000.
    pub capacity: usize,
    /// How long a call may take. Default 2 s.
    pub timeout: Duration,
    /// Whose certificates are believed; the system's where absent.
    pub roots: Option<Roots>,
}

/// Keys that are fetched.
#[derive(Debug, Clone)]
pub struct PublishedKeys {
    /// From where.
    pub from: PublishedFrom,
    /// Which of them are taken.
    pub rules: SetRules,
    /// How old a set may grow before it is fetched again. Default 10 min.
    pub refresh: Duration,
    /// The least time between two fetches. Default 30 s.
    pub cooldown: Duration,
    /// How old a set may grow when no newer one can be had. Default 24 h.
    pub stale: Duration,
    /// Where the last good set is written down.
    pub cache: Option<PathBuf>,
    /// Whose certificates are believed; the system's where absent.
    pub roots: Option<Roots>,
    /// Whether `http` is taken from others than this machine.
    pub plain: bool,
}

/// Where an issuer publishes its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishedFrom {
    /// `jwks: { url: … }`
    KeySet(Uri),
    /// `oidc: { issuer: … }`, as it is written there.
    Discovery(String),
}

/// A key that verifies tokens.
#[derive(Debug)]
pub struct TokenKey {
    /// Ready for use, with the only algorithm it is used with.
    pub key: Key,
    /// The secret it was made of, where it is one that stands in the config by itself.
    pub secret: Option<Secret>,
    /// The half that signs, where the config has it: of a secret the same key.
    pub signing: Option<SigningKey>,
}

/// `decrypt: { keys: …, required: … }`
#[derive(Debug)]
pub struct Decryption {
    /// At least one; each `kid` once.
    pub keys: Vec<DecryptionKey>,
    /// Whether a token that is not encrypted is refused.
    pub required: bool,
}

/// Where a token stands in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenFrom {
    /// `Authorization: Bearer TOKEN`
    Bearer,
    /// `Authorization: TOKEN`, bare.
    Authorization,
    /// A cookie of that name. `cookie` alone: `__Host-token`.
    Cookie(String),
    /// A query parameter of that name.
    Query(String),
    /// A header of that name, bare.
    Header(String),
}

/// What a route says of the tokens it takes, beyond their entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenLeg {
    /// Where the token is, if not where the entry says.
    pub from: Option<TokenFrom>,
    /// Scopes that it must have besides the entry's.
    pub scope: Vec<String>,
    /// Whether and how proofs of the key that it is bound to are taken.
    pub dpop: Option<Dpop>,
    /// Whether it must be bound to the client's certificate.
    pub certificate: bool,
}

/// `dpop:` of a route's token (RFC 9449).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dpop {
    /// Whether each token must be bound to a key; else one that is not is a bearer token.
    pub required: bool,
    /// How long ago a proof may have been made. Default 60 s.
    pub past: Duration,
    /// How far its sender's clock may be ahead. Default 10 s.
    pub future: Duration,
}

impl TokenKeys {
    /// Those that the config has; none of an issuer's.
    pub fn listed(&self) -> &[TokenKey] {
        match self {
            TokenKeys::Listed(keys, _) => keys,
            TokenKeys::Published(_) | TokenKeys::Introspected(_) => &[],
        }
    }

    /// What is accepted of a set; nothing where tokens are opaque.
    pub fn set_rules(&self) -> Option<&SetRules> {
        match self {
            TokenKeys::Listed(_, rules) => Some(rules),
            TokenKeys::Published(published) => Some(&published.rules),
            TokenKeys::Introspected(_) => None,
        }
    }
}

impl Route {
    /// Whether any token here may come with a proof of its key.
    pub fn takes_proofs(&self) -> bool {
        self.require.token_legs().iter().any(|leg| leg.dpop.is_some())
    }
}

impl Tokens {
    /// The key that signs what the gateway issues by this entry: the first, if it is one that can.
    pub fn signing_key(&self) -> Option<&SigningKey> {
        self.keys.listed().first()?.signing.as_ref()
    }
}
