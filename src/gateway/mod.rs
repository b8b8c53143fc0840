//! The gateway itself: where a request comes in, which route it takes, and what becomes of it.

pub mod routes;
