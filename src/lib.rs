//! Countersign: a gateway that lets in only requests that prove who sent them.
//!
//! The modules, in the order a request meets them.

pub mod authenticate;
pub mod forward;
pub mod http1;
pub mod keys;
pub mod message;
pub mod policy;
pub mod scheme;
pub mod store;

pub mod authenticate;
pub mod clock;
pub mod deadline;
pub mod json;
pub mod refusal;
pub mod secret;
pub mod transport;
