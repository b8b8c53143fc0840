//! What is counted is what is shown, over workers and over reloads.

use std::{rc::Rc, thread};

use prometheus_client::encoding::text::encode;

use super::*;
use crate::{
    observe::sink::{Destination, Sink},
    refusal::Cause,
};

fn metrics() -> Arc<Metrics> {
    let dropped_lines = Sink::open(&Destination::Off).unwrap().dropped();
    let store = StoreFigures { up: true, connects: 2, timeouts: 3, errors: 4, turned_away: 5 };
    let replay = ReplayFigures {
        entries: Some(7),
        capacity: Some(100),
        set_back: Some(6),
        failures: 9,
        unchecked: 8,
        store: Some(store),
    };
    Metrics::new(Sources {
        started_unix_millis: 1_500,
        dropped_lines,
        replay: Box::new(move || replay),
        rate_counters: Box::new(|| 3),
        rate_failures: Box::new(|| 2),
    })
}

fn labels(routes: &[&str]) -> Arc<Labels> {
    let routes = routes.iter().map(|route| (*route).to_owned()).collect();
    let keys = KeyLabels { source: "devices".into(), secrets: vec!["1".into(), "2".into()] };
    Arc::new(Labels {
        routes,
        callers: vec!["device".into(), "api".into()],
        upstreams: vec!["legacy".into()],
        keys: vec![keys],
        limits: vec!["per-device".into()],
    })
}

fn shown(metrics: &Arc<Metrics>) -> String {
    let mut text = String::new();
    encode(&mut text, &metrics.registry()).unwrap();
    text
}

#[track_caller]
fn assert_shows(metrics: &Arc<Metrics>, line: &str) {
    let text = shown(metrics);
    assert!(text.lines().any(|shown| shown == line), "{line}\nis not in\n{text}");
}

#[test]
fn requests_are_counted_by_route_caller_outcome_and_cause() {
    let metrics = metrics();
    let worker = metrics.worker(&labels(&["verify", "rest"]));
    worker.request(Some(0), Caller::Named(0), Outcome::Allowed, 200);
    worker.request(Some(0), Caller::Named(0), Outcome::Allowed, 300);
    worker.request(Some(0), Caller::Named(1), Outcome::Refused(Cause::Stale), 90);
    worker.request(Some(1), Caller::Public, Outcome::Failed(Some(Cause::UpstreamTimeout)), 90);
    worker.request(Some(1), Caller::Public, Outcome::Failed(None), 90);
    worker.request(None, Caller::Unknown, Outcome::Refused(Cause::NotFound), 90);
    for line in [
        r#"countersign_requests_total{route="verify",by="device",outcome="allowed",cause=""} 2"#,
        r#"countersign_requests_total{route="verify",by="api",outcome="refused",cause="stale"} 1"#,
        r#"countersign_requests_total{route="rest",by="public",outcome="failed",cause="upstream-timeout"} 1"#,
        r#"countersign_requests_total{route="rest",by="public",outcome="failed",cause=""} 1"#,
        r#"countersign_requests_total{route="",by="",outcome="refused",cause="not-found"} 1"#,
    ] {
        assert_shows(&metrics, line);
    }
}

#[test]
fn every_cause_is_shown_under_its_own_name() {
    let metrics = metrics();
    let worker = metrics.worker(&labels(&["verify"]));
    for (times, cause) in (1..).zip(Cause::ALL) {
        (0..times).for_each(|_| worker.request(Some(0), Caller::Unknown, Outcome::Refused(cause), 1));
    }
    for (times, cause) in (1..).zip(Cause::ALL) {
        let name = cause.face().name;
        let series = r#"route="verify",by="",outcome="refused""#;
        assert_shows(&metrics, &format!("countersign_requests_total{{{series},cause=\"{name}\"}} {times}"));
    }
}

#[test]
fn durations_are_shown_as_cumulative_buckets_in_seconds() {
    let metrics = metrics();
    let worker = metrics.worker(&labels(&["verify"]));
    for micros in [50, 200, 20_000_000] {
        worker.request(Some(0), Caller::Public, Outcome::Allowed, micros);
    }
    for line in [
        r#"countersign_request_duration_seconds_bucket{le="0.0001",route="verify"} 1"#,
        r#"countersign_request_duration_seconds_bucket{le="0.00025",route="verify"} 2"#,
        r#"countersign_request_duration_seconds_bucket{le="10.0",route="verify"} 2"#,
        r#"countersign_request_duration_seconds_bucket{le="+Inf",route="verify"} 3"#,
        r#"countersign_request_duration_seconds_count{route="verify"} 3"#,
        r#"countersign_request_duration_seconds_sum{route="verify"} 20.00025"#,
    ] {
        assert_shows(&metrics, line);
    }
}

#[test]
fn the_last_use_of_each_secret_is_shown_over_all_workers() {
    let metrics = metrics();
    let labels = labels(&["verify"]);
    let (one, other) = (metrics.worker(&labels), metrics.worker(&labels));
    one.key_used(0, 1, 2_000_500);
    other.key_used(0, 1, 1_000_000);
    other.key_used(0, 2, 1_000_000);
    other.key_used(1, 0, 1_000_000);
    assert_shows(&metrics, r#"countersign_key_uses_total{keys="devices",secret="2"} 2"#);
    assert_shows(&metrics, r#"countersign_key_last_use_timestamp_seconds{keys="devices",secret="2"} 2000.5"#);
    assert!(!shown(&metrics).contains(r#"secret="1""#), "what was never used has no last use");
}

#[test]
fn an_upstream_is_shown_before_it_is_used() {
    let metrics = metrics();
    let worker = metrics.worker(&labels(&[]));
    assert_shows(&metrics, r#"countersign_upstream_requests_total{upstream="legacy",outcome="failed"} 0"#);
    worker.upstream_request(0, UpstreamOutcome::Answered, 1_000);
    worker.upstream_request(0, UpstreamOutcome::TimedOut, 1_000);
    worker.upstream_connect(0, true);
    worker.upstream_connect(0, false);
    worker.upstream_retry(0);
    for line in [
        r#"countersign_upstream_requests_total{upstream="legacy",outcome="answered"} 1"#,
        r#"countersign_upstream_requests_total{upstream="legacy",outcome="failed"} 0"#,
        r#"countersign_upstream_requests_total{upstream="legacy",outcome="timed-out"} 1"#,
        r#"countersign_upstream_connects_total{upstream="legacy",outcome="connected"} 1"#,
        r#"countersign_upstream_connects_total{upstream="legacy",outcome="failed"} 1"#,
        r#"countersign_upstream_retries_total{upstream="legacy"} 1"#,
        r#"countersign_upstream_duration_seconds_count{upstream="legacy"} 2"#,
    ] {
        assert_shows(&metrics, line);
    }
}

#[test]
fn workers_are_added_up() {
    let metrics = metrics();
    let labels = labels(&["verify"]);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let worker = metrics.worker(&labels);
            thread::spawn(move || {
                (0..1_000).for_each(|_| worker.request(Some(0), Caller::Public, Outcome::Allowed, 1));
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_shows(&metrics, r#"countersign_requests_total{route="verify",by="public",outcome="allowed",cause=""} 4000"#);
}

#[test]
fn counts_go_on_over_a_reload_that_moves_the_indices() {
    let metrics = metrics();
    let old = metrics.worker(&labels(&["verify", "gone"]));
    old.request(Some(0), Caller::Public, Outcome::Allowed, 1);
    old.request(Some(1), Caller::Public, Outcome::Allowed, 1);
    let connection = Rc::new(metrics.gauges()).connection();
    let new = metrics.worker(&labels(&["first", "verify"]));
    new.request(Some(1), Caller::Public, Outcome::Allowed, 1);
    assert_eq!(metrics.ledger.lock().unwrap().tables.len(), 2);
    assert_shows(&metrics, "countersign_connections 1");
    drop(old);
    for _ in 0..2 {
        for (route, count) in [("verify", 2), ("gone", 1)] {
            let series = format!("route=\"{route}\",by=\"public\",outcome=\"allowed\",cause=\"\"");
            assert_shows(&metrics, &format!("countersign_requests_total{{{series}}} {count}"));
        }
        assert_shows(&metrics, "countersign_connections 1");
    }
    drop(connection);
    assert_shows(&metrics, "countersign_connections 0");
    assert_eq!(metrics.ledger.lock().unwrap().tables.len(), 1);
}

#[test]
fn tables_of_old_configs_do_not_pile_up_where_nobody_reads_them() {
    let metrics = metrics();
    for _ in 0..50 {
        metrics.worker(&labels(&["verify"])).request(Some(0), Caller::Public, Outcome::Allowed, 1);
    }
    assert!(metrics.ledger.lock().unwrap().tables.len() <= 1);
    assert_shows(&metrics, r#"countersign_requests_total{route="verify",by="public",outcome="allowed",cause=""} 50"#);
}

#[test]
fn what_is_open_is_counted_until_it_is_dropped() {
    let metrics = metrics();
    let worker = Rc::new(metrics.gauges());
    let (first, second, request) = (worker.connection(), worker.connection(), worker.in_flight());
    assert_shows(&metrics, "countersign_connections 2");
    assert_shows(&metrics, "countersign_requests_in_flight 1");
    drop((first, request));
    assert_shows(&metrics, "countersign_connections 1");
    assert_shows(&metrics, "countersign_requests_in_flight 0");
    drop(second);
}

#[test]
fn an_index_that_no_label_has_is_counted_as_none() {
    let metrics = metrics();
    let worker = metrics.worker(&labels(&["verify"]));
    worker.request(Some(99), Caller::Named(99), Outcome::Allowed, 1);
    worker.upstream_request(99, UpstreamOutcome::Failed, 1);
    worker.upstream_connect(99, true);
    worker.upstream_retry(99);
    assert_shows(&metrics, r#"countersign_requests_total{route="",by="",outcome="allowed",cause=""} 1"#);
}

#[test]
fn the_state_of_the_process_is_shown() {
    let metrics = metrics();
    assert_eq!(metrics.config_loaded(1_250), 1);
    assert_eq!(metrics.config_loaded(2_250), 2);
    metrics.config_refused();
    for line in [
        "countersign_log_lines_dropped_total 0",
        "countersign_replay_entries 7",
        "countersign_replay_capacity 100",
        "countersign_replay_set_back_total 6",
        "countersign_replay_failures_total 9",
        "countersign_replay_unchecked_total 8",
        "countersign_store_up 1",
        "countersign_store_connects_total 2",
        "countersign_store_timeouts_total 3",
        "countersign_store_errors_total 4",
        "countersign_store_turned_away_total 5",
        "countersign_config_refused_total 1",
        "countersign_config_generation 2",
        "countersign_config_loaded_timestamp_seconds 2.25",
        "process_start_time_seconds 1.5",
        "# EOF",
    ] {
        assert_shows(&metrics, line);
    }
    let version = env!("CARGO_PKG_VERSION");
    assert_shows(&metrics, &format!("countersign_build_info{{version=\"{version}\"}} 1"));
}

#[test]
fn a_name_with_quotes_cannot_break_the_exposition() {
    let metrics = metrics();
    let worker = metrics.worker(&labels(&["a\"b\\c\nd"]));
    worker.request(Some(0), Caller::Public, Outcome::Allowed, 1);
    let series = r#"route="a\"b\\c\nd",by="public",outcome="allowed",cause="""#;
    assert_shows(&metrics, &format!("countersign_requests_total{{{series}}} 1"));
}

#[test]
fn a_file_of_keys_shows_its_ids_its_refusals_and_when_it_was_read() {
    let metrics = metrics();
    assert!(!shown(&metrics).contains("countersign_key_file"), "absent without such a file");
    let file = KeyFileCounts { source: "devices".into(), ids: 3, refused: 2, loaded_unix_millis: 1_500 };
    metrics.show_key_sources(move || KeyCounts { files: vec![file.clone()], ..KeyCounts::default() });
    assert_shows(&metrics, r#"countersign_key_file_ids{source="devices"} 3"#);
    assert_shows(&metrics, r#"countersign_key_file_refused_total{source="devices"} 2"#);
    assert_shows(&metrics, r#"countersign_key_file_loaded_timestamp_seconds{source="devices"} 1.5"#);
}
