//! Revocations in memory: what is asked of them at each request.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::entry::{Revocation, Revoked, Whose};

/// What of a verified request can be revoked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown<'a> {
    /// The key id of a signature, or the `kid` of a token.
    pub key_id: Option<&'a str>,
    /// Who it is from.
    pub subject: Option<&'a str>,
    /// What its token says, where it has one.
    pub token: Option<ShownToken<'a>>,
}

/// What of a token can be revoked.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShownToken<'a> {
    /// The name of the `tokens` entry that believed it.
    pub tokens: Option<&'a str>,
    /// `jti`.
    pub jti: Option<&'a str>,
    /// `sub`.
    pub subject: Option<&'a str>,
    /// `iat`, in seconds since 1970, as exact as it was written.
    pub issued_unix: Option<f64>,
}

/// A bounded set of revocations. A look-up locks it for reading, and only while there is anything in it.
#[derive(Debug)]
pub(super) struct List {
    /// How many there are, readable without the lock: most gateways have none.
    count: AtomicUsize,
    entries: RwLock<HashMap<Revoked, Revocation>>,
    capacity: usize,
}

impl List {
    pub(super) fn new(capacity: usize) -> List {
        List { count: AtomicUsize::new(0), entries: RwLock::default(), capacity }
    }

    /// Whether anything is revoked at all: one relaxed load.
    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// What of `shown` is revoked, if anything is.
    pub(super) fn find(&self, shown: &Shown<'_>, now_unix: i64) -> Option<Revoked> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let stands = |revoked: Revoked| entries.get(&revoked).filter(|entry| !entry.is_over(now_unix));
        let named = |text: Option<&str>, kind: fn(String) -> Revoked| stands(kind(text?.to_owned()));
        let token = shown.token.unwrap_or_default();
        let older = |whose: Option<Whose>| {
            let entry = stands(Revoked::IssuedBefore(whose?))?;
            // One that does not say how old it is may be older.
            token.issued_unix.is_none_or(|issued| issued < entry.before_unix as f64).then_some(entry)
        };
        let of_any = || {
            named(shown.key_id, Revoked::KeyId)
                .or_else(|| named(shown.subject, Revoked::Subject))
                .or_else(|| named(token.subject, Revoked::Subject))
                .or_else(|| named(token.jti, Revoked::Jti))
        };
        let of_token = || {
            shown.token?;
            older(Some(Whose::All))
                .or_else(|| older(token.tokens.map(|name| Whose::Tokens(name.to_owned()))))
                .or_else(|| older(token.subject.map(|subject| Whose::Subject(subject.to_owned()))))
        };
        of_any().or_else(of_token).map(|entry| entry.revoked.clone())
    }

    /// Whether an entry says already all that `revocation` says.
    pub(super) fn covers(&self, revocation: &Revocation) -> bool {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(&revocation.revoked).is_some_and(|known| known.covers(revocation))
    }

    /// Whether there is room for `revocation`, once what is over has gone.
    pub(super) fn has_room(&self, revocation: &Revocation, now_unix: i64) -> bool {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.capacity {
            entries.retain(|_, entry| !entry.is_over(now_unix));
            self.count.store(entries.len(), Ordering::Relaxed);
        }
        entries.len() < self.capacity || entries.contains_key(&revocation.revoked)
    }

    /// Adds it. Of two on the same thing both hold: the later moment, the longer time.
    pub(super) fn add(&self, revocation: Revocation) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let joined = match entries.get(&revocation.revoked) {
            Some(known) => known.joined(&revocation),
            None => revocation,
        };
        entries.insert(joined.revoked.clone(), joined);
        self.count.store(entries.len(), Ordering::Relaxed);
    }

    /// All that stand, in the order of what they name.
    pub(super) fn all(&self, now_unix: i64) -> Vec<Revocation> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = entries.values().filter(|entry| !entry.is_over(now_unix)).cloned().collect();
        all.sort_by(|one, other| one.revoked.cmp(&other.revoked));
        all
    }
}

impl Revocation {
    fn joined(&self, later: &Revocation) -> Revocation {
        let until = |revocation: &Revocation| revocation.until_unix.unwrap_or(i64::MAX);
        let longer = if until(self) > until(later) { self } else { later };
        Revocation {
            before_unix: self.before_unix.max(later.before_unix),
            until_unix: longer.until_unix,
            ..later.clone()
        }
    }
}
