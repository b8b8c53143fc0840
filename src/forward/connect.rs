//! Connecting to a server, over TLS where it says https.

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::{Failure, Lookups, Server, pool::Connection};
use crate::{
    roots,
    transport::{Socket, Transport},
};

/// A new connection.
///
/// # Errors
/// [`Failure::Connect`]; the time-out is the caller's.
pub(super) async fn connect(server: &Server, lookups: &Lookups) -> Result<Box<Connection>, Failure> {
    let transport =
        open(server, lookups).await.map_err(|source| Failure::Connect { server: server.authority.clone(), source })?;
    Ok(Box::new(Connection { transport, buffer: BytesMut::new(), was_kept: false, since: 0 }))
}

async fn open(server: &Server, lookups: &Lookups) -> io::Result<Transport> {
    let addresses = lookups.addresses(&server.host, server.port).await?;
    let tcp = dial(&addresses).await?;
    tcp.set_nodelay(true)?;
    let Some((config, name)) = &server.tls else { return Ok(Transport::plain(tcp)) };
    let tls = TlsConnector::from(config.clone()).connect(name.clone(), Socket::new(tcp)).await.map_err(in_words)?;
    Ok(Transport::tls(tls.into()))
}

/// How long an address is tried alone (RFC 8305 section 8).
const ALONE: Duration = Duration::from_millis(250);

/// A connection to the first of `addresses` that takes one. Of a name that has several one may be a machine that is off: it says
/// nothing, and tried alone it would use up all the time there is.
async fn dial(mut addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    while let [first, others @ ..] = addresses {
        let mut connecting = pin!(TcpStream::connect(*first));
        if others.is_empty() {
            return connecting.await;
        }
        match timeout(ALONE, &mut connecting).await {
            Ok(Err(_)) => addresses = others,
            Ok(connected) => return connected,
            Err(_) => return beside(connecting, others).await,
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address"))
}

/// The first connection that comes of `connecting` or of `others`.
async fn beside(
    mut connecting: Pin<&mut impl Future<Output = io::Result<TcpStream>>>,
    others: &[SocketAddr],
) -> io::Result<TcpStream> {
    let mut others: Pin<Box<dyn Future<Output = io::Result<TcpStream>> + '_>> = Box::pin(dial(others));
    tokio::select! {
        connected = &mut connecting => match connected {
            Ok(tcp) => Ok(tcp),
            Err(_) => others.await,
        },
        connected = &mut others => match connected {
            Ok(tcp) => Ok(tcp),
            Err(_) => connecting.await,
        },
    }
}

/// What TLS has against the server, for whoever reads the log.
fn in_words(error: io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(inner) => io::Error::new(error.kind(), roots::in_words(inner)),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use socket2::{Domain, Socket, Type};
    use tokio::net::TcpListener;

    use super::*;

    const ANY: SocketAddr = SocketAddr::V4(std::net::SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

    /// An address that never answers: its backlog is full for as long as what comes with it is held.
    fn silent() -> (SocketAddr, impl Sized) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&ANY.into()).unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let brief = Duration::from_millis(100);
        let connect = || std::net::TcpStream::connect_timeout(&address, brief).ok();
        let waiting: Vec<_> = std::iter::from_fn(connect).take(16).collect();
        assert!(waiting.len() < 16, "the backlog is full");
        (address, (socket, waiting))
    }

    async fn refused() -> SocketAddr {
        TcpListener::bind(ANY).await.unwrap().local_addr().unwrap()
    }

    #[tokio::test]
    async fn an_address_that_is_silent_or_refuses_keeps_nobody_from_the_next() {
        let listener = TcpListener::bind(ANY).await.unwrap();
        let (open, (silent, _held), refused) = (listener.local_addr().unwrap(), silent(), refused().await);
        for addresses in [&[silent, open][..], &[refused, open], &[silent, refused, silent, open], &[open, silent]] {
            let connected = timeout(Duration::from_secs(3), dial(addresses)).await.expect("in time");
            assert_eq!(connected.unwrap().peer_addr().unwrap(), open);
        }
    }

    #[tokio::test]
    async fn where_no_address_takes_a_connection_the_last_says_why() {
        let (one, other) = (refused().await, refused().await);
        assert_eq!(dial(&[one, other]).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert!(dial(&[]).await.is_err());
        let (silent, _held) = silent();
        assert!(timeout(Duration::from_secs(1), dial(&[silent, one])).await.is_err(), "the first may still answer");
    }
}
