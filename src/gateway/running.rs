//! A gateway that runs: its threads, its admin listener, and how it ends.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, atomic::AtomicUsize},
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

use super::{
    acceptor::{Acceptor, Hand},
    assemble::{AssembleError, Stores, StoresError, assemble},
    descriptors,
    snapshot::Snapshot,
    tls::Acceptors,
    worker::{self, Order, Recruit},
};
use crate::{
    admin::{self, AdminState, Readiness, Stage},
    clock::Clock,
    config::{Config, LogFormat, LogSink},
    observe::{Destination, Format, Metrics, ReplayFigures, Sink, SinkError, Sources, StoreFigures},
    store::{Claims, MemoryCounters},
};

/// Why a gateway does not start. Nothing stays bound then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The config cannot be used here.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// A store cannot be opened.
    #[error(transparent)]
    Stores(#[from] StoresError),
    /// An address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A certificate or key cannot be used.
    #[error("TLS: {0}")]
    Tls(#[source] io::Error),
    /// The access log cannot be opened.
    #[error(transparent)]
    Log(#[from] SinkError),
    /// A thread or the admin listener cannot be started.
    #[error("cannot start: {0}")]
    Thread(#[source] io::Error),
    /// The admin listener cannot be started.
    #[error(transparent)]
    Admin(#[from] admin::AdminError),
}

impl StartError {
    /// Whether another config would help, rather than another machine or moment.
    pub fn is_in_config(&self) -> bool {
        match self {
            StartError::Assemble(_) | StartError::Tls(_) => true,
            StartError::Stores(_)
            | StartError::Bind { .. }
            | StartError::Log(_)
            | StartError::Thread(_)
            | StartError::Admin(_) => false,
        }
    }
}

/// A running gateway. Dropped without [`stop`](Running::stop) it is left to the process's end.
pub struct Running {
    addresses: Vec<SocketAddr>,
    stop_accepting: Option<oneshot::Sender<()>>,
    acceptor: Option<JoinHandle<()>>,
    workers: Vec<(mpsc::UnboundedSender<Order>, JoinHandle<bool>)>,
    admin: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    readiness: Readiness,
    sink: Sink,
}

/// Does all that [`start`] does before it binds: certificates, roots, routes and token rules are read and built.
///
/// # Errors
/// [`StartError`]
pub fn rehearse(config: Config, clock: Clock) -> Result<(), StartError> {
    Acceptors::new(config.listen.iter().map(|listen| listen.tls.as_ref())).map_err(StartError::Tls)?;
    let stores = Stores::for_rehearsal(&config);
    assemble(config, clock, &stores)?;
    Ok(())
}

/// Binds everything, then starts `workers` threads.
///
/// # Errors
/// [`StartError`]; nothing stays bound then.
pub fn start(mut config: Config, workers: usize, clock: Clock) -> Result<Running, StartError> {
    config.limits.connections = descriptors::room(config.limits.connections);
    let started_unix_millis = clock.unix_millis();
    let acceptors = Acceptors::new(config.listen.iter().map(|listen| listen.tls.as_ref())).map_err(StartError::Tls)?;
    let addresses: Vec<SocketAddr> = config.listen.iter().map(|listen| listen.address).collect();
    let admin_address = config.admin;
    let log = config.log.clone();
    let stores = Stores::open(&config)?;
    let snapshot = Arc::new(assemble(config, clock, &stores)?);
    let listeners = addresses.iter().map(|address| bind(*address)).collect::<Result<Vec<_>, _>>()?;
    let admin_listener = admin_address.map(bind).transpose()?;
    let destination = destination(log.access);
    let sink = Sink::open(&destination)?;
    let metrics = metrics(&snapshot, &sink, started_unix_millis);
    let keys = snapshot.keys.clone();
    metrics.show_key_sources(move || keys.counts());
    let readiness = Readiness::new();
    let admin = match admin_listener {
        None => None,
        Some(listener) => {
            let state = AdminState { registry: Arc::new(metrics.registry()), readiness: readiness.clone() };
            let (stop, stopped) = oneshot::channel();
            Some((stop, admin::spawn(listener, state, async { stopped.await.unwrap_or_default() })?))
        }
    };
    let format = match log.format {
        None => Format::suited_to(&destination),
        Some(LogFormat::Json) => Format::Json,
        Some(LogFormat::Pretty) => Format::pretty_for(&destination),
    };
    let bound: Vec<SocketAddr> = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
    let crew = Crew { snapshot, acceptors: Arc::new(acceptors), open: Arc::default(), metrics, sink: &sink, format };
    let (workers, hands) = crew.start(workers)?;
    let (stop_accepting, stopped) = oneshot::channel();
    let acceptor = crew.accept(listeners, hands, stopped)?;
    readiness.set(Stage::Ready);
    Ok(Running {
        addresses: bound,
        stop_accepting: Some(stop_accepting),
        acceptor: Some(acceptor),
        workers,
        admin,
        readiness,
        sink,
    })
}

impl Running {
    /// Where it listens, in the config's order (with the ports that the system chose).
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Opens a log file again, after it was moved away.
    pub fn reopen_log(&self) {
        self.sink.reopen();
    }

    /// Takes no new connection, lets requests in flight finish within the config's limit, and ends. True where all of
    /// them did.
    pub fn stop(mut self) -> bool {
        self.readiness.set(Stage::Draining);
        drop(self.stop_accepting.take());
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        for (orders, _) in &self.workers {
            let _ = orders.send(Order::Drain);
        }
        let mut whole = true;
        for (_, thread) in self.workers.drain(..) {
            whole &= thread.join().unwrap_or(false);
        }
        whole &= self.sink.close(Duration::from_secs(2));
        if let Some((stop, thread)) = self.admin.take() {
            drop(stop);
            let _ = thread.join();
        }
        whole
    }
}

struct Crew<'s> {
    snapshot: Arc<Snapshot>,
    acceptors: Arc<Acceptors>,
    open: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
    sink: &'s Sink,
    format: Format,
}

type Workers = Vec<(mpsc::UnboundedSender<Order>, JoinHandle<bool>)>;

impl Crew<'_> {
    fn start(&self, count: usize) -> Result<(Workers, Vec<Hand>), StartError> {
        let (mut workers, mut hands) = (Vec::new(), Vec::new());
        for number in 0..count.max(1) {
            let (orders, received) = mpsc::unbounded_channel();
            let recruit = Recruit {
                snapshot: self.snapshot.clone(),
                acceptors: self.acceptors.clone(),
                orders: received,
                log: self.sink.worker(self.format),
                metrics: self.metrics.worker(&self.snapshot.labels),
                connections: self.open.clone(),
            };
            hands.push(Hand { orders: orders.clone(), open: Arc::default() });
            let runtime = worker::runtime().map_err(StartError::Thread)?;
            workers.push((orders, thread(&format!("worker-{number}"), move || worker::run(&runtime, recruit))?));
        }
        Ok((workers, hands))
    }

    fn accept(
        &self,
        listeners: Vec<TcpListener>,
        hands: Vec<Hand>,
        stopped: oneshot::Receiver<()>,
    ) -> Result<JoinHandle<()>, StartError> {
        let most = self.snapshot.limits.connections;
        let acceptor = Acceptor { listeners, hands, open: self.open.clone(), most };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        thread("acceptor", move || {
            let stop = async { stopped.await.unwrap_or_default() };
            tokio::task::LocalSet::new().block_on(&runtime, acceptor.run(stop));
        })
    }
}

fn thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StartError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(StartError::Thread)
}

fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = || {
        let domain = socket2::Domain::for_address(address);
        let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
        // A restart must not wait for the old connections' last minutes.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(4096)?;
        Ok(socket.into())
    };
    bound().map_err(|source| StartError::Bind { address, source })
}

fn destination(sink: LogSink) -> Destination {
    match sink {
        LogSink::Off => Destination::Off,
        LogSink::Stdout => Destination::Stdout,
        LogSink::Stderr => Destination::Stderr,
        LogSink::File(path) => Destination::File(path),
    }
}

fn metrics(snapshot: &Arc<Snapshot>, sink: &Sink, started_unix_millis: i64) -> Arc<Metrics> {
    let claims = snapshot.claims.clone();
    let (counters, guard) = (snapshot.counters.clone(), snapshot.guard.as_ref().map(|guard| guard.counters.clone()));
    let metrics = Metrics::new(Sources {
        started_unix_millis,
        dropped_lines: sink.dropped(),
        replay: Box::new(move || replay_figures(&claims)),
        rate_counters: Box::new(move || {
            let memory = counters.in_memory().map_or(0, MemoryCounters::len);
            u64::try_from(memory + guard.as_ref().map_or(0, |counters| counters.len())).unwrap_or(u64::MAX)
        }),
    });
    metrics.config_loaded(started_unix_millis);
    metrics
}

fn replay_figures(claims: &Claims) -> ReplayFigures {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    ReplayFigures {
        entries: claims.held().map(number),
        capacity: claims.capacity().map(number),
        failures: claims.failures(),
        unchecked: claims.unchecked(),
        store: claims.link().map(|link| StoreFigures {
            up: link.is_up(),
            connects: link.connects(),
            timeouts: link.timeouts(),
            errors: link.errors(),
            turned_away: link.turned_away(),
        }),
    }
}
