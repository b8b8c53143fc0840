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

/// What a name in `values` stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueDefinition {
    /// A template.
    Text(String),
    /// `NAME=VALUE` pairs, named as `{value:NAME}`. Values may be quoted.
    Pairs {
        /// Template of the whole.
        from: String,
        /// What stands between pairs.
        separator: u8,
    },
    /// The groups of a regular expression that the whole must match, named as `{value:GROUP}`.
    Capture {
        /// Template of the whole.
        from: String,
        /// The expression, with named groups.
        expression: String,
    },
    /// A line for each header of a list.
    Headers(HeadersDefinition),
    /// A piece for each parameter.
    Parameters(ParametersDefinition),
    /// One of two templates.
    Choice {
        /// Template of what decides.
        condition: String,
        /// What it must be.
        test: TestDefinition,
        /// Template where it is.
        then: String,
        /// Template where it is not.
        otherwise: String,
    },
}

/// A line for each header of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadersDefinition {
    /// Template of the names.
    pub names: String,
    /// What stands between the names.
    pub split: String,
    /// Template of a line, of `{name}` and `{value}` alone.
    pub each: String,
    /// What stands between the lines.
    pub join: String,
    /// What stands between the values of a header that came more than once.
    pub repeated: String,
    /// What a header means that is listed and not there.
    pub missing: Missing,
    /// Names that are no header's, each with the template of its whole line.
    pub special: Vec<(String, String)>,
    /// Names that must be in the list: one, or `a else b` (the first that the request has), or `a or b` (either).
    pub covers: Vec<String>,
    /// Headers that must be in the list if the request has them.
    pub covers_if_present: Vec<String>,
}

/// What a header means that is listed and not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The request is refused.
    Reject,
    /// It has no line.
    Skip,
    /// Its value is empty.
    Empty,
}

/// A piece for each parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct ParametersDefinition {
    /// Where the parameters are, in this order.
    pub of: Vec<ParametersOf>,
    /// How names and values are written.
    pub writing: Writing,
    /// Whether `+` means a space also outside forms.
    pub plus_is_space: bool,
    /// By name and then by value, as they are written.
    pub sort: bool,
    /// Of equal ones only the first.
    pub unique: bool,
    /// Names left out: `NAME`, or `PLACE:NAME` for those of one place.
    pub except: Vec<String>,
    /// Template of a piece, of `{name}` and `{value}` alone.
    pub each: String,
    /// What stands between the pieces.
    pub join: String,
}

/// Where parameters are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParametersOf {
    /// In the query.
    Query,
    /// In the body, which is read as a form whatever it says of itself.
    Form,
    /// In the body if its Content-Type says that it is a form; otherwise there are none.
    DeclaredForm,
    /// The pairs of a named value.
    Pairs(String),
}

/// How names and values of parameters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// As they came.
    Raw,
    /// Percent-decoded.
    Decoded,
    /// Decoded, and all but unreserved characters encoded again.
    Encoded,
}

/// What a condition must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestDefinition {
    /// There.
    Present,
    /// This text; absent is not.
    Is(String),
    /// Matched whole by this expression; absent is not.
    Matches(String),
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

impl HeadersDefinition {
    /// `NAME: VALUE` lines for the names in a list, all of which must be there.
    pub fn new(names: &str, split: &str) -> HeadersDefinition {
        HeadersDefinition {
            names: names.to_owned(),
            split: split.to_owned(),
            each: "{name}: {value}".to_owned(),
            join: "\n".to_owned(),
            repeated: ", ".to_owned(),
            missing: Missing::Reject,
            special: Vec::new(),
            covers: Vec::new(),
            covers_if_present: Vec::new(),
        }
    }
}

impl ParametersDefinition {
    /// `NAME=VALUE&…` as they came.
    pub fn new(of: Vec<ParametersOf>) -> ParametersDefinition {
        ParametersDefinition {
            of,
            writing: Writing::Raw,
            plus_is_space: false,
            sort: false,
            unique: false,
            except: Vec::new(),
            each: "{name}={value}".to_owned(),
            join: "&".to_owned(),
        }
    }
}
