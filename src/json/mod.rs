//! A strict JSON reader (RFC 8259) for bytes that nobody has vouched for yet: token headers, claims, signed bodies.
//!
//! It refuses what two readers could understand differently: duplicate names, lone surrogates, a byte order mark,
//! anything after the value. Numbers stay the text they were written as, because a signature covers that text.
//! It is not a way to read into types and not a writer of documents; `serde_json` does those.

mod error;
mod escape;
mod parse;
#[cfg(test)]
mod tests;
mod value;

use std::{borrow::Cow, fmt};

pub use error::{JsonError, JsonProblem};
use value::Node;
pub use value::{Array, Object, Value, reference_token};

/// Arrays and objects may be nested this deep: a document of 64 brackets is read, one of 65 refused.
pub const MAX_DEPTH: usize = 64;

/// A whole JSON text that was found well-formed. Values are read out of it without copying it.
pub struct Document<'d> {
    text: Cow<'d, str>,
    nodes: Vec<Node>,
}

impl<'d> Document<'d> {
    /// Reads one JSON text, at most 4 GiB of it. Time is linear but for objects, whose names are sorted to find
    /// duplicates; memory is at most about 16 bytes for each byte read.
    pub fn parse(bytes: &'d [u8]) -> Result<Document<'d>, JsonError> {
        let text = parse::utf8(bytes)?;
        Ok(Document { text: Cow::Borrowed(text), nodes: parse::nodes(text)? })
    }

    /// As [`Document::parse`], for a document that must outlive the place its bytes came from.
    pub fn parse_owned(bytes: Vec<u8>) -> Result<Document<'static>, JsonError> {
        let nodes = parse::nodes(parse::utf8(&bytes)?)?;
        let text = String::from_utf8(bytes).map_err(|error| JsonError::not_utf8(error.utf8_error()))?;
        Ok(Document { text: Cow::Owned(text), nodes })
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        Value::read(&self.text, &self.nodes)
    }

    /// The value a JSON pointer names (RFC 6901, with `~0` for `~` and `~1` for `/`); the empty pointer names the root.
    /// `None` if there is no such value or the pointer is malformed.
    pub fn pointer(&self, pointer: &str) -> Option<Value<'_>> {
        self.root().pointer(pointer)
    }

    /// How many bytes of memory the text and its table take, for caches that are bounded by bytes.
    pub fn memory(&self) -> usize {
        self.text.len() + self.nodes.capacity() * size_of::<Node>()
    }
}

/// Shows how long the text is and nothing of it: bodies and claims do not belong in a log.
impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes)", self.text.len())
    }
}
