//! The admin listener: is it alive, is it ready, what has it counted. On a socket and a thread of its own.
//!
//! What it shows to everybody changes nothing and tells of nobody; [calls](Call) that do need a token. It is meant for
//! loopback, and it checks Host so that a web page cannot reach it by a name of its own (DNS rebinding). Nothing of it is
//! ever served on a public listener.

mod calls;
mod door;
mod exposition;
mod host;
mod readiness;
mod server;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Body;
use prometheus_client::{encoding::text, registry::Registry};

use self::{
    calls::Workbench,
    exposition::{older_format, wants_older_format},
    host::Host,
};
pub use self::{
    calls::{Call, Reply, Token, Work},
    door::{Door, SocketFile},
    readiness::{Readiness, Stage},
    server::{AdminError, LONGEST_WORK, spawn},
};

const FOREIGN: &str = "Host must be an IP address, localhost, or one of the `hosts` of `admin` in the config\n";
const JSON: &str = "application/json";
const PLAIN: &str = "text/plain; charset=utf-8";
const OLDER_METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the admin listener shows.
#[derive(Clone)]
pub struct AdminState {
    /// The metrics.
    pub registry: Arc<Registry>,
    /// Whether the gateway takes requests.
    pub readiness: Readiness,
    /// What may be asked besides.
    pub calls: Arc<[Call]>,
    /// Who may ask it.
    pub token: Token,
    /// Names that Host may have beside IP addresses and `localhost`, in lower case.
    pub hosts: Arc<[String]>,
}

impl fmt::Debug for AdminState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminState").field("readiness", &self.readiness).finish_non_exhaustive()
    }
}

type Answer = Response<Full<Bytes>>;

/// Answers one request. Its body is read for a call alone, and only once the caller may make it.
async fn answer<B>(state: &AdminState, bench: &Workbench, request: Request<B>) -> Answer
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // A target with an authority would be a second Host.
    let host =
        if request.uri().authority().is_some() { Host::Malformed } else { Host::of(request.headers(), &state.hosts) };
    match host {
        Host::Ours => {}
        Host::Foreign => return text(StatusCode::MISDIRECTED_REQUEST, FOREIGN),
        Host::Malformed => return text(StatusCode::BAD_REQUEST, "one Host is needed, and a path as target\n"),
    }
    let page: fn(&AdminState, &HeaderMap) -> Answer = match request.uri().path() {
        "/livez" => |_, _| text(StatusCode::OK, "ok\n"),
        "/readyz" => |state, _| readyz(state),
        "/metrics" => metrics,
        path if state.calls.iter().any(|call| call.path == path) => return called(state, bench, request).await,
        _ => return text(StatusCode::NOT_FOUND, "/livez, /readyz and /metrics are here\n"),
    };
    match *request.method() {
        // The server leaves the body out of what answers a HEAD.
        Method::GET | Method::HEAD => page(state, request.headers()),
        _ => only([&Method::GET, &Method::HEAD].into_iter()),
    }
}

async fn called<B>(state: &AdminState, bench: &Workbench, request: Request<B>) -> Answer
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let here = || state.calls.iter().filter(|call| call.path == request.uri().path());
    let Some(call) = here().find(|call| call.method == request.method()) else {
        return only(here().map(|call| &call.method));
    };
    if let Err(unheard) = state.token.check(request.headers()) {
        let mut answer = document(unheard.reply());
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return answer;
    }
    let work = call.work.clone();
    match calls::body(request.into_body()).await {
        Ok(body) => document(bench.finish(work(body)).await),
        Err(reply) => document(reply),
    }
}

fn readyz(state: &AdminState) -> Answer {
    match state.readiness.stage() {
        Stage::Starting => text(StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
        Stage::Ready => text(StatusCode::OK, "ok\n"),
        Stage::Draining => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
    }
}

fn metrics(state: &AdminState, asked: &HeaderMap) -> Answer {
    let mut exposition = String::new();
    match text::encode(&mut exposition, &state.registry) {
        Ok(()) if wants_older_format(asked) => reply(StatusCode::OK, OLDER_METRICS, older_format(&exposition)),
        Ok(()) => reply(StatusCode::OK, OPEN_METRICS, exposition),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n"),
    }
}

fn only<'m>(methods: impl Iterator<Item = &'m Method>) -> Answer {
    let allowed = methods.map(Method::as_str).collect::<Vec<_>>().join(", ");
    let mut answer = reply(StatusCode::METHOD_NOT_ALLOWED, PLAIN, format!("only {allowed}\n"));
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        answer.headers_mut().insert(header::ALLOW, allowed);
    }
    answer
}

fn document(Reply { status, body }: Reply) -> Answer {
    reply(status, JSON, format!("{body}\n"))
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
