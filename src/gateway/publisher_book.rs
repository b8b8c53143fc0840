//! The issuers whose keys a config wants fetched, and those that are asked what their tokens are. One that the next config
//! names with the same settings goes on with its set and with the task that keeps it, or with what it said.

use std::{
    fmt, io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    authenticate::jwt::{Introspection, SharedKeys},
    clock::Clock,
    config::{self, Config, PublishedFrom, PublishedKeys, TokenKeys},
    errands::Errands,
    introspection::{self, Introspector},
    key_sets::{Place, Publisher, Settings},
    observe::{IntrospectionCounts, IssuerCounts, KeySetCounts},
};

/// How long the first sets are waited for before requests are. An issuer that takes longer is asked again while they are
/// refused.
const PATIENCE: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(5);
/// Questions at once that one server is asked.
const MOST_QUESTIONS: usize = 64;

/// Publishers by the names of the tokens entries that they are for.
#[derive(Clone, Default)]
pub struct PublisherBook {
    /// The thread that their sets are fetched on; none while there are none.
    errands: Option<Errands>,
    publishers: Arc<[(String, Publisher)]>,
    introspectors: Arc<[(String, Introspector)]>,
}

impl PublisherBook {
    /// The book of `config`, which goes on with what this one has. Nobody is called yet.
    pub fn turned(&self, config: &Config, clock: &Clock) -> PublisherBook {
        let (mut publishers, mut introspectors) = (Vec::new(), Vec::new());
        for tokens in &config.tokens {
            let name = tokens.name.clone();
            match &tokens.keys {
                TokenKeys::Listed(..) => {}
                TokenKeys::Published(published) => {
                    let settings = settings(published);
                    let known = self.find(&name).filter(|publisher| *publisher.settings() == settings).cloned();
                    let publisher = known.unwrap_or_else(|| Publisher::open(&name, settings, clock.clone()));
                    publishers.push((name, publisher));
                }
                TokenKeys::Introspected(server) => {
                    let settings = server_settings(server);
                    let known = self.server(&name).filter(|known| *known.settings() == settings).cloned();
                    let server = known.unwrap_or_else(|| Introspector::open(&name, settings, clock.clone()));
                    introspectors.push((name, server));
                }
            }
        }
        PublisherBook {
            errands: self.errands.clone().filter(|_| !publishers.is_empty() || !introspectors.is_empty()),
            publishers: publishers.into(),
            introspectors: introspectors.into(),
        }
    }

    /// Begins to keep the sets fresh, and waits a little for those that nothing is known of.
    ///
    /// # Errors
    /// The thread cannot be started, or the roots not be read.
    pub fn begin(&mut self) -> io::Result<()> {
        if self.publishers.is_empty() && self.introspectors.is_empty() {
            return Ok(());
        }
        let errands = Errands::running(&mut self.errands)?;
        for (_, publisher) in self.publishers.iter() {
            publisher.begin(errands)?;
        }
        for (_, server) in self.introspectors.iter() {
            server.begin(errands)?;
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE && !self.publishers.iter().all(|(_, publisher)| publisher.has_been_heard_of())
        {
            thread::sleep(GLANCE);
        }
        Ok(())
    }

    /// The set of a tokens entry.
    pub fn keys(&self, tokens: &str) -> Option<Arc<SharedKeys>> {
        self.find(tokens).map(|publisher| publisher.keys().clone())
    }

    /// Whoever says what the opaque tokens of an entry are.
    pub fn introspection(&self, tokens: &str) -> Option<Arc<dyn Introspection>> {
        self.server(tokens).map(|server| -> Arc<dyn Introspection> { Arc::new(server.clone()) })
    }

    /// What each of them counted.
    pub fn counts(&self) -> IssuerCounts {
        IssuerCounts {
            key_sets: self.publishers.iter().map(|(name, publisher)| key_set_counts(name, publisher)).collect(),
            introspection: self.introspectors.iter().map(|(name, server)| server_counts(name, server)).collect(),
            families: Vec::new(),
        }
    }

    fn server(&self, tokens: &str) -> Option<&Introspector> {
        self.introspectors.iter().find(|(name, _)| name == tokens).map(|(_, server)| server)
    }

    fn find(&self, tokens: &str) -> Option<&Publisher> {
        self.publishers.iter().find(|(name, _)| name == tokens).map(|(_, publisher)| publisher)
    }
}

fn settings(published: &PublishedKeys) -> Settings {
    Settings {
        place: match &published.from {
            PublishedFrom::KeySet(uri) => Place::KeySet(uri.clone()),
            PublishedFrom::Discovery(issuer) => Place::Discovery(issuer.clone()),
        },
        rules: published.rules.clone(),
        refresh: published.refresh,
        cooldown: published.cooldown,
        stale: published.stale,
        cache: published.cache.clone(),
        roots: published.roots.clone(),
        plain: published.plain,
    }
}

fn server_settings(server: &config::Introspection) -> introspection::Settings {
    introspection::Settings {
        url: server.url.clone(),
        client_id: server.client_id.clone(),
        client_secret: server.client_secret.clone(),
        ttl: server.ttl,
        inactive_ttl: server.inactive_ttl,
        capacity: server.capacity,
        timeout: server.timeout,
        most_calls: MOST_QUESTIONS,
        roots: server.roots.clone(),
    }
}

fn key_set_counts(name: &str, publisher: &Publisher) -> KeySetCounts {
    let reading = publisher.reading();
    KeySetCounts {
        tokens: name.to_owned(),
        fetches: vec![("fetched", reading.fetched), ("failed", reading.failed)],
        age_seconds: reading.age_millis.map(|millis| millis as f64 / 1e3),
        keys: number(reading.keys),
    }
}

fn server_counts(name: &str, server: &Introspector) -> IntrospectionCounts {
    let reading = server.reading();
    IntrospectionCounts {
        tokens: name.to_owned(),
        answers: reading.answers.to_vec(),
        calls: reading.calls.to_vec(),
        entries: vec![("active", number(reading.active)), ("inactive", number(reading.inactive))],
        is_up: reading.is_up,
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl fmt::Debug for PublisherBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.publishers.iter().map(|(name, _)| name);
        f.debug_list().entries(names.chain(self.introspectors.iter().map(|(name, _)| name))).finish()
    }
}
