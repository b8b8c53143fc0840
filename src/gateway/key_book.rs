//! The key sources that a config names and that are opened: files, and those that are elsewhere. One elsewhere that the next
//! config names with the same settings goes on with its connections and with all that it remembers. A file is read anew.

use std::{fmt, path::PathBuf, sync::Arc};

use super::assemble::AssembleError;
use crate::{
    clock::Clock,
    config::{Config, KeySource},
    errands::Errands,
    keys::{
        Doubt, Elsewhere, KeyFile, Lookup,
        cache::{BOUNDS_MICROS, Cached, Reading},
    },
    observe::{KeyCounts, KeyFileCounts, KeySourceCounts},
};

/// Sources by the names that the config gives them.
#[derive(Clone, Default)]
pub struct KeyBook {
    /// The thread that they are asked on; none while there are none.
    errands: Option<Errands>,
    sources: Arc<[Open]>,
    files: Files,
}

/// Files by the names of their sources.
type Files = Arc<[(String, Arc<KeyFile>)]>;

struct Open {
    name: String,
    settings: Elsewhere,
    cached: Cached,
}

impl KeyBook {
    /// The book of `config`, which goes on with what this one has.
    ///
    /// # Errors
    /// [`AssembleError::Keys`], [`AssembleError::KeyFile`]
    pub fn turned(&self, config: &Config, clock: &Clock) -> Result<KeyBook, AssembleError> {
        let mut errands = self.errands.clone();
        let mut sources = Vec::new();
        for keys in &config.keys {
            let KeySource::Elsewhere(settings) = &keys.source else { continue };
            let failed = |source| AssembleError::Keys { name: keys.name.clone(), source };
            let cached = match self.find(&keys.name).filter(|open| open.settings == **settings) {
                Some(open) => open.cached.clone(),
                None => {
                    let errands = Errands::running(&mut errands).map_err(failed)?;
                    settings.open(&keys.name, errands, clock).map_err(failed)?
                }
            };
            sources.push(Open { name: keys.name.clone(), settings: (**settings).clone(), cached });
        }
        let files = self.files(config, clock)?;
        Ok(KeyBook { errands: errands.filter(|_| !sources.is_empty()), sources: sources.into(), files })
    }

    fn files(&self, config: &Config, clock: &Clock) -> Result<Files, AssembleError> {
        let routes: Arc<[Box<str>]> = config.routes.iter().map(|route| route.name.as_str().into()).collect();
        let mut files = Vec::new();
        for keys in &config.keys {
            let KeySource::File { path, format } = &keys.source else { continue };
            let refused = |source| AssembleError::KeyFile { path: path.clone(), source };
            let before = self.file(&keys.name).map(|file| &**file);
            let file = KeyFile::open((path, *format), &routes, clock.clone(), before).map_err(refused)?;
            files.push((keys.name.clone(), Arc::new(file)));
        }
        Ok(files.into())
    }

    /// The source of that name.
    pub fn source(&self, name: &str) -> Option<Arc<dyn Lookup>> {
        match self.find(name) {
            Some(open) => Some(Arc::new(open.cached.clone())),
            None => Some(self.file(name)?.clone()),
        }
    }

    /// What was odd about the files when they were opened: each once, whichever sources it is for.
    pub fn doubts(&self) -> Vec<(PathBuf, Doubt)> {
        let mut doubts: Vec<(PathBuf, Doubt)> = Vec::new();
        for (_, file) in self.files.iter() {
            if doubts.iter().all(|(path, _)| path != file.path()) {
                doubts.extend(file.doubts().iter().map(|doubt| (file.path().to_owned(), doubt.clone())));
            }
        }
        doubts
    }

    /// What each source counted.
    pub fn counts(&self) -> KeyCounts {
        let file = |(name, file): &(String, Arc<KeyFile>)| {
            let reading = file.reading();
            KeyFileCounts {
                source: name.clone(),
                ids: u64::try_from(reading.ids).unwrap_or(u64::MAX),
                refused: reading.refused,
                loaded_unix_millis: reading.loaded_unix_millis,
            }
        };
        KeyCounts {
            elsewhere: self.sources.iter().map(|open| counts(&open.name, &open.cached.reading())).collect(),
            files: self.files.iter().map(file).collect(),
        }
    }

    fn file(&self, name: &str) -> Option<&Arc<KeyFile>> {
        self.files.iter().find(|(known, _)| known == name).map(|(_, file)| file)
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
        let names = self.sources.iter().map(|open| &open.name).chain(self.files.iter().map(|(name, _)| name));
        f.debug_list().entries(names).finish()
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
        let asked = |book: &KeyBook| book.counts().elsewhere[0].look_ups.iter().map(|(_, count)| count).sum::<u64>();
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
