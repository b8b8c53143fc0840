//! The PROXY protocol, versions 1 and 2: what a load balancer says of a connection before anything else comes on it.
//!
//! A parser and nothing more: it is given the bytes so far, and says where they came from, that there must be more, or that
//! they are no such header. Whose word counts, and for how long one waits for it, is the listener's business.
//!
//! Source: <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>

mod v1;
mod v2;

use std::net::IpAddr;

/// The longest header that is read, in bytes. A version 1 line has at most 107; a version 2 header has addresses and whatever
/// else the proxy wants to tell, which is passed over.
pub const LONGEST: usize = 4 * 1024;

/// A whole header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Where the connection came from.
    pub source: Source,
    /// How many bytes it took.
    pub length: usize,
}

/// Where a connection came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From the proxy itself (a health check).
    Proxy,
    /// From this address.
    At(IpAddr),
    /// From somebody whose address the proxy does not know, or does not tell.
    Untold,
}

/// Why bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Neither version begins so.
    #[error("no PROXY header came")]
    Absent,
    /// A version 1 line that is not one.
    #[error("the PROXY line is malformed")]
    Line,
    /// A version 2 header that is not one.
    #[error("the PROXY header is malformed")]
    Binary,
    /// Longer than the standard or this gateway allows.
    #[error("the PROXY header is too long")]
    TooLong,
}

/// Reads the header that `bytes` begin with. `None`: all of them belong to it, and more must come.
///
/// # Errors
/// [`Malformed`], as soon as it can be told.
pub fn parse(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    if begins(bytes, v1::BEGINNING) {
        v1::parse(bytes)
    } else if begins(bytes, v2::SIGNATURE) {
        v2::parse(bytes)
    } else {
        Err(Malformed::Absent)
    }
}

/// Whether `bytes`, as far as they go, are those of `beginning`.
fn begins(bytes: &[u8], beginning: &[u8]) -> bool {
    bytes.iter().zip(beginning).all(|(one, other)| one == other)
}

#[cfg(test)]
mod tests;
