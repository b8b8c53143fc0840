//! A request's body on its way to the upstream, while the answer may already be coming.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
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
    /// What is being written: the head or a chunk's, a piece of the body, and what ends a chunk. It stays until something
    /// else is: as long as it is all there is, it can be written again.
    front: Vec<u8>,
    piece: Bytes,
    back: &'static [u8],
    written: usize,
    /// Whether that has been, from the start, everything.
    holds_all: bool,
    /// Whether nothing is left anywhere, TLS's buffers included.
    flushed: bool,
    /// Bytes that the upstream took, in all.
    taken: u64,
    awaits_client: bool,
    begun: bool,
    /// Whether a write was tried.
    tried: bool,
    /// Of the budget for held bodies: the bytes stay, to be written again, until there is an answer.
    _share: Option<Share>,
}

/// Bodies up to this size are copied behind their head, and pieces behind their chunk's.
const SMALL: usize = 4 * 1024;

/// Small pieces that are there are gathered up to this size: a call for each byte that a client sends in a chunk of its own
/// would keep the worker from everybody else.
const GATHERED: usize = 16 * 1024;

/// After so many pieces the answer is looked at. A task is given 128 turns before others have theirs: the body must not use up all
/// of them while the answer is there to be read.
const AT_A_TIME: u32 = 64;

/// Which side failed.
#[derive(Debug)]
pub(super) enum PumpError {
    Client(BodyError),
    Upstream(io::Error),
}

impl Pump {
    /// A pump of bytes that are already encoded (the head), and of what is put behind them.
    pub(super) fn new(encoded: Vec<u8>, chunked: bool) -> Pump {
        Pump {
            body: None,
            chunked,
            front: encoded,
            piece: Bytes::new(),
            back: b"",
            written: 0,
            holds_all: true,
            flushed: false,
            taken: 0,
            awaits_client: false,
            begun: false,
            tried: false,
            _share: None,
        }
    }

    /// Puts `body` behind the head.
    pub(super) fn put(&mut self, body: Body) {
        match body {
            Body::Bytes(bytes, share) if !self.chunked => {
                self.add(bytes);
                self._share = share;
            }
            Body::Empty if !self.chunked => {}
            body => {
                self.body = Some(body);
                self.holds_all = false;
            }
        }
    }

    /// Its buffer, for the next one to be written in.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.front
    }

    /// Whether everything was written.
    pub(super) fn is_done(&self) -> bool {
        self.body.is_none() && self.flushed
    }

    /// Whether any byte may have reached the upstream.
    pub(super) fn may_have_sent(&self, upstream: &Transport) -> bool {
        self.taken > 0 || self.tried && !upstream.fails_whole()
    }

    /// Goes back to the start, to write everything again on another connection. Possible where nothing was written, and
    /// where it `may_repeat` and everything is still there.
    pub(super) fn rewind(&mut self, may_repeat: bool, upstream: &Transport) -> bool {
        let rewinds = !self.may_have_sent(upstream) || may_repeat && self.holds_all;
        if rewinds {
            (self.written, self.taken, self.flushed, self.tried) = (0, 0, false, false);
        }
        rewinds
    }

    /// Whether the upload moved since `seen`, or waits for the client: then the upstream has nothing to answer for. What
    /// leaves TLS, which takes more than it can send, is a move too.
    pub(super) fn excuses_upstream(&self, upstream: &Transport, seen: &mut u64) -> bool {
        let moved = self.taken.wrapping_add(upstream.taken_below());
        std::mem::replace(seen, moved) != moved || self.awaits_client
    }

    /// Writes on, as far as it goes. Ready when all is written or one side failed.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, upstream: &mut Transport) -> Poll<Result<(), PumpError>> {
        if self.body.is_some() && !std::mem::replace(&mut self.begun, true) {
            // What is already there of the body goes in one write with the head.
            if let Poll::Ready(Err(error)) = self.poll_piece(context) {
                return Poll::Ready(Err(PumpError::Client(error)));
            }
        }
        let mut pieces = 0;
        loop {
            ready!(self.poll_flush(context, upstream)).map_err(PumpError::Upstream)?;
            if self.body.is_none() {
                return Poll::Ready(Ok(()));
            }
            if pieces >= AT_A_TIME {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            pieces += 1;
            self.front.clear();
            (self.piece, self.back, self.written) = (Bytes::new(), b"", 0);
            ready!(self.poll_piece(context)).map_err(PumpError::Client)?;
            while self.piece.is_empty() && self.body.is_some() && self.front.len() < GATHERED && pieces < AT_A_TIME {
                pieces += 1;
                match self.poll_piece(context) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(PumpError::Client(error))),
                    Poll::Pending => break,
                }
            }
        }
    }

    /// Puts the body's next piece behind what is there to be written.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        let Some(body) = &mut self.body else { return Poll::Ready(Ok(())) };
        let piece = body.poll_next(context);
        self.awaits_client = piece.is_pending();
        match ready!(piece).transpose()? {
            Some(piece) => self.add(piece),
            None => {
                self.body = None;
                if self.chunked {
                    self.front.extend_from_slice(encode::LAST_CHUNK);
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn add(&mut self, piece: Bytes) {
        let is_small = piece.len() <= SMALL;
        match (self.chunked, is_small) {
            (true, true) => encode::chunk(&mut self.front, &piece),
            (true, false) => self.back = encode::chunk_around(&mut self.front, &piece),
            (false, true) => self.front.extend_from_slice(&piece),
            (false, false) => {}
        }
        if !is_small {
            self.piece = piece;
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>, upstream: &mut Transport) -> Poll<io::Result<()>> {
        (self.flushed, self.awaits_client) = (false, false);
        let parts = [self.front.as_slice(), &self.piece, self.back];
        let whole = parts.iter().map(|part| part.len()).sum();
        while self.written < whole {
            self.tried = true;
            let written = ready!(upstream.poll_write_parts(context, &parts, self.written))?;
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

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin};

    use tokio::io::{AsyncRead, ReadBuf};

    use super::*;
    use crate::transport::pair::tight_over_tls;

    #[tokio::test]
    async fn an_upstream_over_tls_is_excused_for_as_long_as_it_takes_what_tls_holds() {
        let (mut upstream, mut there) = tight_over_tls().await;
        let mut pump = Pump::new(vec![0; 60 * 1024], false);
        let (mut seen, mut moves) = (0, 0);
        poll_fn(|context| {
            if pump.poll(context, &mut upstream).is_ready() {
                return Poll::Ready(());
            }
            moves += usize::from(pump.excuses_upstream(&upstream, &mut seen));
            assert!(!pump.excuses_upstream(&upstream, &mut seen), "nothing moved between the two");
            let mut bytes = [0; 1 << 16];
            while pin!(&mut there).poll_read(context, &mut ReadBuf::new(&mut bytes)).is_ready() {}
            Poll::Pending
        })
        .await;
        assert!(moves > 3, "{moves}");
    }
}
