//! The HTTP/1 codec (RFC 9112), both directions: bytes to heads and bodies, heads and bodies to bytes.
//!
//! It is the gateway's outer edge, so it is strict: what two readers could take in two ways is refused, never
//! repaired. It does no I/O and holds no buffer of its own; the caller reads into a [`BytesMut`](bytes::BytesMut),
//! calls [`RequestHead::parse`] or [`ResponseHead::parse`], then a [`BodyDecoder`], and reads again when told so.
//! Any split of the input gives the same result.
//!
//! It is not for routing, policy, path normalisation or logging, and imports nothing of the other rooms.
//!
//! Where the grammar has room, this codec takes the narrow reading: a method has no lower-case letter, a host is
//! made of unreserved characters, `Transfer-Encoding` is exactly `chunked`, `Content-Length` comes once.

mod authority;
mod body;
mod chunked;
mod control;
pub mod encode;
mod error;
mod fields;
mod grammar;
mod known;
mod lines;
mod plain;
mod request;
mod response;
mod target;
#[cfg(test)]
mod tests;

pub use authority::{is_same_host, is_same_server, usual_port};
pub use body::{BodyDecoder, Framing, ResponseFraming, Step};
pub use error::{BadBody, BadHead, BadRequest, BadResponse};
pub use known::{FieldName, Known};
pub use plain::is_visible;
pub use request::RequestHead;
pub use response::ResponseHead;

/// How much of one message's overhead is read before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a head, its last empty line included. Above 65,535 it counts as 65,535.
    pub head: usize,
    /// Field lines of a head. Above 256 it counts as 256.
    pub headers: usize,
    /// Bytes of chunk extensions and trailers of one body, taken together.
    pub chunk_overhead: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { head: 32 * 1024, headers: 100, chunk_overhead: 16 * 1024 }
    }
}

/// The version in a start line. Any other is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `HTTP/1.0`
    Http10,
    /// `HTTP/1.1`
    Http11,
}

impl Version {
    /// From the minor digit that `httparse` reports.
    fn from_minor(minor: Option<u8>) -> Version {
        if minor == Some(1) { Version::Http11 } else { Version::Http10 }
    }
}
