//! Why a JSON text was refused. It names the rule and the place, never the text.

use std::str::Utf8Error;

/// The first thing wrong with a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at}")]
pub struct JsonError {
    /// The rule that was broken.
    pub problem: JsonProblem,
    /// Offset from the start of the text, in bytes.
    pub at: usize,
}

/// The rules of RFC 8259, and the few that this reader adds to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonProblem {
    /// More than 4 GiB.
    #[error("the text is too long")]
    TooLong,
    /// Section 8.1: JSON is UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// Section 8.1 lets a reader skip it; two readers then disagree.
    #[error("a byte order mark")]
    ByteOrderMark,
    /// The text ends inside a value.
    #[error("the text ends too early")]
    UnexpectedEnd,
    /// A byte that cannot stand here.
    #[error("an unexpected byte")]
    UnexpectedByte,
    /// Something follows the value.
    #[error("bytes after the value")]
    TrailingBytes,
    /// Section 6: leading zeros, a bare sign, a dot without digits.
    #[error("a malformed number")]
    MalformedNumber,
    /// Section 7: control characters must be escaped.
    #[error("a control character in a string")]
    ControlCharacter,
    /// Section 7: not one of the escapes.
    #[error("a malformed escape")]
    MalformedEscape,
    /// Half of a UTF-16 pair has no meaning as text (section 8.2).
    #[error("a lone surrogate")]
    LoneSurrogate,
    /// Section 4 only says names SHOULD be unique; readers differ in which one wins.
    #[error("a duplicate name in an object")]
    DuplicateName,
    /// Deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    #[error("nested too deep")]
    TooDeep,
}

impl JsonError {
    pub(super) fn not_utf8(error: Utf8Error) -> JsonError {
        JsonError { problem: JsonProblem::NotUtf8, at: error.valid_up_to() }
    }
}
