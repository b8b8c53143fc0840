//! What may be asked of the gateway besides health and metrics: calls that change something, or tell of somebody. Each
//! needs the admin token; what a call does is the gateway's business.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::secret::{Secret, are_equal};

/// Bytes of a call's body.
const MOST_BODY: usize = 64 * 1024;

/// One call: a method on a path, and what is done then with the request's body.
#[derive(Clone)]
pub struct Call {
    /// `GET`, `POST` or `DELETE`.
    pub method: Method,
    /// The path.
    pub path: &'static str,
    /// What is done.
    pub work: Arc<dyn Fn(Bytes) -> Work + Send + Sync>,
}

/// The work of one call.
pub type Work = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Does the work of one connection's call, and shows whether it is at it.
#[derive(Debug)]
pub(super) struct Workbench {
    patience: Duration,
    is_busy: AtomicBool,
}

impl Workbench {
    /// No work takes longer than `patience`.
    pub(super) fn new(patience: Duration) -> Workbench {
        Workbench { patience, is_busy: AtomicBool::new(false) }
    }

    /// Whether work is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }

    /// What came of the work. Of what takes too long nobody can say that it was not done: what others do for it goes on.
    pub(super) async fn finish(&self, work: Work) -> Reply {
        self.is_busy.store(true, Ordering::Relaxed);
        let reply = timeout(self.patience, work).await;
        self.is_busy.store(false, Ordering::Relaxed);
        reply.unwrap_or_else(|_| {
            let seconds = self.patience.as_secs_f64();
            let sentence =
                format!("not done within {seconds} s; it may still be going on, and the log says what comes of it");
            Reply::error(StatusCode::GATEWAY_TIMEOUT, sentence)
        })
    }
}

/// A status and a JSON document.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The document.
    pub body: Value,
}

impl Reply {
    /// A document with a sentence in it about what went wrong.
    pub fn error(status: StatusCode, sentence: impl fmt::Display) -> Reply {
        Reply { status, body: json!({ "error": sentence.to_string() }) }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// The token that calls need. It can be changed while the listener runs; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Token(Arc<ArcSwapOption<Secret>>);

/// Why a caller is not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unheard {
    /// There is no token, so nobody can have it.
    NoToken,
    /// None came, or another one.
    WrongToken,
}

impl Token {
    /// Wants this token from now on; with none nobody is heard.
    pub fn set(&self, token: Option<Secret>) {
        self.0.store(token.map(Arc::new));
    }

    /// Whether the caller has it.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Unheard> {
        let token = self.0.load();
        let wanted = token.as_ref().ok_or(Unheard::NoToken)?;
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(Unheard::WrongToken) };
        let shown = value.as_bytes().split_at_checked(7);
        match shown {
            Some((scheme, shown)) if scheme.eq_ignore_ascii_case(b"bearer ") && are_equal(shown, wanted.expose()) => {
                Ok(())
            }
            _ => Err(Unheard::WrongToken),
        }
    }
}

impl Unheard {
    pub(super) fn reply(self) -> Reply {
        match self {
            Unheard::NoToken => Reply::error(
                StatusCode::FORBIDDEN,
                "no admin token is configured: `admin: { address: …, token: { env: NAME } }`",
            ),
            Unheard::WrongToken => {
                Reply::error(StatusCode::UNAUTHORIZED, "this needs `Authorization: Bearer` with the admin token")
            }
        }
    }
}

/// A call's body, whole.
///
/// # Errors
/// A reply that says why there is none.
pub(super) async fn body<B>(body: B) -> Result<Bytes, Reply>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match Limited::new(body, MOST_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Reply::error(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 64 KiB"))
        }
        Err(_) => Err(Reply::error(StatusCode::BAD_REQUEST, "the body did not arrive whole")),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(token: Option<&str>, shown: &[&str]) -> Result<(), Unheard> {
        let wanted = Token::default();
        wanted.set(token.map(|token| Secret::new(token.as_bytes().to_vec())));
        let mut headers = HeaderMap::new();
        for value in shown {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        wanted.check(&headers)
    }

    #[test]
    fn only_the_very_token_is_heard() {
        assert_eq!(check(Some("hunter2"), &["Bearer hunter2"]), Ok(()));
        assert_eq!(check(Some("hunter2"), &["bearer hunter2"]), Ok(()));
        for shown in [&["Bearer hunter"][..], &["Bearer hunter22"], &["hunter2"], &["Basic hunter2"], &["Bearer "], &[]]
        {
            assert_eq!(check(Some("hunter2"), shown), Err(Unheard::WrongToken), "{shown:?}");
        }
        assert_eq!(check(Some("hunter2"), &["Bearer hunter2", "Bearer hunter2"]), Err(Unheard::WrongToken));
    }

    #[test]
    fn where_no_token_is_configured_none_is_right() {
        assert_eq!(check(None, &["Bearer "]), Err(Unheard::NoToken));
        assert_eq!(check(None, &[]), Err(Unheard::NoToken));
    }
}
