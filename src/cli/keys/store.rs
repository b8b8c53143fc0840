//! Where keys can be changed from a command line, whatever they are kept in.

use super::super::trouble::Trouble;
use crate::keys::{Change, KeyRecord};

/// Keys that can be changed from here.
pub(super) trait KeyStore {
    /// What is known of `id`, with every secret that it has.
    fn record(&self, id: &str) -> Result<Option<KeyRecord>, Trouble>;
    /// Makes a change, whole or not at all.
    fn change(&self, id: &str, change: &Change) -> Result<(), Trouble>;
    /// How many ids there are.
    fn count(&self) -> Result<u64, Trouble>;
    /// Secrets that were over at that time, in milliseconds since 1970, have no number in log and metrics.
    fn since_millis(&self) -> i64;
    /// Its name, for the audit line.
    fn name(&self) -> String;
}
