//! The issuers whose keys a config wants fetched. One that the next config names with the same settings goes on with its set
//! and with the task that keeps it.

use std::{
    fmt, io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    authenticate::jwt::SharedKeys,
    clock::Clock,
    config::{Config, PublishedFrom, PublishedKeys, TokenKeys},
    errands::Errands,
    key_sets::{Place, Publisher, Settings},
};

/// How long the first sets are waited for before requests are. An issuer that takes longer is asked again while they are
/// refused.
const PATIENCE: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(5);

/// Publishers by the names of the tokens entries that they are for.
#[derive(Clone, Default)]
pub struct PublisherBook {
    /// The thread that their sets are fetched on; none while there are none.
    errands: Option<Errands>,
    publishers: Arc<[(String, Publisher)]>,
}

impl PublisherBook {
    /// The book of `config`, which goes on with what this one has. Nobody is called yet.
    pub fn turned(&self, config: &Config, clock: &Clock) -> PublisherBook {
        let mut publishers = Vec::new();
        for tokens in &config.tokens {
            let TokenKeys::Published(published) = &tokens.keys else { continue };
            let settings = settings(published);
            let known = self.find(&tokens.name).filter(|publisher| *publisher.settings() == settings).cloned();
            let publisher = known.unwrap_or_else(|| Publisher::open(&tokens.name, settings, clock.clone()));
            publishers.push((tokens.name.clone(), publisher));
        }
        PublisherBook {
            errands: self.errands.clone().filter(|_| !publishers.is_empty()),
            publishers: publishers.into(),
        }
    }

    /// Begins to keep the sets fresh, and waits a little for those that nothing is known of.
    ///
    /// # Errors
    /// The thread cannot be started, or the roots not be read.
    pub fn begin(&mut self) -> io::Result<()> {
        if self.publishers.is_empty() {
            return Ok(());
        }
        let errands = match self.errands.take() {
            Some(running) => running,
            None => Errands::start()?,
        };
        for (_, publisher) in self.publishers.iter() {
            publisher.begin(&errands)?;
        }
        self.errands = Some(errands);
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

impl fmt::Debug for PublisherBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.publishers.iter().map(|(name, _)| name)).finish()
    }
}
