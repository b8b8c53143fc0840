//! The path of a request as real clients and real upstreams see it, through the real binary:
//!
//! - [`framing`]: what delimits requests and answers, and what becomes of a body that nobody wants.
//! - [`streaming`]: bodies on their way, both ways, and bodies that are held.
//! - [`upstreams`]: servers that answer oddly, late, twice or not at all.
//! - [`limits`]: time-outs and bounds, and honest clients beside those that run into them.
//! - [`credentials`]: who is let in, what refusals look like, and what an upstream is told.
//! - [`lifecycle`]: signals, ports, file descriptors, the log, the metrics.
//! - [`tls`]: listeners and upstreams over TLS.
//! - [`soak`]: all of it at once, for a while.

mod credentials;
mod framing;
mod lifecycle;
mod limits;
mod signing;
mod soak;
mod streaming;
mod support;
mod tls;
mod upstreams;
