//! What a replay claim costs, in memory, with a journal, and in Redis: `cargo bench --bench stores`.
//!
//! Redis is a redis-server on loopback that is started for it; without one that part is left out. There `together` is 64
//! claims under way at once, through the process's one link and through a link for each of them.

#![allow(clippy::expect_used, clippy::panic, missing_docs, reason = "a benchmark that cannot be set up is of no use")]

use std::{
    cell::Cell,
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use countersign::{
    clock::Clock,
    redis_link::{Address, Link, Place, Settings},
    store::{ClaimKey, Claimed, JournaledStore, MemoryStore, Store, redis::RedisClaims},
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};

const NOW: i64 = 1_700_000_000_000;
const WINDOW: i64 = 600_000;
const CAPACITY: usize = 50_000_000;
const PORT: u16 = 19_379;

fn key(number: u64) -> ClaimKey {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    ClaimKey(bytes)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn claim_fresh(store: &impl Store, number: &Cell<u64>) {
    let this = number.replace(number.get() + 1);
    // A window of a second a thousand claims, so that old ones are swept as they would be.
    let now = NOW + i64::try_from(this / 10).expect("small");
    assert_eq!(store.claim(&key(this), now + WINDOW, now).await, Ok(Claimed::Fresh));
}

async fn claim_shared(claims: &RedisClaims, number: &Cell<u64>) {
    let this = number.replace(number.get() + 1);
    let now = NOW + i64::try_from(this / 10).expect("small");
    assert!(claims.claim(&key(this), now + WINDOW, now).await.is_ok_and(|held| held.is_some()));
}

fn own(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("claim");
    group.throughput(Throughput::Elements(1));
    let (runtime, number) = (runtime(), Cell::new(0));
    let memory = MemoryStore::new(CAPACITY);
    group.bench_function("memory", |bencher| bencher.iter(|| runtime.block_on(claim_fresh(&memory, &number))));
    let directory = tempfile::tempdir().expect("a directory");
    let memory = MemoryStore::new(CAPACITY);
    let journaled = JournaledStore::open(memory, directory.path(), Clock::fixed(NOW / 1000)).expect("a journal");
    group.bench_function("journal", |bencher| bencher.iter(|| runtime.block_on(claim_fresh(&journaled, &number))));
    group.finish();
}

fn start(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = Clock::fixed(NOW / 1000);
    let open = || JournaledStore::open(MemoryStore::new(2_000_000), directory.path(), clock.clone());
    let (runtime, store) = (runtime(), open().expect("a journal"));
    for number in 0..1_000_000 {
        assert_eq!(runtime.block_on(store.claim(&key(number), NOW + WINDOW, NOW)), Ok(Claimed::Fresh));
    }
    drop(store);
    let mut group = criterion.benchmark_group("start");
    group.sample_size(10);
    group.bench_function("a million live claims", |bencher| {
        bencher.iter(|| assert_eq!(open().expect("a journal").memory().len(), 1_000_000));
    });
    group.finish();
}

struct Server(Child);

impl Server {
    fn start() -> Option<Server> {
        let mut command = Command::new("redis-server");
        command.args(["--port", &PORT.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        let server = Server(command.stdout(Stdio::null()).spawn().ok()?);
        while TcpStream::connect(("127.0.0.1", PORT)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn shared_claims() -> RedisClaims {
    let settings = Settings {
        place: Place::Server(Address { host: "127.0.0.1".to_owned(), port: PORT }),
        username: None,
        password: None,
        database: 0,
        tls: None,
        timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(5),
        must_keep: false,
    };
    let link = Link::open(settings).expect("a link");
    assert!(runtime().block_on(link.ready_within(Duration::from_secs(10))));
    RedisClaims::new(link, "bench:").expect("randomness")
}

fn redis(criterion: &mut Criterion) {
    let Some(_server) = Server::start() else { return };
    let (runtime, number) = (runtime(), Cell::new(0));
    let mut group = criterion.benchmark_group("redis");
    let claims = shared_claims();
    group.bench_function("alone", |bencher| bencher.iter(|| runtime.block_on(claim_shared(&claims, &number))));
    group.throughput(Throughput::Elements(64));
    let many: Vec<RedisClaims> = (0..4).map(|_| shared_claims()).collect();
    for (name, links) in [("together, one link", std::slice::from_ref(&claims)), ("together, four links", &many)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let all = (0..64).map(|index| claim_shared(&links[index % links.len()], &number));
                runtime.block_on(together(all))
            });
        });
    }
    group.finish();
}

/// Waits for all of `futures`, which are under way at once.
async fn together(futures: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut pending: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        pending.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if pending.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

criterion_group!(benches, own, start, redis);
criterion_main!(benches);
