//! The head of a request: its line, its fields, and what they mean for the connection.

use std::fmt;
use std::mem::MaybeUninit;
use std::rc::Rc;

use bytes::{Buf, BytesMut};
use memchr::{memchr, memchr3};

use super::control::ControlFields;
use super::fields::{self, Fields, MOST_FIELDS, Span};
use super::grammar::is_token;
use super::lines::{LARGEST_HEAD, end_of_head};
use super::target::Target;
use super::{BadHead, BadRequest, FieldName, Framing, Known, Limits, Version, encode, plain};

/// A request's head, checked. It owns its bytes.
#[derive(Clone)]
pub struct RequestHead {
    bytes: HeadBytes,
    layout: Layout,
    fields: Fields,
}

/// A head's bytes, told once whether they are text. Copied out of the connection's buffer: for a head that is cheaper than
/// to share the buffer with it.
#[derive(Clone)]
enum HeadBytes {
    /// All of it is UTF-8, as nearly all heads are.
    Text(Box<str>),
    /// Some field's value is not.
    Mixed {
        bytes: Box<[u8]>,
        /// The request line up to the end of its target; behind it the authority, where that is not part of the target.
        text: Box<str>,
    },
}

impl HeadBytes {
    /// The bytes of `head`; where they are not all text `layout` is told where its authority went.
    fn of(head: &[u8], layout: &mut Layout) -> Result<HeadBytes, BadRequest> {
        Ok(match std::str::from_utf8(head) {
            Ok(text) => HeadBytes::Text(text.into()),
            Err(_) => HeadBytes::Mixed { text: layout.text(head)?, bytes: head.into() },
        })
    }

    fn all(&self) -> &[u8] {
        match self {
            HeadBytes::Text(text) => text.as_bytes(),
            HeadBytes::Mixed { bytes, .. } => bytes,
        }
    }

    /// What a layout's spans of text are spans of.
    fn text(&self) -> &str {
        match self {
            HeadBytes::Text(text) | HeadBytes::Mixed { text, .. } => text,
        }
    }
}

impl RequestHead {
    /// Takes one head off the front of `buffer`, or says with `None` that more bytes are needed.
    ///
    /// One empty line in front is skipped (RFC 9112 section 2.2). A fault is told as early as it can be seen; the
    /// buffer is then as it was, and the connection is of no further use.
    ///
    /// It is shared from the beginning: it is large, and whoever looks at the request needs it.
    pub fn parse(buffer: &mut BytesMut, limits: &Limits) -> Result<Option<Rc<RequestHead>>, BadRequest> {
        if buffer.is_empty() {
            return Ok(None);
        }
        // Read where it will stay: moved, it would cost as much as a field or two.
        let mut head = Rc::new(RequestHead::blank());
        let place = Rc::make_mut(&mut head);
        match Layout::read_plain(buffer, start_of_head(buffer), limits, &mut place.fields) {
            Some((layout, end)) => place.take(buffer, layout, end).map(|()| Some(head)),
            None => RequestHead::parse_with_care(buffer, limits),
        }
    }

    /// As [`parse`](RequestHead::parse), the long way: what a head is read by that is not as nearly all are, and what the
    /// short way is held to by tests.
    pub fn parse_with_care(buffer: &mut BytesMut, limits: &Limits) -> Result<Option<Rc<RequestHead>>, BadRequest> {
        let start = start_of_head(buffer);
        // First of all: what follows has line breaks by chance alone.
        if buffer.get(start) == Some(&TLS_HANDSHAKE) {
            return Err(BadRequest::Tls);
        }
        let Some(end) = end_of_head(buffer, start, limits)? else {
            refuse_the_hopeless(&buffer[start..])?;
            return Ok(None);
        };
        let (layout, fields) = Layout::read(&buffer[..end], start, limits)?;
        let mut head = RequestHead { fields, ..RequestHead::blank() };
        head.take(buffer, layout, end).map(|()| Some(Rc::new(head)))
    }

    fn blank() -> RequestHead {
        RequestHead { bytes: HeadBytes::Text(Box::default()), layout: Layout::blank(), fields: Fields::default() }
    }

    /// Takes the head of which `layout` tells off the front of `buffer`.
    fn take(&mut self, buffer: &mut BytesMut, mut layout: Layout, end: usize) -> Result<(), BadRequest> {
        self.bytes = HeadBytes::of(&buffer[..end], &mut layout)?;
        self.layout = layout;
        buffer.advance(end);
        Ok(())
    }

    /// A head from its parts, by the same rules as one from the wire. For tests, and for a request kept in a file.
    pub fn from_parts(method: &str, target: &str, fields: &[(&str, &[u8])]) -> Result<RequestHead, BadRequest> {
        let is_broken = |part: &[u8]| memchr3(b'\r', b'\n', 0, part).is_some();
        if is_broken(method.as_bytes()) || is_broken(target.as_bytes()) {
            return Err(BadRequest::RequestLine);
        }
        let mut buffer = BytesMut::new();
        encode::request_line(&mut buffer, method, target);
        for (name, value) in fields {
            // A name with a colon would be read back as a shorter name.
            if !name.bytes().all(is_token) {
                return Err(BadHead::FieldName.into());
            }
            if is_broken(value) {
                return Err(BadHead::FieldValue.into());
            }
            encode::field(&mut buffer, name, value);
        }
        encode::end(&mut buffer);
        let limits = Limits { head: usize::MAX, headers: usize::MAX, chunk_overhead: 0 };
        RequestHead::parse(&mut buffer, &limits)?.map(Rc::unwrap_or_clone).ok_or(BadRequest::RequestLine)
    }

    /// The method, a token without lower-case letters.
    // Not inlined, as the others that each request is asked for again and again: its code stays small, and in the cache.
    #[inline(never)]
    pub fn method(&self) -> &str {
        self.layout.method.within(self.bytes.text())
    }

    /// The target as it came, in whichever form.
    pub fn target(&self) -> &str {
        self.layout.target.whole(self.bytes.text())
    }

    /// The version of the request line.
    pub fn version(&self) -> Version {
        self.layout.version
    }

    /// The path as it came, never empty: `/` for an absolute form without one, `*` for asterisk form.
    #[inline(never)]
    pub fn path(&self) -> &str {
        self.layout.target.path(self.bytes.text())
    }

    /// The query as it came, without its `?`; empty when nothing follows the `?`.
    pub fn query(&self) -> Option<&str> {
        self.layout.target.query(self.bytes.text())
    }

    /// Path and query as they came: what is routed, signed and forwarded.
    #[inline(never)]
    pub fn origin_form(&self) -> &str {
        self.layout.target.origin(self.bytes.text())
    }

    /// The server that was asked, as `Host` writes it. Empty only for HTTP/1.0 that names none.
    #[inline(never)]
    pub fn authority(&self) -> &str {
        self.layout.authority.within(self.bytes.text())
    }

    /// The field lines in order, names as they came, values without the space around them.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter(self.bytes.all())
    }

    /// As [`fields`](RequestHead::fields) with the names as bytes, which is cheaper: for passing them on.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.lines(self.bytes.all())
    }

    /// Writes the field lines that `keeps`, in order, as [`encode::line`] would.
    pub fn copy_lines(&self, out: &mut Vec<u8>, keeps: impl FnMut(FieldName<'_>) -> bool) {
        self.fields.copy(self.bytes.all(), out, keeps);
    }

    /// All that was read, for tests that hold two ways of reading together.
    #[cfg(test)]
    pub(super) fn all_that_was_read(&self) -> String {
        format!("{:?} {:?} {:?}", self.layout, self.fields, self.fields().collect::<Vec<_>>())
    }

    /// The values of every line of that name, in order. Names compare without case.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields.values(self.bytes.all(), name)
    }

    /// Whether there is a line of that name.
    pub fn has(&self, known: Known) -> bool {
        self.fields.has(known)
    }

    /// The value of the first line of that name.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// How the body is delimited.
    pub fn framing(&self) -> Framing {
        self.layout.framing
    }

    /// Whether the client leaves the connection open after this request (RFC 9112 section 9.3).
    pub fn keep_alive(&self) -> bool {
        self.layout.keep_alive
    }

    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 section 10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.layout.expects_continue
    }

    /// Whether a `Connection` line lists this field name, which makes that field one of the connection alone.
    pub fn connection_names(&self, name: impl AsRef<[u8]>) -> bool {
        self.layout.names_fields && self.fields.connection_names(self.bytes.all(), name.as_ref())
    }
}

/// Without field values and query, which can be credentials.
impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method())
            .field("path", &self.path())
            .field("version", &self.version())
            .field("names", &self.fields().map(|(name, _)| name).collect::<Vec<_>>())
            .field("framing", &self.framing())
            .finish_non_exhaustive()
    }
}

/// Where the parts of a head lie, and what they mean.
#[derive(Clone, Debug)]
struct Layout {
    method: Span,
    target: Target,
    authority: Span,
    version: Version,
    framing: Framing,
    keep_alive: bool,
    /// Whether a `Connection` line lists more than what is known of connections.
    names_fields: bool,
    expects_continue: bool,
}

impl Layout {
    /// Of a head that is yet to be read.
    fn blank() -> Layout {
        Layout {
            method: Span::default(),
            target: Target::default(),
            authority: Span::default(),
            version: Version::Http10,
            framing: Framing::None,
            keep_alive: false,
            names_fields: false,
            expects_continue: false,
        }
    }

    /// Reads a head in one pass where it is as nearly all heads are. `None` says nothing but that this is not so.
    /// The fields are read into `fields`, where they stay: they are large enough that moving them costs as much as one.
    fn read_plain(buffer: &[u8], start: usize, limits: &Limits, fields: &mut Fields) -> Option<(Layout, usize)> {
        let window = buffer.get(..buffer.len().min(limits.head).min(LARGEST_HEAD))?;
        let line = plain::request_line(window, start)?;
        let mut lines = plain::Lines::into(fields);
        let end = lines.read(window, line.end, limits.headers.min(MOST_FIELDS))?;
        let version = if line.is_version_11 { Version::Http11 } else { Version::Http10 };
        let target = Target::plain(line.target, line.question)?;
        Some((Layout::new(line.method, target, version, &lines.control, window).ok()?, end))
    }

    /// Reads a complete head whose lines are known to end as they must; `start` is where its request line begins.
    fn read(head: &[u8], start: usize, limits: &Limits) -> Result<(Layout, Fields), BadRequest> {
        let mut room = [const { MaybeUninit::uninit() }; MOST_FIELDS];
        let room = &mut room[..limits.headers.min(MOST_FIELDS)];
        let mut parsed = httparse::Request::new(&mut []);
        let status = parsed
            .parse_with_uninit_headers(&head[start..], room)
            .map_err(|error| request_fault(error, &head[start..]))?;
        let fields = Fields::read(parsed.headers, head)?;
        if status.is_partial() { Err(BadRequest::RequestLine) } else { Ok((Layout::of(&parsed, head)?, fields)) }
    }

    fn of(parsed: &httparse::Request<'_, '_>, head: &[u8]) -> Result<Layout, BadRequest> {
        let (Some(method), Some(target)) = (parsed.method, parsed.path) else { return Err(BadRequest::RequestLine) };
        check_method(method)?;
        let version = Version::from_minor(parsed.version);
        let control = ControlFields::read(parsed.headers)?;
        let target = Target::read(method, target, head)?;
        Layout::new(Span::of(method.as_bytes(), head)?, target, version, &control, head)
    }

    fn new(
        method: Span,
        target: Target,
        version: Version,
        control: &ControlFields<'_>,
        head: &[u8],
    ) -> Result<Layout, BadRequest> {
        Ok(Layout {
            method,
            target,
            authority: authority(target, control, version, head)?,
            version,
            framing: control.framing(version)?.unwrap_or(Framing::None),
            keep_alive: control.persists(version),
            names_fields: control.names_fields,
            expects_continue: expectation(control)? && version == Version::Http11,
        })
    }

    /// What is asked for as text many times is told to be text once.
    fn text(&mut self, head: &[u8]) -> Result<Box<str>, BadRequest> {
        let line = std::str::from_utf8(&head[..self.target.end()]).map_err(|_| BadRequest::Target)?;
        if self.authority.end() <= line.len() {
            return Ok(line.into());
        }
        let authority = self.authority.text(head);
        let mut text = String::with_capacity(line.len() + authority.len());
        text.push_str(line);
        text.push_str(authority);
        self.authority = Span::rest_of(&text, line.len())?;
        Ok(text.into())
    }
}

/// Where the head begins: behind an empty line, where there is one.
fn start_of_head(buffer: &[u8]) -> usize {
    if buffer.starts_with(b"\r\n") { 2 } else { 0 }
}

/// Methods are case-sensitive, but an upstream that folds case would run `get` as the `GET` that no rule matched.
fn check_method(method: &str) -> Result<(), BadRequest> {
    match method {
        "CONNECT" => Err(BadRequest::Connect),
        // The upstream would tell the client what the gateway added for its eyes alone.
        "TRACE" | "TRACK" => Err(BadRequest::Trace),
        "PRI" => Err(BadRequest::Method),
        _ if method.bytes().any(|byte| byte.is_ascii_lowercase()) => Err(BadRequest::Method),
        _ => Ok(()),
    }
}

fn authority(target: Target, control: &ControlFields<'_>, version: Version, head: &[u8]) -> Result<Span, BadRequest> {
    if control.second_host {
        return Err(BadRequest::DuplicateHost);
    }
    if control.host.is_none() && version == Version::Http11 {
        return Err(BadRequest::MissingHost);
    }
    target.authority(control.host, head)
}

fn expectation(control: &ControlFields<'_>) -> Result<bool, BadRequest> {
    match control.expect {
        None => Ok(false),
        Some(value) if value.eq_ignore_ascii_case(b"100-continue") && !control.second_expect => Ok(true),
        Some(_) => Err(BadRequest::Expectation),
    }
}

fn request_fault(error: httparse::Error, head: &[u8]) -> BadRequest {
    match fields::fault(error) {
        Some(fault) => BadRequest::Head(fault),
        None if error == httparse::Error::Version => version_fault(head),
        None => BadRequest::RequestLine,
    }
}

/// An incomplete head whose beginning no further byte can mend is refused now: a client that does not speak
/// HTTP/1.1 may never send the empty line, and would otherwise wait for its timeout.
fn refuse_the_hopeless(head: &[u8]) -> Result<(), BadRequest> {
    match head.first() {
        None | Some(b'\r') => return Ok(()),
        Some(first) if !is_token(*first) => return Err(BadRequest::RequestLine),
        Some(_) => {}
    }
    let Some(line_feed) = memchr(b'\n', head) else { return Ok(()) };
    let line = &head[..line_feed];
    let is_served = line.ends_with(b" HTTP/1.1\r") || line.ends_with(b" HTTP/1.0\r");
    if is_served { Ok(()) } else { Err(version_fault(head)) }
}

/// What the first record of TLS begins with. One byte is enough: a head is judged alike in whichever pieces it comes.
const TLS_HANDSHAKE: u8 = 0x16;

/// A well-formed version that is not served, or a malformed line.
fn version_fault(head: &[u8]) -> BadRequest {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    if line == b"PRI * HTTP/2.0" {
        return BadRequest::Http2;
    }
    let mut parts = line.split(|byte| *byte == b' ').skip(2);
    match (parts.next(), parts.next()) {
        (Some(b"HTTP/1.1" | b"HTTP/1.0"), _) => BadRequest::RequestLine,
        (Some([b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9']), None) => BadRequest::Version,
        _ => BadRequest::RequestLine,
    }
}
