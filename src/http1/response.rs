//! The head of an upstream's response: its status, its fields, and what they mean for body and connection.

use std::fmt;
use std::mem::MaybeUninit;

use bytes::{Buf, BytesMut};

use super::control::ControlFields;
use super::fields::{self, Fields, MOST_FIELDS, Span};
use super::lines::{LARGEST_HEAD, end_of_head};
use super::{BadResponse, FieldName, Framing, Known, Limits, ResponseFraming, Version, plain};

/// A response's head, checked. It owns its bytes.
#[derive(Clone)]
pub struct ResponseHead {
    /// Copied out of the connection's buffer: for a head that is cheaper than to share the buffer with it.
    bytes: Box<[u8]>,
    layout: Layout,
    fields: Fields,
}

impl ResponseHead {
    /// Takes one head off the front of `buffer`, or says with `None` that more bytes are needed.
    ///
    /// `request_was_head` says that the request's method was HEAD: its answer has no body, whatever its fields say. On the
    /// heap, for it is large and handed on often.
    pub fn parse(
        buffer: &mut BytesMut,
        limits: &Limits,
        request_was_head: bool,
    ) -> Result<Option<Box<ResponseHead>>, BadResponse> {
        if buffer.is_empty() {
            return Ok(None);
        }
        // Read where it will stay.
        let mut head = Box::write(Box::new_uninit(), ResponseHead::blank());
        match Layout::read_plain(buffer, limits, request_was_head, &mut head.fields) {
            Some((layout, end)) => {
                head.take(buffer, layout, end);
                Ok(Some(head))
            }
            None => ResponseHead::parse_with_care(buffer, limits, request_was_head),
        }
    }

    /// As [`parse`](ResponseHead::parse), the long way: what a head is read by that is not as nearly all are, and what the
    /// short way is held to by tests.
    pub fn parse_with_care(
        buffer: &mut BytesMut,
        limits: &Limits,
        request_was_head: bool,
    ) -> Result<Option<Box<ResponseHead>>, BadResponse> {
        let Some(end) = end_of_head(buffer, 0, limits)? else {
            let begins_well = buffer.iter().zip(b"HTTP/1.").all(|(byte, expected)| byte == expected);
            return if begins_well { Ok(None) } else { Err(BadResponse::StatusLine) };
        };
        let (layout, fields) = Layout::read(&buffer[..end], limits, request_was_head)?;
        let mut head = ResponseHead { fields, ..ResponseHead::blank() };
        head.take(buffer, layout, end);
        Ok(Some(Box::new(head)))
    }

    fn blank() -> ResponseHead {
        ResponseHead { bytes: Box::default(), layout: Layout::blank(), fields: Fields::default() }
    }

    /// Takes the head of which `layout` tells off the front of `buffer`.
    fn take(&mut self, buffer: &mut BytesMut, layout: Layout, end: usize) {
        self.bytes = buffer[..end].into();
        self.layout = layout;
        buffer.advance(end);
    }

    /// The status, 100 to 599.
    pub fn status(&self) -> u16 {
        self.layout.status
    }

    /// The reason phrase; empty when there is none, or one that is not UTF-8.
    pub fn reason(&self) -> &str {
        self.layout.reason.text(&self.bytes)
    }

    /// The version of the status line.
    pub fn version(&self) -> Version {
        self.layout.version
    }

    /// The field lines in order, names as they came, values without the space around them.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter(&self.bytes)
    }

    /// As [`fields`](ResponseHead::fields) with the names as bytes, which is cheaper: for passing them on.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.lines(&self.bytes)
    }

    /// Writes the field lines that `keeps`, in order, as [`encode::line`](super::encode::line) would.
    pub fn copy_lines(&self, out: &mut Vec<u8>, keeps: impl FnMut(FieldName<'_>) -> bool) {
        self.fields.copy(&self.bytes, out, keeps);
    }

    /// All that was read, for tests that hold two ways of reading together.
    #[cfg(test)]
    pub(super) fn all_that_was_read(&self) -> String {
        format!("{:?} {:?} {:?}", self.layout, self.fields, self.fields().collect::<Vec<_>>())
    }

    /// The values of every line of that name, in order. Names compare without case.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields.values(&self.bytes, name)
    }

    /// Whether there is a line of that name.
    pub fn has(&self, known: Known) -> bool {
        self.fields.has(known)
    }

    /// The value of the first line of that name.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// How the body is delimited (RFC 9112 section 6.3).
    pub fn framing(&self) -> ResponseFraming {
        self.layout.framing
    }

    /// Whether the connection can carry another request after this response. False also where the upstream
    /// announces a body that its status cannot have: it may send one, which would be read as the next response.
    pub fn keep_alive(&self) -> bool {
        self.layout.keep_alive
    }

    /// Whether a `Connection` line lists this field name, which makes that field one of the connection alone.
    pub fn connection_names(&self, name: impl AsRef<[u8]>) -> bool {
        self.layout.names_fields && self.fields.connection_names(&self.bytes, name.as_ref())
    }
}

/// Without field values, which can be credentials.
impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status())
            .field("version", &self.version())
            .field("names", &self.fields().map(|(name, _)| name).collect::<Vec<_>>())
            .field("framing", &self.framing())
            .finish_non_exhaustive()
    }
}

/// Where the parts of a head lie, and what they mean.
#[derive(Clone, Debug)]
struct Layout {
    status: u16,
    reason: Span,
    version: Version,
    framing: ResponseFraming,
    keep_alive: bool,
    /// Whether a `Connection` line lists more than what is known of connections.
    names_fields: bool,
}

impl Layout {
    /// Of a head that is yet to be read.
    fn blank() -> Layout {
        Layout {
            status: 0,
            reason: Span::default(),
            version: Version::Http10,
            framing: ResponseFraming::UntilClose,
            keep_alive: false,
            names_fields: false,
        }
    }

    /// Reads a head in one pass where it is as nearly all heads are. `None` says nothing but that this is not so.
    /// The fields are read into `fields`, where they stay.
    fn read_plain(
        buffer: &[u8],
        limits: &Limits,
        request_was_head: bool,
        fields: &mut Fields,
    ) -> Option<(Layout, usize)> {
        let window = buffer.get(..buffer.len().min(limits.head).min(LARGEST_HEAD))?;
        let line = plain::status_line(window)?;
        let mut lines = plain::Lines::into(fields);
        let end = lines.read(window, line.end, limits.headers.min(MOST_FIELDS))?;
        let version = if line.is_version_11 { Version::Http11 } else { Version::Http10 };
        let layout = Layout::new(line.status, version, line.reason, &lines.control, request_was_head);
        Some((layout.ok()?, end))
    }

    /// Reads a complete head whose lines are known to end as they must.
    fn read(head: &[u8], limits: &Limits, request_was_head: bool) -> Result<(Layout, Fields), BadResponse> {
        let mut room = [const { MaybeUninit::uninit() }; MOST_FIELDS];
        let room = &mut room[..limits.headers.min(MOST_FIELDS)];
        let mut parsed = httparse::Response::new(&mut []);
        let read = httparse::ParserConfig::default()
            .parse_response_with_uninit_headers(&mut parsed, head, room)
            .map_err(response_fault)?;
        let fields = Fields::read(parsed.headers, head)?;
        if read.is_partial() {
            return Err(BadResponse::StatusLine);
        }
        Ok((Layout::of(&parsed, head, request_was_head)?, fields))
    }

    fn of(parsed: &httparse::Response<'_, '_>, head: &[u8], request_was_head: bool) -> Result<Layout, BadResponse> {
        let Some(status @ 100..=599) = parsed.code else { return Err(BadResponse::StatusLine) };
        let version = Version::from_minor(parsed.version);
        let control = ControlFields::read(parsed.headers)?;
        Layout::new(status, version, Span::of(reason(head), head)?, &control, request_was_head)
    }

    fn new(
        status: u16,
        version: Version,
        reason: Span,
        control: &ControlFields<'_>,
        request_was_head: bool,
    ) -> Result<Layout, BadResponse> {
        let announced = control.framing(version)?;
        let framing = match announced {
            _ if request_was_head || matches!(status, 100..=199 | 204 | 304) => ResponseFraming::None,
            Some(framing) => framing.into(),
            None => ResponseFraming::UntilClose,
        };
        // The length in a 304 is that of what the client has already. Chunks are none, and some send the last one.
        let is_contradictory = match (status, announced) {
            (100..=199 | 204, announced) => !matches!(announced, None | Some(Framing::Length(0))),
            (304, announced) => announced == Some(Framing::Chunked),
            _ => false,
        };
        Ok(Layout {
            status,
            reason,
            version,
            framing,
            names_fields: control.names_fields,
            keep_alive: control.persists(version) && framing != ResponseFraming::UntilClose && !is_contradictory,
        })
    }
}

/// What follows `HTTP/1.1 200 ` in the first line. `httparse` checks it, but withholds one with obs-text.
fn reason(head: &[u8]) -> &[u8] {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    &line[line.len().min("HTTP/1.1 200 ".len())..]
}

fn response_fault(error: httparse::Error) -> BadResponse {
    match fields::fault(error) {
        Some(fault) => BadResponse::Head(fault),
        None if error == httparse::Error::Version => BadResponse::Version,
        None => BadResponse::StatusLine,
    }
}
