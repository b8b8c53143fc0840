//! A new connection's TLS handshake, where its listener wants one, and why none came about.
//!
//! Who speaks HTTP in the clear is answered in the clear, or would be shown a few bytes of an alert and never learn what is wrong.

use std::{io, sync::Arc, time::Duration};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{
    doors::{DoorId, Doors},
    reception::{CutShort, Silent, first_byte},
    tls::{self, Secured},
};
use crate::{
    deadline::{Deadlines, Elapsed},
    observe::HandshakeFailure,
};

/// A connection that is not as safe as its listener wants it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsecured {
    #[error("HTTP in the clear where TLS is spoken: the client should ask for https://")]
    InTheClear,
    #[error("it took too long")]
    TimedOut,
    #[error(transparent)]
    CutShort(CutShort),
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl Unsecured {
    /// Its name in the metrics; none where the other side has done nothing wrong.
    pub(super) fn reason(&self) -> Option<HandshakeFailure> {
        match self {
            Unsecured::InTheClear => Some(HandshakeFailure::InTheClear),
            Unsecured::TimedOut => Some(HandshakeFailure::TimedOut),
            Unsecured::CutShort(_) => None,
            Unsecured::Failed(error) => Some(tls::why_failed(error)),
        }
    }
}

/// The connection's stream, after the handshake where its listener has TLS.
///
/// # Errors
/// [`Unsecured`]
pub(super) async fn secure(
    doors: Arc<Doors>,
    door: DoorId,
    stream: TcpStream,
    deadlines: Deadlines,
    patience: Duration,
) -> Result<Secured, Unsecured> {
    if doors.have_tls(door) {
        match first_byte(&stream, &deadlines, patience).await {
            Ok(Some(byte)) if begins_a_method(byte) => {
                let _ = deadlines.within(patience, explain(stream)).await;
                return Err(Unsecured::InTheClear);
            }
            Ok(_) => {}
            Err(Silent::Late) => return Err(Unsecured::TimedOut),
            Err(Silent::CutShort(cut)) => return Err(Unsecured::CutShort(cut)),
        }
    }
    match deadlines.within(patience, doors.accept(door, stream)).await {
        Ok(accepted) => Ok(accepted?),
        Err(Elapsed) => Err(Unsecured::TimedOut),
    }
}

/// Methods are upper case here; no record of TLS begins with a letter (RFC 8446 section 5.1).
fn begins_a_method(byte: u8) -> bool {
    byte.is_ascii_uppercase()
}

/// The one answer that is given in the clear. It is the same for whatever was asked, and nothing of that is read as a request.
const EXPLANATION: &str = "HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 64\r\n\
    Connection: close\r\n\
    \r\n\
    TLS is spoken at this port: ask for https:// instead of http://\n";

async fn explain(mut stream: TcpStream) -> io::Result<()> {
    throw_away(&stream);
    stream.write_all(EXPLANATION.as_bytes()).await?;
    stream.shutdown().await
}

/// Takes what has come off the socket, or closing it would reset the connection before the answer is read.
fn throw_away(stream: &TcpStream) {
    let _ = stream.try_read(&mut [0; 8 * 1024]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_explanation_is_as_long_as_it_says() {
        let (head, body) = EXPLANATION.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }
}
