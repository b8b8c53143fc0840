//! A client on a plain socket, so that the demo sees what any client would see.

use std::{io, net::SocketAddr, time::Duration};

use serde_json::Value;

use crate::{
    cli::{
        exchange::{self, exchange},
        trouble::Trouble,
    },
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
    let answer = exchange(address, request, PATIENCE);
    answer.and_then(|answer| read(&answer).ok_or_else(|| io::ErrorKind::InvalidData.into())).map_err(no_answer)
}

fn read(answer: &exchange::Answer) -> Option<Answer> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let cause = text("/type").and_then(|urn| urn.strip_prefix("urn:countersign:")).and_then(Cause::named);
    let detail = match (text("/detail"), text("/headers/x-countersign-subject")) {
        (Some(detail), _) => detail.to_owned(),
        (None, Some(subject)) => format!("forwarded, from {subject}"),
        (None, None) => String::new(),
    };
    Some(Answer { status: answer.status, cause, detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_its_cause_and_detail() {
        let body = br#"{"type":"urn:countersign:stale","detail":"Too old"}"#.to_vec();
        let stale = read(&exchange::Answer { status: 403, body }).unwrap();
        assert_eq!((stale.status, stale.cause, stale.detail.as_str()), (403, Some(Cause::Stale), "Too old"));
    }

    #[test]
    fn what_is_no_document_is_no_answer() {
        assert!(read(&exchange::Answer { status: 200, body: b"hi".to_vec() }).is_none());
    }
}
