//! What a key costs that is remembered of a source elsewhere: `cargo bench --bench key_cache`.
//!
//! `hit` is the whole of what a request adds: the clock, a shard's lock, the table. Beside it moka, a cache for any use.

#![allow(clippy::expect_used, clippy::panic, missing_docs, reason = "a benchmark that cannot be set up is of no use")]

use std::{hint::black_box, sync::Arc, time::Duration};

use countersign::{
    clock::Clock,
    errands::Errands,
    keys::{
        Asked, KeyRecord, Lookout, Lookup, Remote,
        cache::{Cached, Settings},
    },
    secret::Secret,
};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// A source that knows every id.
struct Source;

impl Remote for Source {
    fn ask<'r>(&'r self, _id: &'r [u8]) -> Asked<'r> {
        Box::pin(async { Ok(Some(KeyRecord::of([Secret::new(vec![7; 32])]))) })
    }
}

fn cached(ids: &[String]) -> Cached {
    let settings = Settings {
        ttl: Duration::from_secs(3600),
        unknown_ttl: Duration::from_secs(10),
        stale: Duration::ZERO,
        capacity: 2 * ids.len() + 1_000,
        unknown_capacity: 1_000,
        timeout: Duration::from_secs(10),
        most_look_ups: 1_000,
    };
    let errands = Errands::start().expect("a thread");
    let cached = Cached::new("bench", Box::new(Source), &settings, errands, Clock::system());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for id in ids {
        if let Lookout::Later(answer) = cached.look_up(id.as_bytes()) {
            runtime.block_on(answer).expect("an answer");
        }
    }
    cached
}

fn hits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key-cache");
    for count in [1_usize, 100_000] {
        let ids: Vec<String> = (0..count).map(|number| format!("device-{number:08}")).collect();
        let mut next = (0..count).cycle().step_by(7919);
        let cached = cached(&ids);
        group.bench_function(BenchmarkId::new("hit", count), |bencher| {
            bencher.iter(|| {
                let id = &ids[next.next().unwrap_or_default()];
                match cached.look_up(black_box(id.as_bytes())) {
                    Lookout::Now(Ok(Some(record))) => black_box(record),
                    Lookout::Now(_) | Lookout::Later(_) => panic!("no hit"),
                }
            });
        });
        let moka: moka::sync::Cache<Box<[u8]>, Arc<KeyRecord>> =
            moka::sync::Cache::builder().max_capacity(1_000_000).time_to_live(Duration::from_secs(3600)).build();
        for id in &ids {
            moka.insert(id.as_bytes().into(), Arc::new(KeyRecord::of([Secret::new(vec![7; 32])])));
        }
        group.bench_function(BenchmarkId::new("moka", count), |bencher| {
            bencher.iter(|| {
                let id = &ids[next.next().unwrap_or_default()];
                black_box(moka.get(black_box(id.as_bytes())).expect("a hit"))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, hits);
criterion_main!(benches);
