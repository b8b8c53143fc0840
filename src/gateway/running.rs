//! A gateway that runs: its threads, its admin listener, and how it ends.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, thread::JoinHandle, time::Duration};

use tokio::sync::oneshot;

use super::{
    assemble::{AssembleError, Stores, StoresError, assemble},
    calls,
    carried::Carried,
    crew::{Crew, Prepared, Threads},
    doors::{DoorId, Doors},
    reload::{Reloader, Reloads, Settled, Trigger},
    sockets::{self, bind},
    source::Source,
    spool,
    worker::Order,
};
use crate::{
    admin::{self, AdminState, Door, Readiness, SocketFile, Stage, Token},
    clock::Clock,
    config::{AdminAddress, Config, LogFormat, LogSink},
    keys::Doubt,
    observe::{Destination, Format, Metrics, ReplayFigures, Sink, SinkError, Sources, StoreFigures},
    store::{
        Claims,
        revocations::{LogError, Revocations},
    },
    watch::Seen,
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
    #[error("cannot listen on {address}: {source}{}", sockets::cure(*.address, .source))]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The admin listener's Unix socket cannot be bound.
    #[error("cannot listen on unix:{}: {source}", .path.display())]
    BindFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A certificate or key cannot be used.
    #[error("TLS: {0}")]
    Tls(#[source] io::Error),
    /// The keys of issuers cannot be fetched by this machine.
    #[error("keys of issuers: {0}")]
    KeySets(#[source] io::Error),
    /// The revocations cannot be read: what is in them is not known.
    #[error("revocations: {0}")]
    Revocations(#[from] LogError),
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
    /// Whether the files of the config were read, and are of no use until they change; or may be read the next time.
    pub(super) fn seen(&self) -> Seen {
        match self {
            StartError::Assemble(AssembleError::KeyFile { source, .. }) => source.seen(),
            StartError::Tls(error) => Seen::failed(error.kind()),
            StartError::Assemble(_)
            | StartError::Stores(_)
            | StartError::Bind { .. }
            | StartError::BindFile { .. }
            | StartError::KeySets(_)
            | StartError::Revocations(_)
            | StartError::Log(_)
            | StartError::Thread(_)
            | StartError::Admin(_) => Seen::Read,
        }
    }

    /// Whether another config would help, rather than another machine or moment.
    pub fn is_in_config(&self) -> bool {
        match self {
            StartError::Assemble(_) | StartError::Tls(_) => true,
            StartError::Stores(_)
            | StartError::KeySets(_)
            | StartError::Revocations(_)
            | StartError::Bind { .. }
            | StartError::BindFile { .. }
            | StartError::Log(_)
            | StartError::Thread(_)
            | StartError::Admin(_) => false,
        }
    }
}

/// A running gateway. Dropped without [`stop`](Running::stop) it is left to the process's end.
pub struct Running {
    addresses: Vec<SocketAddr>,
    threads: Threads,
    reloads: Reloads,
    reloader: JoinHandle<()>,
    admin: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    readiness: Readiness,
    sink: Sink,
}

/// Does all that [`start`] does before it binds: certificates, roots, routes and token rules are read and built. What it gives is
/// odd about files of keys, each with its path.
///
/// # Errors
/// [`StartError`]
pub fn rehearse(config: Config, clock: Clock) -> Result<Vec<(PathBuf, Doubt)>, StartError> {
    let listeners = config.listen.iter().map(|listen| (DoorId::unused(), listen.tls.as_ref()));
    Doors::open(listeners, None).map_err(StartError::Tls)?;
    destination(config.log.access.clone()).rehearse()?;
    let carried = Carried::new(&config, clock, Stores::for_rehearsal(&config), Revocations::none());
    Ok(assemble(config, &carried)?.keys.doubts())
}

/// Binds everything, then starts `workers` threads. The config is read again from `source` when that changes.
///
/// # Errors
/// [`StartError`]; nothing stays bound then.
pub fn start(config: Config, source: Option<Source>, workers: usize, clock: Clock) -> Result<Running, StartError> {
    let started_unix_millis = clock.unix_millis();
    let (admin, log, settled) = (config.admin.clone(), config.log.clone(), Settled::of(&config));
    let stores = Stores::open(&config, &clock)?;
    let revocations = stores.revocations(&config, &clock)?;
    let carried = Carried::new(&config, clock.clone(), stores, revocations);
    spool::warn_of_none(&config, &carried.budgets);
    // Before the listeners: whoever finds one of them open finds this one too.
    let admin_door = admin.as_ref().map(|admin| door(&admin.address)).transpose()?;
    let first = Prepared::new(config, &carried, None)?;
    let addresses = first.addresses();
    let token = Token::default();
    let (secret, hosts) = admin.map_or((None, Vec::new()), |admin| (admin.token, admin.hosts));
    token.set(secret);
    let (reloads, wishes) = Reloads::new();
    let calls = calls::calls(&reloads, &carried.revocations, &clock);
    let destination = destination(log.access);
    let sink = Sink::open(&destination)?;
    let metrics = metrics(&carried, &sink, started_unix_millis);
    let readiness = Readiness::new();
    let admin = match admin_door {
        None => None,
        Some(door) => {
            let state = AdminState {
                registry: Arc::new(metrics.registry()),
                readiness: readiness.clone(),
                calls,
                token: token.clone(),
                hosts: hosts.into(),
            };
            let (stop, stopped) = oneshot::channel();
            Some((stop, admin::spawn(door, state, async { stopped.await.unwrap_or_default() })?))
        }
    };
    let format = match log.format {
        None => Format::suited_to(&destination),
        Some(LogFormat::Json) => Format::Json,
        Some(LogFormat::Pretty) => Format::pretty_for(&destination),
    };
    let (crew, threads) = Crew::start(carried, first, workers, metrics.clone(), (&sink, format))?;
    let reloader = Reloader { crew, source, settled, metrics, clock, token }.start(&reloads, wishes)?;
    readiness.set(Stage::Ready);
    Ok(Running { addresses, threads, reloads, reloader, admin, readiness, sink })
}

impl Running {
    /// Where it listened at the start, in the config's order (with the ports that the system chose).
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Opens a log file again, after it was moved away.
    pub fn reopen_log(&self) {
        self.sink.reopen();
    }

    /// Reads the config again, and takes it on if it is good. What comes of it is in the log.
    pub fn reload(&self, trigger: Trigger) {
        self.reloads.ask(trigger);
    }

    /// Takes no new connection, lets requests in flight finish within the config's limit, and ends. True where all of
    /// them did.
    pub fn stop(self) -> bool {
        self.readiness.set(Stage::Draining);
        // With it goes the last who could tell the acceptor anything, and so the acceptor.
        self.reloads.end();
        let _ = self.reloader.join();
        let _ = self.threads.acceptor.join();
        for (orders, _) in &self.threads.workers {
            let _ = orders.send(Order::Drain);
        }
        let mut whole = true;
        for (_, thread) in self.threads.workers {
            whole &= thread.join().unwrap_or(false);
        }
        whole &= self.sink.close(Duration::from_secs(2));
        if let Some((stop, thread)) = self.admin {
            drop(stop);
            let _ = thread.join();
        }
        whole
    }
}

fn door(address: &AdminAddress) -> Result<Door, StartError> {
    match address {
        AdminAddress::Tcp(address) => Ok(Door::Address(bind(*address)?)),
        AdminAddress::Unix(path) => {
            let failed = |source| StartError::BindFile { path: path.clone(), source };
            Ok(Door::File(SocketFile::bind(path).map_err(failed)?))
        }
    }
}

fn destination(sink: LogSink) -> Destination {
    match sink {
        LogSink::Off => Destination::Off,
        LogSink::Stdout => Destination::Stdout,
        LogSink::Stderr => Destination::Stderr,
        LogSink::File(path) => Destination::File(path),
    }
}

pub(super) fn metrics(carried: &Carried, sink: &Sink, started_unix_millis: i64) -> Arc<Metrics> {
    let claims = carried.stores.claims.clone();
    let (counters, strangers) = (carried.counters.clone(), carried.strangers.clone());
    let asked = carried.counters.clone();
    let metrics = Metrics::new(Sources {
        started_unix_millis,
        dropped_lines: sink.dropped(),
        replay: Box::new(move || replay_figures(&claims)),
        rate_counters: Box::new(move || u64::try_from(counters.held() + strangers.len()).unwrap_or(u64::MAX)),
        rate_failures: Box::new(move || asked.failures()),
    });
    metrics.config_loaded(started_unix_millis);
    metrics
}

fn replay_figures(claims: &Claims) -> ReplayFigures {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    ReplayFigures {
        entries: claims.held().map(number),
        capacity: claims.capacity().map(number),
        set_back: claims.set_back(),
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
