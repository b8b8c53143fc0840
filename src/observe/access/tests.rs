//! The line as it is written, in both formats.

use serde_json::{Value, json};

use super::*;

fn line<'a>() -> AccessLine<'a> {
    AccessLine {
        unix_millis: 1_795_295_307_045,
        request_id: b"0190f6c2",
        client: "192.0.2.7",
        listener: "public",
        method: "POST",
        path: "/verify",
        route: Some("verify"),
        status: 200,
        verdict: Verdict::Allowed,
        by: Some("device"),
        key_id: Some("dev-1"),
        secret: None,
        subject: None,
        unchecked: false,
        duration_micros: 1234,
        upstream_micros: Some(900),
        bytes_in: 64,
        bytes_out: 21,
    }
}

fn written(format: Format, line: &AccessLine<'_>) -> String {
    let mut out = Vec::new();
    AccessWriter::new(format).write(line, &mut out);
    String::from_utf8(out).unwrap()
}

fn parsed(line: &AccessLine<'_>) -> Value {
    let text = written(Format::Json, line);
    assert_eq!(text.matches('\n').count(), 1);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn an_allowed_request_is_one_json_object() {
    let expected = json!({
        "time": "2026-11-21T21:08:27.045Z", "request_id": "0190f6c2", "client": "192.0.2.7", "listener": "public",
        "method": "POST", "path": "/verify", "route": "verify", "status": 200, "outcome": "allowed", "by": "device",
        "key_id": "dev-1", "duration_micros": 1234, "upstream_micros": 900, "bytes_in": 64, "bytes_out": 21,
    });
    assert_eq!(parsed(&line()), expected);
}

#[test]
fn a_request_that_no_store_could_check_says_so() {
    let unchecked = AccessLine { unchecked: true, ..line() };
    assert_eq!(parsed(&unchecked)["replay"], "unchecked");
    assert!(written(Format::Pretty { colour: false }, &unchecked).contains(" replay=unchecked "));
}

#[test]
fn a_refusal_says_its_cause_and_the_private_detail() {
    let verdict = Verdict::Refused { cause: Cause::InvalidSignature, why: Some(&"key id \"x\"\nis unknown") };
    let refused = parsed(&AccessLine { verdict, status: 403, key_id: None, ..line() });
    assert_eq!(refused["outcome"], "refused");
    assert_eq!(refused["cause"], "invalid-signature");
    assert_eq!(refused["why"], "key id \"x\"\nis unknown");
    assert_eq!(refused.get("key_id"), None);
}

#[test]
fn a_secret_is_named_where_there_are_several() {
    let line = AccessLine { secret: Some("2"), ..line() };
    assert_eq!(parsed(&line)["secret"], "2");
    assert!(written(Format::Pretty { colour: false }, &line).contains("key=dev-1 secret=2 "));
}

#[test]
fn a_failure_may_have_no_cause_to_tell() {
    let failed = parsed(&AccessLine { verdict: Verdict::Failed { cause: None, why: None }, ..line() });
    assert_eq!(failed["outcome"], "failed");
    assert_eq!(failed.get("cause"), None);
}

#[test]
fn a_query_string_is_never_written() {
    let with_query = AccessLine { path: "/login?token=s3cret?x", ..line() };
    assert_eq!(parsed(&with_query)["path"], "/login");
    assert!(!written(Format::Pretty { colour: false }, &with_query).contains("s3cret"));
}

#[test]
fn values_of_strangers_cannot_break_out_of_their_field() {
    let hostile = "\",\"status\":1}\n{\u{1b}[2J\u{0}";
    let object = parsed(&AccessLine { method: hostile, subject: Some(hostile), key_id: Some(hostile), ..line() });
    assert_eq!((&object["status"], &object["method"]), (&json!(200), &json!(hostile)));
    let pretty = written(Format::Pretty { colour: false }, &AccessLine { subject: Some(hostile), ..line() });
    assert_eq!(pretty.chars().filter(|c| c.is_control()).count(), 1);
}

#[test]
fn a_person_reads_aligned_columns() {
    let refused = Verdict::Refused { cause: Cause::Stale, why: Some(&"400 s old") };
    assert_eq!(
        written(Format::Pretty { colour: false }, &AccessLine { verdict: refused, status: 403, ..line() }),
        "21:08:27.045  403  POST    /verify                          1.234ms   refused stale: 400 s old  by=device key=dev-1 \
         route=verify client=192.0.2.7 id=0190f6c2\n"
    );
}

#[test]
fn only_the_status_is_coloured_and_only_on_request() {
    let coloured = written(Format::Pretty { colour: true }, &line());
    assert!(coloured.contains("\u{1b}[32m200\u{1b}[0m"));
    assert!(!written(Format::Pretty { colour: false }, &line()).contains('\u{1b}'));
}

#[test]
fn a_file_gets_json() {
    assert_eq!(Format::suited_to(&Destination::File("access".into())), Format::Json);
}
