//! Kept connections to upstreams, one set a worker: taken newest first, given back only when provably clean.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::BytesMut;

use crate::{
    buffers::Buffers,
    deadline::{Deadlines, TICK},
    transport::Transport,
};

/// A connection to a server, and what was read from it beyond the last answer (nothing, in a kept one).
pub(super) struct Connection {
    pub(super) transport: Transport,
    pub(super) buffer: BytesMut,
    /// Whether it carried a request before: then its server may have closed it without our knowing.
    pub(super) was_kept: bool,
}

/// The kept connections of one worker, by server id. Clones share them.
#[derive(Clone)]
pub struct Pools(Rc<Shared>);

struct Shared {
    pools: RefCell<Vec<Pool>>,
    buffers: Buffers,
    deadlines: Deadlines,
}

#[derive(Default)]
struct Pool {
    /// Each with the tick since which it is unused.
    idle: Vec<(Box<Connection>, u64)>,
    busy: usize,
}

/// Connections kept to one server by one worker.
const KEPT: usize = 512;

/// How long one is kept unused: below the 5 s after which many servers (Node, uvicorn, Apache) close one, for a request
/// that meets the closing is lost, unless it is safe to repeat.
const KEPT_FOR: Duration = Duration::from_secs(4);

/// The same in the worker's ticks.
const KEPT_TICKS: u128 = KEPT_FOR.as_millis() / TICK.as_millis();

impl Pools {
    /// No connections yet; `buffers` and `deadlines` are the worker's.
    pub fn new(buffers: Buffers, deadlines: Deadlines) -> Pools {
        Pools(Rc::new(Shared { pools: RefCell::default(), buffers, deadlines }))
    }

    pub(super) fn buffers(&self) -> &Buffers {
        &self.0.buffers
    }

    /// The newest kept connection that is still open and silent.
    pub(super) fn take(&self, server: usize) -> Option<Box<Connection>> {
        loop {
            let (mut connection, since) = self.with(server, |pool| pool.idle.pop())?;
            if self.is_fresh(since) && is_silent(&mut connection, &self.0.buffers) {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(super) fn keep(&self, server: usize, mut connection: Box<Connection>) {
        if connection.buffer.is_empty() {
            let Connection { transport, buffer, .. } = &mut *connection;
            transport.give_back(buffer, &self.0.buffers);
            connection.was_kept = true;
            self.with(server, |pool| {
                if pool.idle.len() < KEPT {
                    pool.idle.push((connection, self.0.deadlines.ticks()));
                }
            });
        }
    }

    /// Closes what has been unused for too long or was closed by its server; to be called now and then.
    pub fn reap(&self) {
        let stays =
            |connection: &mut Connection, since: &u64| self.is_fresh(*since) && is_silent(connection, &self.0.buffers);
        for pool in self.0.pools.borrow_mut().iter_mut() {
            pool.idle.retain_mut(|(connection, since)| stays(connection, since));
        }
    }

    fn is_fresh(&self, since: u64) -> bool {
        u128::from(self.0.deadlines.ticks().saturating_sub(since)) < KEPT_TICKS
    }

    /// Counts a request at `server`, unless there are `most` already.
    pub(super) fn enter(&self, server: usize, most: usize) -> Option<Busy> {
        let entered = self.with(server, |pool| (pool.busy < most).then(|| pool.busy += 1));
        entered.map(|()| Busy { pools: self.clone(), server })
    }

    fn with<T>(&self, server: usize, work: impl FnOnce(&mut Pool) -> T) -> T {
        let mut pools = self.0.pools.borrow_mut();
        if pools.len() <= server {
            pools.resize_with(server + 1, Pool::default);
        }
        // The line above makes room; without it a default pool of its own would serve as well.
        match pools.get_mut(server) {
            Some(pool) => work(pool),
            None => work(&mut Pool::default()),
        }
    }
}

/// A request that counts against its upstream's limit until it is dropped.
pub(super) struct Busy {
    pools: Pools,
    server: usize,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.pools.with(self.server, |pool| pool.busy = pool.busy.saturating_sub(1));
    }
}

/// Nothing to read and not closed: an answer that nobody asked for makes a connection unusable.
fn is_silent(connection: &mut Connection, buffers: &Buffers) -> bool {
    if !connection.transport.may_be_readable() {
        return true;
    }
    let mut context = Context::from_waker(Waker::noop());
    // Outside the task's budget: a read that is put off by the scheduler would look like silence.
    let look = poll_fn(|context| {
        let transport = &mut connection.transport;
        Poll::Ready(transport.poll_fill(context, &mut connection.buffer, buffers).is_pending())
    });
    matches!(pin!(tokio::task::unconstrained(look)).poll(&mut context), Poll::Ready(true))
}
