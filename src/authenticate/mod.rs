//! From a request's credentials to the proof of who sent it.
//!
//! It neither decides whether that sender may come in (that is `policy`) nor forwards anything.

pub mod jwt;
