//! Key sources of the config → tables of keys, made ready for the scheme that uses them.

use std::sync::Arc;

use super::{super::key_book::KeyBook, AssembleError};
use crate::{
    config::{Config, KeySource, Keys, SchemeConfig},
    forward::OwnKey,
    keys::{KeySecret, KeyTable, MOST_LIVE, Prepared, place_name},
    observe::KeyLabels,
    scheme::PreparedKey,
    secret::Secret,
};

/// The keys that verify what is signed by a scheme.
pub(super) fn verifying(config: &Config, book: &KeyBook, entry: &SchemeConfig) -> Result<KeyTable, AssembleError> {
    let scheme = entry.scheme.clone();
    table(config, Some(book), entry, None, move |secret| scheme.key_recipe().verifying(secret))
}

/// The key that signs by a scheme in the name of that id.
pub(super) fn signing(config: &Config, entry: &SchemeConfig, id: &str) -> Result<Arc<dyn OwnKey>, AssembleError> {
    let scheme = entry.scheme.clone();
    let table = table(config, None, entry, Some(id), move |secret| scheme.key_recipe().signing(secret))?;
    Ok(Arc::new(Own { table, id: id.to_owned() }))
}

/// All keys of the scheme's source, or those of one id where only that is wanted.
fn table(
    config: &Config,
    book: Option<&KeyBook>,
    entry: &SchemeConfig,
    only: Option<&str>,
    prepare: impl Fn(&Secret) -> Prepared + Send + Sync + 'static,
) -> Result<KeyTable, AssembleError> {
    let source = config.keys.get(entry.keys);
    let table = match source.map(|keys| &keys.source) {
        Some(KeySource::Shared(record)) => KeyTable::shared(record, prepare),
        Some(KeySource::Static(ids)) => {
            let wanted = ids.iter().filter(|(id, _)| only.is_none_or(|only| only == id));
            KeyTable::by_id(wanted.map(|(id, record)| (id.as_bytes(), record)), prepare)
        }
        Some(KeySource::Elsewhere(_)) => match source.and_then(|keys| book?.source(&keys.name)) {
            Some(source) => Ok(KeyTable::asking(source, prepare)),
            None => KeyTable::by_id([], prepare),
        },
        // The config's indices point into it; a table without ids lets nobody in.
        None => KeyTable::by_id([], prepare),
    };
    table.map_err(|source| AssembleError::Key { scheme: entry.name.clone(), source })
}

/// What metrics call the secrets of a source: by their labels where those stand in the config, so that there are few.
pub(super) fn labels(keys: &Keys) -> KeyLabels {
    let named: &[KeySecret] = match &keys.source {
        KeySource::Shared(record) => &record.secrets,
        KeySource::Static(_) | KeySource::Elsewhere(_) => &[],
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
