//! A talk over a socket, byte by byte, from either end.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use socket2::Socket;

/// How long a read may wait, on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// A request's or an answer's head.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// The first line.
    pub(super) start: String,
    /// Names in lower case.
    pub(super) fields: Vec<(String, String)>,
}

impl Head {
    /// The status of an answer.
    pub(super) fn status(&self) -> u16 {
        self.word(1).parse().expect("a status")
    }

    /// The target of a request.
    pub(super) fn target(&self) -> &str {
        self.word(1)
    }

    /// The method of a request.
    pub(super) fn method(&self) -> &str {
        self.word(0)
    }

    /// The only value of a field; a second one is a failure.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let values = self.values(name);
        assert!(values.len() < 2, "{name} came more than once: {values:?}");
        values.first().copied()
    }

    /// All values of a field.
    pub(super) fn values(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    fn word(&self, index: usize) -> &str {
        self.start.split(' ').nth(index).unwrap_or_default()
    }
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Orderly,
    Broken,
    TimedOut,
}

/// One end of a connection.
pub(super) struct Talk<S = TcpStream> {
    pub(super) stream: S,
    input: Vec<u8>,
}

impl Talk {
    /// Connects to `address`.
    pub(super) fn open(address: SocketAddr) -> Talk {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("a connection");
        Talk::plain(stream)
    }

    pub(super) fn plain(stream: TcpStream) -> Talk {
        stream.set_read_timeout(Some(PATIENCE)).expect("a read time-out");
        stream.set_write_timeout(Some(PATIENCE)).expect("a write time-out");
        stream.set_nodelay(true).expect("no delay");
        Talk { stream, input: Vec::new() }
    }

    /// Says that nothing more will be sent.
    pub(super) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).expect("shut down");
    }

    /// Ends the connection with a reset.
    pub(super) fn reset(self) {
        let socket = Socket::from(self.stream);
        socket.set_linger(Some(Duration::ZERO)).expect("linger");
    }

    /// Whether the other side ends the connection within `limit`; what it still sends is thrown away.
    pub(super) fn ends_within(&mut self, limit: Duration) -> bool {
        self.stream.set_read_timeout(Some(limit)).expect("a read time-out");
        let (_, end) = self.rest();
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a read time-out");
        end != End::TimedOut
    }

    /// Whether nothing at all comes within `time`.
    pub(super) fn is_silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("a read time-out");
        let read = self.fill();
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a read time-out");
        self.input.is_empty() && matches!(read, Err(End::TimedOut))
    }
}

impl<S: Read + Write> Talk<S> {
    /// Talks over a stream that is already there.
    pub(super) fn over(stream: S) -> Talk<S> {
        Talk { stream, input: Vec::new() }
    }

    /// Sends bytes; false where the other side takes no more.
    pub(super) fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).and_then(|()| self.stream.flush()).is_ok()
    }

    /// Sends a request and reads its answer's status, head and body.
    pub(super) fn exchange(&mut self, request: impl AsRef<[u8]>) -> (Head, Vec<u8>) {
        let is_head = request.as_ref().starts_with(b"HEAD ");
        self.write(request);
        self.answer(is_head).expect("a whole answer")
    }

    /// Reads one answer; `None` where it is not whole.
    pub(super) fn answer(&mut self, to_head: bool) -> Option<(Head, Vec<u8>)> {
        let head = self.head()?;
        if to_head || matches!(head.status(), 100..=199 | 204 | 304) {
            return Some((head, Vec::new()));
        }
        let by_close = head.field("transfer-encoding").is_none() && head.field("content-length").is_none();
        let body = if by_close {
            let (rest, end) = self.rest();
            (end == End::Orderly).then_some(rest)?
        } else {
            self.body(&head)?
        };
        Some((head, body))
    }

    /// Reads one request.
    pub(super) fn request(&mut self) -> Option<(Head, Vec<u8>)> {
        let head = self.head()?;
        let body = self.body(&head)?;
        Some((head, body))
    }

    /// Reads one head.
    pub(super) fn head(&mut self) -> Option<Head> {
        let mut seen = 0;
        let end = loop {
            let found = self.input.get(seen..)?.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(at) = found {
                break seen + at + 4;
            }
            seen = self.input.len().saturating_sub(3);
            self.fill().ok()?;
        };
        let bytes = self.take(end)?;
        let text: String = bytes.iter().copied().map(char::from).collect();
        let mut lines = text.trim_end().split("\r\n").map(str::to_owned);
        let start = lines.next().unwrap_or_default();
        let fields = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        Some(Head { start, fields: fields.collect() })
    }

    /// Reads the body that `head` announces.
    pub(super) fn body(&mut self, head: &Head) -> Option<Vec<u8>> {
        if head.field("transfer-encoding").is_none() {
            return self.take(head.field("content-length").map_or(0, |length| length.parse().expect("a length")));
        }
        let mut body = Vec::new();
        loop {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return Some(body);
            }
            body.extend(chunk);
        }
    }

    /// Reads one chunk; the last is empty and must be followed by no trailer.
    pub(super) fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.extend(self.take(1)?);
        }
        let digits = String::from_utf8(line).expect("a chunk's size is ASCII");
        let chunk = self.take(usize::from_str_radix(digits.trim_end(), 16).expect("a chunk's size"))?;
        assert_eq!(self.take(2)?, b"\r\n", "a chunk's end");
        Some(chunk)
    }

    /// Reads that many bytes.
    pub(super) fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.input.len() < count {
            self.fill().ok()?;
        }
        let rest = self.input.split_off(count);
        Some(std::mem::replace(&mut self.input, rest))
    }

    /// Reads to the end.
    pub(super) fn rest(&mut self) -> (Vec<u8>, End) {
        loop {
            if let Err(end) = self.fill() {
                return (std::mem::take(&mut self.input), end);
            }
        }
    }

    fn fill(&mut self) -> Result<(), End> {
        let mut piece = vec![0; 64 * 1024];
        match self.stream.read(&mut piece) {
            Ok(0) => Err(End::Orderly),
            Ok(count) => {
                self.input.extend_from_slice(&piece[..count]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Err(End::TimedOut),
            Err(_) => Err(End::Broken),
        }
    }
}
