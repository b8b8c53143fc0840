//! What can be wrong with a message, one variant a class of fault. The texts are for the log and hold no input.

use thiserror::Error;

/// A fault that a request's and a response's head can share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadHead {
    /// No end of the head within the limit.
    #[error("the head is larger than the limit")]
    TooLarge,
    /// More field lines than the limit.
    #[error("the head has more fields than the limit")]
    TooManyFields,
    /// More in the `Connection` lines than a head can have fields: each is looked for among the fields.
    #[error("Connection lists more than a head has fields")]
    TooManyOptions,
    /// A CR or LF that is not part of a CRLF (RFC 9112 section 2.2).
    #[error("a bare CR or LF in the head")]
    BareLineBreak,
    /// A field line that goes on in the next line (RFC 9112 section 5.2).
    #[error("a folded field line")]
    Folded,
    /// An empty line, or bytes that begin no message, where the start line should be.
    #[error("no start line where one should be")]
    NoStartLine,
    /// A field name that is not a token directly followed by a colon (RFC 9112 section 5.1).
    #[error("a malformed field name")]
    FieldName,
    /// A control byte in a field value (RFC 9110 section 5.5).
    #[error("a control byte in a field value")]
    FieldValue,
    /// A `Content-Length` that is not one plain decimal number below 2^63.
    #[error("a malformed Content-Length")]
    ContentLength,
    /// More than one `Content-Length` line, equal or not.
    #[error("more than one Content-Length")]
    DuplicateContentLength,
    /// A `Transfer-Encoding` other than exactly `chunked`.
    #[error("a Transfer-Encoding other than chunked")]
    TransferEncoding,
    /// More than one `Transfer-Encoding` line.
    #[error("more than one Transfer-Encoding")]
    DuplicateTransferEncoding,
    /// `Transfer-Encoding` and `Content-Length` together (RFC 9112 section 6.1).
    #[error("both Transfer-Encoding and Content-Length")]
    LengthAndEncoding,
    /// `Transfer-Encoding` in an HTTP/1.0 message (RFC 9112 section 6.1).
    #[error("Transfer-Encoding in an HTTP/1.0 message")]
    EncodingOnHttp10,
    /// A framing field spelt with `_`, `.` or the like for `-`, which CGI-like readers take for the real one.
    #[error("a framing field spelt with another character for its dash")]
    DisguisedFraming,
}

/// Why a request's head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadRequest {
    /// A fault of the head that is not particular to requests.
    #[error(transparent)]
    Head(#[from] BadHead),
    /// The request line is not `method SP target SP version` (RFC 9112 section 3).
    #[error("a malformed request line")]
    RequestLine,
    /// TLS, which begins each of its handshakes with a byte that begins no request (RFC 8446 section 5.1).
    #[error("TLS where HTTP in the clear is spoken: the listener has no `tls`, or its client should ask for http://")]
    Tls,
    /// The preface of HTTP/2 (RFC 9113 section 3.4), of a client that takes it for granted.
    #[error("HTTP/2 with prior knowledge, where HTTP/1.1 is spoken")]
    Http2,
    /// A well-formed version that is neither HTTP/1.1 nor HTTP/1.0.
    #[error("an HTTP version other than 1.0 and 1.1")]
    Version,
    /// A method with lower-case letters, or `PRI`.
    #[error("a method that is not served")]
    Method,
    /// The method `CONNECT`.
    #[error("CONNECT is not served")]
    Connect,
    /// `TRACE` (RFC 9110 section 9.3.8), or `TRACK` as IIS had it: an upstream would answer with what it was sent.
    #[error("TRACE is not served")]
    Trace,
    /// A target in authority form, of another scheme, or with bytes that no target has (RFC 9112 section 3.2).
    #[error("a malformed request target")]
    Target,
    /// HTTP/1.1 without `Host`.
    #[error("no Host")]
    MissingHost,
    /// More than one `Host` line, equal or not.
    #[error("more than one Host")]
    DuplicateHost,
    /// A `Host` that is not `host [":" port]` (RFC 9112 section 3.2).
    #[error("a malformed Host")]
    Host,
    /// An absolute-form target whose authority is not that of `Host`.
    #[error("the target's authority is not that of Host")]
    AuthorityMismatch,
    /// An `Expect` other than one `100-continue` (RFC 9110 section 10.1.1).
    #[error("an expectation other than 100-continue")]
    Expectation,
}

impl BadRequest {
    /// The status that answers this fault. The connection must be closed after it.
    pub fn status(self) -> u16 {
        match self {
            BadRequest::Head(BadHead::TooLarge | BadHead::TooManyFields | BadHead::TooManyOptions) => 431,
            BadRequest::Expectation => 417,
            BadRequest::Connect | BadRequest::Trace => 501,
            BadRequest::Version | BadRequest::Http2 => 505,
            BadRequest::Head(_)
            | BadRequest::RequestLine
            | BadRequest::Tls
            | BadRequest::Method
            | BadRequest::Target
            | BadRequest::MissingHost
            | BadRequest::DuplicateHost
            | BadRequest::Host
            | BadRequest::AuthorityMismatch => 400,
        }
    }
}

/// Why a response's head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadResponse {
    /// A fault of the head that is not particular to responses.
    #[error(transparent)]
    Head(#[from] BadHead),
    /// The status line is not `version SP status [SP reason]` with a status of 100 to 599 (RFC 9112 section 4).
    #[error("a malformed status line, as of a server that speaks TLS or HTTP/2")]
    StatusLine,
    /// A version that is neither HTTP/1.1 nor HTTP/1.0.
    #[error("an HTTP version other than 1.0 and 1.1")]
    Version,
}

/// Why a body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadBody {
    /// A chunk size that is not 1 to 16 hex digits below 2^63, directly followed by CRLF or `;`.
    #[error("a malformed chunk size")]
    ChunkSize,
    /// A chunk extension without a name, or with bytes other than visible ASCII, space and tab.
    #[error("a malformed chunk extension")]
    ChunkExtension,
    /// A chunk's data is not followed by CRLF.
    #[error("a chunk longer than its size")]
    ChunkEnd,
    /// A trailer that is not a field line, or a bare LF after it (RFC 9112 section 7.1.2).
    #[error("a malformed trailer")]
    Trailer,
    /// More bytes of extensions and trailers than the limit.
    #[error("more chunk extensions and trailers than the limit")]
    TooMuchOverhead,
    /// The input ended before the body did.
    #[error("the body is shorter than announced")]
    Truncated,
}

impl BadBody {
    /// The status that answers this fault of a request's body. The connection must be closed after it.
    pub fn status(self) -> u16 {
        match self {
            BadBody::TooMuchOverhead => 413,
            BadBody::ChunkSize
            | BadBody::ChunkExtension
            | BadBody::ChunkEnd
            | BadBody::Trailer
            | BadBody::Truncated => 400,
        }
    }
}
