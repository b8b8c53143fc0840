//! A connection that changed protocols: the 101 to the client, then bytes both ways until both sides have ended.
//!
//! The gateway reads none of them. Each direction has one buffer, lent only while something is in it, so that an idle
//! tunnel holds none and a slow reader holds back whoever sends to it.

use std::{
    future::poll_fn,
    io,
    task::{Context, Poll},
};

use bytes::{Buf, BytesMut};

use super::{After, Connection};
use crate::{
    deadline::Elapsed,
    gateway::trail::Trail,
    http1::encode,
    message::{Duplex, Response},
};

/// Why a tunnel ended before both of its sides did.
#[derive(Debug, thiserror::Error)]
enum Torn {
    #[error("to or from the client: {0}")]
    Client(#[source] io::Error),
    #[error("to or from the upstream: {0}")]
    Upstream(#[source] io::Error),
    #[error("nothing moved for too long")]
    Idle,
    #[error("the gateway stopped")]
    Stopped,
    /// A connection has the certificate of its handshake for as long as it lives.
    #[error("its listener believes clients' certificates by other roots now")]
    OtherRoots,
}

impl Connection {
    /// Writes the 101 that `response` is and hands the connection over to `upstream`.
    pub(super) async fn hand_over(
        &mut self,
        response: &Response,
        mut upstream: Box<dyn Duplex>,
        trail: &mut Trail<'_>,
    ) -> After {
        self.output = self.worker.forwarder.outputs.lend();
        write_head(&mut self.output, response, trail.request_id.as_bytes());
        let announced = self.send(b"", b"").await;
        self.worker.forwarder.outputs.take_back(std::mem::take(&mut self.output));
        let (mut up, mut down) = (Flow::default(), Flow::default());
        let ended = match announced {
            Ok(()) => self.copy(&mut *upstream, &mut up, &mut down).await.map_err(|torn| torn.to_string()),
            Err(broken) => Err(broken.to_string()),
        };
        (trail.received, trail.sent) = (up.moved, down.moved);
        trail.broken = ended.err();
        if trail.broken.is_none() {
            return After::Close;
        }
        // Neither side may take what came so far for all there was.
        upstream.reset_on_close();
        After::Reset
    }

    async fn copy(&self, upstream: &mut dyn Duplex, up: &mut Flow, down: &mut Flow) -> Result<(), Torn> {
        let deadlines = &self.worker.forwarder.deadlines;
        let patience = self.worker.edition().snapshot.timeouts.tunnel;
        let (mut client, mut wait) = (self.wire.clone(), deadlines.wait());
        let (mut moved, mut turn) = (0, false);
        // What the client sent behind its head is the first that it says in the new protocol.
        up.buffer = client.with_input(std::mem::take);
        poll_fn(|context| {
            // By turns first, or the side that sends without a pause would use up the task's budget each time.
            turn = !turn;
            for is_up in [turn, !turn] {
                let polled = match is_up {
                    true => up
                        .poll(context, &mut client, upstream, down.is_ended)
                        .map_err(|at| at.torn(Torn::Client, Torn::Upstream)),
                    false => down
                        .poll(context, upstream, &mut client, up.is_ended)
                        .map_err(|at| at.torn(Torn::Upstream, Torn::Client)),
                };
                if let Poll::Ready(Err(torn)) = polled {
                    return Poll::Ready(Err(torn));
                }
            }
            if up.is_closed && down.is_closed {
                return Poll::Ready(Ok(()));
            }
            if deadlines.is_given_up() {
                return Poll::Ready(Err(Torn::Stopped));
            }
            if self.worker.believes_otherwise(self.door, self.trust) {
                return Poll::Ready(Err(Torn::OtherRoots));
            }
            if std::mem::replace(&mut moved, up.moved.wrapping_add(down.moved)) != up.moved.wrapping_add(down.moved) {
                wait.clear();
            }
            wait.poll_elapsed(context, patience).map(|Elapsed| Err(Torn::Idle))
        })
        .await
    }
}

fn write_head(out: &mut Vec<u8>, response: &Response, request_id: &[u8]) {
    let Some(head) = &response.upstream else { return };
    encode::status_line(out, response.status, head.reason());
    response.write_fields(out);
    encode::field(out, "Connection", b"upgrade");
    if let Some(protocol) = head.value("upgrade") {
        encode::line(out, b"Upgrade", protocol);
    }
    encode::own_line(out, "X-Request-Id: ", request_id);
    encode::end(out);
}

/// One direction.
#[derive(Default)]
struct Flow {
    buffer: BytesMut,
    /// Bytes that the sink took, in all.
    moved: u64,
    is_unflushed: bool,
    /// The source has ended.
    is_ended: bool,
    /// And the sink knows.
    is_closed: bool,
}

/// At which end of a direction it failed.
enum At {
    Source(io::Error),
    Sink(io::Error),
}

impl At {
    fn torn(self, source: fn(io::Error) -> Torn, sink: fn(io::Error) -> Torn) -> Torn {
        match self {
            At::Source(error) => source(error),
            At::Sink(error) => sink(error),
        }
    }
}

impl Flow {
    /// Moves what there is. Ready when the source has ended and the sink was told.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        source: &mut dyn Duplex,
        sink: &mut dyn Duplex,
        other_is_ended: bool,
    ) -> Poll<Result<(), At>> {
        while !self.is_closed {
            if !self.buffer.is_empty() {
                std::task::ready!(self.poll_write(context, sink)).map_err(At::Sink)?;
            } else if self.is_ended {
                std::task::ready!(sink.poll_shutdown(context)).map_err(At::Sink)?;
                self.is_closed = true;
            } else {
                match source.poll_read(context, &mut self.buffer) {
                    Poll::Ready(Ok(0)) => self.is_ended = true,
                    Poll::Ready(Ok(_)) => {}
                    // Browsers leave a TLS connection without a word once the other side has ended it.
                    Poll::Ready(Err(error)) if other_is_ended && error.kind() == io::ErrorKind::UnexpectedEof => {
                        self.is_ended = true;
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(At::Source(error))),
                    Poll::Pending => {
                        std::task::ready!(self.poll_flush(context, sink)).map_err(At::Sink)?;
                        return Poll::Pending;
                    }
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, context: &mut Context<'_>, sink: &mut dyn Duplex) -> Poll<io::Result<()>> {
        let count = std::task::ready!(sink.poll_write(context, &self.buffer))?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.buffer.advance(count);
        self.moved = self.moved.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        self.is_unflushed = true;
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>, sink: &mut dyn Duplex) -> Poll<io::Result<()>> {
        if self.is_unflushed {
            std::task::ready!(sink.poll_flush(context))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}
