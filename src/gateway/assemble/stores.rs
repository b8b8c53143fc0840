//! What is remembered between requests, opened once for all the configs that a gateway has after one another.

use std::sync::Arc;

use crate::{
    clock::Clock,
    config::{AfterStart, Config, OnStoreFailure, ReplayMemory, RevocationsPlace},
    issue::Families,
    redis_link::{Link, LinkError},
    store::{
        Claims, Counters, JournaledStore, MemoryCounters, MemoryStore, SharedCounters,
        families::SharedFamilies,
        journal::JournalError,
        redis::{RedisClaims, RedisCounters, RedisFamilies, RedisRevocations},
        revocations::{LogError, Revocations, SharedRevocations},
    },
};

/// What outlives a request, and a config.
#[derive(Clone, Debug)]
pub struct Stores {
    /// Replay claims.
    pub claims: Arc<Claims>,
    /// What limits of rate have counted.
    pub counters: Arc<Counters>,
    /// Families of refresh tokens that gateways share, where there is a shared store.
    pub families: Option<Arc<Families>>,
    /// The way to the shared store, where there is one.
    pub link: Option<Link>,
}

/// Why a store cannot be opened. That nobody answers there is no reason.
#[derive(Debug, thiserror::Error)]
pub enum StoresError {
    /// No way to it can be made.
    #[error("store: {0}")]
    Link(#[from] LinkError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The system has no randomness to give.
    #[error("store: no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
}

impl Stores {
    /// Opens what `config` says.
    ///
    /// # Errors
    /// [`StoresError`]
    pub fn open(config: &Config, clock: &Clock) -> Result<Stores, StoresError> {
        let Some(store) = &config.store else {
            let claims = Arc::new(own_claims(&config.replay, clock)?);
            return Ok(Stores { claims, counters: own_counters(config), families: None, link: None });
        };
        let link = Link::open(store.redis.link_settings(true))?;
        let claims = Arc::new(Claims::in_redis(RedisClaims::new(link.clone(), &store.prefix)?));
        let counters = RedisCounters::new(link.clone(), &store.prefix);
        let counters = Arc::new(Counters::Shared(SharedCounters::new(counters, config.limits.rate_counters)));
        let families = SharedFamilies::in_redis(RedisFamilies::new(link.clone(), &store.prefix));
        Ok(Stores { claims, counters, families: Some(Arc::new(Families::Shared(families))), link: Some(link) })
    }

    /// Opens what `config` says of revocations.
    ///
    /// # Errors
    /// [`LogError`]
    pub fn revocations(&self, config: &Config, clock: &Clock) -> Result<Revocations, LogError> {
        let Some(revocations) = &config.revocations else { return Ok(Revocations::none()) };
        let capacity = revocations.capacity;
        match (&revocations.place, &config.store, &self.link) {
            (RevocationsPlace::File(file), ..) => Revocations::open(file, capacity, clock.unix()),
            (RevocationsPlace::Redis(on_store_failure), Some(store), Some(link)) => {
                let redis = RedisRevocations::new(link.clone(), &store.prefix);
                let may_go_unasked = *on_store_failure == OnStoreFailure::Allow;
                Ok(Revocations::shared_with(SharedRevocations::new(redis, capacity, may_go_unasked)))
            }
            // The config's check refuses it: nothing can be revoked.
            (RevocationsPlace::Redis(_), ..) => Ok(Revocations::none()),
        }
    }

    /// Memory only: nothing is opened, locked or connected to.
    pub fn for_rehearsal(config: &Config) -> Stores {
        let claims = Arc::new(Claims::in_memory(MemoryStore::new(config.replay.capacity)));
        Stores { claims, counters: own_counters(config), families: None, link: None }
    }
}

/// Counters of this process alone.
fn own_counters(config: &Config) -> Arc<Counters> {
    Arc::new(Counters::Memory(MemoryCounters::new(config.limits.rate_counters)))
}

/// Claims of this process alone.
fn own_claims(replay: &ReplayMemory, clock: &Clock) -> Result<Claims, JournalError> {
    let memory = MemoryStore::new(replay.capacity).with_clock(clock.clone());
    match (&replay.journal, replay.after_start) {
        (Some(journal), _) => Ok(Claims::in_journal(JournaledStore::open(memory, journal, clock.clone())?)),
        (None, AfterStart::Accept) => Ok(Claims::in_memory(memory)),
        (None, AfterStart::Refuse) => Ok(Claims::in_memory(memory).refusing_up_to(clock.unix_millis())),
    }
}
