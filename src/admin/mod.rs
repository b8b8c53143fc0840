//! The admin listener: is it alive, is it ready, what has it counted. On a socket and a thread of its own.
//!
//! It changes nothing, so it needs no token. It is meant for loopback, and it checks Host so that a web page cannot
//! reach it by a name of its own (DNS rebinding). Nothing of it is ever served on a public listener.

mod host;
mod readiness;
mod server;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use prometheus_client::{encoding::text, registry::Registry};

use self::host::Host;
pub use self::{
    readiness::{Readiness, Stage},
    server::{AdminError, serve, spawn},
};

const PLAIN: &str = "text/plain; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the admin listener shows.
#[derive(Clone)]
pub struct AdminState {
    /// The metrics.
    pub registry: Arc<Registry>,
    /// Whether the gateway takes requests.
    pub readiness: Readiness,
}

impl fmt::Debug for AdminState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminState").field("readiness", &self.readiness).finish_non_exhaustive()
    }
}

type Answer = Response<Full<Bytes>>;

/// Answers one request. Its body, if it has one, is not read.
fn answer<B>(state: &AdminState, request: &Request<B>) -> Answer {
    // A target with an authority would be a second Host.
    let host = if request.uri().authority().is_some() { Host::Malformed } else { Host::of(request.headers()) };
    match host {
        Host::Ours => {}
        Host::Foreign => return text(StatusCode::MISDIRECTED_REQUEST, "Host must be an IP address or localhost\n"),
        Host::Malformed => return text(StatusCode::BAD_REQUEST, "one Host is needed, and a path as target\n"),
    }
    let page: fn(&AdminState) -> Answer = match request.uri().path() {
        "/livez" => |_| text(StatusCode::OK, "ok\n"),
        "/readyz" => readyz,
        "/metrics" => metrics,
        _ => return text(StatusCode::NOT_FOUND, "/livez, /readyz and /metrics are here\n"),
    };
    if request.method() == Method::GET { page(state) } else { only_get() }
}

fn readyz(state: &AdminState) -> Answer {
    match state.readiness.stage() {
        Stage::Starting => text(StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
        Stage::Ready => text(StatusCode::OK, "ok\n"),
        Stage::Draining => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
    }
}

fn metrics(state: &AdminState) -> Answer {
    let mut exposition = String::new();
    match text::encode(&mut exposition, &state.registry) {
        Ok(()) => reply(StatusCode::OK, OPEN_METRICS, exposition),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n"),
    }
}

fn only_get() -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    answer
}

fn text(status: StatusCode, body: &'static str) -> Answer {
    reply(status, PLAIN, body)
}

fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

#[cfg(test)]
mod tests;
