//! Revocations in memory: what is asked of them at each request.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use super::entry::{By, Line, Revocation, Revoked, Whose};

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

/// As many as leave the list under one lock: so long requests wait at most.
const AT_ONCE: usize = 256;

/// A bounded set of revocations. A look-up locks it for reading, and only while there is anything in it. Who changes it is alone
/// in that: the file is locked, or nobody else knows of the list yet.
#[derive(Debug)]
pub(super) struct List {
    /// How many there are, readable without the lock: most gateways have none.
    count: AtomicUsize,
    entries: RwLock<HashMap<Revoked, Revocation>>,
    /// None is over before this, in seconds since 1970: until then nobody need look for one.
    earliest_end: AtomicI64,
    capacity: usize,
}

impl List {
    pub(super) fn new(capacity: usize) -> List {
        let (count, earliest_end) = (AtomicUsize::new(0), AtomicI64::new(i64::MAX));
        List { count, entries: RwLock::default(), earliest_end, capacity }
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

    /// What stands of that name: one that is over does not, though it may not have left the list yet.
    pub(super) fn entry(&self, revoked: &Revoked, now_unix: i64) -> Option<Revocation> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(revoked).filter(|entry| !entry.is_over(now_unix)).cloned()
    }

    /// Whether there is room for `revocation`, once what is over has gone.
    pub(super) fn has_room(&self, revocation: &Revocation, by: By, now_unix: i64) -> bool {
        let most = match by {
            By::Operator => self.capacity,
            By::Holder => self.capacity - self.capacity / 10,
        };
        if self.len() >= most && self.earliest_end.load(Ordering::Relaxed) < now_unix {
            self.forget_what_is_over(now_unix);
        }
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.len() < most || entries.contains_key(&revocation.revoked)
    }

    /// Looks through all of them, at most once a second: afterwards none is over before the next. Requests go on meanwhile.
    fn forget_what_is_over(&self, now_unix: i64) {
        let (over, earliest_end) = self.over(now_unix);
        for some in over.chunks(AT_ONCE) {
            let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
            for revoked in some {
                entries.remove(revoked);
            }
            self.count.store(entries.len(), Ordering::Relaxed);
        }
        self.earliest_end.store(earliest_end, Ordering::Relaxed);
    }

    /// What is over, and the earliest end of what is not.
    fn over(&self, now_unix: i64) -> (Vec<Revoked>, i64) {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let (mut over, mut earliest_end) = (Vec::new(), i64::MAX);
        for entry in entries.values() {
            if entry.is_over(now_unix) {
                over.push(entry.revoked.clone());
            } else {
                earliest_end = earliest_end.min(entry.until_unix.unwrap_or(i64::MAX));
            }
        }
        (over, earliest_end)
    }

    /// Takes on what stands in a file's line, where it is not over; whether there is room for it.
    pub(super) fn take(&self, line: Line, now_unix: i64) -> bool {
        let revocation = match line {
            Line::Revoked(revocation) => revocation,
            Line::Lifted(revoked) => {
                self.remove(&revoked);
                return true;
            }
        };
        let is_over = revocation.is_over(now_unix);
        let has_room = is_over || self.has_room(&revocation, By::Operator, now_unix);
        if has_room && !is_over {
            self.put(match self.entry(&revocation.revoked, now_unix) {
                Some(known) => known.joined(&revocation),
                None => revocation,
            });
        }
        has_room
    }

    /// Has it stand under its name, and nothing else.
    pub(super) fn put(&self, standing: Revocation) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        self.earliest_end.fetch_min(standing.until_unix.unwrap_or(i64::MAX), Ordering::Relaxed);
        entries.insert(standing.revoked.clone(), standing);
        self.count.store(entries.len(), Ordering::Relaxed);
    }

    pub(super) fn remove(&self, revoked: &Revoked) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.remove(revoked);
        self.count.store(entries.len(), Ordering::Relaxed);
    }

    /// What nobody looks for before.
    #[cfg(test)]
    pub(super) fn earliest_end(&self) -> i64 {
        self.earliest_end.load(Ordering::Relaxed)
    }

    /// All that stand, in no order.
    pub(super) fn standing(&self, now_unix: i64) -> Vec<Revocation> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.values().filter(|entry| !entry.is_over(now_unix)).cloned().collect()
    }
}

impl Revocation {
    /// Of two on the same thing both hold: the later moment, the longer time. What a holder wanted once nobody lifts.
    pub(super) fn joined(&self, later: &Revocation) -> Revocation {
        let until = |revocation: &Revocation| revocation.until_unix.unwrap_or(i64::MAX);
        let longer = if until(self) > until(later) { self } else { later };
        Revocation {
            before_unix: self.before_unix.max(later.before_unix),
            until_unix: longer.until_unix,
            by: if self.by == By::Holder { By::Holder } else { later.by },
            ..later.clone()
        }
    }
}
