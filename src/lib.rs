//! Countersign: a gateway that lets in only requests that prove who sent them.

pub mod config;

pub mod clock;
pub mod json;
pub mod refusal;
pub mod scheme;
pub mod secret;
