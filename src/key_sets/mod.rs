//! Keys that issuers of tokens publish: fetched, kept on disk, fetched again, and never on a request's way.
//!
//! Each issuer has one set, shared by all workers, and one task among the [errands](crate::errands) that keeps it fresh. A
//! set is fetched again when it is due or when a token names a key that it does not have, but never twice within a
//! cool-down, however many such tokens come. While the issuer is away, or lies, the last good set serves on, up to a limit.
//! What a token must look like is `authenticate`'s; nothing of a token is ever used to find a key.

mod cache;
mod fetch;
mod keeper;
#[cfg(test)]
mod tests;

use std::{
    fmt, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use http::Uri;

use crate::{
    authenticate::jwt::{KeySet, SharedKeys},
    clock::Clock,
    errands::Errands,
    jose::SetRules,
    outcall::{self, Client},
    roots::Roots,
};

/// Largest document that is read, in bytes: a hundred keys with their certificates.
const LARGEST_DOCUMENT: usize = 512 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where an issuer's keys are, and how they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where they are published.
    pub place: Place,
    /// Which of them are taken.
    pub rules: SetRules,
    /// How old a set may grow before it is fetched again.
    pub refresh: Duration,
    /// The least time between two fetches, whatever asks for one.
    pub cooldown: Duration,
    /// How old a set may grow when no newer one can be had.
    pub stale: Duration,
    /// The file in which the last good set outlives a restart.
    pub cache: Option<PathBuf>,
    /// The roots that are believed; `None`: the system's.
    pub roots: Option<Roots>,
    /// Whether `http` is spoken to others than this machine.
    pub plain: bool,
}

/// Where keys are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A JWK set.
    KeySet(Uri),
    /// An issuer that says itself where its set is (OpenID Connect Discovery 1.0 section 4).
    Discovery(String),
}

/// One issuer. Clones share everything.
#[derive(Clone)]
pub struct Publisher(Arc<Known>);

struct Known {
    name: String,
    settings: Settings,
    keys: Arc<SharedKeys>,
    has_begun: AtomicBool,
    standing: Standing,
    clock: Clock,
}

/// How it stands with the set.
#[derive(Debug, Default)]
struct Standing {
    /// Fetches that gave a set.
    fetched: AtomicU64,
    /// Fetches that came to nothing.
    failed: AtomicU64,
    /// When the set was fetched that serves, in milliseconds since 1970; 0 while there is none.
    since: AtomicI64,
}

impl Publisher {
    /// Reads what the cache's file has, and calls nobody yet.
    pub fn open(name: &str, settings: Settings, clock: Clock) -> Publisher {
        let keys = Arc::new(SharedKeys::default());
        let has_begun = AtomicBool::new(false);
        let known = Known { name: name.to_owned(), settings, keys, has_begun, standing: Standing::default(), clock };
        if let Some(set) = known.settings.cache.as_deref().and_then(|file| cache::read(file, &known)) {
            tracing::info!(tokens = name, "the key set comes from the cache's file");
            known.take_over(&set);
        }
        Publisher(Arc::new(known))
    }

    /// Begins to keep the set fresh, for as long as somebody reads it; once, however often it is asked.
    ///
    /// # Errors
    /// The roots cannot be read.
    pub fn begin(&self, errands: &Errands) -> io::Result<()> {
        let Known { settings, has_begun, .. } = &*self.0;
        if has_begun.load(Ordering::Relaxed) {
            return Ok(());
        }
        let calls = outcall::Settings {
            tls: settings.place.is_https(),
            roots: settings.roots.clone(),
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            largest_answer: LARGEST_DOCUMENT,
            most_calls: 1,
        };
        let client = Client::new(errands.clone(), &calls)?;
        has_begun.store(true, Ordering::Relaxed);
        errands.send(keeper::keep(Arc::downgrade(&self.0), self.0.keys.wanted(), client));
        Ok(())
    }

    /// The set that verifiers read.
    pub fn keys(&self) -> &Arc<SharedKeys> {
        &self.0.keys
    }

    /// Whether there is a set, or it was tried in vain to have one.
    pub fn has_been_heard_of(&self) -> bool {
        self.0.keys.current().is_some() || self.0.standing.failed.load(Ordering::Relaxed) > 0
    }

    /// How it stands with the set.
    pub fn reading(&self) -> Reading {
        let Known { keys, standing, clock, .. } = &*self.0;
        let since = standing.since.load(Ordering::Relaxed);
        Reading {
            fetched: standing.fetched.load(Ordering::Relaxed),
            failed: standing.failed.load(Ordering::Relaxed),
            age_millis: (since != 0).then(|| clock.unix_millis().saturating_sub(since)),
            keys: keys.current().map_or(0, |set| set.kids().count()),
        }
    }

    /// What it was opened with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }
}

/// A set as it is seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Fetches that gave a set.
    pub fetched: u64,
    /// Fetches that came to nothing.
    pub failed: u64,
    /// How long ago the set was fetched that serves, in milliseconds; `None` where there is none.
    pub age_millis: Option<i64>,
    /// Its keys.
    pub keys: usize,
}

/// A good set, and when it was fetched.
struct Fetched {
    keys: Arc<KeySet>,
    at_millis: i64,
}

impl Known {
    fn take_over(&self, set: &Fetched) {
        self.keys.replace(Some(set.keys.clone()));
        self.standing.since.store(set.at_millis, Ordering::Relaxed);
    }

    /// How much longer the set may serve; zero where there is none.
    fn time_left(&self) -> Duration {
        let since = self.standing.since.load(Ordering::Relaxed);
        let stale = i64::try_from(self.settings.stale.as_millis()).unwrap_or(i64::MAX);
        let left = since.saturating_add(stale).saturating_sub(self.clock.unix_millis());
        if since == 0 { Duration::ZERO } else { Duration::from_millis(u64::try_from(left).unwrap_or(0)) }
    }

    /// Trusts the set no longer.
    fn let_go(&self) {
        self.keys.replace(None);
        self.standing.since.store(0, Ordering::Relaxed);
    }
}

impl Place {
    fn is_https(&self) -> bool {
        match self {
            Place::KeySet(uri) => uri.scheme_str() == Some("https"),
            Place::Discovery(issuer) => issuer.starts_with("https://"),
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Publisher({:?})", self.0.name)
    }
}
