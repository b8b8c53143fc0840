//! Reloads under load: nobody notices.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, sleep},
    time::Duration,
};

use super::{Stage, passes_to};
use crate::path::support::{PATIENCE, Talk, Upstream, descriptors, eventually, get, post, settle};

/// How often the config changes.
const RELOADS: usize = 15;

/// Requests, one after the other, until `stop`; each must be a 200. How many there were.
fn client(address: SocketAddr, keeps: bool, stop: Arc<AtomicBool>) -> JoinHandle<usize> {
    thread::spawn(move || {
        let (mut talk, mut count) = (Talk::open(address), 0);
        while !stop.load(Ordering::Relaxed) {
            let request = if count % 2 == 0 { post("/", "body").to_vec() } else { get("/").into_bytes() };
            let (head, _) = talk.exchange(request);
            assert_eq!(head.status(), 200);
            count += 1;
            if !keeps {
                talk = Talk::open(address);
            }
            // About 500 requests a second in all.
            sleep(Duration::from_millis(10));
        }
        count
    })
}

#[test]
fn no_request_fails_while_the_config_changes_again_and_again() {
    let upstream = Upstream::echo();
    let stage = Stage::start(&passes_to(upstream.address));
    settle(&stage.gateway, stage.address);
    let before = descriptors(&stage.gateway);
    let stop = Arc::<AtomicBool>::default();
    let clients: Vec<_> = (0..6).map(|number| client(stage.address, number % 3 != 0, stop.clone())).collect();
    for round in 0..RELOADS {
        stage.change(&format!("# {round}\n{}", passes_to(upstream.address)));
    }
    stop.store(true, Ordering::Relaxed);
    let counts: Vec<usize> = clients.into_iter().map(|client| client.join().expect("no failed request")).collect();
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
    assert_eq!(stage.metric("countersign_config_generation"), 1.0 + RELOADS as f64);
    assert_eq!(stage.metric("countersign_config_refused_total"), 0.0);
    let total = counts.iter().sum::<usize>() as f64;
    let series = r#"countersign_requests_total{route="/**",by="public",outcome="allowed",cause=""}"#;
    assert!(eventually(PATIENCE, || stage.metric(series) == total), "{total}");
    assert!(eventually(PATIENCE, || descriptors(&stage.gateway) <= before + 2), "no descriptor stays open");
}
