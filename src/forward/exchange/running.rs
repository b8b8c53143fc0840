//! One request and its answer on one connection: the head written, the body pumped, the answer's head awaited.

use std::{
    io,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use tokio::task::coop::poll_proceed;

use super::place::{Attempts, Place, open};
use crate::{
    deadline::{Elapsed, Wait},
    forward::{
        Dress, Failure, Forwarder, Server, Servers, Timeouts,
        answer_body::AnswerBody,
        head::is_last,
        pool::{Busy, Connection},
        pump::{Pump, PumpError},
        upgrade::{self, UpgradedEnd},
    },
    http1::{BodyDecoder, Limits, ResponseFraming, ResponseHead},
    message::{Body, Response},
    policy::Admitted,
};

/// An exchange that was begun.
pub(super) struct Exchange<'f> {
    connection: Box<Connection>,
    pump: Pump,
    /// The upstream stopped taking the body; it may still have answered.
    broken: Option<io::Error>,
    /// An interim answer came.
    heard: bool,
    was_head: bool,
    is_safe: bool,
    /// Whether the head says who its server is: then it is for no other.
    names_server: bool,
    /// Whether the head says that nothing follows on its connection.
    is_last: bool,
    /// The protocol that the upstream was asked to change to.
    protocol: Option<Vec<u8>>,
    servers: &'f Servers,
    server: &'f Server,
    busy: Busy,
    forwarder: &'f Forwarder,
    timeouts: Timeouts,
    wait: Wait,
    /// Bytes of the request that the upstream had taken when last looked at.
    taken: u64,
}

/// Safe methods (RFC 9110 section 9.2.1). An upstream may not honour that PUT and DELETE are idempotent.
fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS")
}

impl<'f> Exchange<'f> {
    /// An exchange at `place`, with its head in `encoded`. On the heap, where it stays: it is large, and handed on often.
    pub(super) fn new(
        Place { servers, server, connection, busy }: Place<'f>,
        forwarder: &'f Forwarder,
        timeouts: Timeouts,
        permit: Admitted<'_>,
        encoded: Vec<u8>,
        chunked: bool,
        protocol: Option<Vec<u8>>,
    ) -> Box<Exchange<'f>> {
        let method = permit.head().method();
        let (was_head, is_safe) = (method == "HEAD", is_safe(method));
        // Made where it stays, and the body put in there: moved, it would cost as much as it does.
        let mut exchange = Box::new(Exchange {
            connection,
            pump: Pump::new(encoded, chunked),
            broken: None,
            heard: false,
            was_head,
            is_safe,
            names_server: servers.in_own_name(permit.head().authority()),
            is_last: is_last(servers, &permit),
            protocol,
            servers,
            server,
            busy,
            forwarder,
            timeouts,
            wait: forwarder.deadlines.wait(),
            taken: 0,
        });
        exchange.pump.put(permit.into_body());
        exchange
    }

    /// Whether a kept connection ended before a single byte of an answer (its server may have closed it before it saw the
    /// request), and everything can be sent again. Time-outs are not of this kind.
    pub(super) fn may_repeat(&mut self, error: &io::Error) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        let went_stale = self.connection.was_kept
            && !self.heard
            && self.connection.buffer.is_empty()
            && matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof);
        went_stale && self.pump.rewind(self.is_safe, &self.connection.transport)
    }

    /// Whether any byte of the request may have reached the upstream.
    pub(super) fn may_have_sent(&self) -> bool {
        self.pump.may_have_sent(&self.connection.transport)
    }

    /// The same request once more, on a new connection to the same server, or to another for which it looks no different,
    /// after the pump was rewound.
    pub(super) async fn on_a_new_connection(
        mut self: Box<Self>,
        dress: &Dress,
    ) -> (Result<Box<Self>, Failure>, Attempts) {
        let (forwarder, servers) = (self.forwarder, self.servers);
        let mut attempts = Attempts::default();
        let mut opened = open(self.server, forwarder, dress).await;
        for server in servers.like(self.server) {
            if opened.is_ok() || self.names_server {
                break;
            }
            let Some(busy) = forwarder.pools.enter(server.id, servers.most) else { continue };
            attempts.failed += 1;
            opened = open(server, forwarder, dress).await;
            (self.server, self.busy) = (server, busy);
        }
        match opened {
            Ok(connection) => {
                (self.connection, self.broken) = (connection, None);
                self.wait.clear();
                attempts.connects += 1;
                (Ok(self), attempts)
            }
            Err(failure) => {
                attempts.failed += 1;
                (Err(failure), attempts)
            }
        }
    }

    /// The final head, within its time-out of the upload's last move.
    pub(super) fn poll_final_head(&mut self, context: &mut Context<'_>) -> Poll<Result<Box<ResponseHead>, Failure>> {
        loop {
            let Poll::Ready(head) = self.poll_answer(context) else {
                let upstream = &self.connection.transport;
                if self.broken.is_none()
                    && !self.pump.is_done()
                    && self.pump.excuses_upstream(upstream, &mut self.taken)
                {
                    self.wait.clear();
                }
                return self.poll_late(context);
            };
            let head = head?;
            match head.status() {
                101 => {
                    let asked = self.protocol.as_ref().filter(|_| self.pump.is_done());
                    let granted = asked.is_some_and(|asked| upgrade::is_granted(&head, asked));
                    return Poll::Ready(if granted { Ok(head) } else { Err(Failure::Upgrade) });
                }
                100..=199 => {
                    self.heard = true;
                    // There may be any number of them: others are to have their turn.
                    match poll_proceed(context) {
                        Poll::Ready(turn) => turn.made_progress(),
                        Poll::Pending => return self.poll_late(context),
                    }
                }
                _ => return Poll::Ready(Ok(head)),
            }
        }
    }

    /// Ready once the final head is waited for no longer.
    fn poll_late<T>(&mut self, context: &Context<'_>) -> Poll<Result<T, Failure>> {
        self.wait.poll_elapsed(context, self.timeouts.head).map(|Elapsed| Err(Failure::Timeout))
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Result<Box<ResponseHead>, Failure>> {
        if self.broken.is_none() && !self.pump.is_done() {
            match self.pump.poll(context, &mut self.connection.transport) {
                Poll::Ready(Err(PumpError::Client(error))) => return Poll::Ready(Err(Failure::Client(error))),
                Poll::Ready(Err(PumpError::Upstream(error))) => self.broken = Some(error),
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
        }
        loop {
            let parsed = ResponseHead::parse(&mut self.connection.buffer, &Limits::default(), self.was_head);
            if let Some(head) = parsed? {
                return Poll::Ready(Ok(head));
            }
            let Connection { transport, buffer, .. } = &mut *self.connection;
            match transport.poll_fill(context, buffer, &self.forwarder.buffers) {
                Poll::Ready(Ok(0)) => {
                    let error = self.broken.take().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
                    return Poll::Ready(Err(Failure::Broken(error)));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Failure::Broken(error))),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// What the upstream answered, with its body to be read.
    pub(super) fn into_response(mut self: Box<Self>, head: Box<ResponseHead>) -> Box<Response> {
        if head.status() == 101 {
            return self.into_tunnel(head);
        }
        let is_spent = self.protocol.is_some() || self.is_last;
        let reusable = head.keep_alive() && self.broken.is_none() && self.pump.is_done() && !is_spent;
        let (status, mut declared_length) = (head.status(), None);
        let framing = head.framing();
        let body = match framing {
            ResponseFraming::None => {
                declared_length = declared(&head);
                self.give_back(reusable);
                Body::Empty
            }
            ResponseFraming::Length(length) => match usize::try_from(length) {
                Ok(length) if reusable && length <= self.connection.buffer.len() => {
                    // Copied, for sharing the buffer costs more and keeps it from its next user.
                    let body = Bytes::copy_from_slice(self.connection.buffer.get(..length).unwrap_or_default());
                    self.connection.buffer.advance(length);
                    self.give_back(reusable);
                    Body::from_bytes(body)
                }
                _ => self.stream(framing, Some(length), reusable),
            },
            ResponseFraming::Chunked => self.stream(framing, None, reusable),
            ResponseFraming::UntilClose => self.stream(framing, None, false),
        };
        Box::new(Response { status, upstream: Some(head), added: Vec::new(), body, declared_length, tunnel: None })
    }

    fn into_tunnel(self: Box<Self>, head: Box<ResponseHead>) -> Box<Response> {
        let tunnel = UpgradedEnd::new(self.connection, self.forwarder.buffers.clone(), self.busy);
        Box::new(Response {
            status: head.status(),
            upstream: Some(head),
            added: Vec::new(),
            body: Body::Empty,
            declared_length: None,
            tunnel: Some(Box::new(tunnel)),
        })
    }

    fn give_back(self: Box<Self>, reusable: bool) {
        if reusable {
            self.forwarder.pools.keep(self.server.id, self.connection);
        }
        self.forwarder.outputs.take_back(self.pump.into_buffer());
    }

    fn stream(self: Box<Self>, framing: ResponseFraming, length: Option<u64>, reusable: bool) -> Body {
        Body::Stream(Box::new(AnswerBody {
            connection: Some(self.connection),
            decoder: BodyDecoder::new(framing, &Limits::default()),
            length,
            pump: (!self.pump.is_done() && self.broken.is_none()).then_some(self.pump),
            upload_error: None,
            reusable,
            server: self.server.id,
            pools: self.forwarder.pools.clone(),
            wait: self.forwarder.deadlines.wait(),
            patience: self.timeouts.body,
            taken: 0,
            busy: self.busy,
        }))
    }
}

/// The length that an answer without a body speaks of (HEAD, 304).
fn declared(head: &ResponseHead) -> Option<u64> {
    std::str::from_utf8(head.value("content-length")?).ok()?.parse().ok()
}
