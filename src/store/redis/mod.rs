//! What several gateways remember together, in Redis: claims, the counters of rate limits, and what is
//! revoked.
//!
//! Every question is one round trip, decided by one command or one script, so that no two gateways can both be told yes.
//! The way there is [`redis_link`](crate::redis_link)'s.

mod claims;
mod counters;
mod revocations;
mod script;

pub use self::{
    claims::RedisClaims,
    counters::{RedisCounters, Spend, Spent},
    revocations::{Document, Put, RedisRevocations},
};
