//! Keys that stand in a file, and keys that are computed.

use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Bench, CONFIG, NEW, OLD};
use crate::support::{countersign, loopback};

fn hex_hmac(key: &[u8], message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(message);
    hex::encode(mac.finalize().into_bytes())
}

#[test]
fn a_derived_key_verifies_for_the_id_that_it_was_derived_for_and_for_no_other() {
    let bench = Bench::start(
        "{ derive: { master: [{ value: the-new-secret-of-32-bytes-or-so }, { value: the-old-secret-of-32-bytes-or-so }], \
         method: hmac-sha256, output: hex } }",
    );
    let key = hex_hmac(NEW.as_bytes(), b"dev-1");
    assert_eq!(bench.status("dev-1", &key, "/open"), 200);
    assert_eq!(bench.status("dev-2", &key, "/open"), 403);
    assert_eq!(
        bench.status("dev-1", &hex_hmac(OLD.as_bytes(), b"dev-1"), "/open"),
        200,
        "the old master is live still"
    );
}

#[test]
fn a_file_of_keys_changes_under_way_and_a_broken_one_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.csv");
    fs::write(&path, format!("id,secret,tenant,routes\na,{NEW},acme,told\n")).expect("a file");
    let bench = Bench::start(&format!("{{ file: {} }}", path.display()));
    assert_eq!(bench.send("a", NEW, "/told").1["headers"]["x-tenant"], "acme");
    assert_eq!(bench.told("a", NEW, "/open"), (403, "not-allowed".to_owned()));
    assert_eq!(bench.status("b", OLD, "/open"), 403);
    fs::write(&path, format!("id,secret,tenant,routes\na,{NEW},acme,\nb,{OLD},,\n")).expect("a file");
    let start = Instant::now();
    while bench.status("b", OLD, "/open") != 200 {
        assert_eq!(bench.status("a", NEW, "/told"), 200, "who was known is known meanwhile");
        assert!(start.elapsed() < Duration::from_secs(2), "the change is not live");
    }
    fs::write(&path, format!("id,secret\nc,{OLD}\nb\n")).expect("a file");
    let said = bench.gateway.output_when(|said| said.contains("the changed keys are not used"));
    assert!(said.contains("line 3: the line has 1 fields where the header has 2") && !said.contains(OLD), "{said}");
    assert_eq!((bench.status("a", NEW, "/told"), bench.status("b", OLD, "/open")), (200, 200));
}

#[test]
fn a_route_that_keys_of_a_file_are_tied_to_and_that_there_is_not_is_said_whenever_it_is_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.csv");
    fs::write(&path, format!("id,secret,routes\na,{NEW},told toldd\nb,{NEW},*\n")).expect("a file");
    let bench = Bench::start(&format!("{{ file: {} }}", path.display()));
    let said = bench.gateway.output_when(|said| said.contains("a route that there is not"));
    assert!(said.contains("toldd") && !said.contains("the changed keys"), "{said}");
    fs::write(&path, format!("id,secret,routes\na,{NEW},opn\n")).expect("a file");
    bench.gateway.output_when(|said| said.contains("opn"));
    assert_eq!(bench.told("a", NEW, "/open"), (403, "not-allowed".to_owned()));
}

#[test]
fn what_a_file_of_keys_in_yaml_holds_and_whether_it_is_in_use_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.yaml");
    fs::write(&path, format!("- {{ id: a, secret: {NEW} }}\n")).expect("a file");
    let bench = Bench::start(&format!("{{ file: {} }}", path.display()));
    let told = |name: &str| {
        let line = bench.metric(&format!("countersign_key_file_{name}{{source=\"devices\"}}")).expect("a metric");
        line.rsplit(' ').next().and_then(|number| number.parse::<f64>().ok()).expect("a number")
    };
    assert_eq!((bench.status("a", NEW, "/open"), told("ids"), told("refused_total")), (200, 1.0, 0.0));
    let first = told("loaded_timestamp_seconds");
    fs::write(&path, format!("a: {{ secret: {NEW} }}\nb: {{ secret: {OLD} }}\n")).expect("a file");
    let start = Instant::now();
    while bench.status("b", OLD, "/open") != 200 {
        assert!(start.elapsed() < Duration::from_secs(5), "the change is not live");
    }
    assert!(told("ids") == 2.0 && told("loaded_timestamp_seconds") > first);
    fs::write(&path, "a: { secret: hunter2, secret: hunter3 }\n").expect("a file");
    let said = bench.gateway.output_when(|said| said.contains("the changed keys are not used"));
    assert!(said.contains("line 1, column 23, `secret`: it stands there twice") && !said.contains("hunter"), "{said}");
    assert_eq!((bench.status("b", OLD, "/open"), told("ids"), told("refused_total")), (200, 2.0, 1.0));
}

#[test]
fn a_broken_file_of_keys_is_a_broken_config() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("keys.csv"), "id,secret\na b,hunter2\n").expect("a file");
    let config = directory.path().join("gateway.yaml");
    let text = format!("listen: {}\nkeys: {{ devices: {{ file: keys.csv }} }}\n{CONFIG}", loopback());
    fs::write(&config, text).expect("a file");
    for command in ["check", "run"] {
        let output = countersign().args([command, "-c"]).arg(&config).stdin(Stdio::null()).output().expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("keys.csv: line 2, `id`: a key id is") && !said.contains("hunter2"), "{said}");
    }
}
