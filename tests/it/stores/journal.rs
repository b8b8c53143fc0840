//! The journal behind a real gateway: whatever ends it, what it accepted once is not accepted again.

use std::fs;

use super::gateways::{Once, refusal, request};
use crate::path::signing::{device_v2_at, nonce, now, with_length};

fn with_journal(directory: &std::path::Path) -> Once {
    Once::start(&format!("replay: {{ journal: \"{}\" }}", directory.display()))
}

#[test]
fn what_was_accepted_before_a_kill_is_refused_after_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = directory.path().join("claims");
    let (mut accepted, unsent): (Vec<Vec<u8>>, _) = (Vec::new(), request("/gone"));
    for _ in 0..3 {
        let once = with_journal(&journal);
        for earlier in &accepted {
            assert_eq!(refusal(&once.send(earlier)), (409, "replayed".to_owned()));
        }
        assert_eq!(once.send(&unsent).status, 502, "what was given back stays given back");
        accepted.push(request("/v2"));
        assert_eq!(once.send(accepted.last().expect("one")).status, 200);
        // The end of the value is a SIGKILL.
    }
}

#[test]
fn a_second_gateway_on_one_journal_does_not_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let _first = with_journal(directory.path());
    let config = directory.path().join("second.yaml");
    let text = "listen: 127.0.0.1:0\nupstreams: { app: { respond: { body: ok } } }\n\
                routes: [{ match: { path: /** }, public: true, to: app }]\nreplay: { journal: . }\n";
    fs::write(&config, text).expect("written");
    let ended = crate::support::countersign().args(["run", "-c"]).arg(&config).output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("in use by another process"), "{said}");
    let checked = crate::support::countersign().args(["check", "-c"]).arg(&config).output().expect("it ends");
    assert_eq!(checked.status.code(), Some(0), "a check needs no lock");
}

#[test]
fn without_a_journal_a_config_can_refuse_what_may_have_been_accepted_before_the_start() {
    let signed_now = request("/v2");
    assert_eq!(Once::start("replay: { after_start: accept }").send(&signed_now).status, 200);
    let once = Once::start("replay: { after_start: refuse }");
    assert_eq!(refusal(&once.send(&signed_now)), (403, "stale".to_owned()));
    // The preset lets clocks be ahead by 300 s: what says so much after the start cannot have been accepted before it.
    let later = with_length(&device_v2_at("/v2", b"body", now() + 299, &nonce()), b"body");
    assert_eq!(refusal(&once.send(&later)), (403, "stale".to_owned()));
    std::thread::sleep(std::time::Duration::from_secs(2));
    let later = with_length(&device_v2_at("/v2", b"body", now() + 299, &nonce()), b"body");
    assert_eq!(once.send(&later).status, 200);
    let said = once.gateway.output_when(|output| output.contains("before the gateway started"));
    assert!(said.contains("it may have been accepted before the gateway started"), "{said}");
}
