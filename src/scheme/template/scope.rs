//! What a template may name, by what it is for: the words, the named values, and what is said of any other.

use super::{
    parse::{Call, Word},
    source::{Source, without_argument},
};
use crate::scheme::Fault;

/// What a template may name: depends on what it is for.
#[derive(Clone, Copy, Debug)]
pub(in crate::scheme) struct Scope<'s> {
    pub(in crate::scheme) vocabulary: Vocabulary,
    /// The named values so far.
    pub(in crate::scheme) values: &'s [Named],
    /// Whether `{key_id}` means anything.
    pub(in crate::scheme) key_id: bool,
}

/// A named value, as templates after it see it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::scheme) struct Named {
    pub(in crate::scheme) name: String,
    pub(in crate::scheme) parts: Parts,
}

/// Whether a named value has parts that are named by an argument.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::scheme) enum Parts {
    /// It is one.
    None,
    /// Any: the request names them.
    Any,
    /// These.
    These(Vec<String>),
}

/// The sets of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scheme) enum Vocabulary {
    /// What a request shows.
    Request,
    /// The same, and what signing adds.
    Emit,
    /// What is known after verification.
    Answer,
    /// The same, and what was issued.
    Issued,
    /// An answer and the head of its request.
    Reply,
    /// The same, and what signing adds.
    ReplyEmission,
    /// What a loop goes over.
    Each,
    /// What a key is made of.
    Key,
}

const REQUEST: &[&str] = &[
    "method",
    "path",
    "target",
    "query",
    "scheme",
    "authority",
    "host",
    "port",
    "url",
    "header",
    "header_names",
    "json",
    "form",
    "body",
    "key_id",
];
const EMIT_ONLY: &[&str] = &["signature", "now", "expires", "nonce", "algorithm"];
const REPLY: &[&str] = &[
    "status",
    "header",
    "body",
    "request_header",
    "method",
    "path",
    "target",
    "query",
    "scheme",
    "authority",
    "host",
    "port",
    "url",
    "key_id",
    "now",
];
const REPLY_EMISSION: &[&str] = &["signature"];
const EACH: &[&str] = &["name", "value"];
const KEY: &[&str] = &["secret"];
const ANSWER: &[&str] = &[
    "claim",
    "key",
    "subject",
    "key_id",
    "scheme_name",
    "route",
    "request_id",
    "client_address",
    "method",
    "path",
    "target",
    "query",
    "header",
];

const ISSUED_ONLY: &[&str] = &["token", "expires_in", "refresh_token", "csrf_token"];

impl Vocabulary {
    pub(super) fn contains(self, name: &str) -> bool {
        match self {
            Vocabulary::Request => REQUEST.contains(&name),
            Vocabulary::Emit => REQUEST.contains(&name) || EMIT_ONLY.contains(&name),
            Vocabulary::Answer => ANSWER.contains(&name),
            Vocabulary::Issued => ANSWER.contains(&name) || ISSUED_ONLY.contains(&name),
            Vocabulary::Reply => REPLY.contains(&name),
            Vocabulary::ReplyEmission => REPLY.contains(&name) || REPLY_EMISSION.contains(&name),
            Vocabulary::Each => EACH.contains(&name),
            Vocabulary::Key => KEY.contains(&name),
        }
    }
}

impl Vocabulary {
    /// Whether what is written is read as text, and not hashed.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Vocabulary::Emit | Vocabulary::ReplyEmission | Vocabulary::Answer | Vocabulary::Issued)
    }
}

impl Named {
    pub(super) fn source(&self, index: usize, call: &Call) -> Result<Source, Fault> {
        let field = |word: &Word| Source::Field(index, self.name.clone(), word.text.clone());
        match (&self.parts, &call.argument) {
            (Parts::None, _) => without_argument(call, Source::Value(index, self.name.clone())),
            (Parts::Any, Some(word)) if !word.text.is_empty() => Ok(field(word)),
            (Parts::These(names), Some(word)) if names.contains(&word.text) => Ok(field(word)),
            (Parts::These(names), Some(word)) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let fault = word.fault(format!("`{}` has no part `{}`", self.name, word.text));
                Err(fault.hint(format!("its parts are {}", names.join(", "))).suggest(&word.text, &names))
            }
            (Parts::Any | Parts::These(_), _) => {
                let fault = call.fault(format!("`{}` is taken apart, so one part must be named", self.name));
                Err(fault.hint(format!("`{{{}:…}}`", self.name)))
            }
        }
    }
}

impl Scope<'_> {
    pub(super) fn unknown(&self, word: &Word) -> Fault {
        let own = match self.vocabulary {
            Vocabulary::Request | Vocabulary::Emit => REQUEST,
            Vocabulary::Answer | Vocabulary::Issued => ANSWER,
            Vocabulary::Reply | Vocabulary::ReplyEmission => REPLY,
            Vocabulary::Each => EACH,
            Vocabulary::Key => KEY,
        };
        let mut candidates: Vec<&str> = own.to_vec();
        if self.vocabulary == Vocabulary::Emit {
            candidates.extend(EMIT_ONLY);
        }
        if self.vocabulary == Vocabulary::ReplyEmission {
            candidates.extend(REPLY_EMISSION);
        }
        if self.vocabulary == Vocabulary::Issued {
            candidates.extend(ISSUED_ONLY);
        }
        candidates.extend(self.values.iter().map(|value| value.name.as_str()));
        match is_source(&word.text) {
            true => word.fault(format!("`{}` cannot be used in this place", word.text)),
            false => word
                .fault(format!("there is no source `{}`", word.text))
                .hint(format!("the sources here are {}", candidates.join(", ")))
                .suggest(&word.text, &candidates),
        }
    }
}

/// Whether a named value may not be called so, because a source is.
pub(in crate::scheme) fn is_reserved(name: &str) -> bool {
    everything().any(|source| *source == name)
}

/// Whether a source is called so in any place.
pub(super) fn is_source(name: &str) -> bool {
    everything().chain(REPLY).chain(ISSUED_ONLY).any(|source| *source == name)
}

/// But for what is an answer's alone: named values are a request's.
fn everything() -> impl Iterator<Item = &'static &'static str> {
    [REQUEST, EMIT_ONLY, ANSWER, EACH, KEY].into_iter().flatten()
}
