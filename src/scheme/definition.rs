//! What a scheme says, as plain data: the compiled form is [`Scheme`](super::Scheme).
//!
//! The config (or a preset) fills it in; nothing here knows YAML. Templates are still text.

use std::time::Duration;

/// A scheme before it is compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The name the config gives it; appears in logs and in the replay namespace.
    pub name: String,
    /// Template of the key id. `None`: there is one shared key and no id.
    pub key_id: Option<String>,
    /// Named values, in order; each may use those before it as `{name}`.
    pub values: Vec<(String, String)>,
    /// What must hold besides the signature: two templates that must give equal bytes.
    pub require: Vec<Equality>,
    /// Template of the string-to-sign.
    pub message: String,
    /// Where the signature is and how it is written.
    pub signature: SignatureDefinition,
    /// The signed time, if the scheme has one.
    pub timestamp: Option<TimestampDefinition>,
    /// Whether and how a second use is recognised.
    pub replay: Option<ReplayDefinition>,
    /// Headers to write when signing: name and template (with `{signature}`, `{now}`, `{nonce}`, `{key_id}`).
    pub emit: Vec<(String, String)>,
}

/// Two templates that must give the same bytes, compared in constant time (a body digest, say).
#[derive(Clone, Debug, PartialEq)]
pub struct Equality {
    /// One side, usually the claimed value (`{header:X-Content-SHA256}`).
    pub left: String,
    /// The other, usually the computed one (`{body|sha256|hex}`).
    pub right: String,
}

/// Where the signature is carried and how it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct SignatureDefinition {
    /// Template of exactly one source, with filters (`{header:X-Sig|strip_prefix:"sha256="}`); the source is the carrier.
    pub from: String,
    /// How the MAC's bytes are written.
    pub encoding: Encoding,
    /// The MAC.
    pub algorithm: Algorithm,
}

/// How bytes are written as text. Reading is strict: one accepted spelling per value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Lower-case hexadecimal. In a signature upper case is refused.
    Hex,
    /// Upper-case hexadecimal.
    HexUpper,
    /// RFC 4648 section 4, padded and canonical.
    Base64,
    /// RFC 4648 section 5, unpadded and canonical.
    Base64Url,
}

/// The MAC algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC-SHA-1: only for clients that cannot do better; draws a warning.
    HmacSha1,
    /// HMAC-SHA-256.
    HmacSha256,
    /// HMAC-SHA-384.
    HmacSha384,
    /// HMAC-SHA-512.
    HmacSha512,
}

/// The signed time and its window.
#[derive(Clone, Debug, PartialEq)]
pub struct TimestampDefinition {
    /// Template of the time.
    pub from: String,
    /// The forms it may have; where several fit, the first that falls in the window.
    pub formats: Vec<TimestampFormat>,
    /// How old it may be. `None`: any age (draws a warning).
    pub past: Option<Duration>,
    /// How far ahead it may be. `None`: any.
    pub future: Option<Duration>,
    /// The time is not part of the message and the config says that it knows.
    pub dangerously_unsigned: bool,
}

/// A way to write a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampFormat {
    /// Seconds since 1970, digits only.
    Unix,
    /// Milliseconds since 1970, digits only.
    UnixMillis,
    /// ISO 8601 date and time, with a zone or without one (then UTC), with or without a fraction.
    Iso8601,
    /// RFC 3339.
    Rfc3339,
    /// RFC 9110 section 5.6.7, the fixed-length form.
    HttpDate,
}

/// How a second use of a request is recognised.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayDefinition {
    /// Template of the replay key. `None`: key id and message.
    pub key: Option<String>,
    /// How long it is remembered, where the timestamp's window does not say.
    pub remember: Option<Duration>,
}
