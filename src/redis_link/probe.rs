//! Whether a server that could not be connected to speaks TLS where the config says that it does not, or the other way round: it would
//! be silent, or close, and either could be anything.
//!
//! Nothing of the settings is sent, and of the answer the first byte alone is looked at.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Address, LinkError, Settings};

/// The longest that a look may take: it is there for the log's sake.
const PATIENCE: Duration = Duration::from_secs(1);
/// What a server without TLS answers, with or without a password.
const PING: &[u8] = b"PING\r\n";
/// A `ClientHello` of one byte. Who speaks TLS answers with an alert (RFC 8446 section 6.2).
const BROKEN_HELLO: &[u8] = b"\x16\x03\x01\0\x05\x01\0\0\x01\x03";
const ALERT: u8 = 0x15;

/// `error`, which was the end of that attempt to connect, or what it was for where it is this.
pub(super) async fn explained(error: LinkError, settings: &Settings, attempt: usize) -> LinkError {
    let Some(address) = settings.place.named(attempt).filter(|_| may_be_this(&error)) else { return error };
    let explanation = match settings.tls {
        Some(_) => matches!(first_byte(address, PING).await, Some(b'+' | b'-'))
            .then_some("it speaks without TLS there; its URL should begin with redis://"),
        None => (first_byte(address, BROKEN_HELLO).await == Some(ALERT))
            .then_some("it speaks TLS there; its URL should begin with rediss://"),
    };
    explanation.map_or(error, |explanation| LinkError::Unusable(explanation.to_owned()))
}

/// Whoever answered with an error has understood.
fn may_be_this(error: &LinkError) -> bool {
    match error {
        LinkError::TimedOut | LinkError::Broken | LinkError::Unusable(_) | LinkError::Unexpected => true,
        LinkError::Away | LinkError::Busy | LinkError::Full | LinkError::NoScript | LinkError::Refused(_) => false,
    }
}

/// The first byte that comes back for `words`.
async fn first_byte(address: &Address, words: &[u8]) -> Option<u8> {
    let asked = async {
        let mut stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
        stream.write_all(words).await?;
        stream.read_u8().await
    };
    tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()
}
