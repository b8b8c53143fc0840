//! Getting a connection to one of an upstream's servers: a kept one, or a new one to the first that takes it.

use std::time::Duration;

use smallvec::SmallVec;

use crate::{
    deadline::Elapsed,
    forward::{
        Dress, Failure, Forwarder, Server, Servers,
        connect::connect,
        pool::{Busy, Connection},
        upgrade,
    },
    policy::Admitted,
};

/// A connection to a server, and a place among the requests there.
pub(super) struct Place<'f> {
    pub(super) servers: &'f Servers,
    pub(super) server: &'f Server,
    pub(super) connection: Box<Connection>,
    pub(super) busy: Busy,
}

/// A kept connection to the server whose turn it is. None for what asks to change protocols: what follows that is no HTTP
/// and gets a connection of its own. None either for what is to be signed, which may have to wait for its body first, or to be vouched for.
pub(super) fn kept<'f>(
    servers: &'f Servers,
    turn: usize,
    dress: &Dress,
    forwarder: &Forwarder,
    permit: &Admitted<'_>,
) -> Option<Place<'f>> {
    if dress.sign.is_some() || dress.assertion.is_some() || upgrade::asked(dress, permit.head()).is_some() {
        return None;
    }
    let server = servers.nth(turn)?;
    let busy = forwarder.pools.enter(server.id, servers.most)?;
    forwarder.pools.take(server.id).map(|connection| Place { servers, server, connection, busy })
}

/// Connections made and not made, and what came before.
#[derive(Default)]
pub(super) struct Attempts {
    pub(super) connects: u32,
    pub(super) failed: u32,
    /// How long the client took for a body that had to be there first: nothing that the upstream has to answer for.
    pub(super) held: Duration,
}

/// A connection to the first server, from the one whose turn it is, that there is one to; a kept one if that `may_be_kept`.
/// Those that rest come last.
pub(super) async fn connected<'f>(
    servers: &'f Servers,
    turn: usize,
    dress: &Dress,
    forwarder: &Forwarder,
    may_be_kept: bool,
    attempts: &mut Attempts,
) -> Result<Place<'f>, Failure> {
    let mut failure = Failure::Busy(servers.most);
    let turns = 0..servers.servers.len();
    let mut order: SmallVec<[&Server; 8]> = turns.filter_map(|offset| servers.nth(turn.wrapping_add(offset))).collect();
    order.sort_by_key(|server| forwarder.pools.rests(server.id));
    for server in order {
        let Some(busy) = forwarder.pools.enter(server.id, servers.most) else { continue };
        if let Some(connection) = may_be_kept.then(|| forwarder.pools.take(server.id)).flatten() {
            return Ok(Place { servers, server, connection, busy });
        }
        match open(server, forwarder, dress).await {
            Ok(connection) => {
                attempts.connects += 1;
                return Ok(Place { servers, server, connection, busy });
            }
            Err(error) => {
                attempts.failed += 1;
                failure = error;
            }
        }
    }
    Err(failure)
}

/// A failure that took half a second, in the worker's ticks, is worth going to others first. One that is told at once costs nobody any time.
const LONG: u64 = 5;

/// A new connection to `server`.
pub(super) async fn open(server: &Server, forwarder: &Forwarder, dress: &Dress) -> Result<Box<Connection>, Failure> {
    let Forwarder { deadlines, pools, lookups, .. } = forwarder;
    let began = deadlines.ticks();
    pools.try_again(server.id);
    let connecting = deadlines.within(dress.timeouts.connect, connect(server, lookups)).await;
    let opened = connecting.unwrap_or_else(|Elapsed| Err(Failure::ConnectTimeout(server.authority.clone())));
    match opened {
        Err(_) if deadlines.ticks().saturating_sub(began) >= LONG => pools.rest(server.id),
        Ok(_) | Err(_) => pools.is_there(server.id),
    }
    let mut connection = opened?;
    connection.since = deadlines.ticks();
    Ok(connection)
}
