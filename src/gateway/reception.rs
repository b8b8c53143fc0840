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
    #[error("its address has as many connections as it may have")]
    TooMany,
}

impl TurnedAway {
    /// Its name in the metrics.
    pub(super) fn reason(&self) -> crate::observe::TurnedAway {
        match self {
            TurnedAway::NotProxied(_) | TurnedAway::Late => crate::observe::TurnedAway::ProxyProtocol,
            TurnedAway::TooMany => crate::observe::TurnedAway::PerAddress,
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
                if !speaks(stream, self.deadlines, self.patience).await {
                    return Err(TurnedAway::Late);
                }
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

/// Whether the other side of a new connection says anything. While it does not, the connection is one on which nothing happens:
/// nobody waits for it to stop, and it makes room where connections are short.
pub(super) async fn speaks(stream: &TcpStream, deadlines: &Deadlines, patience: Duration) -> bool {
    if deadlines.is_draining() {
        // It will not be waited for. What has come is seen once the system was asked.
        yield_now().await;
    }
    let (mut wait, mut byte) = (deadlines.wait(), [0]);
    // A look at what is there: that something was once, as what came before, stays known until somebody finds nothing.
    poll_fn(|context| match stream.poll_peek(context, &mut ReadBuf::new(&mut byte)) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending => wait.poll_idle(context, patience).map(|Elapsed| false),
    })
    .await
}
