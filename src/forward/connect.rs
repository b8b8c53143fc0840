//! Connecting to a server, over TLS where it says https.

use std::io;

use bytes::BytesMut;
use tokio::net::TcpStream;
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
    let tcp = TcpStream::connect(addresses.as_slice()).await?;
    tcp.set_nodelay(true)?;
    let Some((config, name)) = &server.tls else { return Ok(Transport::plain(tcp)) };
    let tls = TlsConnector::from(config.clone()).connect(name.clone(), Socket::new(tcp)).await.map_err(in_words)?;
    Ok(Transport::tls(tls.into()))
}

/// What TLS has against the server, for whoever reads the log.
fn in_words(error: io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(inner) => io::Error::new(error.kind(), roots::in_words(inner)),
        None => error,
    }
}
