//! One question (RFC 7662 section 2.1) and how its answer is read (section 2.2): strictly, and a doubt is no answer.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use zeroize::Zeroizing;

use super::Settings;
use crate::{
    authenticate::jwt::IntrospectionAway,
    json::{Document, Value},
    outcall::{Answer, CallError},
};

/// What the server says of a token.
#[derive(Debug)]
pub(super) enum Said {
    /// It is good, and this is known of it.
    Active(Arc<[u8]>),
    /// It is not, whatever the reason.
    Inactive,
}

/// Why nothing is known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Call(#[from] CallError),
    /// A 401 means that it is the gateway itself whom it does not believe.
    #[error("the answer is a {0}")]
    Status(StatusCode),
    #[error("the answer is no strict JSON with a boolean `active`")]
    Unreadable,
}

impl Trouble {
    /// Whether another token would fare no better.
    pub(super) fn is_of_the_way(&self) -> bool {
        match self {
            Trouble::Call(CallError::TimedOut(_) | CallError::NotConnected(_) | CallError::Broken(_)) => true,
            Trouble::Call(CallError::TooMany | CallError::TooLarge(_) | CallError::Uri | CallError::Stopped(_)) => {
                false
            }
            Trouble::Status(status) => status.is_server_error(),
            Trouble::Unreadable => false,
        }
    }
}

impl From<Trouble> for IntrospectionAway {
    fn from(trouble: Trouble) -> IntrospectionAway {
        match trouble {
            Trouble::Call(CallError::TimedOut(_)) => IntrospectionAway::TimedOut,
            Trouble::Call(CallError::TooMany) => IntrospectionAway::Busy,
            Trouble::Call(CallError::NotConnected(_) | CallError::Broken(_) | CallError::Stopped(_)) => {
                IntrospectionAway::Away
            }
            Trouble::Call(CallError::TooLarge(_) | CallError::Uri) | Trouble::Unreadable => {
                IntrospectionAway::Unreadable
            }
            Trouble::Status(status) if status.is_server_error() => IntrospectionAway::Away,
            Trouble::Status(_) => IntrospectionAway::Refused,
        }
    }
}

/// The call that asks about `token`.
pub(super) fn of(settings: &Settings, token: &[u8]) -> (Uri, HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    if let Some(authorization) = authorization(settings) {
        headers.insert(header::AUTHORIZATION, authorization);
    }
    let body = format!("token={}&token_type_hint=access_token", form(token));
    (settings.url.clone(), headers, body.into())
}

/// RFC 6749 section 2.3.1: both are form-encoded before they are joined.
fn authorization(settings: &Settings) -> Option<HeaderValue> {
    let secret = Zeroizing::new(form(settings.client_secret.expose()));
    let pair = Zeroizing::new(format!("{}:{}", form(settings.client_id.as_bytes()), *secret));
    let value = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Every byte that could mean something is escaped.
fn form(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => text.push(char::from(*byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

/// What came of it. Anything but a clear yes or no is trouble.
pub(super) fn read(answer: Result<Answer, CallError>) -> Result<Said, Trouble> {
    let answer = answer?;
    if answer.status != StatusCode::OK {
        return Err(Trouble::Status(answer.status));
    }
    let document = Document::parse(&answer.body).map_err(|_| Trouble::Unreadable)?;
    let Value::Object(members) = document.root() else { return Err(Trouble::Unreadable) };
    match members.value("active") {
        Some(Value::Bool(true)) => Ok(Said::Active(answer.body.as_ref().into())),
        Some(Value::Bool(false)) => Ok(Said::Inactive),
        _ => Err(Trouble::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(status: StatusCode, body: &str) -> Result<Said, Trouble> {
        read(Ok(Answer { status, headers: HeaderMap::new(), body: body.to_owned().into() }))
    }

    #[test]
    fn only_a_clear_answer_is_one() {
        assert!(matches!(read_text(StatusCode::OK, r#"{"active":true,"sub":"a"}"#), Ok(Said::Active(_))));
        assert!(matches!(read_text(StatusCode::OK, r#"{"active":false}"#), Ok(Said::Inactive)));
        for body in [
            "",
            "null",
            "true",
            "[true]",
            "{}",
            r#"{"active":"true"}"#,
            r#"{"active":1}"#,
            r#"{"active":null}"#,
            r#"{"active":true,"active":false}"#,
            r#"{"active":true}{"active":true}"#,
            r#"{"Active":true}"#,
        ] {
            assert!(matches!(read_text(StatusCode::OK, body), Err(Trouble::Unreadable)), "{body}");
        }
        for status in [201, 204, 302, 400, 401, 403, 404, 500, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            let trouble = read_text(status, r#"{"active":true}"#).unwrap_err();
            assert_eq!(trouble.is_of_the_way(), status.is_server_error(), "{status}");
        }
    }

    #[test]
    fn no_byte_of_a_token_or_a_secret_means_anything_in_the_call() {
        assert_eq!(form(b"a&token=b+/~=% "), "a%26token%3Db%2B%2F%7E%3D%25%20");
    }
}
