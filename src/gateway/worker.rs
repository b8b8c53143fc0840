//! One worker: a thread with a runtime of its own, its connections, its pools, its tokens, its log buffer.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    io,
    net::{IpAddr, TcpStream as StdStream},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc as std_mpsc,
    },
    task::Poll,
};

use tokio::{
    runtime::{Builder, LocalOptions, LocalRuntime},
    sync::mpsc,
};

use super::{
    connection::Connection,
    doors::DoorId,
    edition::Edition,
    guests::{Guest, Guests},
    reception::Reception,
    secured,
    tls::Trust,
};
use crate::{
    authenticate::jwt::TokenCache,
    buffers::{Buffers, Outputs},
    clock::Clock,
    deadline::{Deadlines, TICK},
    forward::{Forwarder, Lookups, Pools},
    observe::{AccessLine, Gauges, WorkerLog},
    policy::Whence,
};

/// What a worker is told.
pub(super) enum Order {
    /// Serve this connection.
    Serve(Accepted),
    /// Judge every request that comes from now on by this edition, and say when it is so.
    Adopt(Edition, std_mpsc::Sender<()>),
    /// Take no new request; end when those in flight have ended.
    Drain,
}

/// A connection as the acceptor hands it over.
pub(super) struct Accepted {
    pub(super) stream: StdStream,
    pub(super) peer: IpAddr,
    pub(super) door: DoorId,
    pub(super) place: Place,
}

/// A connection's place in the count of all and of its worker, given back on drop.
pub(super) struct Place(pub(super) Arc<AtomicUsize>, pub(super) Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a thread needs to become a worker.
pub(super) struct Recruit {
    pub(super) edition: Edition,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
    pub(super) log: WorkerLog,
    pub(super) gauges: Gauges,
    pub(super) connections: Arc<AtomicUsize>,
    pub(super) guests: Arc<Guests>,
}

/// A worker's own things. Shared by its connections and by nobody else.
pub(super) struct Worker {
    pub(super) forwarder: Forwarder,
    pub(super) tokens: RefCell<TokenCache>,
    pub(super) gauges: Rc<Gauges>,
    pub(super) clock: Clock,
    log: RefCell<WorkerLog>,
    edition: RefCell<Rc<Edition>>,
    /// The one before, and when it was replaced.
    before: RefCell<Option<(u64, Rc<Edition>)>>,
    connections: Arc<AtomicUsize>,
    guests: Arc<Guests>,
    open: Cell<usize>,
    identifiers: Identifiers,
    date: RefCell<(i64, String)>,
}

/// Verified tokens that a worker remembers.
const TOKENS: usize = 16 * 1024;
const TOKEN_BYTES: usize = 16 * 1024 * 1024;

/// Threads beside a worker's own, for temporary files and host names. More would not make a disk faster, and each costs
/// a megabyte and more once it has allocated.
const BLOCKING_THREADS: usize = 16;

/// Ticks within which every connection has looked at what had come for it.
const LOOKED_AT_WITHIN: u64 = 10;

/// Runs a worker to its end; `true` where every connection ended by itself. `ready` is told once it can begin, or why it
/// cannot.
pub(super) fn run(recruit: Recruit, ready: &std_mpsc::SyncSender<io::Result<()>>) -> bool {
    // Whoever waited has gone where nobody listens.
    match runtime() {
        Ok(runtime) => {
            let _ = ready.send(Ok(()));
            runtime.block_on(work(recruit))
        }
        Err(error) => {
            let _ = ready.send(Err(error));
            true
        }
    }
}

/// A runtime of this thread alone: its tasks are woken with less ado than those of a set of local ones.
fn runtime() -> io::Result<LocalRuntime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().max_blocking_threads(BLOCKING_THREADS).build_local(LocalOptions::default())
}

async fn work(recruit: Recruit) -> bool {
    let Recruit { edition, mut orders, log, gauges, connections, guests } = recruit;
    let deadlines = Deadlines::default();
    let worker = Rc::new(Worker {
        forwarder: forwarder(&deadlines),
        tokens: RefCell::new(TokenCache::new(TOKENS, TOKEN_BYTES)),
        gauges: Rc::new(gauges),
        clock: edition.snapshot.clock.clone(),
        log: RefCell::new(log),
        edition: RefCell::new(Rc::new(edition)),
        before: RefCell::default(),
        connections,
        guests,
        open: Cell::new(0),
        identifiers: Identifiers::new(),
        date: RefCell::default(),
    });
    tokio::task::spawn_local(deadlines.clone().run());
    tokio::task::spawn_local(housekeeping(worker.clone()));
    while let Some(order) = orders.recv().await {
        match order {
            // Counted from here on: an order to drain may be the next, and would find nobody.
            Order::Serve(accepted) => {
                let here = Here::new(&worker);
                drop(tokio::task::spawn_local(serve(worker.clone(), accepted, worker.edition(), here)));
            }
            Order::Adopt(edition, adopted) => worker.adopt(edition, &adopted),
            Order::Drain => break,
        }
    }
    deadlines.drain();
    let drain_limit = worker.edition().snapshot.timeouts.drain;
    let drained = tokio::time::timeout(drain_limit, worker.drained()).await.is_ok();
    if !drained {
        deadlines.give_up();
        // For what ends at this word: it still gets its line in the log.
        let _ = tokio::time::timeout(TICK, worker.drained()).await;
    }
    worker.log.borrow_mut().flush();
    drained
}

fn forwarder(deadlines: &Deadlines) -> Forwarder {
    let buffers = Buffers::default();
    let pools = Pools::new(buffers.clone(), deadlines.clone());
    Forwarder {
        deadlines: deadlines.clone(),
        pools,
        buffers,
        outputs: Outputs::default(),
        lookups: Lookups::default(),
        assertions: RefCell::default(),
    }
}

/// Serves a connection to its end. Before it begins a config may have come that has its listener no more: what was accepted
/// is still taken in as it was then.
async fn serve(worker: Rc<Worker>, accepted: Accepted, accepted_by: Rc<Edition>, _here: Here) {
    let Accepted { stream, peer, door, place: _place } = accepted;
    let Ok(mut stream) = tokio::net::TcpStream::from_std(stream) else { return };
    let edition = worker.edition_of(door, &accepted_by);
    let Some((peer, _guest)) = receive(&worker, &edition, &mut stream, peer, door).await else { return };
    let (doors, patience) = (edition.doors.clone(), edition.snapshot.timeouts.head);
    drop(edition);
    let deadlines = worker.forwarder.deadlines.clone();
    // On the heap, for it is over soon: the connection's own task would have room for it as long as it lives.
    let secured = match Box::pin(secured::secure(doors, door, stream, deadlines, patience)).await {
        Ok(secured) => secured,
        Err(why) => {
            if let Some(reason) = why.reason() {
                worker.gauges.handshake_failed(reason);
            }
            return tracing::debug!(%why, %peer, "no TLS handshake came about");
        }
    };
    if worker.forwarder.deadlines.is_draining() || !worker.is_open(door) {
        // It will not be waited for. What has come of its first request is seen once the system was asked.
        tokio::task::yield_now().await;
    }
    let open = worker.gauges.connection();
    let _attending = poll_fn(|context| Poll::Ready(worker.forwarder.deadlines.attend(context.waker()))).await;
    Connection::new(secured, worker.clone(), door, peer, accepted_by).serve(open).await;
}

/// Where a connection came from, and its place among those of its address; `None` where it is turned away.
async fn receive(
    worker: &Worker,
    edition: &Edition,
    stream: &mut tokio::net::TcpStream,
    peer: IpAddr,
    door: DoorId,
) -> Option<(Whence, Option<Guest>)> {
    let reception = Reception {
        edge: edition.edge(door)?,
        guests: &worker.guests,
        most: edition.snapshot.limits.connections_per_address,
        deadlines: &worker.forwarder.deadlines,
        patience: edition.snapshot.timeouts.head,
    };
    if !reception.asks() {
        return Some((Whence::At(peer), None));
    }
    match Box::pin(reception.take_in(stream, peer)).await {
        Ok(received) => Some(received),
        Err(why) => {
            if let Some(reason) = why.reason() {
                worker.gauges.turned_away(reason);
            }
            tracing::debug!(%why, %peer, "a connection is turned away");
            None
        }
    }
}

async fn housekeeping(worker: Rc<Worker>) {
    let (mut ticks, mut trusts) = (0_u32, worker.edition().doors.trusts());
    loop {
        tokio::time::sleep(2 * TICK).await;
        worker.log.borrow_mut().tick();
        worker.forget_before();
        let before = std::mem::replace(&mut trusts, worker.edition().doors.trusts());
        if trusts != before {
            // Of files that are read again nobody tells: idle connections that were believed by others are to see it.
            worker.forwarder.deadlines.stir();
        }
        worker.forwarder.deadlines.press(worker.is_pressed());
        ticks = ticks.wrapping_add(1);
        if ticks.is_multiple_of(10) {
            worker.forwarder.pools.reap();
        }
    }
}

impl Worker {
    /// Appends an access line to the worker's buffer.
    pub(super) fn log(&self, line: &AccessLine<'_>) {
        self.log.borrow_mut().log(line);
    }

    /// The config as it is now. Whoever serves a request keeps it; nobody keeps it while nothing happens, or an old one
    /// could not go.
    pub(super) fn edition(&self) -> Rc<Edition> {
        self.edition.borrow().clone()
    }

    /// The config as it is now; of a listener that it has no more, `before`.
    pub(super) fn edition_of(&self, door: DoorId, before: &Rc<Edition>) -> Rc<Edition> {
        if self.is_open(door) { self.edition() } else { before.clone() }
    }

    /// The config before this one, while a request may have come before it was replaced that nobody has looked at yet.
    pub(super) fn before(&self) -> Option<Rc<Edition>> {
        self.before.borrow().as_ref().map(|(_, edition)| edition.clone())
    }

    fn forget_before(&self) {
        let now = self.forwarder.deadlines.ticks();
        self.before.borrow_mut().take_if(|(since, _)| now.saturating_sub(*since) >= LOOKED_AT_WITHIN);
    }

    /// Whether a listener is still open.
    pub(super) fn is_open(&self, door: DoorId) -> bool {
        self.edition.borrow().doors.place(door).is_some()
    }

    /// Whether it is, and believes clients' certificates as it did then: other connections of it end with the request they have.
    pub(super) fn keeps(&self, door: DoorId, trust: Trust) -> bool {
        self.edition.borrow().doors.trust(door) == Some(trust)
    }

    /// Whether a listener that is open believes them in another way: then also what has no next request ends. One that is closed
    /// says nothing of who came by it.
    pub(super) fn believes_otherwise(&self, door: DoorId, trust: Trust) -> bool {
        self.edition.borrow().doors.trust(door).is_some_and(|now| now != trust)
    }

    fn adopt(&self, edition: Edition, adopted: &std_mpsc::Sender<()>) {
        let before = self.edition.replace(Rc::new(edition));
        self.before.replace(Some((self.forwarder.deadlines.ticks(), before)));
        // Idle connections of a listener that is closed now are to see it.
        self.forwarder.deadlines.stir();
        // Whoever ordered it may have waited long enough.
        let _ = adopted.send(());
    }

    /// Whether all but one in twenty of the connections that there may be are open: then those that idle must make room.
    fn is_pressed(&self) -> bool {
        let open = self.connections.load(Ordering::Relaxed);
        open.saturating_mul(20) > self.edition.borrow().snapshot.limits.connections.saturating_mul(19)
    }

    /// A new request id.
    pub(super) fn request_id(&self) -> RequestId {
        self.identifiers.next()
    }

    /// The time as the `Date` field has it (RFC 9110 section 5.6.7), made once a second.
    pub(super) fn date(&self) -> String {
        let now = self.clock.unix();
        let mut date = self.date.borrow_mut();
        if date.0 != now || date.1.is_empty() {
            *date = (now, http_date(now));
        }
        date.1.clone()
    }

    async fn drained(&self) {
        while self.open.get() > 0 {
            tokio::time::sleep(TICK / 4).await;
        }
    }
}

fn http_date(unix: i64) -> String {
    let timestamp = jiff::Timestamp::from_second(unix).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    timestamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A connection that its worker waits for when it drains.
struct Here(Rc<Worker>);

impl Here {
    fn new(worker: &Rc<Worker>) -> Here {
        worker.open.set(worker.open.get() + 1);
        Here(worker.clone())
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
    }
}

/// A request's name in logs, answers and upstreams: 32 hexadecimal digits.
#[derive(Clone, Copy)]
pub(super) struct RequestId([u8; 32]);

impl RequestId {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Request ids: unique over workers and restarts, and not to be guessed from one another at a glance. They are names,
/// not secrets.
struct Identifiers {
    /// The half that is the same for all of a worker's, as it is written.
    seed: [u8; 16],
    count: Cell<u64>,
}

impl Identifiers {
    fn new() -> Identifiers {
        let seed = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
        Identifiers { seed: digits(seed), count: Cell::new(getrandom::u64().unwrap_or_default()) }
    }

    fn next(&self) -> RequestId {
        // An odd factor makes each step a new value until all 2^64 are used.
        let count = self.count.get().wrapping_add(1);
        self.count.set(count);
        let mut id = [0; 32];
        let (seed, own) = id.split_at_mut(16);
        seed.copy_from_slice(&self.seed);
        own.copy_from_slice(&digits(count.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        RequestId(id)
    }
}

/// Sixteen hexadecimal digits, eight at a time: each request is given a name.
fn digits(number: u64) -> [u8; 16] {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let eight = |half: u64| {
        let spread = (half << 16 | half) & 0x0000_ffff_0000_ffff;
        let spread = (spread << 8 | spread) & 0x00ff_00ff_00ff_00ff;
        let spread = (spread << 4 | spread) & 0x0f0f_0f0f_0f0f_0f0f;
        let is_letter = (spread + 6 * ONES) >> 4 & ONES;
        spread + u64::from(b'0') * ONES + is_letter * u64::from(b'a' - b'0' - 10)
    };
    let mut digits = [0; 16];
    let (high, low) = digits.split_at_mut(8);
    high.copy_from_slice(&eight(number >> 32).to_be_bytes());
    low.copy_from_slice(&eight(number & 0xffff_ffff).to_be_bytes());
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_number() {
        for number in [0, 1, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, u64::MAX, 0x9f0a_a0f9_9a9a_f000] {
            assert_eq!(digits(number).as_slice(), format!("{number:016x}").as_bytes());
        }
    }
}
