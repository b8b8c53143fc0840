//! Kept connections to upstreams, one set a worker: taken newest first, given back only when nothing of the last answer is left.

use std::{
    cell::{Cell, RefCell},
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
    /// The worker's tick since which it is unused.
    pub(super) since: u64,
}

/// The kept connections of one worker, by server id. Clones share them.
#[derive(Clone)]
pub struct Pools(Rc<Shared>);

struct Shared {
    pools: RefCell<Vec<Pool>>,
    /// Unused connections in all of them.
    idle: Cell<usize>,
    buffers: Buffers,
    deadlines: Deadlines,
}

#[derive(Default)]
struct Pool {
    #[allow(clippy::vec_box, reason = "they are handed on in their boxes")]
    idle: Vec<Box<Connection>>,
    busy: usize,
    /// Until which of the worker's ticks others go first; 0 where the server was there when it was last tried.
    rests_until: u64,
    /// Since which of them it is being tried, if it is.
    tried_since: Option<u64>,
}

/// Unused connections that a worker keeps in all. To one server it never has more than there were requests at once, so
/// that the next such crowd finds all of them; fewer would be made anew for each.
const KEPT: usize = 4096;

/// How long one is kept unused: below the 5 s after which many servers (Node, uvicorn, Apache) close one, for a request
/// that meets the closing is lost, unless it is safe to repeat.
const KEPT_FOR: Duration = Duration::from_secs(4);

/// The same in the worker's ticks.
const KEPT_TICKS: u128 = KEPT_FOR.as_millis() / TICK.as_millis();

/// A try that takes half a second, in the worker's ticks, is worth going to others first. One that fails at once costs nobody any
/// time.
pub(super) const LONG: u64 = 5;

/// Ten seconds, in the worker's ticks: how long others go before a server that it took long to find away.
const REST_TICKS: u64 = 100;

impl Pools {
    /// No connections yet; `buffers` and `deadlines` are the worker's.
    pub fn new(buffers: Buffers, deadlines: Deadlines) -> Pools {
        Pools(Rc::new(Shared { pools: RefCell::default(), idle: Cell::new(0), buffers, deadlines }))
    }

    pub(super) fn buffers(&self) -> &Buffers {
        &self.0.buffers
    }

    /// The newest kept connection that is open and silent, as far as the worker knows: what came since it last asked the
    /// system is not seen, as nothing is that comes a moment after any look.
    pub(super) fn take(&self, server: usize) -> Option<Box<Connection>> {
        loop {
            let mut connection = self.with(server, |pool| pool.idle.pop())?;
            self.0.idle.set(self.0.idle.get().saturating_sub(1));
            if self.is_fresh(&connection) && is_silent(&mut connection, &self.0.buffers) {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(super) fn keep(&self, server: usize, mut connection: Box<Connection>) {
        (connection.was_kept, connection.since) = (true, self.0.deadlines.ticks());
        self.put_back(server, connection);
    }

    /// The same for one that was taken and not used: it is as old as it was.
    pub(super) fn put_back(&self, server: usize, mut connection: Box<Connection>) {
        if connection.buffer.is_empty() && self.0.idle.get() < KEPT {
            let Connection { transport, buffer, .. } = &mut *connection;
            transport.give_back(buffer, &self.0.buffers);
            self.with(server, |pool| pool.idle.push(connection));
            self.0.idle.set(self.0.idle.get() + 1);
        }
    }

    /// Closes what has been unused for too long or was closed by its server; to be called now and then.
    pub fn reap(&self) {
        let stays =
            |connection: &mut Box<Connection>| self.is_fresh(connection) && is_silent(connection, &self.0.buffers);
        let mut idle = 0;
        for pool in self.0.pools.borrow_mut().iter_mut() {
            pool.idle.retain_mut(stays);
            idle += pool.idle.len();
        }
        self.0.idle.set(idle);
    }

    fn is_fresh(&self, connection: &Connection) -> bool {
        u128::from(self.0.deadlines.ticks().saturating_sub(connection.since)) < KEPT_TICKS
    }

    /// Counts a request at `server`, unless there are `most` already.
    pub(super) fn enter(&self, server: usize, most: usize) -> Option<Busy> {
        let entered = self.with(server, |pool| (pool.busy < most).then(|| pool.busy += 1));
        entered.map(|()| Busy { pools: self.clone(), server })
    }

    /// It took long to find that there is no connection to `server`. For a while others go first: each request that waits for one
    /// which is off loses that time.
    pub(super) fn rest(&self, server: usize) {
        let until = self.0.deadlines.ticks().saturating_add(REST_TICKS);
        self.with(server, |pool| (pool.rests_until, pool.tried_since) = (until, None));
    }

    /// `server` is tried. One that has rested is tried by one request alone: it rests on until it is known to be there.
    pub(super) fn try_again(&self, server: usize) {
        let now = self.0.deadlines.ticks();
        self.with(server, |pool| {
            if pool.rests_until > 0 {
                pool.rests_until = now.saturating_add(REST_TICKS);
            }
            pool.tried_since.get_or_insert(now);
        });
    }

    /// `server` is there, or says at once that it is not.
    pub(super) fn is_there(&self, server: usize) {
        self.with(server, |pool| (pool.rests_until, pool.tried_since) = (0, None));
    }

    /// Nobody waits any longer to hear whether `server` is there.
    pub(super) fn leave(&self, server: usize) {
        self.with(server, |pool| pool.tried_since = None);
    }

    /// Whether others go before `server`: it rests, or whoever tries it waits long already.
    pub(super) fn rests(&self, server: usize) -> bool {
        let now = self.0.deadlines.ticks();
        let is_long = |since: u64| now.saturating_sub(since) >= LONG;
        self.with(server, |pool| pool.rests_until > now || pool.tried_since.is_some_and(is_long))
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use socket2::{Domain, Socket, Type};
    use tokio::net::TcpStream;

    use super::*;

    /// A connection that the other end has not accepted, and so neither writes to nor closes.
    fn connection(to: SocketAddr) -> Box<Connection> {
        let stream = std::net::TcpStream::connect(to).unwrap();
        stream.set_nonblocking(true).unwrap();
        let transport = Transport::plain(TcpStream::from_std(stream).unwrap());
        Box::new(Connection { transport, buffer: BytesMut::new(), was_kept: false, since: 0 })
    }

    #[tokio::test]
    async fn what_was_taken_and_not_used_is_as_old_as_it_was_when_it_comes_back() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let pools = Pools::new(Buffers::default(), Deadlines::default());
        pools.put_back(0, Box::new(Connection { since: 7, ..*connection(listener.local_addr().unwrap()) }));
        let unused = pools.with(0, |pool| pool.idle.pop()).unwrap();
        assert_eq!((unused.was_kept, unused.since), (false, 7));
        pools.keep(0, unused);
        let used = pools.take(0).unwrap();
        assert_eq!((used.was_kept, used.since), (true, pools.0.deadlines.ticks()));
    }

    #[tokio::test]
    async fn a_server_rests_for_ten_seconds() {
        let deadlines = Deadlines::default();
        let pools = Pools::new(Buffers::default(), deadlines.clone());
        deadlines.advance(50);
        assert!(!pools.rests(1));
        pools.rest(1);
        assert!(pools.rests(1) && !pools.rests(0));
        deadlines.advance(149);
        assert!(pools.rests(1));
        deadlines.advance(150);
        assert!(!pools.rests(1));
        pools.try_again(1);
        assert!(pools.rests(1), "one tries");
        pools.is_there(1);
        pools.try_again(1);
        assert!(!pools.rests(1), "it is there");
        deadlines.advance(160);
        assert!(pools.rests(1), "whoever tries it waits long already");
        pools.leave(1);
        assert!(!pools.rests(1), "nobody does any more");
    }

    #[tokio::test]
    async fn a_crowd_finds_all_connections_that_the_crowd_before_it_had() {
        const CROWD: usize = 600;
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        listener.listen(1024).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let pools = Pools::new(Buffers::default(), Deadlines::default());
        (0..CROWD).for_each(|_| pools.keep(0, connection(address)));
        assert_eq!(std::iter::from_fn(|| pools.take(0)).count(), CROWD);
        assert_eq!(pools.0.idle.get(), 0);
    }
}
