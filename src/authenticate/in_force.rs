//! The signature rules of the config that is in force, for requests that began under one before: what a reload shut out is not
//! good any longer because somebody sends a body slowly.
//!
//! A request keeps its own rules in all else. Nobody asks here but for a key that is looked up again once a body is there.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::SignatureRule;

/// The rules that are in force. One for the process; rules know it, and it keeps none of them alive.
#[derive(Debug, Default)]
pub struct InForce(Mutex<Option<Box<[Weak<SignatureRule>]>>>);

/// What came of a rule.
pub(super) enum Successor {
    /// It is in force itself, or nothing is yet.
    Itself,
    /// The one of that name.
    Other(Arc<SignatureRule>),
    /// There is none of that name any more.
    Gone,
}

impl InForce {
    /// Has `rules` in force, and no others.
    pub fn put(&self, rules: &[Arc<SignatureRule>]) {
        let weak = rules.iter().map(Arc::downgrade).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(weak);
    }

    pub(super) fn successor(&self, rule: &SignatureRule) -> Successor {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rules) = &*rules else { return Successor::Itself };
        if rules.iter().any(|other| std::ptr::eq(other.as_ptr(), rule)) {
            return Successor::Itself;
        }
        let named = rules.iter().filter_map(Weak::upgrade).find(|other| other.name == rule.name);
        named.map_or(Successor::Gone, Successor::Other)
    }
}
