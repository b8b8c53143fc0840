//! What several gateways remember together, in Redis: claims, the counters of rate limits, what is revoked, and families of
//! refresh tokens.
//!
//! Every question is one round trip, decided by one command or one script, so that no two gateways can both be told yes.
//! The way there is [`redis_link`](crate::redis_link)'s.

mod claims;
mod counters;
mod families;
mod revocations;
mod script;

pub use self::{
    claims::RedisClaims,
    counters::{RedisCounters, Spend, Spent},
    families::RedisFamilies,
    revocations::{Document, Put, RedisRevocations, Taken},
};
