//! What the yardsticks share: one thread that accepts connections, and heads cut out of a stream. Not a gateway: what a
//! gateway has to refuse, bound or log is left out on purpose, for it is the price of these that is measured.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};

/// Largest head, in bytes; a longer one ends its connection.
pub const HEAD: usize = 16 * 1024;

/// Reads the addresses given as arguments, in order.
///
/// # Errors
/// Where there are not exactly `N`, or one is no `IP:PORT`.
pub fn addresses<const N: usize>() -> io::Result<[SocketAddr; N]> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidInput, format!("{N} arguments of the form IP:PORT are needed"));
    let given: Result<Vec<SocketAddr>, _> = std::env::args().skip(1).map(|text| text.parse()).collect();
    given.map_err(|_| wrong())?.try_into().map_err(|_| wrong())
}

/// Accepts for ever on one thread; `serve` gets each connection, and its errors end that connection alone.
///
/// # Errors
/// Where the address cannot be bound.
pub fn run<F, S>(address: SocketAddr, serve: S) -> io::Result<()>
where
    S: Fn(TcpStream) -> F,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = listener(address)?;
        loop {
            // Too many open files: the yardstick has then failed, and its caller sees requests that failed.
            let Ok((client, _)) = listener.accept().await else { continue };
            client.set_nodelay(true)?;
            tokio::spawn(serve(client));
        }
    })
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4096)
}

/// Connects to the server behind.
///
/// # Errors
/// Where it cannot be connected to.
pub async fn connect(upstream: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(upstream).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What was sent is not what this yardstick can take.
#[must_use]
pub fn unfit() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidData)
}

/// `Content-Length`, or 0 where there is none.
///
/// # Errors
/// Where it is no number, or the body is chunked.
pub fn content_length(headers: &[httparse::Header<'_>]) -> io::Result<u64> {
    let mut length = 0;
    for header in headers {
        if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(unfit());
        }
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).map_err(|_| unfit())?;
            length = text.parse().map_err(|_| unfit())?;
        }
    }
    Ok(length)
}
