//! The integration crate. Each module guards one thing that no unit test can see:
//!
//! - [`boundaries`]: which room of the source may know which; files small enough to read; every module says what it is.
//! - [`http1_oracle`]: whatever our HTTP/1 codec accepts, hyper reads the same.
//! - [`fuzz_targets`]: every fuzz target is built, and its table tells of it.
//! - [`examples`]: every config we ship is one the binary accepts.
//! - [`documents`]: what the documents show of configs, commands and metrics is so.
//! - [`life`]: the binary as an operator runs it: it drains, and refuses bad configs before it listens.
//! - [`clients`]: the clients that exist get the very answers that they know.
//! - [`issuing`]: the token issuer, with the configs that we ship.
//! - [`hygiene`]: which headers and bytes an upstream sees, whatever the client sent.
//! - [`cli`]: the commands as a person types them: what they print where, and how they end.
//! - [`hints`]: what a newcomer is told who does a usual thing otherwise than it is done here.
//! - [`dialects`]: every preset verifies what its clients send, and refuses any of it changed.
//! - [`attack_http`]: raw requests that broke other gateways, judged by what the upstream saw.
//! - [`attack_hmac`]: what an attacker may do to a validly signed request, and that none of it passes.
//! - [`peers`]: clients and servers that are not ours, on both sides of the gateway.
//! - [`path`]: the path of a request, end to end: framing, streaming, upstreams, limits, credentials, TLS.
//! - [`tokens`]: tokens of other issuers: their keys, rules and key sets.
//! - [`stores`]: what is remembered in Redis and in files, and what happens when those are away.
//!
//! [`support`] starts the real binary, an upstream that records bytes, and a client on plain sockets.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)] // Here a failed expectation is a failed test.

mod attack_hmac;
mod attack_http;
mod boundaries;
mod cli;
mod clients;
mod dialects;
mod documents;
mod examples;
mod fuzz_targets;
mod hints;
mod http1_oracle;
mod hygiene;
mod issuing;
mod life;
mod path;
mod peers;
mod stores;
mod support;
mod tokens;
