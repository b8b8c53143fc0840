//! Keys changed from the command line while a gateway runs on their file: nobody who signs well is refused meanwhile.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use super::Bench;
use crate::support::countersign;

fn keys(command: &str, file: &Path, more: &[&str]) -> Output {
    let mut process = countersign();
    process.args(["keys", command, "--file"]).arg(file).args(more).stdin(Stdio::null());
    process.output().expect("it runs")
}

/// What a command that must succeed wrote: its data, and its words.
#[track_caller]
fn done(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text").trim().to_owned();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn becomes(bench: &Bench, secret: &str, status: u16, meanwhile: &str) {
    let start = Instant::now();
    while bench.status("b", secret, "/open") != status {
        assert_eq!(bench.status("a", meanwhile, "/open"), 200, "others are refused meanwhile");
        assert!(start.elapsed() < Duration::from_secs(5), "never {status}");
    }
}

#[test]
fn a_rotation_from_the_command_line_refuses_no_good_request() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.csv");
    let other = "another-secret-of-32-bytes-or-so";
    fs::write(&path, format!("id,secret,label,disabled\na,{other},,\n")).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("its mode");
    let bench = Bench::start(&format!("{{ file: {} }}", path.display()));
    let (old, noted) = done(&keys("add", &path, &["--id", "b", "--label", "2026"]));
    assert!(noted.contains(r#""did":"add""#) && noted.contains(r#""id":"b""#) && !noted.contains(&old), "{noted}");
    becomes(&bench, &old, 200, other);
    let new = directory.path().join("b.key");
    let audit = directory.path().join("audit.log");
    let files = ["--out", new.to_str().expect("text"), "--audit", audit.to_str().expect("text")];
    let (said, _) = done(&keys("rotate", &path, &[&["--id", "b", "--label", "2027"][..], &files].concat()));
    let new = fs::read_to_string(&new).expect("the new secret").trim().to_owned();
    assert!(said.is_empty() && new != old && fs::read_to_string(&audit).expect("a line").contains("rotate"));
    becomes(&bench, &new, 200, other);
    assert_eq!(bench.status("b", &old, "/open"), 200, "both are live");
    let (listed, _) = done(&keys("list", &path, &["--id", "b"]));
    assert!(listed.contains("secret 2026") && listed.contains("secret 2027") && !listed.contains(&new), "{listed}");
    done(&keys("retire", &path, &["--id", "b", "--secret", "2026"]));
    becomes(&bench, &old, 403, other);
    assert_eq!(bench.status("b", &new, "/open"), 200);
    done(&keys("disable", &path, &["--id", "b"]));
    becomes(&bench, &new, 403, other);
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o640);
    let text = fs::read_to_string(&path).expect("the file");
    assert!(text.starts_with(&format!("id,secret,label,disabled\na,{other},,\n")), "the others are as they were");
}

#[test]
fn a_key_that_was_tied_to_routes_or_shut_out_is_so_still_when_its_first_secret_is_retired() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("customers.csv");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/customers.csv");
    fs::copy(example, &path).expect("the example");
    let (before, _) = done(&keys("list", &path, &["--id", "cust-2"]));
    assert!(before.contains("routes: customers") && before.contains("tenant: south"), "{before}");
    for id in ["cust-2", "cust-3"] {
        done(&keys("rotate", &path, &["--id", id, "--label", "2028"]));
        done(&keys("retire", &path, &["--id", id, "--secret", "1"]));
    }
    let (after, _) = done(&keys("list", &path, &["--id", "cust-2"]));
    assert!(
        after.contains("2028") && after.contains("routes: customers") && after.contains("tenant: south"),
        "{after}"
    );
    let (shut, _) = done(&keys("list", &path, &["--id", "cust-3"]));
    assert!(shut.contains("cust-3  disabled") && shut.contains("2028"), "{shut}");
}

#[test]
fn what_cannot_be_done_changes_nothing_and_says_why() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys.csv");
    let text = "id,secret\na,hunter2\n";
    fs::write(&path, text).expect("a file");
    let out = directory.path().join("a.key");
    for (command, more, said) in [
        ("add", vec!["--id", "a", "--out", out.to_str().expect("text")], "the id is there already"),
        ("rotate", vec!["--id", "b"], "there is no such id"),
        ("retire", vec!["--id", "a"], "this is the id's only secret"),
        ("retire", vec!["--id", "a", "--secret", "2026"], "the id has no secret at that place"),
        ("rotate", vec!["--id", "a", "--label", "1"], "a label of one digit"),
        ("disable", vec!["--id", "a"], "the file has no column `disabled`"),
    ] {
        let output = keys(command, &path, &more);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{command}: {words}");
        assert!(words.contains(said) && !words.contains("hunter2") && output.stdout.is_empty(), "{command}: {words}");
    }
    assert_eq!(fs::read_to_string(&path).expect("the file"), text);
    assert!(!out.exists(), "a secret that was not put in is not left behind");
}

#[test]
fn a_derived_key_is_printed_as_a_gateway_computes_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("gateway.yaml");
    let text = "listen: 127.0.0.1:0\nkeys: { fleet: { derive: { master: { env: MASTER }, method: hmac-sha256 } } }\n\
                upstreams: { e: { echo: true } }\nroutes: [{ match: { path: / }, public: true, to: e }]\n";
    fs::write(&config, text).expect("a file");
    let derive = |source: &str, id: &str| {
        let mut command = countersign();
        command.args(["keys", "derive", "--source", source, "--id", id, "-c"]).arg(&config);
        command.env("MASTER", "key").output().expect("it runs")
    };
    let (key, _) = done(&derive("fleet", "dev-1"));
    assert_eq!(key, super::signature("key", "dev-1"));
    assert_eq!(derive("fleets", "dev-1").status.code(), Some(2));
    assert_eq!(derive("fleet", "dev 1").status.code(), Some(2));
}
