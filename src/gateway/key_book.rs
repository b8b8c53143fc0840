//! The key sources elsewhere that a config names, opened. One that the next config names with the same settings goes on with
//! its connections and with all that it remembers.

use std::{fmt, sync::Arc};

use super::assemble::AssembleError;
use crate::{
    clock::Clock,
    config::{Config, KeySource},
    errands::Errands,
    keys::{
        Elsewhere, Lookup,
        cache::{BOUNDS_MICROS, Cached, Reading},
    },
    observe::KeySourceCounts,
};

/// Sources by the names that the config gives them.
#[derive(Clone, Default)]
pub struct KeyBook {
    /// The thread that they are asked on; none while there are none.
    errands: Option<Errands>,
    sources: Arc<[Open]>,
}

struct Open {
    name: String,
    settings: Elsewhere,
    cached: Cached,
}

impl KeyBook {
    /// The book of `config`, which goes on with what this one has.
    ///
    /// # Errors
    /// [`AssembleError::Keys`]
    pub fn turned(&self, config: &Config, clock: &Clock) -> Result<KeyBook, AssembleError> {
        let mut errands = self.errands.clone();
        let mut sources = Vec::new();
        for keys in &config.keys {
            let KeySource::Elsewhere(settings) = &keys.source else { continue };
            let failed = |source| AssembleError::Keys { name: keys.name.clone(), source };
            let cached = match self.find(&keys.name).filter(|open| open.settings == **settings) {
                Some(open) => open.cached.clone(),
                None => {
                    let errands = match errands.take() {
                        Some(running) => errands.insert(running),
                        None => errands.insert(Errands::start().map_err(failed)?),
                    };
                    settings.open(&keys.name, errands, clock).map_err(failed)?
                }
            };
            sources.push(Open { name: keys.name.clone(), settings: (**settings).clone(), cached });
        }
        Ok(KeyBook { errands: errands.filter(|_| !sources.is_empty()), sources: sources.into() })
    }

    /// The source of that name.
    pub fn source(&self, name: &str) -> Option<Arc<dyn Lookup>> {
        self.find(name).map(|open| -> Arc<dyn Lookup> { Arc::new(open.cached.clone()) })
    }

    /// What each source counted.
    pub fn counts(&self) -> Vec<KeySourceCounts> {
        self.sources.iter().map(|open| counts(&open.name, &open.cached.reading())).collect()
    }

    fn find(&self, name: &str) -> Option<&Open> {
        self.sources.iter().find(|open| open.name == name)
    }
}

fn counts(name: &str, reading: &Reading) -> KeySourceCounts {
    let seconds = |micros: u64| micros as f64 / 1e6;
    let bounds = BOUNDS_MICROS.iter().map(|&micros| seconds(micros)).chain([f64::INFINITY]);
    KeySourceCounts {
        source: name.to_owned(),
        requests: vec![
            ("known", reading.hits),
            ("unknown", reading.unknown_hits),
            ("joined", reading.joined),
            ("stale", reading.stale),
            ("turned-away", reading.turned_away),
        ],
        look_ups: reading.look_ups.to_vec(),
        buckets: bounds.zip(reading.buckets).collect(),
        sum_seconds: seconds(reading.sum_micros),
        entries: [("known", reading.known), ("unknown", reading.unknown)]
            .map(|(kind, count)| (kind, u64::try_from(count).unwrap_or(u64::MAX)))
            .to_vec(),
        is_up: reading.is_up,
    }
}

impl fmt::Debug for KeyBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sources.iter().map(|open| &open.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, System};

    fn config(ttl: &str) -> Config {
        let text = format!(
            "listen: [{{ address: 127.0.0.1:0 }}]\n\
             keys: {{ fleet: {{ sql: {{ url: 'sqlite::memory:', query: 'select 1 as secret where ?', cache: {{ ttl: {ttl} }} }} }} }}\n\
             schemes: {{ s: {{ preset: device, keys: fleet, key_id: '{{header:X-Key-Id}}' }} }}\n\
             upstreams: {{ ok: {{ echo: true }} }}\n\
             routes: [{{ match: {{ path: / }}, require: {{ hmac: s }}, to: ok }}]\n"
        );
        config::parse(&text, "t.yaml", &System).unwrap().0
    }

    #[tokio::test]
    async fn a_source_goes_on_over_a_reload_unless_its_settings_are_others() {
        let clock = Clock::system();
        let first = KeyBook::default().turned(&config("60s"), &clock).unwrap();
        let asked = |book: &KeyBook| book.counts()[0].look_ups.iter().map(|(_, count)| count).sum::<u64>();
        if let crate::keys::Lookout::Later(answer) = first.source("fleet").unwrap().look_up(b"1") {
            answer.await.unwrap();
        }
        assert_eq!(asked(&first), 1);
        let same = first.turned(&config("60s"), &clock).unwrap();
        assert_eq!(asked(&same), 1);
        let other = same.turned(&config("61s"), &clock).unwrap();
        assert_eq!(asked(&other), 0);
    }
}
