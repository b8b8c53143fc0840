//! What verifying a signature costs, by preset and by the size of the body: `cargo bench --bench schemes`.
//!
//! Each preset verifies the request that it signed itself, from its carrier to the comparison; keys are ready, as in the
//! gateway. `signed-bytes` is throughput of a signature over the whole body, beside the bare MAC of the same library.

#![allow(clippy::expect_used, clippy::panic, missing_docs, reason = "a benchmark that cannot be set up is of no use")]

use std::hint::black_box;

use countersign::{
    scheme::{PreparedKey, Scheme},
    secret::Secret,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

// The tests' requests: one for each preset.
#[allow(dead_code, unreachable_pub, reason = "the tests use more of it")]
#[path = "../tests/it/dialects/request.rs"]
mod request;
#[allow(dead_code, unreachable_pub, reason = "the tests use more of it")]
#[path = "../tests/it/dialects/samples.rs"]
mod samples;

use request::{NOW, Request, preset};
use samples::{NONCE, SECRET, plain, signing};

/// A request that its preset signed, and the key that verifies it.
struct Signed {
    scheme: Scheme,
    key: PreparedKey,
    request: Request,
}

impl Signed {
    fn by(name: &str, request: Request) -> Signed {
        let scheme = preset(name);
        let secret = Secret::new(SECRET.as_bytes().to_vec());
        // A key that signs verifies too, whatever the algorithm.
        let key = scheme.key_recipe().signing(&secret).expect("a key");
        let emitted = scheme.sign(&request.view(), &key, Some("dev-1"), NOW, NONCE).expect("a signature");
        let signed = Signed { request: request.signed(&emitted), scheme, key };
        assert!(signed.verifies(), "{name}");
        signed
    }

    fn verifies(&self) -> bool {
        let view = self.request.view();
        let claimed = self.scheme.read(&view, NOW);
        claimed.is_ok_and(|claimed| self.scheme.verify(&claimed, &view, &[&self.key]).is_ok())
    }
}

fn presets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("verify");
    group.throughput(Throughput::Elements(1));
    for name in signing() {
        let signed = Signed::by(name, plain(name));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(signed.verifies())));
    }
    group.finish();
}

/// A body's size, and what it is called.
const SIZES: [(&str, usize); 3] = [("1KiB", 1 << 10), ("64KiB", 64 << 10), ("10MiB", 10 << 20)];

fn bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("signed-bytes");
    for (size, bytes) in SIZES {
        let body = vec![b'x'; bytes];
        group.throughput(Throughput::Bytes(bytes as u64));
        for name in ["raw-body", "device-v2", "github", "aws-sigv4"] {
            let signed = Signed::by(name, Request { body: body.clone(), ..plain(name) });
            group.bench_function(BenchmarkId::new(name, size), |bencher| bencher.iter(|| black_box(signed.verifies())));
        }
        let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
        group.bench_function(BenchmarkId::new("bare-hmac-sha256", size), |bencher| {
            bencher.iter(|| black_box(key.clone().chain_update(black_box(&body)).finalize().into_bytes()))
        });
    }
    group.finish();
}

criterion_group!(schemes, presets, bodies);
criterion_main!(schemes);
