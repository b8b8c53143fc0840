//! What a dialect says, as plain data: the compiled form is [`Scheme`](super::Scheme).
//!
//! The config (or a preset) fills it in; nothing here knows YAML. Templates are still text.

mod values;

use std::time::Duration;

pub use values::{
    HeadersDefinition, Missing, ParametersDefinition, ParametersOf, TestDefinition, ValueDefinition, Writing,
};

/// A scheme before it is compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The name the config gives it; appears in logs and in the replay namespace.
    pub name: String,
    /// Template of the key id. `None`: there is one shared key and no id.
    pub key_id: Option<String>,
    /// Named values, in order; each may use those before it as `{name}`.
    pub values: Vec<(String, ValueDefinition)>,
    /// What must hold besides the signature.
    pub require: Vec<RequirementDefinition>,
    /// How the key that computes is made of the secret. `None`: it is the secret.
    pub signing_key: Option<KeyDefinition>,
    /// Template of the string-to-sign.
    pub message: String,
    /// Where the signature is and how it is written.
    pub signature: SignatureDefinition,
    /// The signed time, if the scheme has one.
    pub timestamp: Option<TimestampDefinition>,
    /// Whether and how a second use is recognised.
    pub replay: Option<ReplayDefinition>,
    /// What to write when signing: the name of a header, or `?` and the name of a query parameter; and its template
    /// (with `{signature}`, `{now}`, `{expires}`, `{nonce}`, `{algorithm}`, `{key_id}`).
    pub emit: Vec<(String, String)>,
    /// How the answers to its requests are signed, where they are.
    pub answer: Option<AnswerDefinition>,
}

/// How an answer is signed: with the algorithm and the encoding of the request's signature, in a form of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerDefinition {
    /// Template of the string-to-sign: of `{status}`, the answer's `{header:…}` and `{body}`, the request's
    /// `{request_header:…}`, `{method}`, `{target}` and so on, `{key_id}` and `{now}`.
    pub message: String,
    /// Headers to set on the answer, each with its template (with `{signature}` besides).
    pub emit: Vec<(String, String)>,
}

/// What must hold besides the signature.
#[derive(Clone, Debug, PartialEq)]
pub struct RequirementDefinition {
    /// One side, usually the claimed value (`{header:X-Content-SHA256}`).
    pub left: String,
    /// The other, usually the computed one (`{body|sha256|hex}`).
    pub right: String,
    /// How they must compare.
    pub relation: Relation,
}

/// How two templates must compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The same bytes, compared in constant time.
    Equal,
    /// The same bytes; without a body the left side may also be empty.
    EqualIfBody,
    /// The left is the right, or below it: the right, a slash, and anything.
    Under,
}

/// How a key is made of a secret.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyDefinition {
    /// Template with `{secret}` alone.
    pub from: String,
    /// Templates of a request's values: with each a MAC is computed whose key is the one before it.
    pub chain: Vec<String>,
    /// How each of those MACs is written to be the next key. `None`: its bytes.
    pub encoding: Option<Encoding>,
}

/// Where the signature is carried and how it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct SignatureDefinition {
    /// Template of exactly one source, with filters (`{header:X-Sig|strip_prefix:"sha256="}`); the source is the carrier.
    pub from: String,
    /// Whether there may be several, of which any may be good.
    pub several: Several,
    /// How the signature's bytes are written.
    pub encoding: Encoding,
    /// What computes it.
    pub algorithm: AlgorithmDefinition,
}

/// Whether a request may bring several signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Several {
    /// One.
    No,
    /// The carrier's text holds them with this between them; the filters work on each.
    Split(String),
    /// The carrier is a pair that may come more than once.
    Pairs,
}

/// What computes a signature.
#[derive(Clone, Debug, PartialEq)]
pub enum AlgorithmDefinition {
    /// Always this.
    Fixed(Algorithm),
    /// What the request says, out of a closed list.
    Named {
        /// Template of the name.
        from: String,
        /// The names that a request may say; the first is used for signing.
        allow: Vec<(String, Algorithm)>,
    },
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

/// The algorithms.
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
    /// Ed25519 (RFC 8032): verified with a public key, signed with a private one.
    Ed25519,
    /// ECDSA over P-256 with SHA-256 (RFC 9421 section 3.3.4). Only for RFC 9421, as are the following.
    EcdsaP256Sha256,
    /// ECDSA over P-384 with SHA-384 (RFC 9421 section 3.3.5).
    EcdsaP384Sha384,
    /// RSASSA-PSS with SHA-512 (RFC 9421 section 3.3.1).
    RsaPssSha512,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 9421 section 3.3.2). Verified, never made.
    RsaV15Sha256,
}

/// The signed time and its window.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TimestampDefinition {
    /// Template of the time of signing.
    pub from: Option<String>,
    /// Template of the time until which the signature is good. Beside `from` it may be absent from a request.
    pub expires: Option<String>,
    /// Template of the seconds that it is good from `from` on; at most `past`.
    pub lasts: Option<String>,
    /// The forms that times may have; where several fit, the first that falls in the window.
    pub formats: Vec<TimestampFormat>,
    /// How old the time of signing may be. `None`: any age (draws a warning).
    pub past: Option<Duration>,
    /// How far ahead a time may be. `None`: any.
    pub future: Option<Duration>,
    /// The time is not part of the message and the config says that it knows.
    pub dangerously_unsigned: bool,
}

/// A way to write a time.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// A pattern of `strftime`, in UTC.
    Pattern(String),
}

/// How a second use of a request is recognised.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayDefinition {
    /// Template of the replay key. `None`: key id and message.
    pub key: Option<String>,
    /// How long it is remembered, where the timestamp's window does not say.
    pub remember: Option<Duration>,
}

impl Definition {
    /// A scheme with a message and a signature and nothing else.
    pub fn new(name: &str, message: &str, signature: SignatureDefinition) -> Definition {
        Definition {
            name: name.to_owned(),
            key_id: None,
            values: Vec::new(),
            require: Vec::new(),
            signing_key: None,
            message: message.to_owned(),
            signature,
            timestamp: None,
            replay: None,
            emit: Vec::new(),
            answer: None,
        }
    }
}

impl SignatureDefinition {
    /// One signature by one algorithm.
    pub fn new(from: &str, encoding: Encoding, algorithm: Algorithm) -> SignatureDefinition {
        let algorithm = AlgorithmDefinition::Fixed(algorithm);
        SignatureDefinition { from: from.to_owned(), several: Several::No, encoding, algorithm }
    }
}

impl AlgorithmDefinition {
    /// Every one that may be used.
    pub fn all(&self) -> Vec<Algorithm> {
        match self {
            AlgorithmDefinition::Fixed(algorithm) => vec![*algorithm],
            AlgorithmDefinition::Named { allow, .. } => allow.iter().map(|(_, algorithm)| *algorithm).collect(),
        }
    }
}

impl RequirementDefinition {
    /// Two templates that must give the same bytes (a body digest, say).
    pub fn equal(left: &str, right: &str) -> RequirementDefinition {
        RequirementDefinition { left: left.to_owned(), right: right.to_owned(), relation: Relation::Equal }
    }
}
