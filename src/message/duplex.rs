//! A connection that no longer speaks HTTP: bytes both ways, of which the gateway knows nothing.

use std::{
    io,
    task::{Context, Poll},
};

use bytes::BytesMut;

/// One end of an upgraded connection (RFC 9110 section 7.8).
pub trait Duplex {
    /// Reads behind what `buffer` holds, which must be of the worker's lent buffers; 0 is the end. What had come before
    /// the upgrade comes first.
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<io::Result<usize>>;

    /// Writes some of `bytes`.
    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Brings what was written on its way.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Says that nothing more will be written; the other direction stays open.
    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Makes the other side see a broken connection rather than an ended one, once it is dropped.
    fn reset_on_close(&self);
}

impl std::fmt::Debug for dyn Duplex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Duplex")
    }
}
