//! A client on plain sockets: it sends the bytes it is given, and reads one answer.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// How long an answer may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// One answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The first value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Sends `request` on a connection of its own and reads the answer; `None` where the connection closed without one.
pub(crate) fn send(address: SocketAddr, request: &[u8]) -> Option<Answer> {
    Connection::open(address).exchange(request)
}

/// A connection that stays open between requests.
pub(crate) struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Connection {
    /// Connects to `address`.
    pub(crate) fn open(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read time-out");
        stream.set_write_timeout(Some(PATIENCE)).expect("a write time-out");
        stream.set_nodelay(true).expect("no delay");
        Connection { stream, input: Vec::new() }
    }

    /// Sends `bytes` and reads one answer.
    pub(crate) fn exchange(&mut self, bytes: &[u8]) -> Option<Answer> {
        self.exchange_of(bytes, false)
    }

    /// The same, where `bytes` may be a request whose method is HEAD: its answer has no body.
    pub(crate) fn exchange_of(&mut self, bytes: &[u8], is_head: bool) -> Option<Answer> {
        self.write(bytes);
        if is_head { self.final_head() } else { self.answer() }
    }

    /// Sends `bytes`, which may be a part of a request.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        // The gateway may refuse and close before it has read everything; its answer is there all the same.
        let _ = self.stream.write_all(bytes);
    }

    /// Reads one answer, passing over interim ones; `None` at the connection's end.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        let mut answer = self.final_head()?;
        if !matches!(answer.status, 204 | 304) {
            answer.body = self.body(&answer)?;
        }
        Some(answer)
    }

    /// Reads one head, of an interim answer too.
    pub(crate) fn head(&mut self) -> Option<Answer> {
        let end = self.fill_until(|input| find(input, b"\r\n\r\n"))?;
        let (status, fields) = head_of(&self.take(end + 4)?);
        Some(Answer { status, fields, body: Vec::new() })
    }

    fn final_head(&mut self) -> Option<Answer> {
        std::iter::from_fn(|| self.head()).find(|head| head.status >= 200)
    }

    fn body(&mut self, answer: &Answer) -> Option<Vec<u8>> {
        if answer.field("transfer-encoding").is_some() {
            return self.chunks();
        }
        let length = answer.field("content-length").map_or(0, |text| text.parse().expect("a length"));
        self.take(length)
    }

    fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = self.fill_until(|input| find(input, b"\r\n"))?;
            let line = self.take(end + 2)?;
            let digits = String::from_utf8(line).expect("a chunk's size is ASCII");
            let size = usize::from_str_radix(digits.trim_end(), 16).expect("a chunk's size");
            body.extend(self.take(size)?);
            assert_eq!(self.take(2)?, b"\r\n", "a chunk's end");
            if size == 0 {
                return Some(body);
            }
        }
    }

    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        self.fill_until(|input| (input.len() >= count).then_some(count))?;
        let rest = self.input.split_off(count);
        Some(std::mem::replace(&mut self.input, rest))
    }

    fn fill_until(&mut self, found: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
        loop {
            if let Some(at) = found(&self.input) {
                return Some(at);
            }
            let mut piece = [0; 16 * 1024];
            match self.stream.read(&mut piece) {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.input.extend_from_slice(&piece[..count]),
            }
        }
    }
}

fn head_of(head: &[u8]) -> (u16, Vec<(String, String)>) {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let fields = lines.filter_map(|line| line.split_once(':'));
    let fields = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    (status.expect("a status line"), fields)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
