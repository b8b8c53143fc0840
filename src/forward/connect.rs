//! Connecting to a server, over TLS where it says https.

use std::io;

use bytes::BytesMut;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Failure, Server, pool::Connection};
use crate::transport::Transport;

/// A new connection.
///
/// # Errors
/// [`Failure::Connect`]; the time-out is the caller's.
pub(super) async fn connect(server: &Server) -> Result<Box<Connection>, Failure> {
    let transport =
        open(server).await.map_err(|source| Failure::Connect { server: server.authority.clone(), source })?;
    Ok(Box::new(Connection { transport, buffer: BytesMut::new(), was_kept: false, since: 0 }))
}

async fn open(server: &Server) -> io::Result<Transport> {
    let tcp = TcpStream::connect((server.host.as_str(), server.port)).await?;
    tcp.set_nodelay(true)?;
    let Some((config, name)) = &server.tls else { return Ok(Transport::plain(tcp)) };
    let tls = TlsConnector::from(config.clone()).connect(name.clone(), tcp).await?;
    Ok(Transport::tls(tls.into()))
}
