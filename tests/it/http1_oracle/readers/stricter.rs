//! What our codec refuses and hyper takes, by class. A refusal that is in no class and that hyper does not share is a
//! finding: either ours is wrong, or a class and its reason are missing here.

use countersign::http1::{BadBody, BadHead, BadRequest, BadResponse};

use super::{Fields, ours::End};

/// One way of being stricter than hyper. The reasons stand in `docs/security.md`, under the same words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stricter {
    BareLineFeed,
    EmptyLines,
    Limits,
    LengthForm,
    SeveralLengths,
    LengthAndCoding,
    OtherCoding,
    SeveralCodings,
    OldCoding,
    Underscores,
    Method,
    Connect,
    Trace,
    Target,
    NoHost,
    SeveralHosts,
    HostForm,
    TwoAuthorities,
    Expectation,
    Status,
    Upgrade,
    ChunkSize,
    ChunkExtension,
    Trailer,
    Close,
}

impl Stricter {
    pub const ALL: [Stricter; 25] = [
        Stricter::BareLineFeed,
        Stricter::EmptyLines,
        Stricter::Limits,
        Stricter::LengthForm,
        Stricter::SeveralLengths,
        Stricter::LengthAndCoding,
        Stricter::OtherCoding,
        Stricter::SeveralCodings,
        Stricter::OldCoding,
        Stricter::Underscores,
        Stricter::Method,
        Stricter::Connect,
        Stricter::Trace,
        Stricter::Target,
        Stricter::NoHost,
        Stricter::SeveralHosts,
        Stricter::HostForm,
        Stricter::TwoAuthorities,
        Stricter::Expectation,
        Stricter::Status,
        Stricter::Upgrade,
        Stricter::ChunkSize,
        Stricter::ChunkExtension,
        Stricter::Trailer,
        Stricter::Close,
    ];

    /// What is refused, in the words of the document.
    pub fn words(self) -> &'static str {
        match self {
            Stricter::BareLineFeed => "a line that ends in a bare LF",
            Stricter::EmptyLines => "more than one empty line before a request, any before an answer",
            Stricter::Limits => "a head, or chunk extensions and trailers, beyond the limits",
            Stricter::LengthForm => "a Content-Length that is a list, or of 2^63 and more",
            Stricter::SeveralLengths => "a Content-Length that comes twice, though alike",
            Stricter::LengthAndCoding => "Content-Length beside Transfer-Encoding",
            Stricter::OtherCoding => "a Transfer-Encoding that is not exactly `chunked`",
            Stricter::SeveralCodings => "a Transfer-Encoding that comes twice",
            Stricter::OldCoding => "a Transfer-Encoding in an HTTP/1.0 answer without a body",
            Stricter::Underscores => "`Content_Length`, `Transfer_Encoding`",
            Stricter::Method => "a method with lower-case letters",
            Stricter::Connect => "`CONNECT`",
            Stricter::Trace => "`TRACE`, `TRACK`",
            Stricter::Target => "a target with `#` or bytes outside ASCII, or in authority form",
            Stricter::NoHost => "HTTP/1.1 without Host",
            Stricter::SeveralHosts => "two Hosts",
            Stricter::HostForm => "a Host that is no authority",
            Stricter::TwoAuthorities => "a target in absolute form that names another server than Host",
            Stricter::Expectation => "an expectation other than `100-continue`",
            Stricter::Status => "an answer's status above 599",
            Stricter::Upgrade => "a 101 that nobody asked for",
            Stricter::ChunkSize => "a chunk size with spaces behind it, of more than 16 digits, or of 2^63 and more",
            Stricter::ChunkExtension => "a chunk extension without a name, or with bytes outside visible ASCII",
            Stricter::Close => "a request after `close` in a Connection line with bytes outside ASCII",
            Stricter::Trailer => "a malformed trailer, such as one that ends in a bare LF",
        }
    }

    /// The class of an end, if it is one that hyper need not share; `fields` are those of the last message.
    pub fn of(end: End, fields: Option<&Fields>) -> Option<Stricter> {
        match end {
            End::Closed(_) if fields.is_some_and(has_odd_connection) => Some(Stricter::Close),
            End::Orderly | End::InHead | End::InBody | End::Closed(_) => None,
            End::BadRequest(fault) => Stricter::of_request(fault),
            End::BadResponse(fault) => Stricter::of_response(fault),
            End::Upgrade => Some(Stricter::Upgrade),
            End::BadBody(fault) => Stricter::of_body(fault),
        }
    }

    fn of_request(fault: BadRequest) -> Option<Stricter> {
        match fault {
            BadRequest::Head(fault) => Stricter::of_head(fault),
            BadRequest::RequestLine | BadRequest::Tls | BadRequest::Http2 | BadRequest::Version => None,
            BadRequest::Method => Some(Stricter::Method),
            BadRequest::Connect => Some(Stricter::Connect),
            BadRequest::Trace => Some(Stricter::Trace),
            BadRequest::Target => Some(Stricter::Target),
            BadRequest::MissingHost => Some(Stricter::NoHost),
            BadRequest::DuplicateHost => Some(Stricter::SeveralHosts),
            BadRequest::Host => Some(Stricter::HostForm),
            BadRequest::AuthorityMismatch => Some(Stricter::TwoAuthorities),
            BadRequest::Expectation => Some(Stricter::Expectation),
        }
    }

    fn of_response(fault: BadResponse) -> Option<Stricter> {
        match fault {
            BadResponse::Head(fault) => Stricter::of_head(fault),
            BadResponse::StatusLine => Some(Stricter::Status),
            BadResponse::Version => None,
        }
    }

    fn of_head(fault: BadHead) -> Option<Stricter> {
        match fault {
            BadHead::TooLarge | BadHead::TooManyFields | BadHead::TooManyOptions => Some(Stricter::Limits),
            BadHead::BareLineBreak => Some(Stricter::BareLineFeed),
            BadHead::NoStartLine => Some(Stricter::EmptyLines),
            BadHead::Folded | BadHead::FieldName | BadHead::FieldValue => None,
            BadHead::EncodingOnHttp10 => Some(Stricter::OldCoding),
            BadHead::ContentLength => Some(Stricter::LengthForm),
            BadHead::DuplicateContentLength => Some(Stricter::SeveralLengths),
            BadHead::TransferEncoding => Some(Stricter::OtherCoding),
            BadHead::DuplicateTransferEncoding => Some(Stricter::SeveralCodings),
            BadHead::LengthAndEncoding => Some(Stricter::LengthAndCoding),
            BadHead::DisguisedFraming => Some(Stricter::Underscores),
        }
    }

    fn of_body(fault: BadBody) -> Option<Stricter> {
        match fault {
            BadBody::ChunkSize => Some(Stricter::ChunkSize),
            BadBody::ChunkExtension => Some(Stricter::ChunkExtension),
            BadBody::Trailer => Some(Stricter::Trailer),
            BadBody::TooMuchOverhead => Some(Stricter::Limits),
            BadBody::ChunkEnd | BadBody::Truncated => None,
        }
    }
}

/// Whether a `Connection` line is one that hyper does not look into.
pub fn has_odd_connection(fields: &Fields) -> bool {
    fields.iter().any(|(name, value)| name == "connection" && !value.is_ascii())
}
