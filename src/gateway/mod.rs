//! The gateway itself: where a request comes in, which route it takes, and what becomes of it.
//!
//! `story` is the one to read first: the life of a request, whole.

mod acceptor;
mod answer;
pub mod assemble;
mod client_body;
mod connection;
mod descriptors;
mod handshake;
mod key_book;
mod refusals;
pub mod routes;
mod running;
mod snapshot;
mod story;
mod tls;
mod trail;
mod wire;
mod worker;

pub use running::{Running, StartError, rehearse, start};
pub use snapshot::Snapshot;
