//! Our codec as the gateway drives it: head, body, next head, in whatever pieces the bytes arrive.

use bytes::BytesMut;
use countersign::http1::{
    BadBody, BadRequest, BadResponse, BodyDecoder, Limits, RequestHead, ResponseHead, Step, Version,
};

use super::{Body, Message, RequestLine, StatusLine, fields};

/// All that one connection's bytes mean.
#[derive(Debug)]
pub struct Reading<Start> {
    /// The last one may be cut off.
    pub messages: Vec<Message<Start>>,
    /// The statuses of interim responses.
    pub interim: Vec<u16>,
    /// Bytes of the largest head that was accepted.
    pub largest_head: usize,
    pub end: End,
}

/// Why reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the input, after a whole message or before any.
    Orderly,
    /// With the input, inside a head.
    InHead,
    /// With the input, inside a body.
    InBody,
    /// With a message that is the connection's last, after so many bytes.
    Closed(usize),
    BadRequest(BadRequest),
    BadResponse(BadResponse),
    /// A 101 that nobody asked for.
    Upgrade,
    BadBody(BadBody),
}

impl End {
    /// Whether both are one end. Which of a bad head's faults is told may depend on how much of it is there.
    pub fn is_like(&self, other: &End) -> bool {
        match (self, other) {
            (End::BadRequest(_), End::BadRequest(_)) | (End::BadResponse(_), End::BadResponse(_)) => true,
            _ => self == other,
        }
    }
}

impl<Start: PartialEq> Reading<Start> {
    /// Whether both mean the same.
    pub fn is_like(&self, other: &Reading<Start>) -> bool {
        self.messages == other.messages && self.interim == other.interim && self.end.is_like(&other.end)
    }
}

/// Every request on a connection whose bytes arrive in `pieces`.
pub fn requests<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: &Limits) -> Reading<RequestLine> {
    read(pieces, |buffer| {
        let Some(head) = RequestHead::parse(buffer, limits).map_err(End::BadRequest)? else { return Ok(None) };
        let authority = head.target().split_once("://").filter(|_| !head.target().starts_with('/'));
        let authority = authority.map(|(_, rest)| rest.split('/').next().unwrap_or_default().to_owned());
        let start = RequestLine {
            method: head.method().to_owned(),
            authority,
            origin: head.origin_form().to_owned(),
            is_http_1_1: head.version() == Version::Http11,
        };
        let message = Message { start, fields: fields(head.fields()), body: Body::default() };
        Ok(Some(Head::Final(message, BodyDecoder::new(head.framing(), limits), head.keep_alive())))
    })
}

/// The responses on a connection whose bytes arrive in `pieces`, up to the first final one.
pub fn response<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, to_head: bool, limits: &Limits) -> Reading<StatusLine> {
    read(pieces, |buffer| {
        let Some(head) = ResponseHead::parse(buffer, limits, to_head).map_err(End::BadResponse)? else {
            return Ok(None);
        };
        if head.status() == 101 {
            return Err(End::Upgrade);
        }
        if head.status() < 200 {
            return Ok(Some(Head::Interim(head.status())));
        }
        let start = StatusLine { status: head.status(), is_http_1_1: head.version() == Version::Http11 };
        let message = Message { start, fields: fields(head.fields()), body: Body::default() };
        Ok(Some(Head::Final(message, BodyDecoder::new(head.framing(), limits), false)))
    })
}

enum Head<Start> {
    Interim(u16),
    /// With what reads its body, and whether another message may follow it.
    Final(Message<Start>, BodyDecoder, bool),
}

struct Connection<Start, Parse> {
    parse: Parse,
    buffer: BytesMut,
    /// Bytes so far.
    fed: usize,
    /// What reads the last message's body, and whether another message may follow it.
    body: Option<(BodyDecoder, bool)>,
    reading: Reading<Start>,
}

fn read<'a, Start, Parse>(pieces: impl IntoIterator<Item = &'a [u8]>, parse: Parse) -> Reading<Start>
where
    Parse: FnMut(&mut BytesMut) -> Result<Option<Head<Start>>, End>,
{
    let reading = Reading { messages: vec![], interim: vec![], largest_head: 0, end: End::Orderly };
    let mut connection = Connection { parse, buffer: BytesMut::new(), fed: 0, body: None, reading };
    for piece in pieces {
        connection.buffer.extend_from_slice(piece);
        connection.fed += piece.len();
        if let Err(end) = connection.advance() {
            connection.reading.end = end;
            return connection.reading;
        }
    }
    connection.reading.end = connection.end_of_input();
    connection.reading
}

impl<Start, Parse> Connection<Start, Parse>
where
    Parse: FnMut(&mut BytesMut) -> Result<Option<Head<Start>>, End>,
{
    /// Reads on until more bytes are wanted, or reading ends.
    fn advance(&mut self) -> Result<(), End> {
        loop {
            let Some((decoder, may_go_on)) = &mut self.body else {
                if !self.head()? {
                    return Ok(());
                }
                continue;
            };
            let may_go_on = *may_go_on;
            match decoder.decode(&mut self.buffer).map_err(End::BadBody)? {
                Step::More => return Ok(()),
                Step::Data(data) => self.last_body(|body| body.bytes.extend_from_slice(&data)),
                Step::End => {
                    self.body = None;
                    self.last_body(|body| body.is_whole = true);
                    if !may_go_on {
                        return Err(self.closed());
                    }
                }
            }
        }
    }

    /// Whether there was a whole head.
    fn head(&mut self) -> Result<bool, End> {
        let before = self.buffer.len();
        let head = (self.parse)(&mut self.buffer)?;
        self.reading.largest_head = self.reading.largest_head.max(before - self.buffer.len());
        match head {
            None => return Ok(false),
            Some(Head::Interim(status)) => self.reading.interim.push(status),
            Some(Head::Final(message, decoder, may_go_on)) => {
                self.reading.messages.push(message);
                self.body = Some((decoder, may_go_on));
            }
        }
        Ok(true)
    }

    fn end_of_input(&mut self) -> End {
        match self.body.as_mut().map(|(decoder, _)| decoder.end_of_input()) {
            None if self.buffer.is_empty() => End::Orderly,
            None => End::InHead,
            Some(Err(_)) => End::InBody,
            Some(Ok(_)) => {
                self.last_body(|body| body.is_whole = true);
                self.closed()
            }
        }
    }

    fn closed(&self) -> End {
        End::Closed(self.fed - self.buffer.len())
    }

    fn last_body(&mut self, change: impl FnOnce(&mut Body)) {
        if let Some(message) = self.reading.messages.last_mut() {
            change(&mut message.body);
        }
    }
}
