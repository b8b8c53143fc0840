//! What the vendors' own packages signed (see `scripts/interop`), verified at the time when it was signed.

use std::path::PathBuf;

use serde::Deserialize;

use crate::support::countersign;

/// One request that was kept.
#[derive(Deserialize)]
struct Recorded {
    file: String,
    scheme: String,
    /// The package with its version.
    by: String,
    /// Seconds since 1970.
    at: i64,
    origin: String,
    /// Lines of a keys file.
    keys: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/interop/recorded")
}

fn recorded() -> Vec<Recorded> {
    let index = std::fs::read_to_string(folder().join("index.json")).expect("an index");
    serde_json::from_str(&index).expect("as scripts/interop writes it")
}

/// The exit code of `countersign verify`, and what it said.
fn verdict(request: &Recorded, keys: &str) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("keys");
    std::fs::write(&file, keys).expect("written");
    let mut command = countersign();
    command.arg("verify").arg(folder().join(&request.file)).arg("-c").arg(folder().join("gateway.yaml"));
    command.args(["--scheme", &request.scheme, "--public-origin", &request.origin, "--at", &request.at.to_string()]);
    let output = command.arg("--keys").arg(file).output().expect("the binary starts");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_clients_of_at_least_25_dialects_signed_verifies_and_only_with_their_secret() {
    let mut wrong = Vec::new();
    let requests = recorded();
    for request in &requests {
        let with_theirs = verdict(request, &request.keys);
        // The secret, and Discord's public key.
        let others = verdict(request, &request.keys.replace("89ab", "98ab").replace("207a06", "207b06"));
        if with_theirs.0 != Some(0) || others.0 == Some(0) {
            wrong.push(format!("{} by {}: {with_theirs:?}, with another secret {others:?}", request.file, request.by));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut schemes: Vec<&str> = requests.iter().map(|request| request.scheme.as_str()).collect();
    schemes.dedup();
    assert!(schemes.len() >= 25, "{} schemes", schemes.len());
}
