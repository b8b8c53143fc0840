//! One request over a connection of its own, and its whole answer: for commands that ask one thing.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use bytes::BytesMut;

use crate::http1::{BodyDecoder, Limits, ResponseHead, Step};

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// How long a connection may take, whatever an answer may.
const CONNECTING: Duration = Duration::from_secs(10);

/// Sends `request`, which asks for the connection to be closed, and reads the answer.
///
/// # Errors
/// No connection, nothing within `patience` ([`io::ErrorKind::WouldBlock`]), or no answer in HTTP/1.
pub(super) fn exchange(address: SocketAddr, request: &[u8], patience: Duration) -> io::Result<Answer> {
    let stream = TcpStream::connect_timeout(&address, patience.min(CONNECTING))?;
    stream.set_read_timeout(Some(patience))?;
    over(stream, request)
}

/// The same over a Unix socket.
///
/// # Errors
/// As there.
pub(super) fn exchange_over_file(path: &Path, request: &[u8], patience: Duration) -> io::Result<Answer> {
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(patience))?;
    over(stream, request)
}

fn over(mut stream: impl Read + Write, request: &[u8]) -> io::Result<Answer> {
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    read(&mut BytesMut::from(&*bytes)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn read(bytes: &mut BytesMut) -> Option<Answer> {
    let limits = Limits::default();
    let head = ResponseHead::parse(bytes, &limits, false).ok()??;
    let mut decoder = BodyDecoder::new(head.framing(), &limits);
    let mut body = Vec::new();
    while let Step::Data(data) = decoder.decode(bytes).ok()? {
        body.extend_from_slice(&data);
    }
    Some(Answer { status: head.status(), body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_status_and_body() {
        let answer = read(&mut BytesMut::from("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nhi")).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (403, &b"hi"[..]));
        for text in ["", "HTTP/1.1 200 OK\r\n", "SSH-2.0-OpenSSH\r\n\r\n"] {
            assert!(read(&mut BytesMut::from(text)).is_none(), "{text}");
        }
    }
}
