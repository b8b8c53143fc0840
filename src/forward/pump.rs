//! A request's body on its way to the upstream, while the answer may already be coming.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::AsyncWrite;

use crate::{
    http1::encode,
    message::{Body, BodyError, Share},
    transport::Transport,
};

/// What is still to be written to the upstream.
pub(super) struct Pump {
    body: Option<Body>,
    chunked: bool,
    /// What is being written. It stays until something else is: as long as it is all there is, it can be written again.
    pending: Vec<u8>,
    written: usize,
    /// Whether `pending` has been, from the start, everything.
    holds_all: bool,
    /// Whether nothing is left anywhere, TLS's buffers included.
    flushed: bool,
    /// Bytes that the upstream took, in all.
    taken: u64,
    awaits_client: bool,
    /// Of the budget for held bodies, until the upstream has the bytes.
    _share: Option<Share>,
}

/// Bodies up to this size are copied behind their head.
const SMALL: usize = 16 * 1024;

/// Which side failed.
#[derive(Debug)]
pub(super) enum PumpError {
    Client(BodyError),
    Upstream(io::Error),
}

impl Pump {
    /// A pump of `body`, behind bytes that are already encoded (the head).
    pub(super) fn new(encoded: Vec<u8>, body: Body, chunked: bool) -> Pump {
        let mut pump = Pump {
            body: None,
            chunked,
            pending: encoded,
            written: 0,
            holds_all: true,
            flushed: false,
            taken: 0,
            awaits_client: false,
            _share: None,
        };
        match body {
            // A small body goes in one write with its head.
            Body::Bytes(bytes, share) if bytes.len() <= SMALL && !chunked => {
                pump.pending.extend_from_slice(&bytes);
                pump._share = share;
            }
            Body::Bytes(bytes, share) => {
                pump.body = Some(Body::Bytes(bytes, None));
                pump._share = share;
            }
            Body::Empty => {}
            body => pump.body = Some(body),
        }
        pump.holds_all = pump.body.is_none();
        pump
    }

    /// Its buffer, for the next one to be written in.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.pending
    }

    /// Whether everything was written.
    pub(super) fn is_done(&self) -> bool {
        self.body.is_none() && self.flushed
    }

    /// Goes back to the start, to write everything again on another connection. Possible where nothing was written, and
    /// where it `may_repeat` and everything is still there.
    pub(super) fn rewind(&mut self, may_repeat: bool) -> bool {
        let rewinds = self.taken == 0 || may_repeat && self.holds_all;
        if rewinds {
            (self.written, self.taken, self.flushed) = (0, 0, false);
        }
        rewinds
    }

    /// Whether the upload moved since `seen`, or waits for the client: then the upstream has nothing to answer for.
    pub(super) fn excuses_upstream(&self, seen: &mut u64) -> bool {
        std::mem::replace(seen, self.taken) != self.taken || self.awaits_client
    }

    /// Writes on, as far as it goes. Ready when all is written or one side failed.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, upstream: &mut Transport) -> Poll<Result<(), PumpError>> {
        loop {
            ready!(self.poll_flush(context, upstream)).map_err(PumpError::Upstream)?;
            let Some(body) = &mut self.body else { return Poll::Ready(Ok(())) };
            let piece = body.poll_next(context);
            self.awaits_client = piece.is_pending();
            let piece = ready!(piece).transpose().map_err(PumpError::Client)?;
            self.pending.clear();
            self.written = 0;
            match piece {
                Some(piece) => self.encode(&piece),
                None => {
                    self.body = None;
                    if self.chunked {
                        self.pending.extend_from_slice(encode::LAST_CHUNK);
                    }
                }
            }
        }
    }

    fn encode(&mut self, piece: &[u8]) {
        if self.chunked {
            encode::chunk(&mut self.pending, piece);
        } else {
            self.pending.extend_from_slice(piece);
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>, upstream: &mut Transport) -> Poll<io::Result<()>> {
        self.flushed = false;
        while let Some(rest) = self.pending.get(self.written..).filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut *upstream).poll_write(context, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
            self.taken = self.taken.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        }
        ready!(Pin::new(upstream).poll_flush(context))?;
        self.flushed = true;
        Poll::Ready(Ok(()))
    }
}
