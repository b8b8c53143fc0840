//! hyper's server and client, fed from memory.

use std::{
    cell::RefCell,
    convert::Infallible,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    body::Incoming,
    rt::{Read, ReadBufCursor, Write},
    service::service_fn,
};
use tokio::runtime::{Builder, Runtime};

use super::{Body, Message, RequestLine, StatusLine, fields};

/// More field lines than our codec ever reads, be they trailers of four bytes each: hyper's own limit hides nothing.
const MOST_FIELDS: usize = 4200;

thread_local! {
    /// Made once: making one costs more than most inputs.
    static RUNTIME: Runtime = Builder::new_current_thread().build().expect("a runtime");
}

/// Every request of which hyper's server accepts the head, in order. The last one may be cut off.
pub fn requests(input: &[u8]) -> Vec<Message<RequestLine>> {
    let seen = RefCell::new(Vec::new());
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (head, body) = request.into_parts();
        let start = RequestLine {
            method: head.method.to_string(),
            authority: head.uri.authority().map(ToString::to_string),
            origin: head.uri.path_and_query().map_or("/", |origin| origin.as_str()).to_owned(),
            is_http_1_1: head.version == hyper::Version::HTTP_11,
        };
        seen.borrow_mut().push(Message { start, fields: of_map(&head.headers), body: Body::default() });
        let seen = &seen;
        async move {
            collect(body, seen).await;
            Ok::<_, Infallible>(hyper::Response::new(Empty::<Bytes>::new()))
        }
    });
    let wire = Wire { input, is_open: true, reader: None };
    let mut server = hyper::server::conn::http1::Builder::new();
    server.half_close(true).max_headers(MOST_FIELDS);
    // How the connection ended shows in what was read of it.
    let _ = block_on(server.serve_connection(wire, service));
    seen.into_inner()
}

/// The final response that hyper's client reads, if it accepts its head.
pub fn response(input: &[u8], to_head: bool) -> Option<Message<StatusLine>> {
    let seen = RefCell::new(Vec::new());
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_headers(MOST_FIELDS);
    let request = hyper::Request::builder().method(if to_head { "HEAD" } else { "GET" }).uri("/").header("Host", "a");
    let request = request.body(Empty::<Bytes>::new()).ok()?;
    block_on(async {
        let wire = Wire { input, is_open: false, reader: None };
        let Ok((mut sender, connection)) = builder.handshake(wire).await else { return };
        let exchange = async {
            let Ok(response) = sender.send_request(request).await else { return };
            let (head, body) = response.into_parts();
            let start =
                StatusLine { status: head.status.as_u16(), is_http_1_1: head.version == hyper::Version::HTTP_11 };
            seen.borrow_mut().push(Message { start, fields: of_map(&head.headers), body: Body::default() });
            collect(body, &seen).await;
        };
        let mut exchange = pin!(exchange);
        tokio::select! {
            () = &mut exchange => {}
            // The connection may be over before the last of it was asked for.
            _ = connection => exchange.await,
        }
    });
    seen.into_inner().pop()
}

fn of_map(map: &hyper::HeaderMap) -> super::Fields {
    fields(map.iter().map(|(name, value)| (name.as_str(), value.as_bytes())))
}

/// Reads `body` into the last of `seen`.
async fn collect<Start>(mut body: Incoming, seen: &RefCell<Vec<Message<Start>>>) {
    loop {
        let frame = body.frame().await;
        let mut seen = seen.borrow_mut();
        let Some(message) = seen.last_mut() else { return };
        match frame {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    message.body.bytes.extend_from_slice(&data);
                }
            }
            Some(Err(_)) => return,
            None => {
                message.body.is_whole = true;
                return;
            }
        }
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(work))
}

/// A connection on which `input` arrives and then ends; what is written to it is thrown away.
struct Wire<'a> {
    input: &'a [u8],
    /// A client takes bytes that come before its request for nonsense, so they wait for it.
    is_open: bool,
    reader: Option<Waker>,
}

impl Read for Wire<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_open {
            self.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let (piece, rest) = self.input.split_at(self.input.len().min(buffer.remaining()));
        buffer.put_slice(piece);
        self.input = rest;
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.is_open = true;
        self.reader.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
