//! Listening sockets: bound before anything runs by them, and kept from one config to the next.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use super::{doors::DoorId, running::StartError};
use crate::config::Listen;

/// One listener's socket. A second handle on it stays here, so that it can be opened once more under another id.
pub(super) struct Socket {
    pub(super) id: DoorId,
    /// As configured: port 0 stays 0.
    address: SocketAddr,
    has_tls: bool,
    listener: TcpListener,
    /// For the acceptor, where it does not have one of that id yet.
    pub(super) to_open: Option<TcpListener>,
}

impl Socket {
    /// Where it really listens.
    pub(super) fn bound(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    fn next(listen: &Listen, before: Option<&Socket>) -> Result<Socket, StartError> {
        let (address, has_tls) = (listen.address, listen.tls.is_some());
        let failed = |source| StartError::Bind { address, source };
        let listener = before.map_or_else(|| bind(address), |socket| socket.listener.try_clone().map_err(failed))?;
        // With TLS or without are two listeners: a connection of one must not pass for a connection of the other.
        let (id, to_open) = match before {
            Some(socket) if socket.has_tls == has_tls => (socket.id, None),
            _ => (DoorId::unused(), Some(listener.try_clone().map_err(failed)?)),
        };
        Ok(Socket { id, address, has_tls, listener, to_open })
    }
}

/// A socket for each listener, in the config's order: that of `before` with the same address, or one that is bound now.
///
/// # Errors
/// [`StartError::Bind`]; what was bound for it is closed again.
pub(super) fn sockets(listen: &[Listen], before: &[Socket]) -> Result<Vec<Socket>, StartError> {
    let mut known: Vec<&Socket> = before.iter().collect();
    let socket = |listen: &Listen| {
        let at = known.iter().position(|socket| socket.address == listen.address);
        Socket::next(listen, at.map(|at| known.remove(at)))
    };
    listen.iter().map(socket).collect()
}

/// What to do where `address` could not be bound, as the end of a sentence.
pub(super) fn cure(address: SocketAddr, error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse if address.is_ipv6() => {
            "; another listener or program has it (`ss -ltnp` names it), and `[::]` is every address of IPv4 too"
        }
        io::ErrorKind::AddrInUse => "; another listener or program has it (`ss -ltnp` names it)",
        io::ErrorKind::PermissionDenied if address.port() < 1024 => {
            "; a port below 1024 takes root or CAP_NET_BIND_SERVICE (systemd: `AmbientCapabilities=`)"
        }
        io::ErrorKind::AddrNotAvailable => "; no interface of this host has that address",
        _ if address.is_ipv6() && error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error()) => {
            "; this host has no IPv6"
        }
        _ => "",
    }
}

/// Listens at `address`.
///
/// # Errors
/// [`StartError::Bind`]
pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = || -> io::Result<TcpListener> {
        let domain = socket2::Domain::for_address(address);
        let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
        // A restart must not wait for the old connections' last minutes.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(4096)?;
        Ok(socket.into())
    };
    bound().map_err(|source| StartError::Bind { address, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_told_with_what_to_do() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = bind(taken.local_addr().unwrap()).unwrap_err().to_string();
        assert!(error.ends_with("; another listener or program has it (`ss -ltnp` names it)"), "{error}");
    }

    #[test]
    fn why_an_address_cannot_be_bound_is_said_where_it_is_known() {
        let cure = |address: &str, error: i32| cure(address.parse().unwrap(), &io::Error::from_raw_os_error(error));
        assert!(cure("0.0.0.0:80", 13).contains("CAP_NET_BIND_SERVICE"));
        assert_eq!(cure("0.0.0.0:8080", 13), "");
        assert!(cure("10.0.0.1:80", 99).contains("no interface"));
        assert!(cure("[::1]:80", 97).contains("no IPv6"));
        assert!(cure("[::]:80", 98).contains("IPv4 too"));
    }
}
