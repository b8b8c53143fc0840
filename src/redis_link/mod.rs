//! The way to Redis (or Valkey): one connection a process for each place it is configured at, shared by all workers.
//!
//! What is asked is the business of who asks: `store::redis` and `keys::redis`. This room connects, keeps the connection,
//! bounds every question in time and number, and knows whether there is anybody at the other end. While there is nobody,
//! questions fail at once; a keeper on a thread of its own tries again and again in the background.

mod connect;
mod error;
mod health;
mod keeper;
mod link;
mod probe;
mod settings;

pub use self::{
    error::LinkError,
    health::Health,
    link::Link,
    settings::{Address, Place, Settings, Tls},
};
