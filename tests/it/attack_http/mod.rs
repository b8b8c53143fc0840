//! Raw requests that broke other gateways, sent to this one with `config/attack.yaml`; what counts is what the
//! upstream saw. The cases are in `tests/attack/http/`: NAME.req the bytes, NAME.expect what must hold and why.
//!
//! The gateway opens `/public/*`, guards `/secure/*` and knows nothing else; no valid credential is ever sent.

mod cases;
mod judge;
mod lane;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use self::{cases::Case, lane::Lane};

/// Most of a case's time is waiting for bytes that must not come, so several gateways are tried at once.
const LANES: usize = 8;

/// Cases that are allowed to fail, each with the reason. Aim: none.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// The verdicts of all cases that do not hold, in the order of their names.
fn failures(cases: &[Case]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let lane = Lane::start();
        let mut failures = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let wrong = lane.try_case(case);
            if !wrong.is_empty() && !EXCEPTIONS.iter().any(|(name, _)| *name == case.name) {
                failures.push(format!("{} ({}): {} [{}]", case.name, case.severity, wrong.join("; "), case.why));
            }
        }
        failures
    };
    let mut failures: Vec<String> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(work)).collect();
        lanes.into_iter().flat_map(|lane| lane.join().expect("no lane panics")).collect()
    });
    failures.sort();
    failures
}

#[test]
fn no_request_that_broke_another_gateway_passes() {
    let cases = cases::load();
    assert!(cases.len() >= 100, "only {} cases found", cases.len());
    let failures = failures(&cases);
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn each_exception_names_a_case() {
    let cases = cases::load();
    for (name, reason) in EXCEPTIONS {
        assert!(cases.iter().any(|case| case.name == *name), "{name} ({reason})");
    }
}
