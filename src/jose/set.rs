//! A set of JSON Web Keys (RFC 7517 section 5). A key that cannot be used does not spoil the others; a set that
//! contradicts itself is refused whole.

use super::{Algorithm, Jwk, JwkFault, Key, KeyType, ShortRsa};
use crate::json::{Document, JsonError, Value};

/// Most keys of a set; a longer one is no set of one issuer's.
const MOST_KEYS: usize = 100;

/// What is taken from a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetRules {
    /// The algorithms that are accepted. An RSA key that states none is used with the first of them that is RSA's.
    pub algorithms: Vec<Algorithm>,
    /// Whether shared secrets are taken: only from a file that is as secret as they are.
    pub secrets: bool,
    /// Whether short RSA keys are.
    pub short_rsa: ShortRsa,
}

/// The keys of a set, and what was left out.
#[derive(Debug)]
pub struct JwkSet {
    /// Keys that can be used; at least one.
    pub keys: Vec<Key>,
    /// The place in the set (from 0), the `kid` where it has one, and why it is not used.
    pub skipped: Vec<(usize, Option<String>, JwkFault)>,
}

/// Why a document is not taken for a set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetFault {
    /// It is not strict JSON.
    #[error("it is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// RFC 7517 section 5.
    #[error("it has no array \"keys\"")]
    NoKeys,
    /// More keys than are looked at.
    #[error("it has more than {MOST_KEYS} keys")]
    TooMany,
    /// Secrets beside public keys: whoever may read the one may not sign with the other.
    #[error("it mixes shared secrets and public keys")]
    Mixed,
    /// None of its keys can be used; why the first cannot.
    #[error("none of its keys can be used{}", .0.map(|why| format!("; of the first {why}")).unwrap_or_default())]
    NoneUsable(Option<JwkFault>),
}

impl JwkSet {
    /// Reads a set, or one bare key.
    ///
    /// # Errors
    /// [`SetFault`]
    pub fn parse(text: &[u8], rules: &SetRules) -> Result<JwkSet, SetFault> {
        let document = Document::parse(text)?;
        let keys: Vec<Value<'_>> = match (document.pointer("/keys"), document.pointer("/kty")) {
            (Some(Value::Array(keys)), _) => keys.iter().take(MOST_KEYS + 1).collect(),
            (None, Some(_)) => vec![document.root()],
            _ => return Err(SetFault::NoKeys),
        };
        if keys.len() > MOST_KEYS {
            return Err(SetFault::TooMany);
        }
        let read = |(place, value)| {
            let jwk = Jwk::new(value);
            let kid = jwk.as_ref().ok().and_then(|jwk| jwk.text("kid")).map(|kid| kid.into_owned());
            Found { place, kid, key: jwk.and_then(|jwk| jwk.key(rules)) }
        };
        JwkSet::of(keys.into_iter().enumerate().map(read).collect())
    }

    fn of(found: Vec<Found>) -> Result<JwkSet, SetFault> {
        // Which of two was meant nobody can tell, so neither is.
        let kids: Vec<String> = found.iter().filter(|one| one.is_for_signatures()).filter_map(Found::kid).collect();
        let is_ambiguous = |kid: &Option<String>| {
            kid.as_ref().is_some_and(|kid| kids.iter().filter(|other| *other == kid).count() > 1)
        };
        let mut set = JwkSet { keys: Vec::new(), skipped: Vec::new() };
        for Found { place, kid, key } in found {
            match key {
                Ok(_) if is_ambiguous(&kid) => set.skipped.push((place, kid, JwkFault::SameKid)),
                Ok(key) => set.keys.push(key),
                Err(why) => set.skipped.push((place, kid, why)),
            }
        }
        set.checked()
    }

    fn checked(self) -> Result<JwkSet, SetFault> {
        let is_secret = |key: &Key| key.algorithm().key_type() == KeyType::Secret;
        if self.keys.iter().any(is_secret) && !self.keys.iter().all(is_secret) {
            return Err(SetFault::Mixed);
        }
        match self.skipped.first() {
            _ if !self.keys.is_empty() => Ok(self),
            first => Err(SetFault::NoneUsable(first.map(|(_, _, why)| *why))),
        }
    }
}

/// One entry of a set.
struct Found {
    place: usize,
    kid: Option<String>,
    key: Result<Key, JwkFault>,
}

impl Found {
    fn kid(&self) -> Option<String> {
        self.kid.clone()
    }

    /// Whether it was meant for what we do, be it ever so broken.
    fn is_for_signatures(&self) -> bool {
        match &self.key {
            Ok(_) => true,
            Err(why) => !why.is_other_use(),
        }
    }
}
