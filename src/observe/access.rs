//! The access line: what is known of one finished request, and how it is written as JSON or for a person's eye.
//!
//! A line holds no query string, no credential and no header value. Writing one appends to a buffer and allocates
//! nothing; where the buffer goes is [`sink`](super::sink)'s.

use std::{fmt::Display, io::IsTerminal};

use super::{
    escape::{self, json_inside},
    pretty,
    sink::Destination,
    stamp::Stamp,
};
use crate::refusal::Cause;

/// One finished request.
#[derive(Clone, Copy)]
pub struct AccessLine<'a> {
    /// When the request's head was complete, in milliseconds since 1970.
    pub unix_millis: i64,
    /// The id that the answer and the upstream carry too.
    pub request_id: &'a [u8],
    /// The client's address: the peer's, or what a trusted proxy said. An address, so there is nothing to escape.
    pub client: &'a str,
    /// Name or address of the listener. Names of the config's parts have nothing to escape.
    pub listener: &'a str,
    /// The method as it came; empty where no head could be read.
    pub method: &'a str,
    /// The path as it came; empty where no head could be read. Anything from a `?` on is not written.
    pub path: &'a str,
    /// The route's name, if one was found.
    pub route: Option<&'a str>,
    /// The status sent to the client.
    pub status: u16,
    /// What became of the request.
    pub verdict: Verdict<'a>,
    /// The scheme or token rules that decided, `public` on a public route; `None` before that was known.
    pub by: Option<&'a str>,
    /// The verified key id. Never one that was only claimed.
    pub key_id: Option<&'a str>,
    /// What the secret is called that verified, where its id has several.
    pub secret: Option<&'a str>,
    /// The verified subject.
    pub subject: Option<&'a str>,
    /// Whether it went on although no store could tell whether it was accepted before.
    pub unchecked: bool,
    /// From the complete head to the answer's last byte, in microseconds.
    pub duration_micros: u64,
    /// From sending to the upstream to its answer's head, in microseconds.
    pub upstream_micros: Option<u64>,
    /// Body bytes received from the client.
    pub bytes_in: u64,
    /// Body bytes sent to the client.
    pub bytes_out: u64,
}

/// What became of a request.
#[derive(Clone, Copy)]
pub enum Verdict<'a> {
    /// It was admitted and answered.
    Allowed,
    /// It was not admitted.
    Refused {
        /// The public cause.
        cause: Cause,
        /// The private detail, if there is one. It must not show a secret.
        why: Option<&'a dyn Display>,
    },
    /// It was admitted, and then no whole answer came about.
    Failed {
        /// The cause the client was told; `None` where it was told nothing, because it left or the answer broke off.
        cause: Option<Cause>,
        /// The private detail, if there is one. It must not show a secret.
        why: Option<&'a dyn Display>,
    },
}

impl<'a> Verdict<'a> {
    /// `allowed`, `refused` or `failed`, as in the log and the metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Verdict::Allowed => "allowed",
            Verdict::Refused { .. } => "refused",
            Verdict::Failed { .. } => "failed",
        }
    }

    pub(super) fn cause(&self) -> Option<Cause> {
        match *self {
            Verdict::Allowed => None,
            Verdict::Refused { cause, .. } => Some(cause),
            Verdict::Failed { cause, .. } => cause,
        }
    }

    pub(super) fn why(&self) -> Option<&'a dyn Display> {
        match *self {
            Verdict::Allowed => None,
            Verdict::Refused { why, .. } | Verdict::Failed { why, .. } => why,
        }
    }
}

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// Aligned columns.
    Pretty {
        /// Whether the status is coloured with ANSI sequences.
        colour: bool,
    },
}

impl Format {
    /// Columns in colour where `destination` is a terminal, JSON anywhere else.
    pub fn suited_to(destination: &Destination) -> Format {
        if destination.is_terminal() { Format::Pretty { colour: true } } else { Format::Json }
    }

    /// Columns, in colour where `destination` is a terminal.
    pub fn pretty_for(destination: &Destination) -> Format {
        Format::Pretty { colour: destination.is_terminal() }
    }
}

impl Destination {
    fn is_terminal(&self) -> bool {
        match self {
            Destination::Stdout => std::io::stdout().is_terminal(),
            Destination::Stderr => std::io::stderr().is_terminal(),
            Destination::Off | Destination::File(_) => false,
        }
    }
}

/// Writes lines. Each worker has one, for it remembers the second it last wrote.
#[derive(Debug)]
pub struct AccessWriter {
    format: Format,
    stamp: Stamp,
}

impl AccessWriter {
    /// A writer of lines in that format.
    pub fn new(format: Format) -> AccessWriter {
        AccessWriter { format, stamp: Stamp::default() }
    }

    /// Appends `line` and a newline to `out`.
    pub fn write(&mut self, line: &AccessLine<'_>, out: &mut Vec<u8>) {
        let path = match memchr::memchr(b'?', line.path.as_bytes()) {
            Some(query) => line.path.get(..query).unwrap_or_default(),
            None => line.path,
        };
        match self.format {
            Format::Json => write_json(line, path, &mut self.stamp, out),
            Format::Pretty { colour } => pretty::write(&AccessLine { path, ..*line }, colour, &mut self.stamp, out),
        }
    }
}

/// A field's name with what stands around it. Every field but the first starts with its comma.
macro_rules! name {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

/// The same with the quote that begins its text.
macro_rules! text {
    ($name:literal) => {
        concat!(",\"", $name, "\":\"")
    };
}

fn write_json(line: &AccessLine<'_>, path: &str, stamp: &mut Stamp, out: &mut Vec<u8>) {
    out.reserve(USUAL_LINE);
    out.extend_from_slice(b"{\"time\":\"");
    stamp.write_rfc3339(line.unix_millis, out);
    out.push(b'"');
    plain_field(text!("request_id"), Some(line.request_id), out);
    plain_field(text!("client"), Some(line.client.as_bytes()), out);
    plain_field(text!("listener"), Some(line.listener.as_bytes()), out);
    let known = |text| Some(text).filter(|text: &&str| !text.is_empty());
    text_field(text!("method"), known(line.method), out);
    text_field(text!("path"), known(path), out);
    text_field(text!("route"), line.route, out);
    number_field(name!("status"), Some(line.status.into()), out);
    plain_field(text!("outcome"), Some(line.verdict.name().as_bytes()), out);
    plain_field(text!("cause"), line.verdict.cause().map(|cause| cause.face().name.as_bytes()), out);
    if let Some(why) = line.verdict.why() {
        out.extend_from_slice(name!("why").as_bytes());
        escape::json_display(why, out);
    }
    plain_field(text!("by"), line.by.map(str::as_bytes), out);
    text_field(text!("key_id"), line.key_id, out);
    text_field(text!("secret"), line.secret, out);
    text_field(text!("subject"), line.subject, out);
    plain_field(text!("replay"), line.unchecked.then_some(b"unchecked"), out);
    number_field(name!("duration_micros"), Some(line.duration_micros), out);
    number_field(name!("upstream_micros"), line.upstream_micros, out);
    number_field(name!("bytes_in"), Some(line.bytes_in), out);
    number_field(name!("bytes_out"), Some(line.bytes_out), out);
    out.extend_from_slice(b"}\n");
}

/// Bytes of most lines.
const USUAL_LINE: usize = 512;

// Inlined, for a name whose length is known is a store or two and not a call.
#[inline(always)]
fn text_field(name: &str, value: Option<&str>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(name.as_bytes());
        json_inside(value, out);
        out.push(b'"');
    }
}

/// For what is ours and has nothing to escape.
#[inline(always)]
fn plain_field(name: &str, value: Option<&[u8]>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(value);
        out.push(b'"');
    }
}

#[inline(always)]
fn number_field(name: &str, value: Option<u64>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(name.as_bytes());
        escape::number(value, out);
    }
}

#[cfg(test)]
mod tests;
