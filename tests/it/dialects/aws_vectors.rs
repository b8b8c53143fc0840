//! The signing test suite of awslabs/aws-c-auth, where `COUNTERSIGN_VECTORS` says where it is: every signed request of it
//! verifies, in the header and in the query.

use std::{fs, path::Path};

use super::request::{Request, message, preset_with, verify};

const SUITE: &str = "aws-c-auth/tests/aws-signing-test-suite/v4";
/// 2015-08-30T12:36:00Z, as every context of the suite has it.
const THEN: i64 = 1_440_938_160_000;
/// The canonical request of a signer that leaves paths as they are.
const AS_SENT: &str = r#"    values: { request: "{method}\n{path|percent_encode_path}\n{parameters}\n{lines}\n\nSIGNED\n{body|sha256|hex}" }"#;

struct Case {
    name: String,
    directory: std::path::PathBuf,
}

impl Case {
    fn all() -> Vec<Case> {
        let Ok(vectors) = std::env::var("COUNTERSIGN_VECTORS") else { return Vec::new() };
        let entries = fs::read_dir(Path::new(&vectors).join(SUITE)).expect("the suite");
        let case = |entry: fs::DirEntry| Case {
            name: entry.file_name().into_string().expect("a name"),
            directory: entry.path(),
        };
        let mut cases: Vec<Case> = entries.map(|entry| case(entry.expect("an entry"))).collect();
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        cases
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.directory.join(file)).unwrap_or_else(|error| panic!("{}/{file}: {error}", self.name))
    }

    fn context(&self) -> serde_json::Value {
        serde_json::from_str(&self.text("context.json")).expect("JSON")
    }

    /// What is wrong with how a preset takes this case's request in its `form`, `header` or `query`.
    fn problem(&self, preset: &str, form: &str, signed: &str) -> Option<String> {
        let context = self.context();
        let own = if context["normalize"] == true { String::new() } else { AS_SENT.replace("SIGNED", signed) };
        let scheme = preset_with(preset, &own);
        let request = read(&self.text(&format!("{form}-signed-request.txt")));
        let secret = context["credentials"]["secret_access_key"].as_str().expect("a secret");
        let to_sign = self.text(&format!("{form}-string-to-sign.txt"));
        match verify(&scheme, &request, secret, THEN) {
            Err(failure) => Some(format!("{}: {failure}", self.name)),
            Ok(claimed) if claimed.key_id() != Some(b"AKIDEXAMPLE") => Some(format!("{}: the key id", self.name)),
            Ok(_) if message(&scheme, &request, THEN) != to_sign => Some(format!("{}: the message", self.name)),
            Ok(_) => {
                let changed = Request { method: "PATCH".to_owned(), ..request };
                let refused = verify(&scheme, &changed, secret, THEN).is_err();
                (!refused).then(|| format!("{}: another method is accepted", self.name))
            }
        }
    }
}

/// A request as the suite writes it: raw spaces and non-ASCII in targets, folded header lines.
fn read(text: &str) -> Request {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let first = lines.next().expect("a request line");
    let (method, rest) = first.split_once(' ').expect("a method");
    let target = rest.strip_suffix(" HTTP/1.1").expect("a version");
    let mut request = Request::new(method, "https://example.amazonaws.com/").body(body);
    request.target = target.to_owned();
    for line in lines {
        match line.split_once(':').filter(|_| !line.starts_with(' ')) {
            Some((name, value)) => request.headers.push((name.to_owned(), value.to_owned())),
            None => request.headers.last_mut().expect("a line to continue").1.push_str(line),
        }
    }
    request
}

#[test]
fn every_signed_request_of_the_suite_verifies_by_its_header() {
    let cases = Case::all();
    let problems: Vec<String> =
        cases.iter().filter_map(|case| case.problem("aws-sigv4", "header", "{auth:SignedHeaders}")).collect();
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), cases.len(), problems.join("\n"));
    assert!(cases.is_empty() || cases.len() == 38, "{} cases", cases.len());
}

#[test]
fn every_presigned_request_of_the_suite_verifies_but_the_one_that_was_changed_after_signing() {
    let mut cases = Case::all();
    // Its session token was added to the query afterwards, which is what a signature is to prevent.
    cases.retain(|case| case.name != "post-sts-header-after");
    let problems: Vec<String> =
        cases.iter().filter_map(|case| case.problem("aws-sigv4-presigned", "query", "{signed}")).collect();
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), cases.len(), problems.join("\n"));
    assert!(cases.is_empty() || cases.len() == 37, "{} cases", cases.len());
}
