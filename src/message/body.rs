//! A message's body: nothing, bytes in memory, a temporary file, or a stream.

use std::{
    fs::File,
    future::poll_fn,
    io,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::task::coop::poll_proceed;

use super::hold::Share;
use crate::http1::BadBody;

/// A body after transfer coding. Content coding is never undone.
#[derive(Default)]
pub enum Body {
    /// No body.
    #[default]
    Empty,
    /// All of it, in memory; the share counts it against the process's budget until it is dropped.
    Bytes(Bytes, Option<Share>),
    /// All of it, in a temporary file.
    Spooled(Spool),
    /// Still arriving, with backpressure: nothing is read before it is asked for.
    Stream(Box<dyn BodyStream>),
}

/// A body that arrives piece by piece.
pub trait BodyStream {
    /// The next piece; `None` at the end. After an error or the end it is not polled again.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>>;

    /// Its whole length in bytes, where the sender said it.
    fn length(&self) -> Option<u64>;

    /// Goes on with what hangs on it besides, while its reader is busy with a piece: of an answer's, the rest of the request.
    fn poll_beside(&mut self, _context: &mut Context<'_>) {}
}

/// Why a body did not arrive whole.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The sender's framing is wrong.
    #[error("malformed body: {0}")]
    Malformed(#[from] BadBody),
    /// The sender went away in the middle.
    #[error("the body was cut off: {0}")]
    CutOff(#[from] io::Error),
    /// The sender stopped sending.
    #[error("the body stalled")]
    Stalled,
    /// More than the limit.
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// An answer could not go on because the body of its request did not arrive whole.
    #[error("the request's body: {0}")]
    Upload(#[source] Box<BodyError>),
}

/// A body in an unlinked temporary file.
#[derive(Clone)]
pub struct Spool {
    pub(super) file: Arc<File>,
    pub(super) length: u64,
    /// Counted for as long as the file is there.
    pub(super) _share: Arc<Share>,
}

impl Body {
    /// Bytes that count against no budget: the gateway's own.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Body {
        let bytes = bytes.into();
        if bytes.is_empty() { Body::Empty } else { Body::Bytes(bytes, None) }
    }

    /// Its length in bytes, where it is known before its end.
    pub fn length(&self) -> Option<u64> {
        match self {
            Body::Empty => Some(0),
            Body::Bytes(bytes, _) => u64::try_from(bytes.len()).ok(),
            Body::Spooled(spool) => Some(spool.length),
            Body::Stream(stream) => stream.length(),
        }
    }

    /// Lets it have at most `most` bytes: a longer one fails at once where its length is known, else when it gets there.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`]
    pub fn limit(&mut self, most: u64) -> Result<(), BodyError> {
        if self.length().is_some_and(|length| length > most) {
            return Err(BodyError::TooLarge { limit: most });
        }
        *self = match std::mem::take(self) {
            Body::Stream(stream) if stream.length().is_none() => {
                Body::Stream(Box::new(Bounded { stream, most, left: most }))
            }
            body => body,
        };
        Ok(())
    }

    /// Goes on with what hangs on it besides, while its reader is busy with a piece.
    pub fn poll_beside(&mut self, context: &mut Context<'_>) {
        if let Body::Stream(stream) = self {
            stream.poll_beside(context);
        }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// What the sender did wrong; the body is over then.
    pub async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// As [`next`](Body::next), for those who wait for several things at once.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match self {
            Body::Empty => Poll::Ready(None),
            Body::Bytes(bytes, _) => {
                let bytes = std::mem::take(bytes);
                *self = Body::Empty;
                Poll::Ready(Some(Ok(bytes)))
            }
            Body::Spooled(spool) => {
                let pieces = SpoolPieces { spool: spool.clone(), offset: 0, read: None };
                *self = Body::Stream(Box::new(pieces));
                self.poll_next(context)
            }
            Body::Stream(stream) => {
                // A sender may make each byte a piece, and thousands of them are read at once: others are to have their turn.
                let turn = ready!(poll_proceed(context));
                let piece = stream.poll_next(context);
                if piece.is_ready() {
                    turn.made_progress();
                }
                piece
            }
        }
    }
}

impl Spool {
    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads all of it in pieces, from the start, blocking: for a thread that may block.
    ///
    /// # Errors
    /// What the file system says.
    pub fn read_all(&self, visit: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        let mut offset = 0;
        while offset < self.length {
            let read = read_at(&self.file, &mut piece, offset)?;
            visit(piece.get(..read).unwrap_or_default());
            offset += u64::try_from(read).unwrap_or(u64::MAX);
        }
        Ok(())
    }
}

const PIECE: usize = 64 * 1024;

/// At least one byte; the end of the file before the recorded length is an error, as the file is ours alone.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    match std::os::unix::fs::FileExt::read_at(file, buffer, offset)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        read => Ok(read),
    }
}

/// A spooled body on its way out, read off the worker's thread.
struct SpoolPieces {
    spool: Spool,
    offset: u64,
    read: Option<tokio::task::JoinHandle<io::Result<Bytes>>>,
}

impl BodyStream for SpoolPieces {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if self.offset >= self.spool.length {
            return Poll::Ready(None);
        }
        let (file, offset) = (&self.spool.file, self.offset);
        let read = self.read.get_or_insert_with(|| {
            let file = file.clone();
            tokio::task::spawn_blocking(move || {
                let mut piece = vec![0; PIECE];
                let read = read_at(&file, &mut piece, offset)?;
                piece.truncate(read);
                Ok(Bytes::from(piece))
            })
        });
        let Poll::Ready(outcome) = std::pin::Pin::new(read).poll(context) else { return Poll::Pending };
        self.read = None;
        let outcome = outcome.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
        Poll::Ready(Some(match outcome {
            Ok(piece) => {
                self.offset += u64::try_from(piece.len()).unwrap_or(u64::MAX);
                Ok(piece)
            }
            Err(error) => Err(BodyError::CutOff(error)),
        }))
    }

    fn length(&self) -> Option<u64> {
        Some(self.spool.length)
    }
}

/// A body without a length, that fails where it passes its bound.
struct Bounded {
    stream: Box<dyn BodyStream>,
    most: u64,
    left: u64,
}

impl BodyStream for Bounded {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let piece = ready!(self.stream.poll_next(context));
        Poll::Ready(piece.map(|piece| {
            let piece = piece?;
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.left = self.left.checked_sub(length).ok_or(BodyError::TooLarge { limit: self.most })?;
            Ok(piece)
        }))
    }

    fn length(&self) -> Option<u64> {
        self.stream.length()
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Body::Empty => f.write_str("Body::Empty"),
            Body::Bytes(bytes, _) => write!(f, "Body::Bytes({} bytes)", bytes.len()),
            Body::Spooled(spool) => write!(f, "Body::Spooled({} bytes)", spool.length),
            Body::Stream(stream) => write!(f, "Body::Stream({:?})", stream.length()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::{LocalSet, spawn_local};

    use super::*;

    /// So many pieces, all of them there.
    struct There(usize);

    impl BodyStream for There {
        fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
            self.0 = self.0.saturating_sub(1);
            Poll::Ready((self.0 > 0).then(|| Ok(Bytes::from_static(b"x"))))
        }

        fn length(&self) -> Option<u64> {
            None
        }
    }

    #[tokio::test]
    async fn others_have_their_turn_while_all_pieces_are_there() {
        let with_others = async {
            let other = spawn_local(async {});
            let mut body = Body::Stream(Box::new(There(1000)));
            let mut first = None;
            for count in 1.. {
                let Some(piece) = body.next().await else { break };
                assert_eq!(piece.unwrap(), "x");
                first = first.or(other.is_finished().then_some(count));
            }
            first
        };
        let first = LocalSet::new().run_until(with_others).await;
        assert!(first.is_some_and(|count| (2..500).contains(&count)), "{first:?}");
    }
}
