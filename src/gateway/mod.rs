//! The gateway itself: where a request comes in, which route it takes, and what becomes of it.
//!
//! `story` is the one to read first: the life of a request, whole.

mod acceptor;
mod answer;
pub mod assemble;
mod calls;
mod carried;
mod client_body;
mod connection;
mod crew;
mod descriptors;
mod doors;
mod edition;
mod family_book;
mod guests;
mod handshake;
mod key_book;
mod pace;
mod proxied;
mod publisher_book;
mod reception;
mod refusals;
mod reload;
pub mod routes;
mod running;
mod secured;
mod snapshot;
mod sockets;
mod source;
mod spool;
mod story;
mod tls;
mod trail;
mod upstreams;
mod user_book;
mod windows;
mod wire;
mod worker;

pub use assemble::{minted_claims, token_rule};
pub use reload::{Outcome, Reloads, Trigger};
pub use running::{Running, StartError, rehearse, start};
pub use snapshot::Snapshot;
pub use source::Source;
