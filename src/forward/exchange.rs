//! One request to one upstream: take or make a connection, write, read the answer's head, hand its body on.

use std::{
    future::poll_fn,
    io,
    sync::atomic::Ordering,
    task::{Context, Poll},
};

use crate::{
    deadline::{Deadlines, Elapsed},
    http1::{BodyDecoder, Limits, ResponseFraming, ResponseHead, encode},
    message::{Body, Response},
    policy::Admitted,
};

use super::{
    Dress, Failure, Forwarder, HostPolicy, Report, Server, Servers, Timeouts,
    answer_body::AnswerBody,
    connect::connect,
    headers,
    pool::{Busy, Connection},
    pump::{Pump, PumpError},
    upgrade::{self, UpgradedEnd},
};

/// Forwards `permit` to one of `servers`. A server that cannot be connected to is passed over for the next. Once a byte may
/// have been sent there is no second try, for a request must not be forwarded twice; but for one that is safe to repeat and
/// met the end of a kept connection (RFC 9112 section 9.3.1).
pub(super) async fn exchange(
    servers: &Servers,
    dress: &Dress,
    forwarder: &Forwarder,
    permit: Admitted<'_>,
    report: &mut Report,
) -> Result<Response, Failure> {
    let protocol = upgrade::asked(dress, permit.head()).map(<[u8]>::to_vec);
    // What follows an upgrade is no HTTP: it gets a connection of its own.
    let source = if protocol.is_some() { Source::New } else { Source::Any };
    let (server, connection, busy) = connection(servers, dress, forwarder, report, source).await?;
    let (was_head, is_safe) = (permit.head().method() == "HEAD", is_safe(permit.head().method()));
    let encoded = encode_head(servers, server, dress, &permit, protocol.as_deref());
    let (encoded, chunked) = match encoded {
        Ok(encoded) => encoded,
        Err(failure) => {
            forwarder.pools.keep(server.id, connection);
            return Err(failure);
        }
    };
    let mut exchange = Exchange {
        pump: Pump::new(encoded, permit.into_body(), chunked),
        connection,
        broken: None,
        heard: false,
        was_head,
        protocol,
        server: server.id,
        busy,
        forwarder,
        timeouts: dress.timeouts,
    };
    report.sent = true;
    let head = match exchange.answer_head().await {
        Err(Failure::Broken(error)) if exchange.went_stale(&error) && exchange.pump.rewind(is_safe) => {
            Box::pin(exchange.repeat(server, dress, report)).await?
        }
        outcome => outcome?,
    };
    Ok(exchange.into_response(head))
}

/// Where a connection may come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Any,
    New,
}

async fn connection<'s>(
    servers: &'s Servers,
    dress: &Dress,
    forwarder: &Forwarder,
    report: &mut Report,
    source: Source,
) -> Result<(&'s Server, Connection, Busy), Failure> {
    let first = servers.next.fetch_add(1, Ordering::Relaxed);
    let mut failure = Failure::Busy(servers.most);
    for turn in 0..servers.servers.len() {
        let index = first.wrapping_add(turn) % servers.servers.len();
        let Some(server) = servers.servers.get(index) else { continue };
        let Some(busy) = forwarder.pools.enter(server.id, servers.most) else { continue };
        if source == Source::Any
            && let Some(kept) = forwarder.pools.take(server.id)
        {
            return Ok((server, kept, busy));
        }
        // On the heap, for most requests find a kept connection.
        match Box::pin(open(server, &forwarder.deadlines, dress)).await {
            Ok(connection) => {
                report.connects += 1;
                return Ok((server, connection, busy));
            }
            Err(error) => {
                report.failed_connects += 1;
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

fn encode_head(
    servers: &Servers,
    server: &Server,
    dress: &Dress,
    permit: &Admitted<'_>,
    protocol: Option<&[u8]>,
) -> Result<(Vec<u8>, bool), Failure> {
    let head = permit.head();
    let mut out = Vec::with_capacity(1024);
    let target = headers::target(dress, permit);
    if server.prefix.is_empty() {
        encode::request_line(&mut out, head.method(), &target);
    } else {
        encode::request_line(&mut out, head.method(), &format!("{}{target}", server.prefix));
    }
    let host = match &servers.host {
        HostPolicy::Client if !head.authority().is_empty() => head.authority(),
        HostPolicy::Client | HostPolicy::Server => &server.authority,
        HostPolicy::Fixed(host) => host,
    };
    encode::line(&mut out, b"Host", host.as_bytes());
    headers::write_passed_on(dress, permit, &mut out);
    headers::write_added(dress, permit, &mut out)?;
    if let Some(protocol) = protocol {
        encode::field(&mut out, "Connection", b"upgrade");
        encode::line(&mut out, b"Upgrade", protocol);
    }
    let chunked = frame(&mut out, head.method(), permit.body());
    encode::end(&mut out);
    Ok((out, chunked))
}

fn frame(out: &mut Vec<u8>, method: &str, body: &Body) -> bool {
    match body.length() {
        // A length of zero is said only where a body is expected (RFC 9110 section 8.6).
        Some(0) if !matches!(method, "POST" | "PUT" | "PATCH") => false,
        Some(length) => {
            encode::field(out, "Content-Length", itoa::Buffer::new().format(length).as_bytes());
            false
        }
        None => {
            encode::field(out, "Transfer-Encoding", b"chunked");
            true
        }
    }
}

struct Exchange<'f> {
    connection: Connection,
    pump: Pump,
    /// The upstream stopped taking the body; it may still have answered.
    broken: Option<io::Error>,
    /// An interim answer came.
    heard: bool,
    was_head: bool,
    /// The protocol that the upstream was asked to change to.
    protocol: Option<Vec<u8>>,
    server: usize,
    busy: Busy,
    forwarder: &'f Forwarder,
    timeouts: Timeouts,
}

/// Safe methods (RFC 9110 section 9.2.1). An upstream may not honour that PUT and DELETE are idempotent.
fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS")
}

impl Exchange<'_> {
    /// Whether a kept connection ended before a single byte of an answer: its server may have closed it before it saw
    /// the request. Time-outs are not of this kind.
    fn went_stale(&self, error: &io::Error) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        self.connection.was_kept
            && !self.heard
            && self.connection.buffer.is_empty()
            && matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
    }

    /// The same request once more, on a new connection to the same server, after the pump was rewound.
    async fn repeat(&mut self, server: &Server, dress: &Dress, report: &mut Report) -> Result<ResponseHead, Failure> {
        report.retries += 1;
        self.connection = match open(server, &self.forwarder.deadlines, dress).await {
            Ok(connection) => connection,
            Err(failure) => {
                report.failed_connects += 1;
                return Err(failure);
            }
        };
        report.connects += 1;
        self.broken = None;
        self.answer_head().await
    }

    /// The final head, within its time-out of the upload's last move.
    async fn answer_head(&mut self) -> Result<ResponseHead, Failure> {
        let (mut wait, mut taken) = (self.forwarder.deadlines.wait(), 0);
        loop {
            let head = poll_fn(|context| {
                let answer = self.poll_answer(context);
                if answer.is_ready() {
                    return answer;
                }
                if self.broken.is_none() && !self.pump.is_done() && self.pump.excuses_upstream(&mut taken) {
                    wait.clear();
                }
                wait.poll_elapsed(context, self.timeouts.head).map(|Elapsed| Err(Failure::Timeout))
            })
            .await?;
            match head.status() {
                101 => {
                    let asked = self.protocol.as_ref().filter(|_| self.pump.is_done());
                    let granted = asked.is_some_and(|asked| upgrade::is_granted(&head, asked));
                    return if granted { Ok(head) } else { Err(Failure::Upgrade) };
                }
                100..=199 => self.heard = true,
                _ => return Ok(head),
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
                    let body = self.connection.buffer.split_to(length).freeze();
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
            self.forwarder.pools.keep(self.server, self.connection);
        }
    }

    fn stream(self, framing: ResponseFraming, length: Option<u64>, reusable: bool) -> Body {
        Body::Stream(Box::new(AnswerBody {
            connection: Some(self.connection),
            decoder: BodyDecoder::new(framing, &Limits::default()),
            length,
            pump: (!self.pump.is_done() && self.broken.is_none()).then_some(self.pump),
            reusable,
            server: self.server,
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
