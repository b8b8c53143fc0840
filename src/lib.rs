//! Countersign: a gateway that lets in only requests that prove who sent them.

pub mod authenticate;
pub mod clock;
pub mod json;
pub mod refusal;
pub mod secret;
