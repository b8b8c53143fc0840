//! What a webhook's sender asks before it sends, answered by the gateway itself.
//!
//! Only on routes that name it. Nothing of it is forwarded, and nothing is echoed but what a bounded run of visible
//! ASCII is.

use std::sync::Arc;

use subtle::ConstantTimeEq;

use crate::{
    forward::CallerKeys,
    http1::RequestHead,
    json::{Document, Value},
    message::{Body, Response},
    percent,
    policy::Admitted,
    secret::Secret,
};

/// The handshake of one route.
pub enum Handshake {
    /// A signed `endpoint.url_validation`: its token, and the token's HMAC with the key that signed it.
    Zoom(Arc<dyn CallerKeys>),
    /// A GET with a `challenge`, which nobody signs.
    Dropbox,
    /// A GET with a `hub.challenge`, from whoever knows the token.
    Meta {
        /// The token.
        verify_token: Secret,
    },
}

/// Somebody subscribes who does not know the verify token.
#[derive(Debug, thiserror::Error)]
#[error("the verify token of the handshake is wrong")]
pub(super) struct WrongToken;

/// Longest challenge that is answered, in bytes.
const LONGEST: usize = 256;

impl Handshake {
    /// The answer to what comes without a signature; `None` where this is no such request, and goes its usual way.
    ///
    /// # Errors
    /// [`WrongToken`]
    pub(super) fn unsigned(&self, head: &RequestHead) -> Result<Option<Response>, WrongToken> {
        if head.method() != "GET" {
            return Ok(None);
        }
        match self {
            Handshake::Zoom(_) => Ok(None),
            Handshake::Dropbox => Ok(parameter(head, b"challenge").and_then(echoed)),
            Handshake::Meta { verify_token } => {
                let (Some(b"subscribe"), Some(challenge)) =
                    (parameter(head, b"hub.mode").as_deref(), parameter(head, b"hub.challenge"))
                else {
                    return Ok(None);
                };
                let token = parameter(head, b"hub.verify_token").unwrap_or_default();
                match bool::from(token.as_slice().ct_eq(verify_token.expose())) {
                    true => Ok(echoed(challenge)),
                    false => Err(WrongToken),
                }
            }
        }
    }

    /// The answer to what was verified and admitted; `None` where this is no such request.
    pub(super) fn signed(&self, permit: &Admitted<'_>) -> Option<Response> {
        let (Handshake::Zoom(keys), Body::Bytes(body, _)) = (self, permit.body()) else { return None };
        let token = plain_token(body)?;
        let (key, _) = keys.key_of(permit.identity())?;
        let proof = key.challenge_response(token.as_bytes())?;
        let answer = serde_json::json!({ "plainToken": token, "encryptedToken": proof });
        Some(Response::own(200, "application/json", answer.to_string()))
    }
}

fn echoed(challenge: Vec<u8>) -> Option<Response> {
    // What could be markup is not for a browser to guess at.
    is_plain(&challenge)
        .then(|| Response::own(200, "text/plain; charset=utf-8", challenge).with("X-Content-Type-Options", "nosniff"))
}

fn is_plain(challenge: &[u8]) -> bool {
    (1..=LONGEST).contains(&challenge.len()) && challenge.iter().all(u8::is_ascii_graphic)
}

/// A query parameter that is there once.
fn parameter(head: &RequestHead, name: &[u8]) -> Option<Vec<u8>> {
    let (_, query) = head.origin_form().split_once('?')?;
    let mut values = query.split('&').filter_map(|pair| {
        let (own, value) = pair.split_once('=')?;
        (percent::decoded(own.as_bytes()) == name).then(|| percent::decoded(value.as_bytes()))
    });
    values.next().filter(|_| values.next().is_none())
}

/// The token of a validation event.
fn plain_token(body: &[u8]) -> Option<String> {
    const EVENT: &[u8] = b"endpoint.url_validation";
    memchr::memmem::find(body, EVENT)?;
    let document = Document::parse(body).ok()?;
    let text = |pointer| match document.pointer(pointer) {
        Some(Value::String(text)) => Some(text.to_string()),
        _ => None,
    };
    text("/event").filter(|event| event.as_bytes() == EVENT)?;
    text("/payload/plainToken").filter(|token| is_plain(token.as_bytes()))
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Handshake::Zoom(_) => "Zoom",
            Handshake::Dropbox => "Dropbox",
            Handshake::Meta { .. } => "Meta",
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::http1::Limits;

    fn asked(handshake: &Handshake, target: &str) -> Result<Option<Response>, WrongToken> {
        let mut bytes = BytesMut::from(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        let head = RequestHead::parse(&mut bytes, &Limits::default()).unwrap().unwrap();
        handshake.unsigned(&head)
    }

    fn body(response: Option<Response>) -> Option<Vec<u8>> {
        match response?.body {
            Body::Bytes(bytes, _) => Some(bytes.to_vec()),
            _ => None,
        }
    }

    #[test]
    fn a_challenge_is_echoed_as_plain_text_that_no_browser_guesses_at() {
        let answer = asked(&Handshake::Dropbox, "/hook?challenge=a%2Db").unwrap().unwrap();
        assert!(answer.added.iter().any(|(name, value)| name == "X-Content-Type-Options" && value == b"nosniff"));
        assert!(answer.added.iter().any(|(_, value)| value.starts_with(b"text/plain")));
        assert_eq!(body(Some(answer)).unwrap(), b"a-b");
    }

    #[test]
    fn what_is_long_double_or_not_plain_is_not_echoed() {
        let long = format!("/hook?challenge={}", "a".repeat(257));
        for target in [
            "/hook",
            "/hook?challenge",
            "/hook?challenge=",
            "/hook?challenge=a%0Ab",
            "/hook?challenge=a%20b",
            "/hook?challenge=%ff",
            "/hook?challenge=a&challenge=b",
            &long,
        ] {
            assert!(asked(&Handshake::Dropbox, target).unwrap().is_none(), "{target}");
        }
    }

    #[test]
    fn a_subscription_needs_the_token_and_the_mode() {
        let meta = Handshake::Meta { verify_token: Secret::new(b"open sesame".to_vec()) };
        let good = "/hook?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=open%20sesame";
        assert_eq!(body(asked(&meta, good).unwrap()).unwrap(), b"1158201444");
        for wrong in ["open", "open%20sesame!", ""] {
            let target = format!("/hook?hub.mode=subscribe&hub.challenge=1&hub.verify_token={wrong}");
            assert!(asked(&meta, &target).is_err(), "{wrong}");
        }
        assert!(asked(&meta, "/hook?hub.mode=subscribe&hub.challenge=1").is_err());
        assert!(asked(&meta, "/hook?hub.challenge=1&hub.verify_token=open%20sesame").unwrap().is_none());
    }

    #[test]
    fn only_a_validation_event_has_a_token() {
        let event = |event: &str, token: &str| {
            plain_token(format!(r#"{{"event":"{event}","payload":{{"plainToken":"{token}"}}}}"#).as_bytes())
        };
        assert_eq!(event("endpoint.url_validation", "q9ib").as_deref(), Some("q9ib"));
        assert_eq!(event("meeting.started", "q9ib"), None);
        assert_eq!(event("not endpoint.url_validation", "q9ib"), None);
        assert_eq!(event("endpoint.url_validation", ""), None);
        assert_eq!(event("endpoint.url_validation", "a b"), None);
        assert_eq!(plain_token(br#"{"event":"endpoint.url_validation","payload":{"plainToken":1}}"#), None);
        assert_eq!(plain_token(b"endpoint.url_validation"), None);
    }
}
