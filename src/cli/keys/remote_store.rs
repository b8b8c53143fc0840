//! Keys that are elsewhere, in Redis or a database, changed over the interface that a config describes.

use std::{sync::Arc, time::Duration};

use super::{super::trouble::Trouble, store::KeyStore};
use crate::{
    clock::Clock,
    errands::Errands,
    keys::{Change, Elsewhere, KeyRecord, NotChanged, NotWritable, Writable},
};

/// How long a change may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A key source of a config.
pub(super) struct RemoteStore {
    name: String,
    source: Arc<dyn Writable>,
    errands: Errands,
}

impl RemoteStore {
    /// Gets ready to ask.
    ///
    /// # Errors
    /// It cannot be changed from here.
    pub(super) fn open(name: &str, elsewhere: &Elsewhere) -> Result<RemoteStore, Trouble> {
        let failed = |why| Trouble::NotKept { name: name.to_owned(), why };
        let errands = Errands::start().map_err(|error| failed(NotWritable::Unusable(error.to_string())))?;
        let source = elsewhere.writable(&errands, &Clock::system()).map_err(failed)?;
        Ok(RemoteStore { name: name.to_owned(), source, errands })
    }

    fn wait<T: Send + 'static>(
        &self,
        errand: impl Future<Output = Result<T, NotChanged>> + Send + 'static,
    ) -> Result<T, Trouble> {
        let done = self.errands.wait(PATIENCE, errand).unwrap_or(Err(NotChanged::Unsure));
        done.map_err(|why| Trouble::Keys(self.name(), why))
    }
}

impl KeyStore for RemoteStore {
    fn record(&self, id: &str) -> Result<Option<KeyRecord>, Trouble> {
        let (source, id) = (self.source.clone(), id.to_owned());
        self.wait(async move { source.whole(&id).await })
    }

    fn change(&self, id: &str, change: &Change) -> Result<(), Trouble> {
        let (source, id, change) = (self.source.clone(), id.to_owned(), change.clone());
        self.wait(async move { source.change(&id, &change).await })
    }

    fn count(&self) -> Result<u64, Trouble> {
        let source = self.source.clone();
        self.wait(async move { source.count().await })
    }

    fn since_millis(&self) -> i64 {
        // Where keys are elsewhere, what is over takes no place of one that is not.
        Clock::system().unix_millis()
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}
