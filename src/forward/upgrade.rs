//! Changing protocols (RFC 9110 section 7.8): what may be asked of an upstream, and what counts as its consent.
//!
//! Everything else stays HTTP. A gateway that took another answer for consent would hand the client a connection on which
//! the upstream reads requests that nobody verified.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::BytesMut;
use tokio::io::AsyncWrite;

use super::{
    Dress,
    pool::{Busy, Connection},
};
use crate::{
    buffers::Buffers,
    http1::{Framing, RequestHead, ResponseHead, Version},
    message::Duplex,
};

/// The protocol that `head` asks for, as its client wrote it, where the route allows it and nothing in the head is in
/// doubt. Otherwise the request is served as the HTTP/1.1 that it is.
pub(super) fn asked<'h>(dress: &Dress, head: &'h RequestHead) -> Option<&'h [u8]> {
    if dress.upgrade.is_empty()
        || head.method() != "GET"
        || head.version() != Version::Http11
        || head.framing() != Framing::None
        || !head.connection_names("upgrade")
    {
        return None;
    }
    let protocol = only(head.values("upgrade"))?;
    dress.upgrade.iter().any(|allowed| allowed.as_bytes().eq_ignore_ascii_case(protocol)).then_some(protocol)
}

/// Whether a 101 consents to what was asked: to that protocol alone, and as RFC 9110 section 15.2.2 has it.
pub(super) fn is_granted(head: &ResponseHead, asked: &[u8]) -> bool {
    head.status() == 101
        && head.version() == Version::Http11
        // A body announced for a 101 would be read as the protocol's first bytes by some and not by others.
        && head.value("content-length").is_none()
        && head.value("transfer-encoding").is_none()
        && head.connection_names("upgrade")
        && only(head.values("upgrade")).is_some_and(|protocol| protocol.eq_ignore_ascii_case(asked))
}

fn only<'v>(mut values: impl Iterator<Item = &'v [u8]>) -> Option<&'v [u8]> {
    values.next().filter(|_| values.next().is_none())
}

/// The upstream's end of an upgraded connection. It counts against the upstream's limit until it is dropped.
pub(super) struct UpgradedEnd {
    connection: Box<Connection>,
    buffers: Buffers,
    _busy: Busy,
}

impl UpgradedEnd {
    pub(super) fn new(connection: Box<Connection>, buffers: Buffers, busy: Busy) -> UpgradedEnd {
        UpgradedEnd { connection, buffers, _busy: busy }
    }
}

impl Duplex for UpgradedEnd {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<io::Result<usize>> {
        let Connection { transport, buffer: early, .. } = &mut *self.connection;
        if !early.is_empty() {
            let count = early.len();
            buffer.unsplit(std::mem::take(early));
            return Poll::Ready(Ok(count));
        }
        transport.poll_fill(context, buffer, &self.buffers)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection.transport).poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection.transport).poll_flush(context)
    }

    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection.transport).poll_shutdown(context)
    }

    fn reset_on_close(&self) {
        self.connection.transport.reset_on_close();
    }
}
