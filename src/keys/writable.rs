//! Key sources elsewhere that can be changed: what a command line asks of them, over an interface of their own. A gateway asks
//! for none of it.

use std::{pin::Pin, sync::Arc};

use super::{Change, Elsewhere, KeyRecord, NotChanged, Place, redis, sql};
use crate::{clock::Clock, errands::Errands};

/// What will come to an answer.
pub type Pending<'w, T> = Pin<Box<dyn Future<Output = Result<T, NotChanged>> + Send + 'w>>;

/// A source whose keys can be changed.
pub trait Writable: Send + Sync {
    /// What it knows of `id`, secrets that are over among it.
    fn whole<'w>(&'w self, id: &'w str) -> Pending<'w, Option<KeyRecord>>;

    /// Makes a change, whole or not at all.
    fn change<'w>(&'w self, id: &'w str, change: &'w Change) -> Pending<'w, ()>;

    /// How many ids it knows.
    fn count(&self) -> Pending<'_, u64>;
}

/// Why a source cannot be changed from here.
#[derive(Debug, thiserror::Error)]
pub enum NotWritable {
    /// It is another service's.
    #[error("keys of another service are changed there")]
    Service,
    /// Its connections cannot be made on this machine.
    #[error("{0}")]
    Unusable(String),
}

impl Elsewhere {
    /// Gets ready to change what is kept there.
    ///
    /// # Errors
    /// [`NotWritable`]
    pub fn writable(&self, errands: &Errands, clock: &Clock) -> Result<Arc<dyn Writable>, NotWritable> {
        match &self.place {
            Place::Redis(settings) => {
                let source = redis::Source::new(settings, clock.clone());
                Ok(Arc::new(source.map_err(|error| NotWritable::Unusable(error.to_string()))?))
            }
            Place::Sql(settings) => Ok(Arc::new(sql::Source::new(settings, errands, clock.clone()))),
            Place::Http(_) => Err(NotWritable::Service),
        }
    }
}
