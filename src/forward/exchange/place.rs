//! Getting a connection to one of an upstream's servers: a kept one, or a new one to the first that takes it.

use std::time::Duration;

use smallvec::SmallVec;

use crate::{
    deadline::Elapsed,
    forward::{
        Dress, Failure, Forwarder, Server, Servers,
        connect::connect,
        pool::{Busy, Connection, LONG},
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

/// A new connection to `server`.
pub(super) async fn open(server: &Server, forwarder: &Forwarder, dress: &Dress) -> Result<Box<Connection>, Failure> {
    let deadlines = &forwarder.deadlines;
    let mut trial = Trial::begin(server.id, forwarder);
    let connecting = deadlines.within(dress.timeouts.connect, connect(server, &forwarder.lookups)).await;
    trial.is_over = true;
    let mut connection = connecting.map_err(|Elapsed| Failure::ConnectTimeout(server.authority.clone()))??;
    trial.is_there = true;
    connection.since = deadlines.ticks();
    Ok(connection)
}

/// A server is tried. What comes of it is noted at the end, be it that whoever waited for it has gone.
struct Trial<'f> {
    forwarder: &'f Forwarder,
    server: usize,
    began: u64,
    is_over: bool,
    is_there: bool,
}

impl<'f> Trial<'f> {
    fn begin(server: usize, forwarder: &'f Forwarder) -> Trial<'f> {
        forwarder.pools.try_again(server);
        Trial { forwarder, server, began: forwarder.deadlines.ticks(), is_over: false, is_there: false }
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        let Forwarder { pools, deadlines, .. } = self.forwarder;
        let was_long = deadlines.ticks().saturating_sub(self.began) >= LONG;
        if was_long && !self.is_there {
            pools.rest(self.server);
        } else if self.is_over {
            pools.is_there(self.server);
        } else {
            pools.leave(self.server);
        }
    }
}
