//! Key sources of the config → tables of keys, made ready for the scheme that uses them.

use std::sync::Arc;

use super::{super::key_book::KeyBook, AssembleError};
use crate::{
    config::{Config, KeySource, Keys, SchemeConfig},
    forward::OwnKey,
    keys::{Derived, KeySecret, KeyTable, Lookup, MOST_LIVE, Prepared, place_name},
    observe::KeyLabels,
    scheme::PreparedKey,
    secret::Secret,
};

/// The config's key sources that are opened or computed, by its indices: each once, whichever schemes use it.
pub(super) struct Sources(Vec<Option<Arc<dyn Lookup>>>);

impl Sources {
    /// Those of the config, out of its book where they were opened.
    pub(super) fn new(config: &Config, book: &KeyBook) -> Sources {
        Sources(config.keys.iter().map(|keys| source(keys, book)).collect())
    }

    /// The keys that verify what is signed by a scheme.
    pub(super) fn verifying(&self, config: &Config, entry: &SchemeConfig) -> Result<KeyTable, AssembleError> {
        let scheme = entry.scheme.clone();
        self.table(config, entry, None, move |secret| scheme.key_recipe().verifying(secret))
    }

    /// The key that signs by a scheme in the name of that id.
    pub(super) fn signing(
        &self,
        config: &Config,
        entry: &SchemeConfig,
        id: &str,
    ) -> Result<Arc<dyn OwnKey>, AssembleError> {
        let scheme = entry.scheme.clone();
        let table = self.table(config, entry, Some(id), move |secret| scheme.key_recipe().signing(secret))?;
        Ok(Arc::new(Own { table, id: id.to_owned() }))
    }

    /// All keys of the scheme's source, or those of one id where only that is wanted.
    fn table(
        &self,
        config: &Config,
        entry: &SchemeConfig,
        only: Option<&str>,
        prepare: impl Fn(&Secret) -> Prepared + Send + Sync + 'static,
    ) -> Result<KeyTable, AssembleError> {
        if let Some(Some(source)) = self.0.get(entry.keys) {
            return Ok(KeyTable::asking(source.clone(), prepare));
        }
        let table = match config.keys.get(entry.keys).map(|keys| &keys.source) {
            Some(KeySource::Shared(record)) => KeyTable::shared(record, prepare),
            Some(KeySource::Static(ids)) => {
                let wanted = ids.iter().filter(|(id, _)| only.is_none_or(|only| only == id));
                KeyTable::by_id(wanted.map(|(id, record)| (id.as_bytes(), record)), prepare)
            }
            // The config's indices point into it; a table without ids lets nobody in.
            Some(KeySource::Derive { .. } | KeySource::File { .. } | KeySource::Elsewhere(_)) | None => {
                KeyTable::by_id([], prepare)
            }
        };
        table.map_err(|source| AssembleError::Key { scheme: entry.name.clone(), source })
    }
}

fn source(keys: &Keys, book: &KeyBook) -> Option<Arc<dyn Lookup>> {
    match &keys.source {
        KeySource::Shared(_) | KeySource::Static(_) => None,
        KeySource::Derive { masters, method, output } => Some(Arc::new(Derived::new(masters, method, *output))),
        KeySource::Elsewhere(_) | KeySource::File { .. } => book.source(&keys.name),
    }
}

/// What metrics call the secrets of a source: by their labels where those stand in the config, so that there are few.
pub(super) fn labels(keys: &Keys) -> KeyLabels {
    let named: &[KeySecret] = match &keys.source {
        KeySource::Shared(record) => &record.secrets,
        KeySource::Derive { masters, .. } => masters,
        KeySource::Static(_) | KeySource::File { .. } | KeySource::Elsewhere(_) => &[],
    };
    let label = |place| {
        let own = named.get(place).and_then(|secret: &KeySecret| secret.label.as_deref());
        own.or(place_name(place)).unwrap_or_default().to_owned()
    };
    KeyLabels { source: keys.name.clone(), secrets: (0..MOST_LIVE).map(label).collect() }
}

/// One id's key, which signs with the first of its secrets that is live: those after it are on their way out.
struct Own {
    table: KeyTable,
    id: String,
}

impl OwnKey for Own {
    fn at(&self, now_millis: i64) -> Option<PreparedKey> {
        let found = self.table.find(Some(self.id.as_bytes())).at_once().ok()?.ok()?;
        found.key().live(now_millis).ok()?.first().cloned()
    }
}
