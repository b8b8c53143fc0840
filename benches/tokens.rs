//! What believing a token costs, by algorithm: `cargo bench --bench tokens`.
//!
//! `cold` is a token seen for the first time: read, its signature checked, its claims judged. `warm` is the same token again,
//! out of a worker's cache: a look-up by the whole token, and its times judged again, whatever the algorithm. The tokens are
//! those that PyJWT made for the tests; the encrypted ones, each with one of ES256 inside, are joserfc's.

#![allow(clippy::expect_used, clippy::panic, missing_docs, reason = "a benchmark that cannot be set up is of no use")]

use std::{hint::black_box, time::Duration};

use countersign::{
    authenticate::jwt::{ClaimRules, Decryption, Settings, TokenCache, Verifier},
    jose::{Algorithm, DecryptionKey, JwkSet, Key, KeyManagement, SetRules, ShortRsa},
    secret::Secret,
};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;

fn verifier(recorded: &Value, algorithm: &str, decryption: Option<Decryption>) -> Verifier {
    let rules = SetRules { algorithms: Algorithm::ALL.to_vec(), secrets: false, short_rsa: ShortRsa::Refuse };
    let keys = match recorded["secrets"][algorithm].as_str() {
        Some(secret) => {
            let secret = Secret::new(hex::decode(secret).expect("hex"));
            let algorithm = Algorithm::named(algorithm).expect("an algorithm");
            vec![Key::secret(Some(algorithm.name().to_owned()), algorithm, &secret).expect("a key")]
        }
        None => {
            let keys = recorded["keys"].as_array().expect("keys").iter().filter(|key| key["kid"] == algorithm);
            let set = json!({"keys": keys.collect::<Vec<_>>()}).to_string();
            JwkSet::parse(set.as_bytes(), &rules).expect("a set").keys
        }
    };
    Verifier::new(Settings {
        name: "bench".to_owned(),
        keys: keys.into(),
        decryption,
        issuer: Some("https://issuer.test".to_owned()),
        audience: vec!["api".to_owned()],
        leeway: Duration::from_secs(60),
        require_exp: true,
        claims: ClaimRules::default(),
    })
    .expect("good settings")
}

fn recorded() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/recorded/tokens.json");
    serde_json::from_slice(&std::fs::read(file).expect("the tokens")).expect("JSON")
}

fn opening(recorded: &Value, algorithm: &str) -> Decryption {
    let (kid, text) = (Some(algorithm.to_owned()), recorded["opening"][algorithm].as_str().expect("a key"));
    let known = KeyManagement::ALL.into_iter().find(|known| known.name() == algorithm).expect("an algorithm");
    let key = match known.is_symmetric() {
        true => DecryptionKey::secret(kid, known, &Secret::new(hex::decode(text).expect("hex"))),
        false => DecryptionKey::from_pem(kid, text.as_bytes()),
    };
    Decryption { keys: vec![key.expect("a key")], required: true }
}

fn encrypted(criterion: &mut Criterion) {
    let recorded = recorded();
    let made = recorded["encrypted"].as_array().expect("tokens").iter().filter(|token| token["library"] == "joserfc");
    for made in made {
        let algorithm = made["algorithm"].as_str().expect("an algorithm");
        let token = made["token"].as_str().expect("a token").as_bytes();
        let verifier = verifier(&recorded, "ES256", Some(opening(&recorded, algorithm)));
        criterion.bench_with_input(BenchmarkId::new("cold, encrypted", algorithm), &token, |bench, token| {
            bench.iter(|| verifier.verify(black_box(token), NOW).expect("genuine"));
        });
    }
}

fn tokens(criterion: &mut Criterion) {
    let recorded = recorded();
    let made = recorded["tokens"].as_array().expect("tokens").iter().filter(|token| token["library"] == "PyJWT");
    for made in made {
        let algorithm = made["algorithm"].as_str().expect("an algorithm");
        let token = made["token"].as_str().expect("a token").as_bytes();
        let verifier = verifier(&recorded, algorithm, None);
        criterion.bench_with_input(BenchmarkId::new("cold", algorithm), &token, |bench, token| {
            bench.iter(|| verifier.verify(black_box(token), NOW).expect("genuine"));
        });
        let mut cache = TokenCache::new(64, 1 << 20);
        criterion.bench_with_input(BenchmarkId::new("warm", algorithm), &token, |bench, token| {
            bench.iter(|| cache.verify(&verifier, black_box(token), NOW).expect("genuine"));
        });
    }
}

criterion_group!(benches, tokens, encrypted);
criterion_main!(benches);
