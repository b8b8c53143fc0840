//! The cases as files hold them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// One request and what must hold when it was sent.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) request: Vec<u8>,
    pub(super) expect: Expect,
    pub(super) severity: String,
    pub(super) why: String,
    pub(super) invariants: Invariants,
}

/// What must become of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Expect {
    /// Refused, or the connection closed; nothing whole goes upstream.
    #[serde(rename = "reject-4xx")]
    Reject,
    /// It reaches the upstream.
    #[serde(rename = "forward")]
    Forward,
    /// Both are right as long as the invariants hold.
    #[serde(rename = "either")]
    Either,
}

/// What must hold whatever became of it. Header names are in lower case, values too.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Invariants {
    /// At most so many requests, whole or not, at the upstream.
    pub(super) max_upstream_requests: Option<usize>,
    /// `false`: no request comes to its end at the upstream.
    pub(super) upstream_body_complete: Option<bool>,
    /// No target that a lenient server could resolve to below this path.
    pub(super) upstream_path_never: Option<String>,
    /// Nothing odd in the bytes that the upstream gets; `false` waives it.
    pub(super) canonical: Option<bool>,
    /// The length of the first request's body.
    pub(super) upstream_body_len: Option<usize>,
    /// `NAME` or `NAME:VALUE` that must not arrive.
    pub(super) upstream_header_absent: Vec<String>,
    /// Names that must arrive.
    pub(super) upstream_header_present: Vec<String>,
    /// A value that must be neither the only nor the right-most one.
    pub(super) upstream_header_not: BTreeMap<String, String>,
    /// The target must be one of these.
    pub(super) upstream_target_in: Vec<String>,
    /// Text that must not be in a target.
    pub(super) upstream_target_never: Option<String>,
    /// At most so many final answers to the client.
    pub(super) max_client_responses: Option<usize>,
    /// The client stops writing after the request.
    pub(super) half_close: bool,
}

#[derive(Deserialize)]
struct File {
    expect: Expect,
    severity: String,
    why: String,
    // Every case says who was broken by it; the test only insists that it does.
    #[serde(rename = "source")]
    _source: String,
    invariants: Invariants,
}

/// Every case, by name.
pub(super) fn load() -> Vec<Case> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attack/http");
    let paths = fs::read_dir(directory).expect("the cases").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "req")).collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Case {
    let text = fs::read_to_string(path.with_extension("expect")).expect("each request has its expectation");
    let File { expect, severity, why, invariants, .. } =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    Case { name, request: fs::read(path).expect("the request"), expect, severity, why, invariants }
}
