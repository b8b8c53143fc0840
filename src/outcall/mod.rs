//! The gateway's own HTTP calls: to whoever has keys, and to others that it asks something of.
//!
//! A call has a limit in time, its answer one in size, and there are only so many calls at once. Nothing is followed: no
//! redirect, no proxy of the environment, no URL out of an answer. Calls and their connections live among the
//! [errands](crate::errands), so that any worker may make one and all share what is kept open. This is not how requests are
//! forwarded; that is [`forward`](crate::forward).

mod error;
#[cfg(test)]
mod tests;

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::Semaphore;

pub use error::CallError;

use crate::{errands::Errands, roots::Roots};

/// How long a connection is kept that nobody uses. Shorter than most servers keep one.
const KEPT: Duration = Duration::from_secs(30);
/// Longest head of an answer, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;
const NAME: HeaderValue = HeaderValue::from_static(concat!("countersign/", env!("CARGO_PKG_VERSION")));

/// How calls are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether any URL will begin with `https`; else no root is read.
    pub tls: bool,
    /// Whose certificates are believed; `None`: the system's.
    pub roots: Option<Roots>,
    /// To connect, TLS not included.
    pub connect_timeout: Duration,
    /// From the call to the answer's last byte.
    pub timeout: Duration,
    /// Largest body of an answer, in bytes.
    pub largest_answer: usize,
    /// Calls at once; one more is refused.
    pub most_calls: usize,
}

/// Whoever makes calls. Clones share connections and limits.
#[derive(Clone)]
pub struct Client {
    errands: Errands,
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    places: Arc<Semaphore>,
    timeout: Duration,
    largest_answer: usize,
}

/// An answer, whole.
#[derive(Clone)]
pub struct Answer {
    /// Whatever it was: no status is an error here.
    pub status: StatusCode,
    /// Its fields.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Client {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// The roots cannot be read, or there are none.
    pub fn new(errands: Errands, settings: &Settings) -> io::Result<Client> {
        let given = settings.roots.as_ref();
        let roots =
            if settings.tls { Roots::given_or_system(given)?.store() } else { Arc::new(RootCertStore::empty()) };
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(settings.connect_timeout));
        tcp.set_nodelay(true);
        // It is the connector around it that knows `https`.
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEPT)
            .pool_max_idle_per_host(settings.most_calls)
            .http1_max_buf_size(LONGEST_HEAD)
            .build(connector.wrap_connector(tcp));
        Ok(Client {
            errands,
            http,
            places: Arc::new(Semaphore::new(settings.most_calls)),
            timeout: settings.timeout,
            largest_answer: settings.largest_answer,
        })
    }

    /// Asks for what is at `uri`.
    ///
    /// # Errors
    /// [`CallError`]. An answer of any status is none.
    pub async fn get(&self, uri: Uri, headers: HeaderMap) -> Result<Answer, CallError> {
        self.call(Method::GET, uri, headers, Bytes::new()).await
    }

    /// Sends `body` to `uri`, once: a call that failed may have arrived.
    ///
    /// # Errors
    /// [`CallError`]. An answer of any status is none.
    pub async fn post(&self, uri: Uri, headers: HeaderMap, body: Bytes) -> Result<Answer, CallError> {
        self.call(Method::POST, uri, headers, body).await
    }

    async fn call(&self, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Result<Answer, CallError> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| CallError::TooMany)?;
        let request = request(method, uri, headers, body)?;
        let (client, timeout) = (self.clone(), self.timeout);
        let call = async move {
            let _place = place;
            tokio::time::timeout(timeout, client.exchange(request)).await.map_err(|_| CallError::TimedOut(timeout))?
        };
        self.errands.run(call).await?
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, CallError> {
        let (head, body) = self.http.request(request).await.map_err(CallError::of_client)?.into_parts();
        let body = Limited::new(body, self.largest_answer).collect().await;
        let body = body.map_err(|error| CallError::of_body(error, self.largest_answer))?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}

/// Whether a URL's host is only ever this machine, so that nobody stands between.
pub fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn request(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Result<Request<Full<Bytes>>, CallError> {
    let mut request = Request::builder().method(method).uri(uri).body(Full::new(body)).map_err(|_| CallError::Uri)?;
    *request.headers_mut() = headers;
    request.headers_mut().entry(header::USER_AGENT).or_insert(NAME);
    Ok(request)
}

/// Shows how much there is of it and nothing that it says: there may be a key in it.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client(…)")
    }
}
