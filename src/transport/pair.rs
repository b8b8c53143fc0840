//! Two ends of one connection, for tests of what happens where one of them is slow.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, ServerConfig, pki_types::PrivateKeyDer};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{Socket, Transport};

/// Ends whose sockets hold a few KiB.
pub(crate) async fn tight() -> (TcpStream, TcpStream) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(4096).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let other = TcpSocket::new_v4().unwrap();
    other.set_recv_buffer_size(4096).unwrap();
    let other = other.connect(listener.local_addr().unwrap()).await.unwrap();
    (listener.accept().await.unwrap().0, other)
}

/// The same after a handshake. At the other end nobody looks at what the records hold.
pub(crate) async fn tight_over_tls() -> (Transport, TcpStream) {
    let made = rcgen::generate_simple_self_signed(["gate.test".to_owned()]).unwrap();
    let chain = vec![made.cert.der().clone()];
    let mut roots = RootCertStore::empty();
    roots.add(chain[0].clone()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let server = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let (here, there) = tight().await;
    let (here, there) = tokio::join!(
        TlsAcceptor::from(Arc::new(server)).accept(Socket::new(here)),
        TlsConnector::from(Arc::new(client)).connect("gate.test".try_into().unwrap(), there),
    );
    (Transport::tls(here.unwrap().into()), there.unwrap().into_inner().0)
}
