//! Tokens end to end: keys of every kind, several issuers, and what becomes of issuers that rotate, lie or go away.

mod command_line;
mod dpop;
mod introspection;
mod issuer;
mod issuers;
mod key_server;
mod libraries;
mod published;

use std::net::SocketAddr;

use crate::support::{Answer, send};

/// A request with a bearer token.
fn get(address: SocketAddr, path: &str, token: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    send(address, request.as_bytes()).expect("an answer")
}
