//! The commands as a person types them: what they print where, and how they end.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const PLAIN: &str =
    "POST /verify HTTP/1.1\nHost: api.test\n\n{\"mac_address\":\"12:34:56:78:9a:bc\",\"timestamp\":1714485600}";
const SIGNATURE: &str = "46cf5c7219b834724d7d32b69446e03ec7a067e0a44efd9b01dd7c876e6a00e2";

/// How a command ended, and what it said.
struct Ended {
    code: Option<i32>,
    data: String,
    words: String,
}

fn countersign(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("API_DB_KEY").stdin(Stdio::null());
    command
}

fn ended(mut command: Command, input: &str) -> Ended {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("piped");
    // A command that does not read its input may be gone already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ended { code: output.status.code(), data: text(output.stdout), words: text(output.stderr) }
}

fn run(arguments: &[&str], input: &str) -> Ended {
    ended(countersign(arguments), input)
}

/// A file in a directory that goes with it.
struct TemporaryFile {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl TemporaryFile {
    fn new(content: &str) -> TemporaryFile {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        std::fs::write(&path, content).expect("written");
        TemporaryFile { _directory: directory, path }
    }

    fn name(&self) -> &str {
        self.path.to_str().expect("UTF-8")
    }
}

#[test]
fn the_known_device_request_is_signed_and_verified() {
    let keys = TemporaryFile::new("secret-key\n");
    let signed = run(&["sign", "-", "--scheme", "device", "--keys", keys.name()], PLAIN);
    assert_eq!((signed.code, signed.words.as_str()), (Some(0), ""));
    assert!(signed.data.contains(&format!("\r\nX-HMAC-Signature: {SIGNATURE}\r\n\r\n{{")), "{}", signed.data);
    let verified = run(&["verify", "-", "--scheme", "device", "--keys", keys.name()], &signed.data);
    assert_eq!((verified.code, verified.words.as_str()), (Some(0), ""));
    assert!(
        verified.data.starts_with("accepted\n") && verified.data.contains("12:34:56:78:9a:bc"),
        "{}",
        verified.data
    );
}

#[test]
fn a_refused_request_ends_with_4_and_its_cause_on_standard_error() {
    let keys = TemporaryFile::new("another-key\n");
    let verify = |scheme: &str, input: &str| run(&["verify", "-", "--scheme", scheme, "--keys", keys.name()], input);
    let signed = PLAIN.replacen('\n', &format!("\nX-HMAC-Signature: {SIGNATURE}\n"), 1);
    for (scheme, input, cause) in [
        ("device", signed.as_str(), "invalid-signature"),
        ("device", PLAIN, "missing-signature"),
        ("device", "POST / HTTP/1.1\nHost: a\nHost: b\n\n", "bad-request"),
        ("raw-body", signed.as_str(), "invalid-signature"),
    ] {
        let refused = verify(scheme, input);
        assert_eq!((refused.code, refused.data.as_str()), (Some(4), ""), "{cause}");
        assert!(refused.words.starts_with(&format!("refused: {cause}: ")), "{}", refused.words);
        assert!(!refused.words.contains("another-key"), "{}", refused.words);
    }
}

#[test]
fn each_live_secret_of_an_id_verifies_and_the_first_signs() {
    let (old, both) = (TemporaryFile::new("dev-1,old\n"), TemporaryFile::new("dev-1,new\ndev-1,old\ndev-2,other\n"));
    let arguments = ["sign", "-", "--scheme", "device-v2", "--keys", old.name(), "--at", "1714485600"];
    let signed = run(&arguments, PLAIN).data;
    let verify = |keys: &TemporaryFile, at: &str, input: &str| {
        run(&["verify", "-", "--scheme", "device-v2", "--keys", keys.name(), "--at", at], input)
    };
    let accepted = verify(&both, "1714485700", &signed);
    assert_eq!(accepted.code, Some(0), "{}", accepted.words);
    assert!(accepted.data.contains("secret  2 of 2") && accepted.data.contains("1714485600 (2024-04-30T14:00:00Z)"));
    assert!(verify(&both, "1714485901", &signed).words.starts_with("refused: stale: "));
    let anew = run(&["sign", "-", "--scheme", "device-v2", "--keys", both.name(), "--id", "dev-1"], PLAIN);
    assert_eq!(verify(&old, "1714485600", &anew.data).code, Some(4));
    let whose = run(&["sign", "-", "--scheme", "device-v2", "--keys", both.name()], PLAIN);
    assert_eq!((whose.code, whose.data.as_str()), (Some(2), ""));
}

#[test]
fn a_wrong_signature_is_refused_with_what_was_signed_and_the_slip_that_was_made() {
    let (keys, hex_keys) = (TemporaryFile::new("secret-key\n"), TemporaryFile::new("7365637265742d6b6579\n"));
    let verify = |keys: &TemporaryFile, signature: &str| {
        let request = PLAIN.replace("Host: api.test", &format!("Host: api.test\nX-HMAC-Signature: {signature}"));
        let verified = run(&["verify", "-", "--scheme", "device", "--keys", keys.name()], &request);
        assert_eq!((verified.code, verified.data.as_str()), (Some(4), ""), "{}", verified.words);
        assert!(!verified.words.contains("secret-key"), "{}", verified.words);
        verified.words
    };
    let words = verify(&keys, &SIGNATURE.to_uppercase());
    assert!(words.starts_with("refused: invalid-signature: the signature cannot be decoded: 64 characters"), "{words}");
    assert!(words.contains("`\\n` stands for a newline:\n\n    12:34:56:78:9a:bc:1714485600\n\n"), "{words}");
    assert!(words.contains("  {json:/timestamp}      1714485600\n"), "{words}");
    assert!(words.contains(&format!("hmac-sha256 of it, by the key of 10 bytes: {SIGNATURE}\n")), "{words}");
    assert!(words.contains(&format!("what came in X-HMAC-Signature: {}\n", SIGNATURE.to_uppercase())), "{words}");
    assert!(words.contains("hint: it is the right signature, written otherwise"), "{words}");
    assert!(verify(&hex_keys, SIGNATURE).contains("hint: it would fit if the key is hex-decoded first"));
    assert!(verify(&keys, &"0".repeat(64)).contains("none of the usual slips"));
}

/// A file that an editor or a shell wrote has a newline at its end, and without a Content-Length that is of the body.
#[test]
fn a_newline_that_the_file_put_at_the_bodys_end_is_found() {
    let keys = TemporaryFile::new("dev-1,secret-key\n");
    let by = ["--scheme", "device-v2", "--keys", keys.name(), "--at", "1714485600"];
    let request = "POST /a HTTP/1.1\nHost: api.test\n\nhello world";
    let signed = run(&[["sign", "-"].as_slice(), &by].concat(), request).data;
    let without_length: Vec<&str> =
        signed.split_inclusive('\n').filter(|line| !line.starts_with("Content-Length")).collect();
    let verify = |input: &str| run(&[["verify", "-"].as_slice(), &by].concat(), input);
    let written = format!("{}\n", without_length.concat());
    let words = verify(&written).words;
    assert!(words.contains("hint: it would fit if the body has no newline at its end (a Content-Length"), "{words}");
    assert_eq!(verify(&written.replacen("Host:", "Content-Length: 11\nHost:", 1)).code, Some(0));
}

/// As the page has it, word for word.
#[test]
fn the_page_on_invalid_signatures_shows_what_is_said() {
    let page = std::fs::read_to_string("docs/invalid-signature.md").expect("the page");
    let between =
        |start: &str, end: &str| page.split_once(start).and_then(|(_, rest)| rest.split_once(end)).expect(start).0;
    let unindented = |text: &str| {
        text.lines().map(|line| format!("{}\n", line.strip_prefix("    ").unwrap_or(line))).collect::<String>()
    };
    let request = unindented(between("<<'EOF'\n", "    EOF"));
    let (keys, file) = (TemporaryFile::new("secret-key"), TemporaryFile::new(&request));
    let verified = run(&["verify", file.name(), "--scheme", "device", "--keys", keys.name()], "");
    assert_eq!(verified.code, Some(4), "{}", verified.words);
    let shown = unindented(between("that came:\n\n", "\nThe hint is there"));
    assert!(verified.words.trim_end().ends_with(shown.trim()), "{}\n{shown}", verified.words);
}

#[test]
fn an_id_that_the_keys_file_does_not_have_is_shown_beside_those_it_has() {
    let keys = TemporaryFile::new("DEV-1,secret\ndev-2,other\n");
    let signing = TemporaryFile::new("dev-1,secret\n");
    let signed = run(&["sign", "-", "--scheme", "device-v2", "--keys", signing.name()], PLAIN).data;
    let words = run(&["verify", "-", "--scheme", "device-v2", "--keys", keys.name()], &signed).words;
    assert!(words.contains("says to be from `dev-1`") && words.contains("the keys file has `DEV-1`; upper"), "{words}");
}

/// A comma alone does not tell an id from a secret: columns may be swapped, and a bare secret may have one.
#[test]
fn what_only_a_comma_makes_an_id_is_never_shown() {
    let signing = TemporaryFile::new("dev-1,hunter2-hunter2\n");
    let signed = run(&["sign", "-", "--scheme", "device-v2", "--keys", signing.name()], PLAIN).data;
    let verify = |keys: &str| {
        let keys = TemporaryFile::new(keys);
        run(&["verify", "-", "--scheme", "device-v2", "--keys", keys.name()], &signed)
    };
    for (keys, wanted) in [
        ("hunter2-hunter2,dev-1\n", "the keys file has 1 id, another one\n"),
        ("kJ8hunter2,vQ2!long\nhunter2,x\n", "the keys file has 2 ids, and none is that one\n"),
    ] {
        let refused = verify(keys);
        assert!(refused.words.contains(wanted) && !refused.words.contains("hunter2"), "{}", refused.words);
    }
    let named = verify("id,secret\ndev-2,hunter2-hunter2\n").words;
    assert!(named.contains("the keys file has dev-2\n"), "{named}");
}

#[test]
fn a_bare_secret_may_have_a_comma_in_it() {
    let body = "{\"mac_address\":\"12:34:56:78:9a:bc\",\"timestamp\":1714485600}";
    let signature = "0628d38cc1ead23ace7a6a5416b83f60b4722c422ba46fbb097b777eee69ee21";
    let request = format!("POST /verify HTTP/1.1\nHost: api.test\nX-HMAC-Signature: {signature}\n\n{body}");
    let keys = TemporaryFile::new("kJ8,vQ2!long\n");
    let verified = run(&["verify", "-", "--scheme", "device", "--keys", keys.name()], &request);
    assert_eq!(verified.code, Some(0), "{}", verified.words);
    assert!(!verified.words.contains("kJ8") && !verified.data.contains("kJ8"));
}

#[test]
fn a_scheme_of_a_config_needs_none_of_its_secrets() {
    let keys = TemporaryFile::new("secret-key\n");
    let by = ["--scheme", "body-text", "--keys", keys.name(), "-c", "config/device-api.yaml"];
    let signed = run(&[["sign", "-"].as_slice(), &by].concat(), PLAIN);
    assert_eq!(signed.code, Some(0), "{}", signed.words);
    assert_eq!(run(&[["verify", "-"].as_slice(), &by].concat(), &signed.data).code, Some(0));
}

#[test]
fn what_is_signed_for_a_public_origin_verifies_for_it_alone() {
    let keys = TemporaryFile::new("dev-1,secret\n");
    let by = ["-", "--scheme", "device-v2", "--keys", keys.name(), "--public-origin"];
    let signed = run(&[["sign"].as_slice(), &by, &["https://one.test"]].concat(), PLAIN).data;
    assert_eq!(run(&[["verify"].as_slice(), &by, &["https://one.test"]].concat(), &signed).code, Some(0));
    assert_eq!(run(&[["verify"].as_slice(), &by, &["https://two.test"]].concat(), &signed).code, Some(4));
}

#[test]
fn a_good_config_is_ok_and_says_what_it_leaves_unsigned() {
    let mut check = countersign(&["check", "-c", "config/device-api.yaml"]);
    check.env("API_DB_KEY", "hunter2-hunter2-hunter2");
    let checked = ended(check, "");
    assert_eq!((checked.code, checked.words.as_str()), (Some(0), ""));
    let row = |name: &str| checked.data.lines().rfind(|line| line.trim_start().starts_with(name));
    assert!(row("verify ").is_some_and(|row| row.ends_with("device     method, path, query, authority, body")));
    assert!(row("verify-v2 ").is_some_and(|row| row.ends_with("nothing")), "{}", checked.data);
    assert!(checked.data.trim_end().lines().next_back().is_some_and(|last| last.starts_with("ok: 2 routes, ")));
    assert!(!checked.data.contains("hunter2"));
}

#[test]
fn what_the_gateway_itself_signs_is_shown() {
    let config = TemporaryFile::new(
        "listen: 127.0.0.1:0
keys: { k: { static: { dev-1: { env: KEY } } }, own: { shared: { env: KEY } } }
schemes: { v2: { preset: device-v2, keys: k }, own: { preset: device-v2, keys: own }, zoom: { preset: zoom, keys: own } }
upstreams: { app: { servers: [\"http://127.0.0.1:1\"], sign: v2 }, echo: { echo: true, sign: { scheme: own, key_id: us } } }
routes:
  - { name: one, match: { path: /a }, require: { hmac: v2 }, must_cover: [path, body], to: app, sign_response: v2 }
  - { name: two, match: { path: /b }, public: true, to: app, sign: { scheme: own, key_id: us } }
  - { name: three, match: { path: /c }, require: { hmac: zoom }, to: echo, handshake: zoom }
",
    );
    let checked = |more: &[&str]| {
        let mut check = countersign(&[&["check", "-c", config.name()], more].concat());
        check.env("KEY", "hunter2-hunter2-hunter2");
        let checked = ended(check, "");
        assert_eq!((checked.code, checked.words.as_str()), (Some(0), ""), "{}", checked.data);
        assert!(!checked.data.contains("hunter2"));
        checked.data
    };
    let text = checked(&[]);
    let row = |name: &str| text.lines().rfind(|line| line.trim_start().starts_with(name)).unwrap_or_default();
    let words = |name: &str| row(name).split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect::<Vec<_>>();
    assert_eq!(words("one "), ["one", "line 6", "v2 as dev-1", "v2, with the caller's key", "-"], "{text}");
    assert_eq!(words("two "), ["two", "line 7", "own as us", "-", "-"]);
    assert_eq!(words("three "), ["three", "line 8", "own as us", "-", "zoom"]);
    assert!(text.contains("an `echo` shows a good signature to whoever asks"), "{text}");
    let document: serde_json::Value = serde_json::from_str(&checked(&["--json"])).expect("JSON");
    let one = &document["routes"][0];
    assert_eq!(one["must_cover"], serde_json::json!(["path", "body"]));
    assert_eq!(one["signs_requests"], serde_json::json!({ "by": "v2", "key_id": "dev-1", "callers_key": false }));
    assert_eq!(one["signs_answers"], serde_json::json!({ "by": "v2", "key_id": null, "callers_key": true }));
    assert_eq!(document["routes"][2]["handshake"], "zoom");
}

#[test]
fn a_bad_config_ends_with_3_and_every_problem_in_one_json_document() {
    let config = TemporaryFile::new(
        "listen: 127.0.0.1:0\nkeys: { k: { shared: { value: hunter2 } } }\nupstreams: { e: { echo: ture } }\n\
         routes: [{ match: { path: /a }, to: e }]\nroute: []\n",
    );
    let checked = run(&["check", "--json", "-c", config.name()], "");
    assert_eq!((checked.code, checked.words.as_str()), (Some(3), ""));
    let document: serde_json::Value = serde_json::from_str(&checked.data).expect("JSON");
    let problems = document["problems"].as_array().expect("a list");
    let errors: Vec<_> = problems.iter().filter(|problem| problem["severity"] == "error").collect();
    assert_eq!((document["ok"].as_bool(), errors.len()), (Some(false), 3), "{}", checked.data);
    assert!(errors.iter().any(|error| error["line"] == 5 && error["column"] == 1 && error["hint"].is_string()));
    assert!(!checked.data.contains("hunter2"));
    let missing = run(&["check", "-c", "no-such-file.yaml"], "");
    assert_eq!(missing.code, Some(3));
}

#[test]
fn a_log_that_cannot_be_opened_is_told_before_a_port_is_bound() {
    for (file, why) in [("/nonexistent/a.log", "No such file"), ("/tmp", "is a directory"), ("/dev/null/a", "ot a dir")]
    {
        let config = TemporaryFile::new(&format!(
            "listen: '127.0.0.1:0'\nupstreams: {{ e: {{ echo: true }} }}\n\
             routes: [{{ match: {{ path: / }}, public: true, to: e }}]\nlog: {{ access: {{ file: {file} }} }}\n"
        ));
        let checked = run(&["check", "-c", config.name()], "");
        assert_eq!(checked.code, Some(3), "{}", checked.data);
        let told = format!("error: cannot open the access log {file}: ");
        assert!(checked.data.contains(&told) && checked.data.contains(why), "{}", checked.data);
    }
}

#[test]
fn certificates_that_cannot_be_used_are_told_before_a_port_is_bound() {
    let config = TemporaryFile::new(
        "listen: { address: '127.0.0.1:0', tls: { certificate: file, key: file } }\nupstreams: { e: { echo: true } }\n\
         routes: [{ match: { path: / }, public: true, to: e }]\n",
    );
    let checked = run(&["check", "-c", config.name()], "");
    assert_eq!(checked.code, Some(3), "{}", checked.data);
    assert!(
        checked.data.contains(":1:55: error: the file of the certificate holds no certificate"),
        "{}",
        checked.data
    );
    assert!(checked.data.contains(":1:66: error: the file of the key holds no private key"), "{}", checked.data);
    assert_eq!(run(&["run", "-c", config.name()], "").code, Some(3));
}

#[test]
fn a_request_is_explained_by_the_route_it_takes_or_why_it_takes_none() {
    let explain = |method: &str, url: &str| {
        let explained = run(&["routes", "-c", "config/device-api.yaml", "--explain", method, url], "");
        assert_eq!((explained.code, explained.words.as_str()), (Some(0), ""), "{method} {url}");
        explained.data
    };
    assert!(explain("POST", "http://x/v2/verify?a=b").contains("route     verify-v2 (line "));
    assert!(explain("GET", "http://x/verify").contains("405 method-not-allowed"));
    assert!(explain("POST", "http://x/Verify").contains("404 not-found"));
    assert!(explain("POST", "http://x/verify%2f..%2fadmin").contains("400 ambiguous-path: "));
    assert!(explain("POST", "http://x/a b").contains("400 bad-request: "));
    assert_eq!(run(&["routes", "-c", "config/device-api.yaml", "--explain", "POST", "/verify"], "").code, Some(2));
    let table = run(&["routes", "-c", "config/bench.yaml"], "");
    assert!(table.data.contains("LISTENER") && !table.data.contains("HOST"), "{}", table.data);
}

#[test]
#[cfg(target_os = "linux")]
fn a_key_that_could_not_be_written_is_not_called_written() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let output = countersign(&["keys", "new"]).stdout(full).stderr(Stdio::piped()).output().expect("it ends");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("countersign: standard output: "), "{words}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_secret_that_was_lost_on_its_way_is_told_of_as_one_that_is_in_use_and_noted() {
    for open in [
        || Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it")),
        // Its reader went away.
        || Stdio::from(std::io::pipe().expect("a pipe").1),
    ] {
        let (keys, audit) = (TemporaryFile::new("id,secret\n"), TemporaryFile::new(""));
        let mut command = countersign(&["keys", "add", "--id", "a", "--file", keys.name(), "--audit", audit.name()]);
        let output = command.stdout(open()).stderr(Stdio::piped()).output().expect("it ends");
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("standard output: ") && words.contains("the keys are changed"), "{words}");
        let read = |file: &TemporaryFile| std::fs::read_to_string(&file.path).expect("the file");
        assert!(read(&audit).contains(r#""did":"add""#) && read(&keys).contains("\na,"));
    }
}

/// No file may grow, as on a disk that is full.
#[test]
#[cfg(target_os = "linux")]
fn a_secret_that_its_file_has_no_room_for_is_in_use_nowhere_and_leaves_nothing() {
    let keys = TemporaryFile::new("id,secret\n");
    let out = keys.path.with_file_name("a.key");
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_countersign")]);
    command.args(["keys", "add", "--id", "a", "--file", keys.name(), "--out"]).arg(&out);
    let added = ended(command, "");
    assert_eq!((added.code, added.data.as_str()), (Some(1), ""), "{}", added.words);
    assert!(added.words.contains("the file for the secret cannot be written: "), "{}", added.words);
    assert!(added.words.contains("the keys are as they were") && !out.exists(), "{}", added.words);
    assert_eq!(std::fs::read_to_string(&keys.path).expect("the file"), "id,secret\n");
}

#[test]
fn new_keys_are_as_long_as_asked_and_the_words_are_elsewhere() {
    let key = run(&["keys", "new"], "");
    assert_eq!((key.code, key.data.len()), (Some(0), 65));
    assert!(key.words.contains("256 bits") && !key.words.contains(key.data.trim_end()));
    assert_ne!(run(&["keys", "new"], "").data, key.data);
    assert_eq!(run(&["keys", "new", "--bits", "512", "--encoding", "base64"], "").data.len(), 89);
    assert_eq!(run(&["keys", "new", "--bits", "64"], "").code, Some(2));
}

#[test]
fn a_preset_is_shown_as_it_is_shipped() {
    let shown = run(&["scheme", "show", "device-v2"], "");
    assert_eq!(shown.code, Some(0));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/scheme/presets/device-v2.yaml");
    assert_eq!(shown.data, std::fs::read_to_string(shipped).expect("readable"));
    assert!(run(&["scheme", "list"], "").data.contains("raw-body "));
    assert_eq!(run(&["scheme", "show", "devise"], "").code, Some(2));
}

#[test]
fn a_reader_that_went_away_is_no_panic() {
    for arguments in [&["demo", "--once"][..], &["scheme", "show", "device"], &["--help"], &["check", "-c", "none"]] {
        let mut child =
            countersign(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        drop(child.stdout.take());
        let mut words = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut words).expect("UTF-8");
        let code = child.wait().expect("it ends").code();
        assert!(!words.contains("panicked") && code.is_some_and(|code| code < 4), "{arguments:?}: {code:?} {words}");
    }
}

#[test]
fn the_demo_gets_every_verdict_right_in_100_columns_of_plain_text() {
    let demo = run(&["demo", "--once"], "");
    assert_eq!((demo.code, demo.words.as_str()), (Some(0), ""), "{}", demo.data);
    assert!(
        demo.data.contains("All 18 answers as expected.") && !demo.data.contains('✗') && !demo.data.contains('\x1b')
    );
    for cause in ["invalid-signature", "missing-signature", "replayed", "stale", "token-expired", "missing-token"] {
        assert!(demo.data.lines().any(|line| line.contains('✓') && line.contains(cause)), "{cause}");
    }
    assert!(demo.data.lines().all(|line| line.chars().count() <= 100), "{}", demo.data);
}

/// A demo that stays up, ended with the test.
struct Staying(Child);

impl Drop for Staying {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the demo prints to be pasted, block by block.
fn pasteable(demo: &mut Child) -> Vec<String> {
    let lines = BufReader::new(demo.stdout.take().expect("piped")).lines().map(|line| line.expect("UTF-8"));
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        text.push('\n');
        if line.starts_with("curl") && line.contains("$TOKEN") {
            break;
        }
    }
    text.split("\n# ").skip(1).map(|block| format!("# {block}")).collect()
}

#[test]
fn the_lines_that_the_demo_offers_work_as_they_are() {
    let there = |tool: &str| Command::new(tool).arg("version").output().is_ok();
    if !there("curl") || !there("openssl") {
        eprintln!("skipped: curl and openssl are not both here");
        return;
    }
    let command = countersign(&["demo"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut demo = Staying(command.expect("it starts"));
    let blocks = pasteable(&mut demo.0);
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        let output = Command::new("sh").args(["-c", &block]).output().expect("sh");
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {block}{}", String::from_utf8_lossy(&output.stderr)));
        assert!(answer["headers"]["x-countersign-subject"].is_string(), "{block}{answer}");
    }
    let told = Command::new("kill").args(["-INT", &demo.0.id().to_string()]).status().expect("kill");
    assert!(told.success());
    assert_eq!(demo.0.wait().expect("it ends").code(), Some(0));
}
