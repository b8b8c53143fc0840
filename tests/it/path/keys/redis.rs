//! Redis as key source: a hash an id.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{Bench, NEW, OLD};
use crate::{path::support::eventually, support::RedisServer};

fn bench(server: &RedisServer, cache: &str) -> Bench {
    let url = format!("redis://{}", server.address());
    Bench::start(&format!(
        "{{ redis: {{ url: '{url}', key: 'device:{{id}}', encoding: hex, timeout: 200ms, cache: {{ {cache} }} }} }}"
    ))
}

fn fill(server: &RedisServer) {
    let (new, old) = (hex::encode(NEW), hex::encode(OLD));
    let both = ["HSET", "device:dev-1", "secret", &new, "secret.2", &old, "label.2", "2026", "tenant", "acme"];
    let _: i64 = server.ask(&both);
    let _: i64 = server.ask(&["HSET", "device:dev-2", "secret", &new, "disabled", "1"]);
    let _: String = server.ask(&["SET", "device:dev-3", "no hash"]);
}

#[test]
fn a_hash_is_a_key_with_its_secrets_and_attributes() {
    let server = RedisServer::start();
    fill(&server);
    let bench = bench(&server, "");
    assert!(eventually(Duration::from_secs(5), || bench.status("dev-1", NEW, "/open") == 200));
    assert_eq!(bench.status("dev-1", OLD, "/open"), 200);
    assert_eq!(bench.send("dev-1", NEW, "/told").1["headers"]["x-tenant"], "acme");
    assert_eq!(bench.status("dev-2", NEW, "/open"), 403, "disabled");
    assert_eq!(bench.status("dev-3", NEW, "/open"), 503, "something else of that name");
    for id in ["dev-9", "DEV-1", "*", "dev-1\\r\\nFLUSHALL", "{dev-1}"] {
        assert_eq!(bench.status(id, NEW, "/open"), 403, "{id}");
    }
}

#[test]
fn while_redis_is_stopped_or_gone_known_ids_are_served() {
    let mut server = RedisServer::start();
    fill(&server);
    let bench = bench(&server, "ttl: 200ms, unknown_ttl: 100ms");
    assert!(eventually(Duration::from_secs(5), || bench.status("dev-1", NEW, "/open") == 200));
    server.freeze();
    thread::sleep(Duration::from_millis(300));
    is_served_meanwhile(&bench);
    server.thaw();
    assert!(eventually(Duration::from_secs(5), || bench.status("dev-9", NEW, "/open") == 403));
    assert_eq!(bench.status("dev-1", NEW, "/open"), 200);
    server.kill();
    thread::sleep(Duration::from_millis(300));
    is_served_meanwhile(&bench);
    server.run();
    fill(&server);
    assert!(eventually(Duration::from_secs(5), || bench.status("dev-9", NEW, "/open") == 403));
}

fn is_served_meanwhile(bench: &Bench) {
    for round in 0..10 {
        let started = Instant::now();
        assert_eq!(bench.status("dev-1", NEW, "/open"), 200, "round {round}");
        assert_eq!(bench.told(&format!("new-{round}"), NEW, "/open"), (503, "store-unavailable".to_owned()));
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    }
}
