//! Counters of what the gateway does, written by each worker for itself and added up when they are read.
//!
//! On the request's path a count is a plain load and store in memory that no other worker writes. Names and texts are
//! in `exposition`, the sums in `totals`.

mod exposition;
mod histogram;
mod issuers;
mod key_files;
mod key_sources;
mod keys;
mod replay;
mod totals;
mod worker;

use std::{
    fmt, mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use prometheus_client::registry::Registry;

pub use self::issuers::{FamilyCounts, IntrospectionCounts, IssuerCounts, KeySetCounts};
pub use self::key_files::KeyFileCounts;
pub use self::key_sources::KeySourceCounts;
pub use self::keys::KeyLabels;
pub use self::replay::{ReplayFigures, StoreFigures};
pub use self::worker::{Caller, Gauges, HandshakeFailure, Open, Outcome, TurnedAway, UpstreamOutcome, WorkerMetrics};
use self::{
    totals::Totals,
    worker::{Levels, Tables},
};
use super::sink::DroppedLines;

/// The names behind the indices that workers count by: one set for each loaded config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Routes, by the config's index.
    pub routes: Vec<String>,
    /// Schemes and token rules, by an index that the gateway gives out.
    pub callers: Vec<String>,
    /// Upstreams, by the config's index.
    pub upstreams: Vec<String>,
    /// Key sources, by the config's index.
    pub keys: Vec<KeyLabels>,
    /// Limits of rate, by an index that the gateway gives out.
    pub limits: Vec<String>,
}

/// Numbers that others keep and that are looked up when the metrics are read.
pub struct Sources {
    /// When the process started, in milliseconds since 1970.
    pub started_unix_millis: i64,
    /// The access log's count of lost lines.
    pub dropped_lines: DroppedLines,
    /// How full the replay memory is, and how its store is.
    pub replay: Box<dyn Fn() -> ReplayFigures + Send + Sync>,
    /// How many counters of rate limits are held in memory.
    pub rate_counters: Box<dyn Fn() -> u64 + Send + Sync>,
    /// How often a shared store did not decide on rates.
    pub rate_failures: Box<dyn Fn() -> u64 + Send + Sync>,
}

/// All counters of the process, over its workers and over the configs it has had.
pub struct Metrics {
    sources: Sources,
    config_loaded_unix_millis: AtomicI64,
    config_generation: AtomicU64,
    config_refused: AtomicU64,
    ledger: Mutex<Ledger>,
    key_sources: Mutex<Option<ReadKeySources>>,
    issuers: Mutex<Option<ReadIssuers>>,
}

/// Asks the running config's key sources for their counts.
type ReadKeySources = Box<dyn Fn() -> KeyCounts + Send + Sync>;

/// What key sources count themselves.
#[derive(Clone, Debug, Default)]
pub struct KeyCounts {
    /// Those that are elsewhere.
    pub elsewhere: Vec<KeySourceCounts>,
    /// Those that are files.
    pub files: Vec<KeyFileCounts>,
}

/// Asks the issuers that the running config names for their counts.
type ReadIssuers = Box<dyn Fn() -> IssuerCounts + Send + Sync>;

/// Tables in use, and the sums of those that are not any more.
#[derive(Debug, Default)]
struct Ledger {
    levels: Vec<Arc<Levels>>,
    tables: Vec<Arc<Tables>>,
    settled: Totals,
}

impl Metrics {
    /// No counts yet.
    pub fn new(sources: Sources) -> Arc<Metrics> {
        Arc::new(Metrics {
            sources,
            config_loaded_unix_millis: AtomicI64::new(0),
            config_generation: AtomicU64::new(0),
            config_refused: AtomicU64::new(0),
            ledger: Mutex::default(),
            key_sources: Mutex::default(),
            issuers: Mutex::default(),
        })
    }

    /// Counters for one worker under one config. After a reload each worker takes new ones; the counts go on, and
    /// requests that are still under way count in the old ones.
    pub fn worker(&self, labels: &Arc<Labels>) -> WorkerMetrics {
        let tables = Arc::new(Tables::new(Arc::clone(labels)));
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.settle();
        ledger.tables.push(Arc::clone(&tables));
        WorkerMetrics::new(tables)
    }

    /// What is open at one worker, under whatever config.
    pub fn gauges(&self) -> Gauges {
        let levels = Arc::<Levels>::default();
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).levels.push(Arc::clone(&levels));
        Gauges::new(levels)
    }

    /// Notes that a config was loaded, at `unix_millis`. The how manieth it is of this process, from 1.
    pub fn config_loaded(&self, unix_millis: i64) -> u64 {
        self.config_loaded_unix_millis.store(unix_millis, Ordering::Relaxed);
        self.config_generation.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Shows from now on the key sources that `read` reads: those of the config that was loaded.
    pub fn show_key_sources(&self, read: impl Fn() -> KeyCounts + Send + Sync + 'static) {
        *self.key_sources.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(read));
    }

    fn key_counts(&self) -> KeyCounts {
        let read = self.key_sources.lock().unwrap_or_else(PoisonError::into_inner);
        read.as_ref().map(|read| read()).unwrap_or_default()
    }

    /// Shows from now on the issuers that `read` reads: those of the config that was loaded.
    pub fn show_issuers(&self, read: impl Fn() -> IssuerCounts + Send + Sync + 'static) {
        *self.issuers.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(read));
    }

    fn issuers(&self) -> IssuerCounts {
        let read = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        read.as_ref().map(|read| read()).unwrap_or_default()
    }

    /// Notes that a config was offered and refused, so that the old one stays.
    pub fn config_refused(&self) {
        self.config_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A registry that shows these metrics; others may be added to it.
    pub fn registry(self: &Arc<Metrics>) -> Registry {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Arc::clone(self)));
        registry
    }

    /// The sums as they stand. Tables that no worker holds any more are settled on the way.
    fn totals(&self) -> Totals {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.settle();
        let mut totals = ledger.settled.clone();
        ledger.tables.iter().for_each(|table| totals.add(table));
        ledger.levels.iter().for_each(|levels| totals.add_levels(levels));
        totals
    }
}

impl Ledger {
    fn settle(&mut self) {
        let Ledger { tables, settled, .. } = self;
        for table in mem::take(tables) {
            // Taking it out, unlike counting its owners, also makes the last owner's writes visible here.
            match Arc::try_unwrap(table) {
                Ok(ended) => settled.add(&ended),
                Err(in_use) => tables.push(in_use),
            }
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("sources", &self.sources).finish_non_exhaustive()
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("started_unix_millis", &self.started_unix_millis).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
