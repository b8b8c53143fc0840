//! A client on a plain socket, so that the demo sees what any client would see.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use bytes::BytesMut;
use serde_json::Value;

use crate::{
    cli::trouble::Trouble,
    http1::{BodyDecoder, Limits, ResponseHead, Step},
    refusal::Cause,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The cause that the answer names; `None` where it is no refusal.
    pub(super) cause: Option<Cause>,
    /// The refusal's detail, or whom the upstream was told the request is from.
    pub(super) detail: String,
}

/// Sends `request`, which asks for the connection to be closed, and reads the answer.
pub(super) fn send(address: SocketAddr, request: &[u8]) -> Result<Answer, Trouble> {
    let no_answer = |source| Trouble::NoAnswer { place: address.to_string(), source };
    exchange(address, request).map_err(no_answer)
}

fn exchange(address: SocketAddr, request: &[u8]) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    read(&mut BytesMut::from(&*bytes)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn read(bytes: &mut BytesMut) -> Option<Answer> {
    let limits = Limits::default();
    let head = ResponseHead::parse(bytes, &limits, false).ok()??;
    let mut decoder = BodyDecoder::new(head.framing(), &limits);
    let mut body = Vec::new();
    while let Step::Data(data) = decoder.decode(bytes).ok()? {
        body.extend_from_slice(&data);
    }
    let body: Value = serde_json::from_slice(&body).ok()?;
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let cause = text("/type").and_then(|urn| urn.strip_prefix("urn:countersign:")).and_then(Cause::named);
    let detail = match (text("/detail"), text("/headers/x-countersign-subject")) {
        (Some(detail), _) => detail.to_owned(),
        (None, Some(subject)) => format!("forwarded, from {subject}"),
        (None, None) => String::new(),
    };
    Some(Answer { status: head.status(), cause, detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Option<Answer> {
        read(&mut BytesMut::from(text))
    }

    #[test]
    fn a_refusal_says_its_cause_and_detail() {
        let body = r#"{"type":"urn:countersign:stale","detail":"Too old"}"#;
        let stale = answer(&format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\n\r\n{body}", body.len())).unwrap();
        assert_eq!((stale.status, stale.cause, stale.detail.as_str()), (403, Some(Cause::Stale), "Too old"));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        assert!(answer("").is_none() && answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").is_none());
    }
}
