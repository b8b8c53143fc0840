//! One request to one upstream: take or make a connection, write, read the answer's head, hand its body on.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};

use crate::{
    deadline::{Deadlines, Elapsed, Wait},
    http1::{BodyDecoder, Limits, ResponseFraming, ResponseHead},
    message::{Body, Response},
    policy::Admitted,
};

use super::{
    Dress, Failure, Forwarder, Report, Server, Servers, Timeouts,
    answer_body::AnswerBody,
    connect::connect,
    head::Recipient,
    pool::{Busy, Connection},
    pump::{Pump, PumpError},
    upgrade::{self, UpgradedEnd},
};

/// Forwards `permit` to one of `servers`. A server that cannot be connected to is passed over for the next. Once a byte may
/// have been sent there is no second try, for a request must not be forwarded twice; but for one that is safe to repeat and
/// met the end of a kept connection (RFC 9112 section 9.3.1).
///
/// What can be done at once is done at once: on a kept connection the first thing that is waited for is the answer.
pub(super) fn exchange<'f>(
    servers: &'f Servers,
    dress: &'f Dress,
    forwarder: &'f Forwarder,
    permit: Admitted<'f>,
    report: &'f mut Report,
) -> Forwarding<'f> {
    let (started, turn) = (Instant::now(), servers.turn());
    let stage = match kept(servers, turn, dress, forwarder, &permit) {
        Some(place) => Stage::of(start(servers, dress, forwarder, permit, place, None)),
        None => Stage::Connecting(Box::pin(connect_and_start(servers, turn, dress, forwarder, permit))),
    };
    Forwarding { stage, dress, report, started }
}

/// A request on its way. A future by hand, for the compiler would keep a second copy of what is moved into one of its own.
pub(super) struct Forwarding<'f> {
    stage: Stage<'f>,
    dress: &'f Dress,
    report: &'f mut Report,
    started: Instant,
}

#[expect(clippy::large_enum_variant, reason = "the large one is the usual one")]
enum Stage<'f> {
    Connecting(Connecting<'f>),
    Exchanging(Exchange<'f>),
    Failed(Failure),
    Over,
}

/// On the heap, for most requests find a kept connection.
type Connecting<'f> = Pin<Box<dyn Future<Output = (Result<Exchange<'f>, Failure>, Attempts)> + 'f>>;

/// Connections made and not made, and what came before.
#[derive(Default)]
struct Attempts {
    connects: u32,
    failed: u32,
    /// How long the client took for a body that had to be there first: nothing that the upstream has to answer for.
    held: Duration,
}

impl<'f> Stage<'f> {
    fn of(exchange: Result<Exchange<'f>, Failure>) -> Stage<'f> {
        exchange.map_or_else(Stage::Failed, Stage::Exchanging)
    }
}

impl Future for Forwarding<'_> {
    type Output = Result<Response, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Response, Failure>> {
        let this = &mut *self;
        let answered = loop {
            let (answered, repeats) = match &mut this.stage {
                Stage::Connecting(connecting) => {
                    let (exchange, attempts) = ready!(connecting.as_mut().poll(context));
                    this.report.connects += attempts.connects;
                    this.report.failed_connects += attempts.failed;
                    this.started += attempts.held;
                    this.stage = Stage::of(exchange);
                    continue;
                }
                Stage::Exchanging(exchange) => {
                    let polled = exchange.poll_final_head(context);
                    this.report.sent |= exchange.may_have_sent();
                    let answered = ready!(polled);
                    let repeats = matches!(&answered, Err(Failure::Broken(error)) if exchange.may_repeat(error));
                    (answered, repeats)
                }
                Stage::Failed(_) | Stage::Over => (Err(Failure::Timeout), false),
            };
            match (std::mem::replace(&mut this.stage, Stage::Over), answered) {
                (Stage::Exchanging(exchange), _) if repeats => {
                    this.report.retries += 1;
                    this.stage = Stage::Connecting(Box::pin(exchange.on_a_new_connection(this.dress)));
                }
                (Stage::Exchanging(exchange), Ok(head)) => break Ok(exchange.into_response(head)),
                (Stage::Failed(failure), _) | (_, Err(failure)) => break Err(failure),
                // Nobody asks a future again that was ready.
                (Stage::Connecting(_) | Stage::Over, Ok(_)) => return Poll::Pending,
            }
        };
        this.report.waited = Some(this.started.elapsed());
        Poll::Ready(answered)
    }
}

/// A connection to a server, and a place among the requests there.
struct Place<'f> {
    servers: &'f Servers,
    server: &'f Server,
    connection: Connection,
    busy: Busy,
}

/// A kept connection to the server whose turn it is. None for what asks to change protocols: what follows that is no HTTP
/// and gets a connection of its own. None for what is to be signed either, which may have to wait for its body first.
fn kept<'f>(
    servers: &'f Servers,
    turn: usize,
    dress: &Dress,
    forwarder: &Forwarder,
    permit: &Admitted<'_>,
) -> Option<Place<'f>> {
    if dress.sign.is_some() || upgrade::asked(dress, permit.head()).is_some() {
        return None;
    }
    let server = servers.nth(turn)?;
    let busy = forwarder.pools.enter(server.id, servers.most)?;
    forwarder.pools.take(server.id).map(|connection| Place { servers, server, connection, busy })
}

async fn connect_and_start<'f>(
    servers: &'f Servers,
    turn: usize,
    dress: &'f Dress,
    forwarder: &'f Forwarder,
    mut permit: Admitted<'f>,
) -> (Result<Exchange<'f>, Failure>, Attempts) {
    let mut attempts = Attempts::default();
    if let Some(signing) = &dress.sign {
        let started = Instant::now();
        let held = signing.hold(&mut permit, &forwarder.deadlines).await;
        attempts.held = started.elapsed();
        if let Err(failure) = held {
            return (Err(failure), attempts);
        }
    }
    let protocol = upgrade::asked(dress, permit.head()).map(<[u8]>::to_vec);
    let place = connected(servers, turn, dress, forwarder, protocol.is_none(), &mut attempts).await;
    let exchange = match (place, &dress.sign) {
        (Err(failure), _) => Err(failure),
        (Ok(place), None) => start(servers, dress, forwarder, permit, place, protocol),
        (Ok(place), Some(signing)) => {
            let mut encoded = forwarder.outputs.lend();
            let recipient = Recipient { servers, server: place.server, dress, protocol: protocol.as_deref() };
            let written = recipient.write_signed_head(signing, &permit, &mut encoded).await;
            begin(written, encoded, dress, forwarder, permit, place, protocol)
        }
    };
    (exchange, attempts)
}

/// A connection to the first server, from the one whose turn it is, that there is one to; a kept one if that `may_be_kept`.
async fn connected<'f>(
    servers: &'f Servers,
    turn: usize,
    dress: &Dress,
    forwarder: &Forwarder,
    may_be_kept: bool,
    attempts: &mut Attempts,
) -> Result<Place<'f>, Failure> {
    let mut failure = Failure::Busy(servers.most);
    for offset in 0..servers.servers.len() {
        let Some(server) = servers.nth(turn.wrapping_add(offset)) else { continue };
        let Some(busy) = forwarder.pools.enter(server.id, servers.most) else { continue };
        if let Some(connection) = may_be_kept.then(|| forwarder.pools.take(server.id)).flatten() {
            return Ok(Place { servers, server, connection, busy });
        }
        match open(server, &forwarder.deadlines, dress).await {
            Ok(connection) => {
                attempts.connects += 1;
                return Ok(Place { servers, server, connection, busy });
            }
            Err(error) => {
                attempts.failed += 1;
                failure = error;
            }
        }
    }
    Err(failure)
}

async fn open(server: &Server, deadlines: &Deadlines, dress: &Dress) -> Result<Connection, Failure> {
    let timed_out = |Elapsed| Failure::ConnectTimeout(server.authority.clone());
    deadlines.within(dress.timeouts.connect, connect(server)).await.map_err(timed_out)?
}

fn start<'f>(
    servers: &Servers,
    dress: &Dress,
    forwarder: &'f Forwarder,
    permit: Admitted<'_>,
    place: Place<'f>,
    protocol: Option<Vec<u8>>,
) -> Result<Exchange<'f>, Failure> {
    let mut encoded = forwarder.outputs.lend();
    let recipient = Recipient { servers, server: place.server, dress, protocol: protocol.as_deref() };
    let written = recipient.write_head(&permit, &mut encoded);
    begin(written, encoded, dress, forwarder, permit, place, protocol)
}

/// Begins the exchange with its head in `encoded`. `written` says whether the body goes in chunks, or why there is no head.
fn begin<'f>(
    written: Result<bool, Failure>,
    encoded: Vec<u8>,
    dress: &Dress,
    forwarder: &'f Forwarder,
    permit: Admitted<'_>,
    Place { servers, server, connection, busy }: Place<'f>,
    protocol: Option<Vec<u8>>,
) -> Result<Exchange<'f>, Failure> {
    let chunked = match written {
        Ok(chunked) => chunked,
        Err(failure) => {
            forwarder.pools.keep(server.id, connection);
            return Err(failure);
        }
    };
    let method = permit.head().method();
    let (was_head, is_safe) = (method == "HEAD", is_safe(method));
    Ok(Exchange {
        pump: Pump::new(encoded, permit.into_body(), chunked),
        connection,
        broken: None,
        heard: false,
        was_head,
        is_safe,
        protocol,
        servers,
        server,
        busy,
        forwarder,
        timeouts: dress.timeouts,
        wait: forwarder.deadlines.wait(),
        taken: 0,
    })
}

struct Exchange<'f> {
    connection: Connection,
    pump: Pump,
    /// The upstream stopped taking the body; it may still have answered.
    broken: Option<io::Error>,
    /// An interim answer came.
    heard: bool,
    was_head: bool,
    is_safe: bool,
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
    /// Whether a kept connection ended before a single byte of an answer (its server may have closed it before it saw the
    /// request), and everything can be sent again. Time-outs are not of this kind.
    fn may_repeat(&mut self, error: &io::Error) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        let went_stale = self.connection.was_kept
            && !self.heard
            && self.connection.buffer.is_empty()
            && matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof);
        went_stale && self.pump.rewind(self.is_safe, &self.connection.transport)
    }

    /// Whether any byte of the request may have reached the upstream.
    fn may_have_sent(&self) -> bool {
        self.pump.may_have_sent(&self.connection.transport)
    }

    /// The same request once more, on a new connection to the same server, or to another for which it looks no different,
    /// after the pump was rewound.
    async fn on_a_new_connection(mut self, dress: &Dress) -> (Result<Self, Failure>, Attempts) {
        let (forwarder, servers) = (self.forwarder, self.servers);
        let mut attempts = Attempts::default();
        let mut opened = open(self.server, &forwarder.deadlines, dress).await;
        for server in servers.like(self.server) {
            let Err(_) = &opened else { break };
            let Some(busy) = forwarder.pools.enter(server.id, servers.most) else { continue };
            attempts.failed += 1;
            opened = open(server, &forwarder.deadlines, dress).await;
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
    fn poll_final_head(&mut self, context: &mut Context<'_>) -> Poll<Result<ResponseHead, Failure>> {
        loop {
            let Poll::Ready(head) = self.poll_answer(context) else {
                if self.broken.is_none() && !self.pump.is_done() && self.pump.excuses_upstream(&mut self.taken) {
                    self.wait.clear();
                }
                return self.wait.poll_elapsed(context, self.timeouts.head).map(|Elapsed| Err(Failure::Timeout));
            };
            let head = head?;
            match head.status() {
                101 => {
                    let asked = self.protocol.as_ref().filter(|_| self.pump.is_done());
                    let granted = asked.is_some_and(|asked| upgrade::is_granted(&head, asked));
                    return Poll::Ready(if granted { Ok(head) } else { Err(Failure::Upgrade) });
                }
                100..=199 => self.heard = true,
                _ => return Poll::Ready(Ok(head)),
            }
        }
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Result<ResponseHead, Failure>> {
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
            let Connection { transport, buffer, .. } = &mut self.connection;
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

    fn into_response(mut self, head: ResponseHead) -> Response {
        if head.status() == 101 {
            return self.into_tunnel(head);
        }
        let asked_to_upgrade = self.protocol.is_some();
        let reusable = head.keep_alive() && self.broken.is_none() && self.pump.is_done() && !asked_to_upgrade;
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
        Response { status, upstream: Some(Box::new(head)), added: Vec::new(), body, declared_length, tunnel: None }
    }

    fn into_tunnel(self, head: ResponseHead) -> Response {
        let tunnel = UpgradedEnd::new(self.connection, self.forwarder.buffers.clone(), self.busy);
        Response {
            status: head.status(),
            upstream: Some(Box::new(head)),
            added: Vec::new(),
            body: Body::Empty,
            declared_length: None,
            tunnel: Some(Box::new(tunnel)),
        }
    }

    fn give_back(self, reusable: bool) {
        if reusable {
            self.forwarder.pools.keep(self.server.id, self.connection);
        }
        self.forwarder.outputs.take_back(self.pump.into_buffer());
    }

    fn stream(self, framing: ResponseFraming, length: Option<u64>, reusable: bool) -> Body {
        Body::Stream(Box::new(AnswerBody {
            connection: Some(self.connection),
            decoder: BodyDecoder::new(framing, &Limits::default()),
            length,
            pump: (!self.pump.is_done() && self.broken.is_none()).then_some(self.pump),
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
