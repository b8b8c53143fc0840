//! What limits of rate remember: for each limit and whom it counts, how much is spent.
//!
//! Whether that is too much is arithmetic ([`rate`](crate::rate)); what is counted, and what happens then, is policy's.
//! Several limits are asked together: all of them spend, or none does.

mod memory;
mod shard;
mod shared;

use smallvec::SmallVec;

pub use self::{memory::MemoryCounters, shared::SharedCounters};
use super::StoreError;
use crate::rate::Quota;

/// One limit's question about one request.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    /// The limit's name, which no other limit has.
    pub limit: &'a str,
    /// Whom it counts: two requests with the same bytes share a quota.
    pub whom: &'a [u8],
    /// How much there is.
    pub quota: Quota,
}

/// How one limit stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How many more there are at once.
    pub left: u32,
    /// How long until there is one more, or all, in nanoseconds: one where there is none, else all.
    pub back_in: i64,
}

/// The answer to all draws of a request together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a request beyond its limits must be refused"]
pub enum Drawn {
    /// All had one, and all are spent: how each stands, in the order of the draws.
    Within(SmallVec<[Standing; 2]>),
    /// One had none, so nothing is spent.
    Beyond {
        /// Its place among the draws: of several, the one that takes longest.
        draw: usize,
        /// How long until it has one, in nanoseconds.
        wait: i64,
    },
}

/// The counters that the config chose.
#[derive(Debug)]
pub enum Counters {
    /// In this process, shared by its workers.
    Memory(MemoryCounters),
    /// Shared by all gateways on one store.
    Shared(SharedCounters),
}

impl Counters {
    /// Those that can be asked without a wait.
    pub fn in_memory(&self) -> Option<&MemoryCounters> {
        match self {
            Counters::Memory(memory) => Some(memory),
            Counters::Shared(_) => None,
        }
    }

    /// Asks what is counted in this gateway alone, where the store cannot be asked.
    pub fn draw_alone(&self, draws: &[Draw<'_>], now_nanos: i64) -> Drawn {
        self.here().draw(draws, now_nanos)
    }

    /// Counters held in this process.
    pub fn held(&self) -> usize {
        self.here().len()
    }

    /// Draws that the store did not decide.
    pub fn failures(&self) -> u64 {
        match self {
            Counters::Memory(_) => 0,
            Counters::Shared(shared) => shared.failures(),
        }
    }

    fn here(&self) -> &MemoryCounters {
        match self {
            Counters::Memory(memory) => memory,
            Counters::Shared(shared) => shared.alone(),
        }
    }

    /// Asks for one of each of `draws`, and spends all or nothing. `now_nanos` is since 1970; a shared store has a clock of
    /// its own, the same for all gateways.
    ///
    /// # Errors
    /// [`StoreError`]: it cannot be known. What memory keeps is always known.
    pub async fn draw(&self, draws: &[Draw<'_>], now_nanos: i64) -> Result<Drawn, StoreError> {
        match self {
            Counters::Memory(memory) => Ok(memory.draw(draws, now_nanos)),
            Counters::Shared(shared) => shared.draw(draws).await,
        }
    }
}

#[cfg(test)]
mod tests;
