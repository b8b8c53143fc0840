//! A body's bytes, freed of their framing (RFC 9112 section 6). Bytes are handed on as they come, never gathered.

use std::fmt;

use bytes::{Bytes, BytesMut};

use super::chunked::Chunked;
use super::{BadBody, Limits};

/// How a request's body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// So many bytes.
    Length(u64),
    /// The chunked transfer coding.
    Chunked,
}

/// How a response's body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseFraming {
    /// There is no body.
    None,
    /// So many bytes.
    Length(u64),
    /// The chunked transfer coding.
    Chunked,
    /// All that comes until the upstream closes the connection.
    UntilClose,
}

impl From<Framing> for ResponseFraming {
    fn from(framing: Framing) -> Self {
        match framing {
            Framing::None => ResponseFraming::None,
            Framing::Length(length) => ResponseFraming::Length(length),
            Framing::Chunked => ResponseFraming::Chunked,
        }
    }
}

/// What a look at the buffer gave.
#[derive(Clone, PartialEq, Eq)]
pub enum Step {
    /// Bytes of the body, never none.
    Data(Bytes),
    /// The buffer is used up: read more into it.
    More,
    /// The body is over. What the buffer still holds belongs to the next message.
    End,
}

/// With the size of the data alone, which may be private.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Data(data) => write!(f, "Data({} bytes)", data.len()),
            Step::More => f.write_str("More"),
            Step::End => f.write_str("End"),
        }
    }
}

/// Reads one body off a connection's buffer.
#[derive(Debug)]
pub struct BodyDecoder(State);

#[derive(Debug)]
enum State {
    /// So many bytes are still to come.
    Length(u64),
    Chunked(Chunked),
    UntilClose,
}

impl BodyDecoder {
    /// A decoder for a body of this framing. Of the limits it uses `chunk_overhead`.
    pub fn new(framing: impl Into<ResponseFraming>, limits: &Limits) -> BodyDecoder {
        BodyDecoder(match framing.into() {
            ResponseFraming::None => State::Length(0),
            ResponseFraming::Length(length) => State::Length(length),
            ResponseFraming::Chunked => State::Chunked(Chunked::new(limits.chunk_overhead)),
            ResponseFraming::UntilClose => State::UntilClose,
        })
    }

    /// Takes the next piece off the front of `buffer`. After an error it gives the same error again.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Step, BadBody> {
        match &mut self.0 {
            State::Length(0) => Ok(Step::End),
            State::Length(left) => Ok(take(buffer, left)),
            State::Chunked(chunked) => chunked.decode(buffer),
            State::UntilClose => {
                let mut endless = u64::MAX;
                Ok(take(buffer, &mut endless))
            }
        }
    }

    /// To be called when the input has ended and `decode` wants more: the body is over, or was cut short.
    pub fn end_of_input(&mut self) -> Result<Step, BadBody> {
        if matches!(self.0, State::UntilClose) {
            self.0 = State::Length(0);
        }
        if self.is_done() { Ok(Step::End) } else { Err(BadBody::Truncated) }
    }

    /// Whether the whole body, with its last chunk and trailers, was taken off the buffer.
    pub fn is_done(&self) -> bool {
        match &self.0 {
            State::Length(left) => *left == 0,
            State::Chunked(chunked) => chunked.is_done(),
            State::UntilClose => false,
        }
    }
}

/// What is there of the `left` bytes still wanted, at least one.
pub(super) fn take(buffer: &mut BytesMut, left: &mut u64) -> Step {
    if buffer.is_empty() {
        return Step::More;
    }
    let there = usize::try_from(*left).map_or(buffer.len(), |left| left.min(buffer.len()));
    *left = left.saturating_sub(there as u64);
    Step::Data(buffer.split_to(there).freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder(framing: ResponseFraming) -> BodyDecoder {
        BodyDecoder::new(framing, &Limits::default())
    }

    #[test]
    fn a_message_without_a_body_is_done_at_once() {
        let mut buffer = BytesMut::from("GET /next");
        let mut body = decoder(ResponseFraming::None);
        assert!(body.is_done());
        assert_eq!(body.decode(&mut buffer), Ok(Step::End));
        assert_eq!(body.end_of_input(), Ok(Step::End));
        assert_eq!(buffer, "GET /next");
    }

    #[test]
    fn a_length_body_takes_its_bytes_and_leaves_the_next_message() {
        let mut buffer = BytesMut::from("he");
        let mut body = decoder(ResponseFraming::Length(5));
        assert_eq!(body.decode(&mut buffer), Ok(Step::Data("he".into())));
        assert_eq!(body.decode(&mut buffer), Ok(Step::More));
        assert!(!body.is_done());
        buffer.extend_from_slice(b"lloGET");
        assert_eq!(body.decode(&mut buffer), Ok(Step::Data("llo".into())));
        assert!(body.is_done());
        assert_eq!(body.decode(&mut buffer), Ok(Step::End));
        assert_eq!(buffer, "GET");
    }

    #[test]
    fn a_length_body_that_ends_early_is_truncated() {
        let mut body = decoder(ResponseFraming::Length(5));
        assert_eq!(body.decode(&mut BytesMut::from("hell")), Ok(Step::Data("hell".into())));
        assert_eq!(body.end_of_input(), Err(BadBody::Truncated));
    }

    #[test]
    fn a_body_until_close_ends_with_the_input() {
        let mut buffer = BytesMut::from("all of it");
        let mut body = decoder(ResponseFraming::UntilClose);
        assert_eq!(body.decode(&mut buffer), Ok(Step::Data("all of it".into())));
        assert_eq!(body.decode(&mut buffer), Ok(Step::More));
        assert!(!body.is_done());
        assert_eq!(body.end_of_input(), Ok(Step::End));
        assert!(body.is_done());
    }

    #[test]
    fn a_step_in_a_log_shows_no_bytes() {
        assert_eq!(format!("{:?}", Step::Data("secret".into())), "Data(6 bytes)");
    }
}
