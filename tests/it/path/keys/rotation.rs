//! Old and new secret on one id, and how an operator knows when the old one may go.

use super::{Bench, NEW, OLD};
use crate::path::signing::now;

#[test]
fn both_secrets_verify_and_log_and_metrics_say_which_did() {
    let bench = Bench::start(
        r#"{ static: { a: [{ value: the-new-secret-of-32-bytes-or-so, label: "2027" }, { value: the-old-secret-of-32-bytes-or-so }] } }"#,
    );
    assert_eq!(bench.metric(r#"countersign_key_uses_total{keys="devices",secret="2"}"#), None);
    assert_eq!((bench.status("a", NEW, "/open"), bench.status("a", OLD, "/open")), (200, 200));
    assert_eq!(bench.status("a", "neither-of-them-is-this-one-here", "/open"), 403);
    let has_both =
        |log: &str| log.contains(r#""key_id":"a","secret":"2027""#) && log.contains(r#""key_id":"a","secret":"2""#);
    let log = bench.gateway.output_when(|log| has_both(log) && log.contains("invalid-signature"));
    assert!(has_both(&log), "{log}");
    for secret in ["1", "2"] {
        let labels = format!(r#"{{keys="devices",secret="{secret}"}}"#);
        let line = bench.metric(&format!("countersign_key_uses_total{labels}"));
        assert_eq!(line, Some(format!("countersign_key_uses_total{labels} 1")));
        let last = bench.metric(&format!("countersign_key_last_use_timestamp_seconds{labels}")).expect("a last use");
        let seconds: f64 = last.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number");
        assert!((seconds - now() as f64).abs() < 60.0, "{last}");
    }
}

#[test]
fn an_id_with_one_secret_does_not_name_it() {
    let bench = Bench::start(r#"{ static: { a: { value: the-new-secret-of-32-bytes-or-so, label: "2027" } } }"#);
    assert_eq!(bench.status("a", NEW, "/open"), 200);
    let log = bench.gateway.output_when(|log| log.contains("allowed"));
    assert!(!log.contains("\"secret\":"), "{log}");
}

#[test]
fn a_secret_verifies_within_its_lifetime_alone() {
    let (past, future) = (now() - 60, now() + 60);
    let keys = |old: &str| {
        format!(
            "{{ static: {{ a: [{{ value: the-new-secret-of-32-bytes-or-so }}, {{ value: the-old-secret-of-32-bytes-or-so, {old} }}] }} }}"
        )
    };
    let live = Bench::start(&keys(&format!("not_before: {past}, not_after: {future}")));
    assert_eq!((live.status("a", NEW, "/open"), live.status("a", OLD, "/open")), (200, 200));
    for over in [format!("not_after: {past}"), format!("not_before: {future}")] {
        let bench = Bench::start(&keys(&over));
        assert_eq!((bench.status("a", NEW, "/open"), bench.status("a", OLD, "/open")), (200, 403), "{over}");
    }
}

#[test]
fn an_id_whose_secrets_are_all_over_is_refused_before_its_body_is_read() {
    let keys =
        format!("{{ static: {{ a: {{ value: the-old-secret-of-32-bytes-or-so, not_after: {} }} }} }}", now() - 1);
    let bench = Bench::start(&keys);
    assert_eq!(bench.told("a", OLD, "/open"), (403, "invalid-signature".to_owned()));
    let log = bench.gateway.output_when(|log| log.contains("invalid-signature"));
    assert!(log.contains("no secret of the key id is good at this time"), "{log}");
}
