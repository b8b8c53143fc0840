//! Countersign: a gateway that lets in only requests that prove who sent them.

pub mod admin;
pub mod clock;
pub mod observe;
pub mod refusal;
pub mod secret;
pub mod store;
