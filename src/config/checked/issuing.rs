//! What is issued, to whom, and how it is asked for.

use std::{path::PathBuf, time::Duration};

use serde_json::Value;

use crate::{password::PasswordHash, scheme::Template};

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
}

/// What a claim is made of.
#[derive(Debug, Clone)]
pub enum ClaimValue {
    /// Always this.
    Json(Value),
    /// An answer template.
    Template(Template),
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
    /// What is answered: an answer template that knows `token` and `expires_in`.
    pub answer: Template,
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
