//! What is issued, to whom, and how it is asked for.

use std::{path::PathBuf, time::Duration};

use serde_json::Value;

use crate::{
    cookies::SameSite, issue::users::Elsewhere, password::PasswordHash, rate::Quota, scheme::Template, sql_link,
};

/// `users: { NAME: … }`
#[derive(Debug)]
pub struct Users {
    /// The name.
    pub name: String,
    /// Where they come from.
    pub source: UsersSource,
}

/// Where users come from.
#[derive(Debug)]
pub enum UsersSource {
    /// A YAML file, and who was in it when the config was read.
    File {
        /// The file.
        path: PathBuf,
        /// Who was in it.
        users: Vec<User>,
    },
    /// Somewhere else.
    Elsewhere(Box<Elsewhere>),
}

/// Somebody who may log in.
#[derive(Debug, Clone)]
pub struct User {
    /// The name.
    pub name: String,
    /// The password's hash.
    pub password: PasswordHash,
    /// Claims of their tokens: an object.
    pub claims: Value,
    /// `disabled: true`
    pub disabled: bool,
}

/// `issuers: { NAME: … }`
#[derive(Debug)]
pub struct Issuer {
    /// The name.
    pub name: String,
    /// Index into [`Config::tokens`](super::Config::tokens): the first of its keys signs, and it verifies what was issued.
    pub tokens: usize,
    /// `aud`; one that the tokens entry accepts.
    pub audience: Option<String>,
    /// From `iat` to `exp`.
    pub lifetime: Duration,
    /// More claims.
    pub claims: Vec<(String, ClaimValue)>,
    /// Refresh tokens, if there are any.
    pub refresh: Option<RefreshSettings>,
    /// The cookies that its tokens are kept in, if they are.
    pub session: Option<Session>,
}

/// `cookie:` of an issuer.
#[derive(Debug, Clone)]
pub struct Session {
    /// The cookie of the tokens entry.
    pub token: String,
    /// The one that scripts read. Default `__Host-csrf`.
    pub csrf: String,
    /// The one of refresh tokens. Default `__Host-refresh`.
    pub refresh: String,
    /// With whose requests they come back. Default strict.
    pub same_site: SameSite,
}

/// `refresh:` of an issuer.
#[derive(Debug, Clone)]
pub struct RefreshSettings {
    /// From one use to the next.
    pub lifetime: Duration,
    /// From the login on.
    pub absolute_lifetime: Duration,
    /// How long a token that was just used is refused without the family's end.
    pub grace: Duration,
    /// Where families are kept. Default: in `store`, where there is one.
    pub kept_in: KeptIn,
    /// So many families of one subject are kept in a store, at most. Default 1,000.
    pub per_subject: usize,
}

/// Where families of refresh tokens are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptIn {
    /// In this process: after a restart everybody logs in again.
    Memory,
    /// In the Redis of `store`.
    Redis,
    /// In a database.
    Sql(Box<FamilyTable>),
}

/// `kept_in: { sql: … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyTable {
    /// The database.
    pub database: sql_link::Settings,
    /// The table's name, which needs no quotes. Default `countersign_refresh_families`.
    pub table: String,
    /// The longest that a question may take. Default 1 s.
    pub timeout: Duration,
}

/// What a claim is made of.
#[derive(Debug, Clone)]
pub enum ClaimValue {
    /// Always this.
    Json(Value),
    /// An answer template.
    Template(Template),
}

/// `assertion:` of an upstream: a token for it that says who a request is from.
#[derive(Debug)]
pub struct Assertion {
    /// Index into [`Config::issuers`](super::Config::issuers), whose key signs and whose claims it has.
    pub issuer: usize,
    /// `aud`
    pub audience: String,
    /// From `iat` to `exp`. Default 60 s.
    pub lifetime: Duration,
    /// More claims; they override the issuer's.
    pub claims: Vec<(String, ClaimValue)>,
    /// Where it stands. Default `X-Countersign-Assertion`; in `Authorization` it is a bearer token.
    pub header: String,
    /// How long one is sent again with requests that would have the same. Default: half of the lifetime.
    pub reuse: Duration,
}

/// `mint:` of an upstream.
#[derive(Debug)]
pub struct Handout {
    /// Index into [`Config::issuers`](super::Config::issuers).
    pub issuer: usize,
    /// More claims; they override the issuer's.
    pub claims: Vec<(String, ClaimValue)>,
    /// What is answered: an answer template that knows `token` and `expires_in`.
    pub answer: Template,
}

/// `login:` of an upstream.
#[derive(Debug)]
pub struct Login {
    /// Index into [`Config::issuers`](super::Config::issuers).
    pub issuer: usize,
    /// Who may log in.
    pub who: Who,
    /// Where the name is: a template of the request.
    pub username: Template,
    /// What is answered: an answer template that knows `token`, `expires_in` and `refresh_token`.
    pub answer: Template,
    /// How often it may fail by one name, and from one address.
    pub throttle: (Quota, Quota),
}

/// `refresh:` of an upstream.
#[derive(Debug)]
pub struct Renewal {
    /// Index into [`Config::issuers`](super::Config::issuers), which has refresh tokens.
    pub issuer: usize,
    /// Index into [`Config::users`](super::Config::users): those who must still be there.
    pub users: Option<usize>,
    /// Where the refresh token is: a template of the request.
    pub token: Template,
    /// What is answered.
    pub answer: Template,
}

/// `logout:` of an upstream.
#[derive(Debug)]
pub struct Logout {
    /// Index into [`Config::issuers`](super::Config::issuers), which has refresh tokens.
    pub issuer: usize,
    /// Where the refresh token is: a template of the request.
    pub token: Template,
    /// Whether the token that the request was admitted by is revoked too.
    pub and_token: bool,
}

/// `token:` of an upstream.
#[derive(Debug)]
pub struct TokenEndpoint {
    /// Index into [`Config::issuers`](super::Config::issuers).
    pub issuer: usize,
    /// Clients, all of which must authenticate, where there are any.
    pub clients: Option<Registered>,
    /// Users who may have tokens.
    pub users: Option<Registered>,
    /// What may be asked with.
    pub grants: GrantTypes,
}

/// `grants:` of a token endpoint. Default: all that can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantTypes {
    /// A client's own secret.
    pub client_credentials: bool,
    /// A user's name and password.
    pub password: bool,
    /// A refresh token.
    pub refresh_token: bool,
}

/// Names with secrets, and how often those may be wrong.
#[derive(Debug, Clone, Copy)]
pub struct Registered {
    /// Index into [`Config::users`](super::Config::users).
    pub users: usize,
    /// By one name, and from one address.
    pub throttle: (Quota, Quota),
}

/// `revoke:` of an upstream.
#[derive(Debug)]
pub struct RevocationEndpoint {
    /// Index into [`Config::issuers`](super::Config::issuers).
    pub issuer: usize,
    /// Clients, all of which must authenticate, where there are any.
    pub clients: Option<Registered>,
}

/// Who may log in.
#[derive(Debug)]
pub enum Who {
    /// Users with passwords.
    Users {
        /// Index into [`Config::users`](super::Config::users).
        users: usize,
        /// Where the password is: a template of the request.
        password: Template,
    },
    /// `dangerously_without_password: true`
    Anyone,
}

impl Login {
    /// Whether it reads a body.
    pub fn reads_body(&self) -> bool {
        let password = match &self.who {
            Who::Users { password, .. } => Some(password),
            Who::Anyone => None,
        };
        let in_body = |name: String| matches!(name.as_str(), "json" | "form" | "body");
        std::iter::once(&self.username).chain(password).flat_map(Template::source_names).any(in_body)
    }
}
