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

impl<'a> Shown<'a> {
    /// What a revocation of any of it would name; none where nothing of it can be revoked.
    pub(super) fn names(&self) -> impl Iterator<Item = Revoked> + use<'a> {
        let Shown { key_id, subject, token } = *self;
        let ShownToken { tokens, jti, subject: token_subject, .. } = token.unwrap_or_default();
        let named = [
            (key_id, Revoked::KeyId as fn(String) -> Revoked),
            (subject, Revoked::Subject),
            (token_subject, Revoked::Subject),
            (jti, Revoked::Jti),
            (tokens, |name| Revoked::IssuedBefore(Whose::Tokens(name))),
            (token_subject, |subject| Revoked::IssuedBefore(Whose::Subject(subject))),
        ];
        let named = named.into_iter().filter_map(|(name, kind)| Some(kind(name?.to_owned())));
        named.chain(token.map(|_| Revoked::IssuedBefore(Whose::All)))
    }
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
    /// How many there may be.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

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
        let issued_unix = shown.token.and_then(|token| token.issued_unix);
        let stands =
            |name: &Revoked| entries.get(name).filter(|entry| entry.holds_for(issued_unix, now_unix)).is_some();
        shown.names().find(stands)
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
    /// Of two on the same thing both hold: the later moment, the longer time.
    pub(super) fn joined(&self, later: &Revocation) -> Revocation {
        let until = |revocation: &Revocation| revocation.until_unix.unwrap_or(i64::MAX);
        let longer = if until(self) > until(later) { self } else { later };
        Revocation {
            before_unix: self.before_unix.max(later.before_unix),
            until_unix: longer.until_unix,
            ..later.clone()
        }
    }
}
