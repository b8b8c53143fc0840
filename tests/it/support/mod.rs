//! What the tests stand on: the real binary on free ports, an upstream that records bytes, a client on plain sockets.
//!
//! Nothing here judges a gateway; the tests do.

mod client;
mod databases;
mod gateway;
mod ports;
mod recorder;
mod redis;
pub(crate) mod strict;

pub(crate) use self::redis::RedisServer;
pub(crate) use client::{Answer, Connection, send};
pub(crate) use databases::{Database, Held, PASSWORD, sqlite, sqlite_writer};
pub(crate) use gateway::{Gateway, countersign};
pub(crate) use ports::loopback;
pub(crate) use recorder::Recorder;
