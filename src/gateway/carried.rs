//! What outlives a config: made once for the process, handed to each [`assemble`](super::assemble::assemble), the same for
//! all snapshots.

use std::sync::Arc;

use super::{
    assemble::Stores, family_book::FamilyBook, key_book::KeyBook, publisher_book::PublisherBook, upstreams::Book,
    user_book::UserBook, windows::Windows,
};
use crate::{
    authenticate::InForce,
    clock::Clock,
    config::Config,
    issue::{Families, MemoryFamilies, StandIns},
    message::{Budget, Budgets},
    store::{Counters, MemoryCounters, revocations::Revocations},
};

/// State that a reload must not forget, and what a new snapshot goes on with of the one before.
pub struct Carried {
    /// The time.
    pub clock: Clock,
    /// What is remembered between requests.
    pub stores: Stores,
    /// What is revoked.
    pub revocations: Arc<Revocations>,
    /// What limits of rate remember.
    pub counters: Arc<Counters>,
    /// What is remembered of addresses before anything is verified; never in a shared store.
    pub strangers: Arc<MemoryCounters>,
    /// By what users are chosen to stand in for names that are not there.
    pub stand_ins: StandIns,
    /// Families of refresh tokens that are kept in memory.
    pub families: Arc<Families>,
    /// Held bodies in memory and in files: what requests under an old config hold counts under the new one.
    pub budgets: Budgets,
    /// The servers of the config before, each with its id.
    pub upstreams: Book,
    /// The key sources of the config before, with what is remembered of them.
    pub keys: KeyBook,
    /// The users of the config before who are elsewhere, with the connections to them.
    pub users: UserBook,
    /// The databases in which the config before keeps families of refresh tokens.
    pub family_tables: FamilyBook,
    /// Whose keys are fetched, with the sets that they have published.
    pub publishers: PublisherBook,
    /// For how long requests were let in.
    pub windows: Windows,
    /// The signature rules in force, for requests that began under others.
    pub in_force: Arc<InForce>,
}

impl Carried {
    /// What the first config begins with.
    pub fn new(config: &Config, clock: Clock, stores: Stores, revocations: Revocations) -> Carried {
        Carried {
            clock,
            counters: stores.counters.clone(),
            stores,
            revocations: Arc::new(revocations),
            strangers: Arc::new(MemoryCounters::new(config.limits.rate_counters)),
            stand_ins: StandIns::default(),
            families: Arc::new(Families::Memory(MemoryFamilies::new(config.limits.refresh_families))),
            budgets: Budgets {
                memory: Budget::new(config.limits.body_memory_total),
                spool: Budget::new(config.limits.spool_total),
                directory: config.limits.spool.clone(),
            },
            upstreams: Book::default(),
            keys: KeyBook::default(),
            users: UserBook::default(),
            family_tables: FamilyBook::default(),
            publishers: PublisherBook::default(),
            windows: Windows::default(),
            in_force: Arc::default(),
        }
    }
}
