//! One worker's counters, by the small indices of its config.
//!
//! An index that the labels do not have is counted as if there were none: metrics never stop a request.

use std::{
    cell::Cell,
    marker::PhantomData,
    rc::Rc,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Labels,
    histogram::Histogram,
    keys::{self, KeyUses},
};
use crate::refusal::Cause;

/// Whom a decision was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Not known yet when the request was refused.
    Unknown,
    /// Anybody, on a public route.
    Public,
    /// A scheme or token rule, by its index in [`Labels::callers`].
    Named(usize),
}

/// What became of a request, as in the access line's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Admitted and answered.
    Allowed,
    /// Not admitted.
    Refused(Cause),
    /// Admitted, but no whole answer came about; `None` where the client was told nothing.
    Failed(Option<Cause>),
}

/// Why a connection was closed before anything was read of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// The PROXY header that must come first did not, or not from a trusted proxy.
    ProxyProtocol,
    /// Its address had as many connections as it may have.
    PerAddress,
}

/// Why a client's TLS handshake came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFailure {
    /// The client said so, such as of our certificate.
    RefusedByClient,
    /// It showed no certificate, or none that is believed.
    ClientCertificate,
    /// It speaks no version, cipher or protocol that we do.
    Incompatible,
    /// It spoke HTTP in the clear.
    InTheClear,
    /// It spoke something else than TLS, or TLS wrongly.
    Malformed,
    /// It went away.
    Gone,
    /// It took too long.
    TimedOut,
}

impl HandshakeFailure {
    /// Their names, in the order in which they are counted.
    pub(super) const NAMES: [&str; 7] =
        ["refused-by-client", "client-certificate", "incompatible", "in-the-clear", "malformed", "gone", "timed-out"];
}

/// What became of a request to an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamOutcome {
    /// The head of an answer came.
    Answered,
    /// No connection, a broken one, or nonsense.
    Failed,
    /// No answer in time.
    TimedOut,
}

/// A worker's counters. Not to be shared with another thread, whose counts would be lost; the compiler sees to it.
#[derive(Debug)]
pub struct WorkerMetrics {
    tables: Arc<Tables>,
    only_here: PhantomData<Cell<()>>,
}

impl WorkerMetrics {
    pub(super) fn new(tables: Arc<Tables>) -> WorkerMetrics {
        WorkerMetrics { tables, only_here: PhantomData }
    }

    /// Counts a finished request: its route (if one was found), whose rules decided, the outcome and its duration.
    pub fn request(&self, route: Option<usize>, caller: Caller, outcome: Outcome, duration_micros: u64) {
        let tables = &*self.tables;
        let route = route.unwrap_or(tables.labels.routes.len()).min(tables.labels.routes.len());
        if let Some(row) = tables.requests.get(route * tables.labels.caller_columns() + tables.labels.column(caller)) {
            row.get_or_init(Box::default).count(outcome);
        }
        if let Some(durations) = tables.durations.get(route) {
            durations.get_or_init(Box::default).observe(duration_micros);
        }
    }

    /// Counts a request to an upstream, and how long its answer's head took.
    pub fn upstream_request(&self, upstream: usize, outcome: UpstreamOutcome, duration_micros: u64) {
        if let Some(row) = self.tables.upstreams.get(upstream) {
            let [answered, failed, timed_out] = &row.requests;
            match outcome {
                UpstreamOutcome::Answered => answered,
                UpstreamOutcome::Failed => failed,
                UpstreamOutcome::TimedOut => timed_out,
            }
            .add(1);
            row.durations.observe(duration_micros);
        }
    }

    /// Counts an attempt to connect to an upstream.
    pub fn upstream_connect(&self, upstream: usize, succeeded: bool) {
        if let Some(row) = self.tables.upstreams.get(upstream) {
            let [connected, failed] = &row.connects;
            if succeeded { connected } else { failed }.add(1);
        }
    }

    /// Counts a request that was sent again because its kept connection had ended.
    pub fn upstream_retry(&self, upstream: usize) {
        if let Some(row) = self.tables.upstreams.get(upstream) {
            row.retries.add(1);
        }
    }

    /// Counts a request that was signed with the secret at `place` of an id of a key source.
    pub fn key_used(&self, source: usize, place: usize, unix_millis: i64) {
        if let Some(uses) = self.tables.keys.get(source).and_then(|secrets| secrets.get(place)) {
            uses.note(unix_millis);
        }
    }

    /// Counts a request that a limit of rate refused, by the limit's index in [`Labels::limits`].
    pub fn rate_limited(&self, limit: usize) {
        if let Some(counter) = self.tables.rate_limited.get(limit) {
            counter.add(1);
        }
    }
}

/// What one worker counts over all the configs it has had, such as what is open there. Not to be shared with another thread either.
#[derive(Debug)]
pub struct Gauges {
    levels: Arc<Levels>,
    only_here: PhantomData<Cell<()>>,
}

impl Gauges {
    pub(super) fn new(levels: Arc<Levels>) -> Gauges {
        Gauges { levels, only_here: PhantomData }
    }

    /// Counts an address that spent the last of its failures.
    pub fn lockout(&self) {
        self.levels.lockouts.add(1);
    }

    /// Counts a connection that was closed before anything was read of it.
    pub fn turned_away(&self, why: TurnedAway) {
        let [proxy_protocol, per_address] = &self.levels.turned_away;
        match why {
            TurnedAway::ProxyProtocol => proxy_protocol,
            TurnedAway::PerAddress => per_address,
        }
        .add(1);
    }

    /// Counts a client's TLS handshake that came to nothing.
    pub fn handshake_failed(&self, why: HandshakeFailure) {
        let [refused, certificate, incompatible, clear, malformed, gone, timed_out] = &self.levels.handshakes_failed;
        match why {
            HandshakeFailure::RefusedByClient => refused,
            HandshakeFailure::ClientCertificate => certificate,
            HandshakeFailure::Incompatible => incompatible,
            HandshakeFailure::InTheClear => clear,
            HandshakeFailure::Malformed => malformed,
            HandshakeFailure::Gone => gone,
            HandshakeFailure::TimedOut => timed_out,
        }
        .add(1);
    }

    /// A client's connection is open for as long as the result lives.
    pub fn connection(self: &Rc<Self>) -> Open {
        Open::new(self, |levels| &levels.connections)
    }

    /// A request is in flight for as long as the result lives.
    pub fn in_flight(self: &Rc<Self>) -> Open {
        Open::new(self, |levels| &levels.in_flight)
    }
}

/// Something that is open until this is dropped.
#[derive(Debug)]
#[must_use = "it counts for as long as it lives"]
pub struct Open {
    gauges: Rc<Gauges>,
    gauge: fn(&Levels) -> &Counter,
}

impl Open {
    fn new(gauges: &Rc<Gauges>, gauge: fn(&Levels) -> &Counter) -> Open {
        gauge(&gauges.levels).add(1);
        Open { gauges: Rc::clone(gauges), gauge }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Minus one.
        (self.gauge)(&self.gauges.levels).add(u64::MAX);
    }
}

/// A number that one thread writes and others read.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    /// Two plain moves instead of a locked addition: nobody else writes.
    pub(super) fn add(&self, more: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a worker writes and the collector reads.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) labels: Arc<Labels>,
    /// By route (one more for none) and caller. Most pairs never occur, so each row is made at its first use.
    pub(super) requests: Box<[OnceLock<Box<Row>>]>,
    /// By route, one more for none.
    pub(super) durations: Box<[OnceLock<Box<Histogram>>]>,
    pub(super) upstreams: Box<[UpstreamRow]>,
    /// By key source and the secret's place.
    pub(super) keys: Box<[Box<[KeyUses]>]>,
    pub(super) rate_limited: Box<[Counter]>,
}

/// What a worker counts whatever its config. Apart from the tables, or a connection that lives long would keep those of the
/// config that it began with.
#[derive(Debug, Default)]
pub(super) struct Levels {
    pub(super) lockouts: Counter,
    /// For want of a PROXY header, and for too many of one address.
    pub(super) turned_away: [Counter; 2],
    /// In the order of [`HandshakeFailure::NAMES`].
    pub(super) handshakes_failed: [Counter; 7],
    pub(super) connections: Counter,
    pub(super) in_flight: Counter,
}

impl Tables {
    pub(super) fn new(labels: Arc<Labels>) -> Tables {
        let routes = labels.routes.len() + 1;
        Tables {
            requests: (0..routes * labels.caller_columns()).map(|_| OnceLock::new()).collect(),
            durations: (0..routes).map(|_| OnceLock::new()).collect(),
            upstreams: labels.upstreams.iter().map(|_| UpstreamRow::default()).collect(),
            keys: keys::rows(&labels),
            rate_limited: labels.limits.iter().map(|_| Counter::default()).collect(),
            labels,
        }
    }
}

impl Labels {
    /// The unknown and the public caller come before the named ones.
    pub(super) fn caller_columns(&self) -> usize {
        self.callers.len() + 2
    }

    fn column(&self, caller: Caller) -> usize {
        match caller {
            Caller::Named(index) if index < self.callers.len() => index + 2,
            Caller::Unknown | Caller::Named(_) => 0,
            Caller::Public => 1,
        }
    }

    pub(super) fn caller_name(&self, column: usize) -> &str {
        match column {
            0 => "",
            1 => "public",
            named => self.callers.get(named - 2).map_or("", String::as_str),
        }
    }
}

const CAUSES: usize = Cause::ALL.len();

/// The outcomes of one route and caller.
#[derive(Debug, Default)]
pub(super) struct Row {
    allowed: Counter,
    refused: [Counter; CAUSES],
    failed: [Counter; CAUSES],
    failed_silently: Counter,
}

impl Row {
    fn count(&self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Allowed => Some(&self.allowed),
            Outcome::Refused(cause) => self.refused.get(cause as usize),
            Outcome::Failed(Some(cause)) => self.failed.get(cause as usize),
            Outcome::Failed(None) => Some(&self.failed_silently),
        };
        if let Some(counter) = counter {
            counter.add(1);
        }
    }

    /// Every outcome's name, its cause's name (or nothing) and its count.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let by_cause = |outcome: &'static str, counters: &[Counter; CAUSES]| {
            Cause::ALL.map(|cause| (outcome, cause.face().name, counters.get(cause as usize).map_or(0, Counter::read)))
        };
        [("allowed", "", self.allowed.read()), ("failed", "", self.failed_silently.read())]
            .into_iter()
            .chain(by_cause("refused", &self.refused))
            .chain(by_cause("failed", &self.failed))
    }
}

/// What was asked of one upstream.
#[derive(Debug, Default)]
pub(super) struct UpstreamRow {
    requests: [Counter; 3],
    connects: [Counter; 2],
    retries: Counter,
    pub(super) durations: Histogram,
}

impl UpstreamRow {
    pub(super) fn requests(&self) -> [(&'static str, u64); 3] {
        let [answered, failed, timed_out] = &self.requests;
        [("answered", answered.read()), ("failed", failed.read()), ("timed-out", timed_out.read())]
    }

    pub(super) fn retries(&self) -> u64 {
        self.retries.read()
    }

    pub(super) fn connects(&self) -> [(&'static str, u64); 2] {
        let [connected, failed] = &self.connects;
        [("connected", connected.read()), ("failed", failed.read())]
    }
}
