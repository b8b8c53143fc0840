//! Reading the PROXY header that a listener requires: where a connection came from before its proxy.
//!
//! Not a byte beyond the header is taken off the socket, for what follows may be TLS.

use std::{io, net::IpAddr};

use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::{
    policy::{Networks, Whence},
    proxy_protocol::{self, Header, Malformed, Source},
};

/// Why a connection is closed before anything was read of it but this.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotProxied {
    /// Its peer is none of the trusted proxies.
    #[error("its peer is not among the trusted proxies")]
    Stranger,
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It ended first.
    #[error("it ended before its PROXY header")]
    Ended,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The connection's source as a trusted `peer` tells it; the peer itself where that speaks for itself. Whom it tells nothing of
/// is somebody behind it: what holds for the peer does not hold for him.
///
/// # Errors
/// [`NotProxied`]
pub(super) async fn source(stream: &mut TcpStream, peer: IpAddr, trusted: &Networks) -> Result<Whence, NotProxied> {
    if !trusted.contains(peer) {
        return Err(NotProxied::Stranger);
    }
    let header = header(stream).await?;
    Ok(match header.source {
        Source::Proxy => Whence::At(peer),
        Source::At(address) => Whence::At(address),
        Source::Untold => Whence::Behind(peer),
    })
}

async fn header(stream: &mut TcpStream) -> Result<Header, NotProxied> {
    let mut known = Vec::new();
    let mut ahead = [0; 256];
    loop {
        let seen = stream.peek(&mut ahead).await?;
        if seen == 0 {
            return Err(NotProxied::Ended);
        }
        let before = known.len();
        known.extend(ahead.iter().take(seen));
        let parsed = proxy_protocol::parse(&known)?;
        // Where there must be more, all that is there is the header's.
        let taken = parsed.map_or(seen, |header| header.length.saturating_sub(before));
        if let Some(taken) = ahead.get_mut(..taken) {
            stream.read_exact(taken).await?;
        }
        if let Some(header) = parsed {
            return Ok(header);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::AsyncWriteExt,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    const LINE: &[u8] = b"PROXY TCP4 192.0.2.1 10.0.0.1 12345 443\r\n";

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        near.set_nodelay(true).unwrap();
        (near, listener.accept().await.unwrap().0)
    }

    fn trusted() -> Networks {
        Networks::new(&["127.0.0.0/8".parse().unwrap()])
    }

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn what_follows_the_header_is_left_where_it_is() {
        let (mut near, mut far) = pair().await;
        near.write_all(&[LINE, b"GET /"].concat()).await.unwrap();
        assert_eq!(source(&mut far, PEER, &trusted()).await.unwrap().to_string(), "192.0.2.1");
        let mut rest = [0; 5];
        far.read_exact(&mut rest).await.unwrap();
        assert_eq!(&rest, b"GET /");
    }

    #[tokio::test]
    async fn a_header_may_come_in_any_pieces() {
        let (mut near, mut far) = pair().await;
        let (read, ()) = tokio::join!(async { source(&mut far, PEER, &trusted()).await }, async {
            for byte in LINE {
                near.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(read.unwrap().to_string(), "192.0.2.1");
    }

    #[tokio::test]
    async fn a_proxy_that_speaks_for_itself_is_the_peer() {
        let (mut near, mut far) = pair().await;
        near.write_all(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0").await.unwrap();
        assert_eq!(source(&mut far, PEER, &trusted()).await.unwrap(), Whence::At(PEER));
    }

    #[tokio::test]
    async fn whom_a_proxy_does_not_name_is_behind_it() {
        let headers: [&[u8]; 2] = [b"PROXY UNKNOWN\r\n", b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\0"];
        for header in headers {
            let (mut near, mut far) = pair().await;
            near.write_all(header).await.unwrap();
            assert_eq!(source(&mut far, PEER, &trusted()).await.unwrap(), Whence::Behind(PEER));
        }
    }

    #[tokio::test]
    async fn a_stranger_is_not_read_at_all() {
        let (_near, mut far) = pair().await;
        let stranger = "203.0.113.5".parse().unwrap();
        assert!(matches!(source(&mut far, stranger, &trusted()).await, Err(NotProxied::Stranger)));
    }

    #[tokio::test]
    async fn anything_else_is_refused() {
        let (mut near, mut far) = pair().await;
        near.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        assert!(matches!(source(&mut far, PEER, &trusted()).await, Err(NotProxied::Malformed(Malformed::Absent))));
        let (near, mut far) = pair().await;
        drop(near);
        assert!(matches!(source(&mut far, PEER, &trusted()).await, Err(NotProxied::Ended)));
    }
}
