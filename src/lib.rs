//! Countersign: a gateway that lets in only requests that prove who sent them.
//!
//! The modules stand in the order a request meets them; then what they share.

pub mod cli;
pub mod config;

pub mod gateway;
pub mod http1;

pub mod scheme;

pub mod authenticate;
pub mod policy;

pub mod forward;
pub mod issue;

pub mod keys;
pub mod store;

pub mod admin;
pub mod observe;

pub mod asking;
pub mod buffers;
pub mod clock;
pub mod cookies;
pub mod deadline;
pub mod errands;
pub mod introspection;
pub mod jose;
pub mod json;
pub mod key_sets;
pub mod message;
pub mod minting;
pub mod outcall;
pub mod ownership;
pub mod password;
pub mod path_trie;
pub mod percent;
pub mod proxy_protocol;
pub mod rate;
pub mod redis_link;
pub mod refusal;
pub mod roots;
pub mod secret;
pub mod soon;
pub mod sql_link;
pub mod transport;
pub mod watch;
