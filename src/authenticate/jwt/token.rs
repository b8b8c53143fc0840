//! A token that was verified. Nothing but a verifier makes one.

use std::{borrow::Cow, fmt};

use super::{
    Thumbprint,
    binding::Confirmation,
    claims::{self, Times},
};
use crate::json::{Document, Value};

/// The proof that a token was genuine and kept the rules, and what it says.
pub struct Token {
    pub(super) kid: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) jti: Option<String>,
    pub(super) times: Times,
    pub(super) confirmation: Option<Confirmation>,
    pub(super) claims: Document<'static>,
}

impl Token {
    /// `sub`; without control characters.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// `jti`.
    pub fn jti(&self) -> Option<&str> {
        self.jti.as_deref()
    }

    /// `exp` in seconds since 1970, a fraction rounded up.
    pub fn expires(&self) -> Option<i64> {
        self.times.expires
    }

    /// `iat` in seconds since 1970, a fraction rounded up.
    pub fn issued(&self) -> Option<i64> {
        self.times.issued
    }

    /// The `kid` of the key that verified it, whether or not the token named it: so a key that is revoked is known by
    /// what it signed.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether it is good only with what it is bound to.
    pub fn is_bound(&self) -> bool {
        self.confirmation.is_some()
    }

    /// The key that it is bound to (`jkt` of `cnf`).
    pub fn bound_key(&self) -> Option<Thumbprint> {
        self.confirmation.and_then(|confirmation| confirmation.key)
    }

    /// The certificate that it is bound to (`x5t#S256` of `cnf`).
    pub fn bound_certificate(&self) -> Option<Thumbprint> {
        self.confirmation.and_then(|confirmation| confirmation.certificate)
    }

    /// A claim as text: a string as it is, a number as it was written, a boolean as `true` or `false`, an array or
    /// object as compact JSON. A name that starts with `/` is a JSON pointer (RFC 6901). Null is absent.
    pub fn claim(&self, name: &str) -> Option<Cow<'_, str>> {
        match claims::find(&self.claims, name)? {
            Value::Null => None,
            Value::String(text) => Some(text),
            Value::Number(text) => Some(Cow::Borrowed(text)),
            Value::Bool(bool) => Some(Cow::Borrowed(if bool { "true" } else { "false" })),
            compound @ (Value::Array(_) | Value::Object(_)) => Some(Cow::Owned(compound.to_string())),
        }
    }

    /// Whether it was given that scope: a word of `scope` (RFC 6749 section 3.3, RFC 9068 section 2.2.3) or of `scp`, which
    /// some issuers write instead; either may be a list.
    pub fn has_scope(&self, wanted: &str) -> bool {
        ["scope", "scp"].into_iter().any(|name| match claims::find(&self.claims, name) {
            Some(Value::String(words)) => words.split(' ').any(|word| word == wanted),
            Some(Value::Array(list)) => list.iter().any(|one| one.into_string().is_some_and(|one| one == wanted)),
            None | Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => false,
        })
    }

    /// Bytes of memory it takes, about.
    pub(super) fn memory(&self) -> usize {
        let texts = [&self.kid, &self.subject, &self.jti];
        size_of::<Token>() + self.claims.memory() + texts.into_iter().flatten().map(String::capacity).sum::<usize>()
    }
}

/// Claims are personal; they do not belong in a log.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
