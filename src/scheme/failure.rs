//! Why a request did not verify: the private cause, for the log. It names places, never values.

/// What went wrong with one request under one scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The carrier is not there, or empty.
    #[error("there is no signature")]
    MissingSignature,
    /// The carrier is there more than once.
    #[error("the signature came more than once")]
    AmbiguousCarrier,
    /// The signature is not written as the scheme says, or has the wrong length.
    #[error("the signature cannot be decoded")]
    Undecodable,
    /// The key id is absent, empty, too long, or has bytes other than visible ones.
    #[error("the key id cannot be read")]
    KeyIdUnreadable,
    /// A value that a template needs cannot be had.
    #[error("`{place}` {why}")]
    Unreadable {
        /// The source, as the template writes it.
        place: String,
        /// What is the matter with it.
        why: Why,
    },
    /// The time is outside the window.
    #[error("the timestamp is {} outside the clock's time", milliseconds(*.behind_millis))]
    Stale {
        /// How far it lies behind the clock; negative if it is ahead.
        behind_millis: i64,
    },
    /// The time is in none of the scheme's formats.
    #[error("the timestamp is in none of the formats")]
    TimestampUnreadable,
    /// Two values that the scheme requires to be equal are not.
    #[error("a requirement does not hold")]
    Requirement,
    /// No key gives this signature.
    #[error("no key gives this signature")]
    Mismatch,
    /// The scheme says nowhere how to write its signature.
    #[error("the scheme does not say how to write its signature")]
    NotEmitted,
    /// The spooled body could not be read back.
    #[error("the held body could not be read")]
    Io,
}

/// What is the matter with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It is not there.
    #[error("is not there")]
    Absent,
    /// It is there more than once where it may be only once.
    #[error("came more than once")]
    Repeated,
    /// A JSON boolean, null, object or array.
    #[error("is neither a string nor a number")]
    WrongType,
    /// The body is not JSON, or a parameter's escapes are broken.
    #[error("is malformed")]
    Malformed,
    /// A filter refused it.
    #[error("does not have the form it must have")]
    Refused,
    /// It has bytes that cannot stand where it is to be written.
    #[error("has bytes that may not be written there")]
    Unwritable,
    /// The body has not been read.
    #[error("cannot be read before the body is")]
    BodyUnread,
    /// The body is too large to be parsed.
    #[error("cannot be read from a body that is not in memory")]
    BodySpooled,
}

impl Failure {
    pub(super) fn unreadable(place: impl ToString, why: Why) -> Failure {
        Failure::Unreadable { place: place.to_string(), why }
    }

    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Failure::Unreadable { why: Why::Absent, .. })
    }

    pub(super) fn is_repetition(&self) -> bool {
        matches!(self, Failure::Unreadable { why: Why::Repeated, .. })
    }
}

fn milliseconds(count: i64) -> String {
    match count {
        behind @ 0.. => format!("{behind} ms behind,"),
        ahead => format!("{} ms ahead,", ahead.unsigned_abs()),
    }
}
