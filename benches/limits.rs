//! What a limit of rate costs a request that is within it: `cargo bench --bench limits`.
//!
//! One counter asked again and again, many in turn, several at once, and a table that is full, so that each new name pushes
//! out another. Then what a list of ten thousand networks costs.

#![allow(clippy::expect_used, missing_docs, reason = "a benchmark that cannot be set up is of no use")]

use std::{hint::black_box, net::IpAddr, time::Duration};

use countersign::{
    policy::Networks,
    rate::Quota,
    store::{Draw, MemoryCounters},
};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const NOW: i64 = 1_790_000_000_000_000_000;

fn quota() -> Quota {
    Quota::new(1_000_000, Duration::from_secs(1), 1_000_000).expect("a quota")
}

fn draws(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("draw");
    let quota = quota();
    let counters = MemoryCounters::new(1_000_000);
    // Time goes on, or the quota would be spent.
    let mut now = NOW;
    group.bench_function("one", |bencher| {
        bencher.iter(|| {
            now += 10_000;
            counters.draw(black_box(&[Draw { limit: "a", whom: b"dev-1", quota }]), now)
        });
    });
    group.bench_function("three at once", |bencher| {
        bencher.iter(|| {
            now += 10_000;
            let draw = |limit| Draw { limit, whom: b"dev-1", quota };
            counters.draw(black_box(&[draw("a"), draw("b"), draw("c")]), now)
        });
    });
    let mut number = 0_u32;
    for names in [1_000_u32, 100_000, 1_000_000] {
        group.bench_function(BenchmarkId::new("names", names), |bencher| {
            bencher.iter(|| {
                (now, number) = (now + 10_000, (number + 7_919) % names);
                counters.draw(black_box(&[Draw { limit: "a", whom: &number.to_be_bytes(), quota }]), now)
            });
        });
    }
    let full = MemoryCounters::new(10_000);
    let slow = Quota::new(1, Duration::from_secs(3_600), 1_000).expect("a quota");
    group.bench_function("a new name where there is no room", |bencher| {
        bencher.iter(|| {
            number = number.wrapping_add(1);
            full.draw(black_box(&[Draw { limit: "a", whom: &number.to_be_bytes(), quota: slow }]), NOW)
        });
    });
    group.finish();
}

fn networks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("networks");
    for count in [1_u32, 100, 10_000] {
        let list = (0..count).map(|number| format!("10.{}.{}.0/25", number / 256, number % 256));
        let set = Networks::new(&list.map(|net| net.parse().expect("a network")).collect::<Vec<_>>());
        let mut bits = 0_u32;
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| {
                bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                set.contains(black_box(IpAddr::V4((0x0A00_0000 | bits >> 10).into())))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, draws, networks);
criterion_main!(benches);
