//! Which of a key's secrets clients still sign with, so that an old one can be taken away when nobody does.
//!
//! By key source and place, never by id: clients cannot add a series.

use std::collections::BTreeMap;

use super::{Labels, worker::Counter};

/// A key source's name and what its secrets are called, by their place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyLabels {
    /// The source's.
    pub source: String,
    /// Of each secret that an id may have.
    pub secrets: Vec<String>,
}

/// One secret's uses, as one worker saw them.
#[derive(Debug, Default)]
pub(super) struct KeyUses {
    count: Counter,
    last_unix_millis: Counter,
}

/// The same over all workers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyUseTotals {
    pub(super) count: u64,
    pub(super) last_unix_millis: u64,
}

/// By source and secret.
pub(super) type KeyTotals = BTreeMap<(String, String), KeyUseTotals>;

/// Rows for each source and each of its secrets.
pub(super) fn rows(labels: &Labels) -> Box<[Box<[KeyUses]>]> {
    labels.keys.iter().map(|keys| keys.secrets.iter().map(|_| KeyUses::default()).collect()).collect()
}

impl KeyUses {
    pub(super) fn note(&self, unix_millis: i64) {
        self.count.add(1);
        self.last_unix_millis.set(u64::try_from(unix_millis).unwrap_or_default());
    }
}

/// Adds what one worker saw.
pub(super) fn add(labels: &Labels, rows: &[Box<[KeyUses]>], totals: &mut KeyTotals) {
    for (keys, uses) in labels.keys.iter().zip(rows) {
        for (secret, uses) in keys.secrets.iter().zip(uses).filter(|(_, uses)| uses.count.read() > 0) {
            let total = totals.entry((keys.source.clone(), secret.clone())).or_default();
            total.count += uses.count.read();
            total.last_unix_millis = total.last_unix_millis.max(uses.last_unix_millis.read());
        }
    }
}
