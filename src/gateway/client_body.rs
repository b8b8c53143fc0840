//! A request's body as it arrives: decoded, bounded, timed, and asked for (100 Continue) only when somebody wants it.

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;

use super::{pace::Pace, wire::Wire};
use crate::{
    deadline::{Elapsed, Wait},
    http1::{BodyDecoder, Framing, Step},
    message::{BodyError, BodyStream},
};

/// What the connection wants to know of a body after it was handed out.
#[derive(Clone, Default)]
pub(super) struct Progress(Option<Rc<State>>);

#[derive(Default)]
struct State {
    complete: Cell<bool>,
    received: Cell<u64>,
    /// What is left of the interim answer that the client waits for.
    invitation: Cell<&'static [u8]>,
    /// Of it something was written, and TLS may hold that back.
    is_unflushed: Cell<bool>,
    decoder: RefCell<Option<BodyDecoder>>,
}

/// The body of one request.
pub(super) struct ClientBody {
    wire: Wire,
    progress: Progress,
    length: Option<u64>,
    limit: u64,
    patience: Duration,
    wait: Wait,
    pace: Pace,
}

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

impl Progress {
    /// A request without a body.
    pub(super) fn none() -> Progress {
        Progress(None)
    }

    /// A body that is about to be read by `decoder`.
    pub(super) fn of(decoder: BodyDecoder) -> Progress {
        Progress(Some(Rc::new(State { decoder: RefCell::new(Some(decoder)), ..State::default() })))
    }

    /// Whether every byte of the body was taken off the connection.
    pub(super) fn is_complete(&self) -> bool {
        self.0.as_ref().is_none_or(|state| state.complete.get())
    }

    /// The final answer begins: an invitation to send would now stand in its middle. One that had begun must be finished
    /// in front of it: what is left of it.
    #[must_use = "an interim answer must not be cut in two"]
    pub(super) fn no_more_interim(&self) -> &'static [u8] {
        let left = self.0.as_ref().map_or(&b""[..], |state| {
            state.is_unflushed.set(false);
            state.invitation.take()
        });
        if left.len() < CONTINUE.len() { left } else { b"" }
    }

    /// Whether somebody reads it still (the upstream takes the body while its answer comes).
    pub(super) fn is_being_read(&self) -> bool {
        self.0.as_ref().is_some_and(|state| Rc::strong_count(state) > 1)
    }

    /// Body bytes received so far.
    pub(super) fn received(&self) -> u64 {
        self.0.as_ref().map_or(0, |state| state.received.get())
    }

    /// Takes off the connection what is already there of a body that nobody wants. True where that is all of it.
    pub(super) fn discard_arrived(&self, wire: &Wire) -> bool {
        loop {
            match self.decode(wire) {
                Some(Ok(Step::Data(_))) => {}
                Some(Ok(Step::End)) | None => return self.is_complete(),
                Some(Ok(Step::More) | Err(_)) => return false,
            }
        }
    }

    fn decode(&self, wire: &Wire) -> Option<Result<Step, BodyError>> {
        let state = self.0.as_ref()?;
        let mut decoder = state.decoder.borrow_mut();
        let step = wire.with_input(|input| decoder.as_mut().map(|decoder| decoder.decode(input)))?;
        match step {
            Ok(Step::Data(piece)) => {
                state.received.set(state.received.get() + u64::try_from(piece.len()).unwrap_or(u64::MAX));
                Some(Ok(Step::Data(piece)))
            }
            Ok(Step::End) => {
                state.complete.set(true);
                *decoder = None;
                Some(Ok(Step::End))
            }
            Ok(Step::More) => Some(Ok(Step::More)),
            Err(error) => Some(Err(error.into())),
        }
    }
}

impl ClientBody {
    pub(super) fn new(
        wire: Wire,
        progress: Progress,
        framing: Framing,
        limit: u64,
        (patience, wait): (Duration, Wait),
        invite: bool,
    ) -> ClientBody {
        let length = match framing {
            Framing::None => Some(0),
            Framing::Length(length) => Some(length),
            Framing::Chunked => None,
        };
        if let Some(state) = progress.0.as_ref().filter(|_| invite) {
            state.invitation.set(CONTINUE);
        }
        ClientBody { wire, progress, length, limit, patience, wait, pace: Pace::default() }
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            match self.progress.decode(&self.wire) {
                None | Some(Ok(Step::End)) => return Poll::Ready(None),
                Some(Ok(Step::Data(_))) if self.progress.received() > self.limit => {
                    return Poll::Ready(Some(Err(BodyError::TooLarge { limit: self.limit })));
                }
                Some(Ok(Step::Data(piece))) => return Poll::Ready(Some(Ok(piece))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(Step::More)) => {}
            }
            if let Err(error) = std::task::ready!(self.poll_invite(context)) {
                return Poll::Ready(Some(Err(error.into())));
            }
            match std::task::ready!(self.wire.poll_fill(context)) {
                Ok(0) => return Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(error.into()))),
            }
        }
    }

    fn poll_invite(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(state) = &self.progress.0 else { return Poll::Ready(Ok(())) };
        while !state.invitation.get().is_empty() {
            let written = std::task::ready!(self.wire.poll_write(context, state.invitation.get()))?;
            state.invitation.set(state.invitation.get().get(written..).unwrap_or_default());
            state.is_unflushed.set(true);
        }
        // Nothing else is waited for: an answer that its client does not take yet must not hold the upload back.
        if state.is_unflushed.get() {
            std::task::ready!(self.wire.poll_flush(context))?;
            state.is_unflushed.set(false);
        }
        Poll::Ready(Ok(()))
    }
}

impl BodyStream for ClientBody {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let outcome = self.poll_piece(context);
        let now = self.wait.ticks();
        if outcome.is_ready() {
            self.wait.clear();
            if let Poll::Ready(Some(Ok(piece))) = &outcome
                && self.pace.moved(now, piece.len()).is_a_trickle()
            {
                return Poll::Ready(Some(Err(BodyError::Stalled)));
            }
        } else if let Poll::Ready(Elapsed) = self.wait.poll_elapsed(context, self.patience) {
            return Poll::Ready(Some(Err(BodyError::Stalled)));
        } else {
            self.pace.awaits(now);
        }
        outcome
    }

    fn length(&self) -> Option<u64> {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_finished_where_it_had_begun_and_withdrawn_where_it_had_not() {
        let with =
            |left: &'static [u8]| Progress(Some(Rc::new(State { invitation: Cell::new(left), ..State::default() })));
        let begun = with(b"ontinue\r\n\r\n");
        assert_eq!(begun.no_more_interim(), b"ontinue\r\n\r\n");
        assert_eq!(begun.no_more_interim(), b"", "once");
        assert_eq!(with(CONTINUE).no_more_interim(), b"");
        assert_eq!(with(b"").no_more_interim(), b"");
        assert_eq!(Progress::none().no_more_interim(), b"");
    }
}
