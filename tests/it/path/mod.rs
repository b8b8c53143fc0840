//! The path of a request as real clients and real upstreams see it, through the real binary:
//!
//! - [`framing`]: what delimits requests and answers, and what becomes of a body that nobody wants.
//! - [`fields`]: which fields pass, and which are of one connection.
//! - [`streaming`]: bodies on their way, both ways.
//! - [`held`]: bodies that are held until their signature is known.
//! - [`answers`]: answers of every kind of wrong, and what becomes of each.
//! - [`upstreams`]: servers that answer oddly, late, twice or not at all.
//! - [`servers`]: which server a request goes to, over which connection, and only once.
//! - [`limits`]: time-outs and bounds, and honest clients beside those that run into them.
//! - [`turns`]: those who always have something there to do, and everybody else.
//! - [`addresses`]: lists of networks, and whose word about an address counts.
//! - [`proxied`]: connections behind a load balancer, and how many one address may have.
//! - [`rates`]: limits of rate, on what is verified and on what is not.
//! - [`names`]: whose a name is, and that all that is told of a caller is of one credential.
//! - [`credentials`]: who is let in, what refusals look like, and what an upstream is told.
//! - [`message_signatures`]: the signatures of RFC 9421.
//! - [`keys`]: several secrets on one id, when each is good, and what else is known of an id.
//! - [`lifecycle`]: signals, ports, file descriptors, the log, the metrics.
//! - [`listeners`]: several listeners and hosts, and the origin that clients sign.
//! - [`tls`]: listeners and upstreams over TLS.
//! - [`unsecured`]: what becomes of HTTP where TLS is spoken, of TLS where it is not, and of handshakes that fail.
//! - [`client_certificates`]: certificates that clients show, and tokens that are bound to one.
//! - [`upgrade`]: connections that change protocols, and those that must not.
//! - [`sidecar`]: requests that the gateway signs for their upstream.
//! - [`signed_answers`]: answers that it signs for their client.
//! - [`handshakes`]: what webhooks' senders ask before they send.
//! - [`mutations`]: requests and answers that are almost right.
//! - [`soak`]: all of it at once, for a while.

mod addresses;
mod admin_socket;
mod answers;
mod client_certificates;
mod credentials;
mod fields;
mod framing;
mod handshakes;
mod held;
mod keys;
mod lifecycle;
mod limits;
mod listeners;
mod message_signatures;
mod mutations;
mod names;
mod proxied;
mod rates;
mod reload;
mod revocations;
mod servers;
mod sidecar;
mod signed_answers;
pub(crate) mod signing;
mod soak;
mod streaming;
mod support;
mod talk;
pub(crate) mod tls;
mod turns;
mod unsecured;
mod upgrade;
mod upstreams;
