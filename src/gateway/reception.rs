//! What is asked of a connection before its first byte is for anybody: where it came from, and whether its address may have
//! another one.
//!
//! Whoever is turned away here is told nothing: no request came that could be answered.

use std::{future::poll_fn, net::IpAddr, sync::Arc, task::Poll, time::Duration};

use tokio::{io::ReadBuf, net::TcpStream, task::yield_now};

use super::{
    guests::{Guest, Guests},
    proxied::{self, NotProxied},
};
use crate::{
    deadline::{Deadlines, Elapsed},
    policy::{Edge, Whence},
};

/// What is asked at one listener.
pub(super) struct Reception<'a> {
    pub(super) edge: &'a Edge,
    pub(super) guests: &'a Arc<Guests>,
    /// Connections that one address may have.
    pub(super) most: Option<usize>,
    pub(super) deadlines: &'a Deadlines,
    /// How long a PROXY header may take.
    pub(super) patience: Duration,
}

/// A connection that goes no further.
#[derive(Debug, thiserror::Error)]
pub(super) enum TurnedAway {
    #[error(transparent)]
    NotProxied(#[from] NotProxied),
    #[error("its PROXY header did not come in time")]
    Late,
    #[error(transparent)]
    CutShort(CutShort),
    #[error("its address has as many connections as it may have")]
    TooMany,
}

impl TurnedAway {
    /// Its name in the metrics; none where the other side has done nothing wrong.
    pub(super) fn reason(&self) -> Option<crate::observe::TurnedAway> {
        match self {
            TurnedAway::NotProxied(_) | TurnedAway::Late => Some(crate::observe::TurnedAway::ProxyProtocol),
            TurnedAway::TooMany => Some(crate::observe::TurnedAway::PerAddress),
            TurnedAway::CutShort(_) => None,
        }
    }
}

impl Reception<'_> {
    /// Whether anything is asked at all.
    pub(super) fn asks(&self) -> bool {
        self.edge.proxy_protocol || self.most.is_some()
    }

    /// Takes in a connection: where it came from, and its place among those of its address.
    ///
    /// # Errors
    /// [`TurnedAway`]
    pub(super) async fn take_in(
        &self,
        stream: &mut TcpStream,
        peer: IpAddr,
    ) -> Result<(Whence, Option<Guest>), TurnedAway> {
        let trusted = &self.edge.trusted_proxies;
        let client = match self.edge.proxy_protocol {
            false => Whence::At(peer),
            true => {
                first_byte(stream, self.deadlines, self.patience).await?;
                let told = self.deadlines.within(self.patience, proxied::source(stream, peer, trusted)).await;
                told.map_err(|_| TurnedAway::Late)??
            }
        };
        match (self.most, client) {
            // A proxy has the connections of many.
            (Some(most), Whence::At(address)) if !trusted.contains(address) => {
                let guest = self.guests.enter(address, most).ok_or(TurnedAway::TooMany)?;
                Ok((client, Some(guest)))
            }
            _ => Ok((client, None)),
        }
    }
}

/// The other side of a new connection has said nothing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Silent {
    /// For as long as it may.
    Late,
    /// For less: nobody waits for it where the gateway stops, or connections are short.
    CutShort(CutShort),
}

/// A connection on which nothing happened made room before its time was up.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("nothing had come of it when the gateway stopped, or connections were short")]
pub(super) struct CutShort;

impl From<Silent> for TurnedAway {
    fn from(silent: Silent) -> TurnedAway {
        match silent {
            Silent::Late => TurnedAway::Late,
            Silent::CutShort(cut) => TurnedAway::CutShort(cut),
        }
    }
}

/// The first byte that the other side of a new connection sends, left where it is; `None` where it has ended. Until it
/// comes, the connection is one on which nothing happens.
///
/// # Errors
/// [`Silent`]
pub(super) async fn first_byte(
    stream: &TcpStream,
    deadlines: &Deadlines,
    patience: Duration,
) -> Result<Option<u8>, Silent> {
    if deadlines.is_draining() {
        // It will not be waited for. What has come is seen once the system was asked.
        yield_now().await;
    }
    let (mut wait, mut byte) = (deadlines.wait(), [0]);
    // A look at what is there: that something was once, as what came before, stays known until somebody finds nothing.
    let seen = poll_fn(|context| match stream.poll_peek(context, &mut ReadBuf::new(&mut byte)) {
        Poll::Ready(seen) => Poll::Ready(Ok(seen.unwrap_or(0))),
        Poll::Pending => wait.poll_idle(context, patience).map(Err),
    })
    .await;
    match seen {
        Ok(seen) => Ok(byte.first().copied().filter(|_| seen > 0)),
        Err(Elapsed) if wait.is_over() => Err(Silent::Late),
        Err(Elapsed) => Err(Silent::CutShort(CutShort)),
    }
}
