//! Writing an answer: head and first bytes in one call, then piece by piece as the client takes them.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    task::Poll,
};

use bytes::Bytes;

use super::{After, Connection, Gone, Progress, present};
use crate::{
    gateway::{pace::Pace, trail::Trail, worker::RequestId},
    http1::{Known, Version, encode},
    message::{Body, BodyError, Response},
};

/// How a body is delimited on its way to the client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delimited {
    /// There is none.
    Absent,
    ByLength,
    ByChunks,
    /// For HTTP/1.0 clients.
    ByClose,
}

/// Pieces up to this size are copied behind the head rather than written beside it.
const COPIED: usize = 4 * 1024;

/// Small pieces that are there are gathered up to this size.
const GATHERED: usize = 16 * 1024;

impl Connection {
    pub(super) async fn write(
        &mut self,
        mut response: Box<Response>,
        trail: &mut Trail<'_>,
        keeps: bool,
        progress: &Progress,
    ) -> After {
        let version = trail.head.version();
        let delimited = delimited(&response, trail.head.method(), version);
        let keeps = keeps && delimited != Delimited::ByClose;
        self.pace = Pace::default();
        self.output = self.worker.forwarder.outputs.lend();
        self.output.extend_from_slice(progress.no_more_interim());
        write_head(&mut self.output, &response, delimited, version, keeps, trail.request_id);
        // A gateway adds what the upstream left out (RFC 9110 section 6.6.1).
        if response.upstream.as_ref().is_none_or(|head| !head.has(Known::Date)) {
            encode::field(&mut self.output, "Date", self.worker.date().as_bytes());
        }
        encode::end(&mut self.output);
        if delimited == Delimited::Absent {
            response.body = Body::Empty;
        }
        let written = match self.append_small(&response.body, trail) {
            true => self.send_small().await,
            // On the heap: most answers are written at once.
            false => {
                let chunked = delimited == Delimited::ByChunks;
                Box::pin(self.write_body(&mut response.body, chunked, trail, progress)).await
            }
        };
        self.worker.forwarder.outputs.take_back(std::mem::take(&mut self.output));
        match written {
            Ok(()) if keeps => After::KeepAlive,
            Ok(()) => After::Close,
            Err(broken) => {
                trail.broken = Some(broken.to_string());
                After::Reset
            }
        }
    }

    /// The answer to bytes that were no request.
    pub(super) async fn write_refusal(&mut self, mut response: Response, request_id: RequestId) {
        self.output.clear();
        write_head(&mut self.output, &response, Delimited::ByLength, Version::Http11, false, request_id);
        encode::field(&mut self.output, "Date", self.worker.date().as_bytes());
        encode::end(&mut self.output);
        if let Some(Ok(body)) = response.body.next().await {
            self.output.extend_from_slice(&body);
        }
        let _ = self.send(b"", b"").await;
    }

    /// Puts a body behind its head that is small and there. False where it is another.
    fn append_small(&mut self, body: &Body, trail: &mut Trail<'_>) -> bool {
        match body {
            Body::Empty => true,
            Body::Bytes(bytes, _) if bytes.len() <= COPIED => {
                trail.sent = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                self.output.extend_from_slice(bytes);
                true
            }
            Body::Bytes(..) | Body::Spooled(_) | Body::Stream(_) => false,
        }
    }

    /// Writes what was gathered, without waiting where the client's socket takes it.
    async fn send_small(&mut self) -> Result<(), Broken> {
        let written = self.wire.write_at_once(&self.output);
        if written == self.output.len() {
            return Ok(());
        }
        self.output.drain(..written);
        self.send(b"", b"").await
    }

    async fn write_body(
        &mut self,
        body: &mut Body,
        chunked: bool,
        trail: &mut Trail<'_>,
        progress: &Progress,
    ) -> Result<(), Broken> {
        if let Body::Bytes(bytes, _) = body {
            trail.sent = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let bytes = std::mem::take(bytes);
            return self.write_piece(bytes, false).await;
        }
        if body.length() == Some(0) {
            return self.send(b"", b"").await;
        }
        let (wire, deadlines) = (self.wire.clone(), &self.worker.clone().forwarder.deadlines);
        // Whatever is written, the rest of the request goes on meanwhile.
        loop {
            // What waits is written before the next piece is waited for: an event stream must not be held back.
            let piece = match first_ready(body).await {
                Some(piece) => piece,
                None => {
                    beside(body, pin!(self.send(b"", b""))).await?;
                    present(&wire, deadlines, progress, pin!(body.next())).await?
                }
            };
            let piece = match piece.transpose() {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => {
                    // What came of it the client gets.
                    self.send(b"", b"").await?;
                    return Err(error.into());
                }
            };
            trail.sent = trail.sent.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if piece.len() > COPIED {
                beside(body, pin!(self.write_piece(piece, chunked))).await?;
                continue;
            }
            match chunked {
                true => encode::chunk(&mut self.output, &piece),
                false => self.output.extend_from_slice(&piece),
            }
            if self.output.len() >= GATHERED {
                beside(body, pin!(self.send(b"", b""))).await?;
            }
        }
        if chunked {
            self.output.extend_from_slice(encode::LAST_CHUNK);
        }
        self.send(b"", b"").await
    }

    /// Writes a large piece behind what was gathered, without copying it.
    async fn write_piece(&mut self, piece: Bytes, chunked: bool) -> Result<(), Broken> {
        let end = if chunked { encode::chunk_around(&mut self.output, &piece) } else { b"" };
        self.send(&piece, end).await
    }

    /// Writes what was gathered, and the others behind it.
    pub(super) async fn send(&mut self, piece: &[u8], end: &[u8]) -> Result<(), Broken> {
        if self.output.is_empty() && piece.is_empty() {
            return Ok(());
        }
        let patience = self.worker.edition().snapshot.timeouts.write;
        let parts = [self.output.as_slice(), piece, end];
        let sending = self.wire.send(&parts, &self.worker.forwarder.deadlines, patience, &mut self.pace);
        let sent = sending.await;
        self.output.clear();
        sent.map_err(Broken::Client)
    }
}

/// Why an answer did not get to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Gone(#[from] Gone),
    #[error("to the client: {0}")]
    Client(#[source] io::Error),
    #[error("from the client: {0}")]
    Upload(#[source] BodyError),
    #[error("from the upstream: {0}")]
    Upstream(#[source] BodyError),
}

impl From<BodyError> for Broken {
    fn from(error: BodyError) -> Broken {
        match error {
            BodyError::Upload(error) => Broken::Upload(*error),
            error => Broken::Upstream(error),
        }
    }
}

/// Waits for `writing`, and goes on with what hangs on `body` besides: a client that sends all of its request before it reads
/// would wait for ever.
async fn beside<F: Future>(body: &mut Body, mut writing: Pin<&mut F>) -> F::Output {
    poll_fn(|context| {
        let written = writing.as_mut().poll(context);
        if written.is_pending() {
            body.poll_beside(context);
        }
        written
    })
    .await
}

/// A piece that is there without waiting.
async fn first_ready(body: &mut Body) -> Option<Option<Result<Bytes, BodyError>>> {
    poll_fn(|context| {
        Poll::Ready(match body.poll_next(context) {
            Poll::Ready(piece) => Some(piece),
            Poll::Pending => None,
        })
    })
    .await
}

fn delimited(response: &Response, method: &str, version: Version) -> Delimited {
    match response.body.length() {
        _ if method == "HEAD" || matches!(response.status, 204 | 304) => Delimited::Absent,
        Some(_) => Delimited::ByLength,
        None if version == Version::Http11 => Delimited::ByChunks,
        None => Delimited::ByClose,
    }
}

fn write_head(
    out: &mut Vec<u8>,
    response: &Response,
    delimited: Delimited,
    version: Version,
    keeps: bool,
    request_id: RequestId,
) {
    let reason = response.upstream.as_ref().map_or("", |head| head.reason());
    encode::known_status_line(out, response.status, reason);
    response.write_fields(out);
    let length = match delimited {
        Delimited::ByLength => response.body.length(),
        Delimited::Absent if response.status != 204 => response.declared_length,
        Delimited::Absent | Delimited::ByChunks | Delimited::ByClose => None,
    };
    if let Some(length) = length {
        encode::own_line(out, "Content-Length: ", itoa::Buffer::new().format(length).as_bytes());
    }
    if delimited == Delimited::ByChunks {
        encode::field(out, "Transfer-Encoding", b"chunked");
    }
    match (version, keeps) {
        (Version::Http11, true) => {}
        (Version::Http10, true) => encode::field(out, "Connection", b"keep-alive"),
        (_, false) => encode::field(out, "Connection", b"close"),
    }
    encode::own_line(out, "X-Request-Id: ", request_id.as_bytes());
}
