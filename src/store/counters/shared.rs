//! Counters that gateways share, and what counts in their place while the store is away.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use smallvec::SmallVec;

use super::{Draw, Drawn, MemoryCounters, Standing};
use crate::store::{
    StoreError,
    redis::{RedisCounters, Spend, Spent},
};

/// Counters in Redis. It spends by its own clock, in microseconds.
#[derive(Debug)]
pub struct SharedCounters {
    redis: RedisCounters,
    /// For limits that are counted in this gateway alone while the store cannot be asked.
    alone: MemoryCounters,
    failures: AtomicU64,
}

impl SharedCounters {
    /// Counters in `redis`; `capacity` of those that are kept here meanwhile.
    pub fn new(redis: RedisCounters, capacity: usize) -> SharedCounters {
        SharedCounters { redis, alone: MemoryCounters::new(capacity), failures: AtomicU64::new(0) }
    }

    /// Asks for one of each of `draws`, and spends all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]: it is not known whether anything was spent.
    pub async fn draw(&self, draws: &[Draw<'_>]) -> Result<Drawn, StoreError> {
        let keys: SmallVec<[[u8; 32]; 2]> = draws.iter().map(key).collect();
        let spends: SmallVec<[Spend<'_>; 2]> = draws.iter().zip(&keys).map(|(draw, key)| spend_of(draw, key)).collect();
        let spent = self.redis.spend(&spends).await.map_err(StoreError::Unavailable);
        let (spent, each) = spent.inspect_err(|_| _ = self.failures.fetch_add(1, Ordering::Relaxed))?;
        match spent {
            true => Ok(Drawn::Within(draws.iter().zip(&each).map(standing).collect())),
            false => beyond(&each).ok_or(StoreError::Unexpected),
        }
    }

    /// What counts while the store cannot be asked.
    pub(super) fn alone(&self) -> &MemoryCounters {
        &self.alone
    }

    /// Draws that the store did not decide.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

/// Of one length, whatever a limit counts by; and nobody who looks into the store reads names there.
fn key(draw: &Draw<'_>) -> [u8; 32] {
    let length = u64::try_from(draw.limit.len()).unwrap_or(u64::MAX).to_be_bytes();
    let hash = Sha256::new().chain_update(length).chain_update(draw.limit).chain_update(draw.whom);
    hash.finalize().into()
}

fn spend_of<'k>(draw: &Draw<'_>, key: &'k [u8; 32]) -> Spend<'k> {
    // Rounded up, as the rate is: rather a little less than was said.
    let interval_micros = draw.quota.interval_nanos().unsigned_abs().div_ceil(1_000);
    Spend { key, interval_micros, burst: draw.quota.burst().into() }
}

fn standing((draw, spent): (&Draw<'_>, &Spent)) -> Standing {
    Standing::of(draw, nanos(spent.used_micros), 0)
}

/// The limit that takes longest.
fn beyond(each: &[Spent]) -> Option<Drawn> {
    let (draw, longest) = each.iter().enumerate().max_by_key(|(_, spent)| spent.wait_micros)?;
    (longest.wait_micros > 0).then(|| Drawn::Beyond { draw, wait: nanos(longest.wait_micros) })
}

fn nanos(micros: u64) -> i64 {
    i64::try_from(micros.saturating_mul(1_000)).unwrap_or(i64::MAX)
}
