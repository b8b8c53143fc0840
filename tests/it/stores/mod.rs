//! What is remembered outside of a gateway's memory, with real servers and real files.

mod counters;
mod gateways;
mod journal;
mod link;
mod rates;
mod refreshing;
mod revocations;
mod shared;
