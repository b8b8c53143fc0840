//! The verdict: whether hyper read what our codec read, and by what right ours refused where it did not.

use std::fmt;

use countersign::http1::Limits;

use super::{
    Message, RequestLine, hypers,
    ours::{self, Reading},
    stricter::{Stricter, has_odd_connection},
};

/// The limits that are used, but for hyper's on extensions and trailers, which ends a few bytes earlier.
const LIMITS: Limits = Limits { head: 32 * 1024, headers: 100, chunk_overhead: 16_000 };

/// What must not be. Its text holds the readings.
#[derive(Debug)]
pub struct Disagreement(String);

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads the requests in `input` twice. The class is that of a refusal of ours that hyper does not share.
pub fn on_requests(input: &[u8]) -> Result<Option<Stricter>, Disagreement> {
    let ours = ours::requests([input], &LIMITS);
    judge(&ours, &hypers::requests(input), may_refuse)
}

/// The same of the response in `input`, to a GET or to a HEAD.
pub fn on_response(input: &[u8], to_head: bool) -> Result<Option<Stricter>, Disagreement> {
    let ours = ours::response([input], to_head, &LIMITS);
    judge(&ours, hypers::response(input, to_head).as_slice(), |_| false)
}

/// hyper keeps a target in a type for URIs, which has no place for these four bytes. Nobody reads them as anything else.
fn may_refuse(line: &RequestLine) -> bool {
    line.origin.contains(['<', '>', '`', '"'])
}

/// Compares the two readings; `may_refuse` says of a start line that hyper refuses it by a rule of its own.
pub fn judge<Start>(
    ours: &Reading<Start>,
    hypers: &[Message<Start>],
    may_refuse: impl Fn(&Start) -> bool,
) -> Result<Option<Stricter>, Disagreement>
where
    Start: fmt::Debug + PartialEq,
{
    let disagreement = |what: &str| Disagreement(format!("{what}\nours: {ours:#?}\nhyper's: {hypers:#?}"));
    for (index, message) in ours.messages.iter().enumerate() {
        let Some(other) = hypers.get(index) else {
            let before = index.checked_sub(1).and_then(|before| ours.messages.get(before));
            if may_refuse(&message.start) || before.is_some_and(|before| has_odd_connection(&before.fields)) {
                return Ok(None);
            }
            return Err(disagreement("hyper refuses a head that we accept"));
        };
        if (&message.start, &message.fields) != (&other.start, &other.fields) {
            return Err(disagreement("hyper reads another head"));
        }
        if !is_one_body(message, other) {
            return Err(disagreement("hyper reads another body"));
        }
        if message.body.is_whole && !other.body.is_whole {
            return Err(disagreement("hyper refuses a body that we accept"));
        }
    }
    let (cut_off, more) = match ours.messages.len().checked_sub(1) {
        None => (false, hypers),
        Some(last) => (!ours.messages[last].body.is_whole && hypers[last].body.is_whole, &hypers[last + 1..]),
    };
    if !cut_off && more.is_empty() {
        return Ok(None);
    }
    match Stricter::of(ours.end, ours.messages.last().map(|message| &message.fields)) {
        Some(class) => Ok(Some(class)),
        None => Err(disagreement(if cut_off {
            "hyper sees the end of a body that we do not"
        } else {
            "hyper takes what we refuse"
        })),
    }
}

/// Whether what both read of the body is the same as far as both read.
fn is_one_body<Start>(one: &Message<Start>, other: &Message<Start>) -> bool {
    let (one, other) = (&one.body, &other.body);
    match (one.is_whole, other.is_whole) {
        (true, true) => one.bytes == other.bytes,
        _ => one.bytes.starts_with(&other.bytes) || other.bytes.starts_with(&one.bytes),
    }
}
