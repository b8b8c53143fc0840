//! All that runs under a config: workers, acceptor and listeners, and how they take on another one.
//!
//! What can fail is done first, and nothing has changed then. After that no step can fail: closed listeners stop
//! accepting, the workers adopt the new snapshot, new listeners open.

#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc as std_mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::LocalSet,
};

use super::{
    acceptor::{Acceptor, Change, Hand},
    assemble::assemble,
    carried::Carried,
    descriptors,
    doors::Doors,
    edition::Edition,
    guests::Guests,
    running::StartError,
    snapshot::Snapshot,
    sockets::{Socket, sockets},
    worker::{self, Order, Recruit},
};
use crate::{
    config::Config,
    observe::{Format, IssuerCounts, Metrics, Sink},
};

/// How long is waited until all workers have adopted a config. They do so between two requests, within microseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// A config made ready, with everything that could have failed.
pub(super) struct Prepared {
    snapshot: Arc<Snapshot>,
    doors: Arc<Doors>,
    sockets: Vec<Socket>,
}

/// The threads that serve, and the config by which they do.
pub(super) struct Crew {
    carried: Carried,
    current: Prepared,
    workers: Vec<UnboundedSender<Order>>,
    changes: UnboundedSender<Change>,
    most: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
    /// Snapshots that requests may still be served by. The last handle is dropped here: for a large one that takes long.
    retired: Vec<Arc<Snapshot>>,
}

/// The threads of a crew, to wait for.
pub(super) struct Threads {
    pub(super) workers: Vec<(UnboundedSender<Order>, JoinHandle<bool>)>,
    pub(super) acceptor: JoinHandle<()>,
}

impl Prepared {
    /// Builds all that `config` needs, and binds listeners that are not open yet.
    ///
    /// # Errors
    /// [`StartError`]; what was bound for it is closed again.
    pub(super) fn new(
        mut config: Config,
        carried: &Carried,
        before: Option<&Prepared>,
    ) -> Result<Prepared, StartError> {
        config.limits.connections = descriptors::room(config.limits.connections);
        let listen = config.listen.clone();
        let mut snapshot = assemble(config, carried)?;
        snapshot.publishers.begin().map_err(StartError::KeySets)?;
        snapshot.families.begin();
        let snapshot = Arc::new(snapshot);
        let sockets = sockets(&listen, before.map_or(&[], |before| &before.sockets))?;
        let ids = sockets.iter().map(|socket| socket.id);
        let listeners = ids.zip(listen.iter().map(|listen| listen.tls.as_ref()));
        let doors = Doors::open(listeners, before.map(|before| &*before.doors)).map_err(StartError::Tls)?;
        Ok(Prepared { snapshot, doors: Arc::new(doors), sockets })
    }

    /// Where it listens, in the config's order, with the ports that the system chose.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(Socket::bound).collect()
    }

    fn edition(&self, metrics: &Metrics) -> Edition {
        Edition {
            snapshot: self.snapshot.clone(),
            doors: self.doors.clone(),
            metrics: metrics.worker(&self.snapshot.labels),
        }
    }

    fn openings(&mut self) -> impl Iterator<Item = Change> {
        self.sockets.iter_mut().filter_map(|socket| Some(Change::Open(socket.id, socket.to_open.take()?)))
    }

    fn has(&self, socket: &Socket) -> bool {
        self.sockets.iter().any(|other| other.id == socket.id)
    }
}

impl Crew {
    /// Starts `count` workers and the acceptor.
    ///
    /// # Errors
    /// [`StartError::Thread`]
    pub(super) fn start(
        carried: Carried,
        first: Prepared,
        count: usize,
        metrics: Arc<Metrics>,
        (sink, format): (&Sink, Format),
    ) -> Result<(Crew, Threads), StartError> {
        let open = Arc::<AtomicUsize>::default();
        let guests = Arc::<Guests>::default();
        let (mut workers, mut hands) = (Vec::new(), Vec::new());
        for number in 0..count.max(1) {
            let (orders, received) = unbounded_channel();
            let recruit = Recruit {
                edition: first.edition(&metrics),
                orders: received,
                log: sink.worker(format),
                gauges: metrics.gauges(),
                connections: open.clone(),
                guests: guests.clone(),
            };
            hands.push(Hand { orders: orders.clone(), open: Arc::default() });
            let (ready, begun) = std::sync::mpsc::sync_channel(1);
            workers.push((orders, thread(&format!("worker-{number}"), move || worker::run(recruit, &ready))?));
            // Before anything is accepted: afterwards clients might have taken every descriptor.
            begun.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into())).map_err(StartError::Thread)?;
        }
        let most = Arc::default();
        let (changes, received) = unbounded_channel();
        let acceptor = accept(Acceptor { hands, open, most: Arc::clone(&most) }, received)?;
        let senders = workers.iter().map(|(orders, _)| orders.clone()).collect();
        let mut crew = Crew { carried, current: first, workers: senders, changes, most, metrics, retired: Vec::new() };
        crew.carried.in_force.put(&crew.current.snapshot.signatures);
        crew.settle();
        Ok((crew, Threads { workers, acceptor }))
    }

    /// Makes `config` ready beside the one that is in force.
    ///
    /// # Errors
    /// [`StartError`]; nothing has changed then.
    pub(super) fn prepare(&self, config: Config) -> Result<Prepared, StartError> {
        Prepared::new(config, &self.carried, Some(&self.current))
    }

    /// Puts `next` in force. On return every request that comes is judged by it; `false` where a worker did not say so in
    /// time.
    pub(super) fn adopt(&mut self, next: Prepared) -> bool {
        let before = std::mem::replace(&mut self.current, next);
        let closed: Vec<_> = before.sockets.iter().filter(|socket| !self.current.has(socket)).collect();
        // Before the workers adopt: what was accepted until then is theirs under the old config.
        let mut all = told(closed.len(), |said| {
            closed.iter().for_each(|socket| _ = self.changes.send(Change::Close(socket.id, said.clone())));
        });
        // Before them too: a request of before is held against what is in force from here on.
        self.carried.in_force.put(&self.current.snapshot.signatures);
        all &= told(self.workers.len(), |said| {
            for worker in &self.workers {
                // One that is gone says nothing, and serves nobody.
                let _ = worker.send(Order::Adopt(self.current.edition(&self.metrics), said.clone()));
            }
        });
        self.settle();
        self.retired.push(before.snapshot);
        all
    }

    /// Lets go of old snapshots that no request is served by any more. Whether there are others.
    pub(super) fn clear(&mut self) -> bool {
        self.retired.retain(|snapshot| Arc::strong_count(snapshot) > 1);
        !self.retired.is_empty()
    }

    /// What a config changes besides the snapshot, once it is in force.
    fn settle(&mut self) {
        let limits = &self.current.snapshot.limits;
        self.carried.upstreams = self.current.snapshot.upstreams.clone();
        let publishers = self.current.snapshot.publishers.clone();
        self.carried.publishers = publishers.clone();
        let families = self.current.snapshot.families.clone();
        self.carried.family_tables = families.clone();
        self.metrics.show_issuers(move || IssuerCounts { families: families.counts(), ..publishers.counts() });
        let keys = self.current.snapshot.keys.clone();
        self.carried.keys = keys.clone();
        self.carried.users = self.current.snapshot.users.clone();
        self.carried.windows = self.current.snapshot.windows.clone();
        self.metrics.show_key_sources(move || keys.counts());
        self.carried.budgets.memory.resize(limits.body_memory_total);
        self.carried.budgets.spool.resize(limits.spool_total);
        self.most.store(limits.connections, Ordering::Relaxed);
        for change in self.current.openings() {
            // An acceptor that is gone accepts nothing; the gateway is ending then.
            let _ = self.changes.send(change);
        }
    }
}

/// Gives an order to `count` others and waits until all have said that it is done. Whether they did in time; one that is
/// gone has nothing left to do.
fn told(count: usize, order: impl FnOnce(&std_mpsc::Sender<()>)) -> bool {
    let (said, done) = std_mpsc::channel();
    order(&said);
    drop(said);
    let deadline = Instant::now() + PATIENCE;
    let in_time = |_| match done.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(()) | Err(std_mpsc::RecvTimeoutError::Disconnected) => true,
        Err(std_mpsc::RecvTimeoutError::Timeout) => false,
    };
    (0..count).all(in_time)
}

fn accept(acceptor: Acceptor, changes: UnboundedReceiver<Change>) -> Result<JoinHandle<()>, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
    thread("acceptor", move || LocalSet::new().block_on(&runtime, acceptor.run(changes)))
}

/// A thread of that name.
///
/// # Errors
/// [`StartError::Thread`]
pub(super) fn thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StartError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(StartError::Thread)
}
