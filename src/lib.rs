//! Countersign: a gateway that lets in only requests that prove who sent them.

pub mod clock;
pub mod gateway;
pub mod refusal;
pub mod secret;
