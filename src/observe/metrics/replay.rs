//! What is told of the replay memory: how full it is, and how the store behind it is.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;

use super::exposition::{clamped, counter, gauge};

/// The replay memory's figures as they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayFigures {
    /// Claims held; `None` where only the store knows.
    pub entries: Option<u64>,
    /// Claims that can be held; `None` where the store says so.
    pub capacity: Option<u64>,
    /// Claims refused because the clock was set back; `None` where only the store knows.
    pub set_back: Option<u64>,
    /// Claims that could not be decided.
    pub failures: u64,
    /// Those whose requests went on nevertheless.
    pub unchecked: u64,
    /// The shared store, where there is one.
    pub store: Option<StoreFigures>,
}

/// The figures of the way to a shared store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Whether it is there.
    pub up: bool,
    /// Connections made to it.
    pub connects: u64,
    /// Questions that it did not answer in time.
    pub timeouts: u64,
    /// Questions that it answered with an error.
    pub errors: u64,
    /// Questions that were not asked because it was away, or too many were open.
    pub turned_away: u64,
}

impl ReplayFigures {
    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(entries) = self.entries {
            gauge("countersign_replay_entries", "Replay claims held.", clamped(entries), encoder)?;
        }
        if let Some(capacity) = self.capacity {
            gauge("countersign_replay_capacity", "Replay claims that can be held.", clamped(capacity), encoder)?;
        }
        if let Some(set_back) = self.set_back {
            let help = "Requests refused as replayed because the clock was set back.";
            counter("countersign_replay_set_back", help, set_back, encoder)?;
        }
        counter("countersign_replay_failures", "Replay claims that no store could decide.", self.failures, encoder)?;
        let help = "Requests that went on although no store could decide their claim.";
        counter("countersign_replay_unchecked", help, self.unchecked, encoder)?;
        self.store.map_or(Ok(()), |store| store.encode(encoder))
    }
}

impl StoreFigures {
    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        gauge("countersign_store_up", "Whether the shared store is there.", i64::from(self.up), encoder)?;
        counter("countersign_store_connects", "Connections made to the shared store.", self.connects, encoder)?;
        let help = "Questions that the shared store did not answer in time.";
        counter("countersign_store_timeouts", help, self.timeouts, encoder)?;
        let help = "Questions that the shared store answered with an error, or broke off.";
        counter("countersign_store_errors", help, self.errors, encoder)?;
        let help = "Questions that were not asked: the shared store was away, or too many were open.";
        counter("countersign_store_turned_away", help, self.turned_away, encoder)
    }
}
