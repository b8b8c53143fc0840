//! Real peers: clients in front of the gateway and servers behind it that are not ours, through the real binary.
//!
//! - [`front`]: clients. They check statuses and bodies; the tests check what the upstream really got.
//! - [`behind`]: servers. The tests check what comes through.
//! - [`issuing`]: clients of the token issuer.
//!
//! What they need is installed by `scripts/test`. A tool that is missing fails its test.

mod behind;
mod front;
mod issuing;
mod server;
mod stage;
mod tools;
mod witness;
