//! An upstream's answer body on its way to the client, with the rest of the request's body going the other way.

use std::{
    io,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;

use super::{
    pool::{Busy, Connection, Pools},
    pump::{Pump, PumpError},
};
use crate::{
    deadline::{Elapsed, Wait},
    http1::{BodyDecoder, Step},
    message::{BodyError, BodyStream},
};

/// Reads only when asked, so a slow client holds the upstream back and not the gateway's memory.
pub(super) struct AnswerBody {
    pub(super) connection: Option<Box<Connection>>,
    pub(super) decoder: BodyDecoder,
    pub(super) length: Option<u64>,
    pub(super) pump: Option<Pump>,
    /// What the client did wrong in the rest of its request.
    pub(super) upload_error: Option<BodyError>,
    pub(super) reusable: bool,
    pub(super) server: usize,
    pub(super) pools: Pools,
    pub(super) wait: Wait,
    pub(super) patience: Duration,
    /// Bytes of the request that the upstream had taken when last looked at.
    pub(super) taken: u64,
    /// Held for as long as the answer runs.
    #[allow(dead_code, reason = "counts by being alive")]
    pub(super) busy: Busy,
}

impl BodyStream for AnswerBody {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let outcome = self.poll_piece(context);
        match &outcome {
            Poll::Ready(Some(Ok(_))) => self.wait.clear(),
            Poll::Ready(None) => self.finish(),
            Poll::Ready(Some(Err(_))) => self.connection = None,
            Poll::Pending => {
                if let (Some(pump), Some(connection)) = (&self.pump, &self.connection)
                    && pump.excuses_upstream(&connection.transport, &mut self.taken)
                {
                    self.wait.clear();
                }
                if let Poll::Ready(Elapsed) = self.wait.poll_elapsed(context, self.patience) {
                    self.connection = None;
                    return Poll::Ready(Some(Err(BodyError::Stalled)));
                }
            }
        }
        outcome
    }

    fn length(&self) -> Option<u64> {
        self.length
    }

    /// A client may send all of its request before it reads any of the answer.
    fn poll_beside(&mut self, context: &mut Context<'_>) {
        let (Some(connection), Some(pump)) = (&mut self.connection, &mut self.pump) else { return };
        match pump.poll(context, &mut connection.transport) {
            Poll::Pending => return,
            // Of the second: the upstream has heard enough; its answer still counts.
            Poll::Ready(Ok(()) | Err(PumpError::Upstream(_))) => {}
            Poll::Ready(Err(PumpError::Client(error))) => self.upload_error = Some(error),
        }
        self.pump = None;
    }
}

impl AnswerBody {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.poll_beside(context);
        if let Some(error) = self.upload_error.take() {
            return Poll::Ready(Some(Err(BodyError::Upload(Box::new(error)))));
        }
        let Some(connection) = &mut self.connection else { return Poll::Ready(None) };
        loop {
            match self.decoder.decode(&mut connection.buffer) {
                Ok(Step::Data(piece)) => return Poll::Ready(Some(Ok(piece))),
                Ok(Step::End) => return Poll::Ready(None),
                Ok(Step::More) => {}
                Err(error) => return Poll::Ready(Some(Err(error.into()))),
            }
            match connection.transport.poll_fill(context, &mut connection.buffer, self.pools.buffers()) {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(match self.decoder.end_of_input() {
                        Ok(_) => None,
                        Err(error) => Some(Err(BodyError::CutOff(io::Error::other(error)))),
                    });
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(BodyError::CutOff(error)))),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn finish(&mut self) {
        if let Some(connection) = self.connection.take()
            && self.reusable
            && self.pump.is_none()
        {
            self.pools.keep(self.server, connection);
        }
    }
}
