use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::*;

fn problem(text: &str) -> JsonProblem {
    Document::parse(text.as_bytes()).expect_err(text).problem
}

fn compact(text: &str) -> String {
    Document::parse(text.as_bytes()).expect(text).root().to_string()
}

#[test]
fn every_kind_of_value_is_read() {
    let text =
        r#" {"n":null,"t":true,"f":false,"i":-0.50E+02,"s":"a\"\u00e9\ud83d\ude00","a":[1,[ ],{ }],"":{"x":[2]}} "#;
    let document = Document::parse(text.as_bytes()).expect("well-formed");
    let Value::Object(object) = document.root() else { panic!("an object") };
    assert!(matches!(object.value("n"), Some(Value::Null)));
    assert!(matches!(object.value("t"), Some(Value::Bool(true))));
    assert!(matches!(object.value("f"), Some(Value::Bool(false))));
    assert!(matches!(object.value("i"), Some(Value::Number("-0.50E+02"))));
    assert_eq!(object.value("s").and_then(Value::into_string).as_deref(), Some("a\"é😀"));
    assert!(object.value("absent").is_none());
    let names: Vec<_> = object.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["n", "t", "f", "i", "s", "a", ""]);
    assert_eq!(compact(text), r#"{"n":null,"t":true,"f":false,"i":-0.50E+02,"s":"a\"é😀","a":[1,[],{}],"":{"x":[2]}}"#);
}

#[test]
fn strings_without_escapes_are_not_copied() {
    let document = Document::parse(br#"["plain","\n"]"#).expect("well-formed");
    assert!(matches!(document.pointer("/0"), Some(Value::String(Cow::Borrowed("plain")))));
    assert!(matches!(document.pointer("/1"), Some(Value::String(Cow::Owned(_)))));
}

#[test]
fn an_owned_document_reads_the_same() {
    let document = Document::parse_owned(br#"{"a":[1,"x"]}"#.to_vec()).expect("well-formed");
    assert_eq!(document.pointer("/a/1").and_then(Value::into_string).as_deref(), Some("x"));
    assert_eq!(Document::parse_owned(vec![b'"', 0xff, b'"']).expect_err("not UTF-8").problem, JsonProblem::NotUtf8);
}

#[test]
fn malformed_texts_are_refused_by_the_rule_they_break() {
    use JsonProblem::*;
    let cases = [
        ("", UnexpectedEnd),
        (" ", UnexpectedEnd),
        ("[1", UnexpectedEnd),
        ("{\"a\"", UnexpectedEnd),
        ("\"abc", UnexpectedEnd),
        ("\"abc\\", UnexpectedEnd),
        ("\"abc\\\"", UnexpectedEnd),
        ("[1,]", UnexpectedByte),
        ("[,1]", UnexpectedByte),
        ("[1 2]", UnexpectedByte),
        ("{\"a\":1,}", UnexpectedByte),
        ("{a:1}", UnexpectedByte),
        ("{'a':1}", UnexpectedByte),
        ("{\"a\" 1}", UnexpectedByte),
        ("{1:1}", UnexpectedByte),
        ("nul", UnexpectedByte),
        ("True", UnexpectedByte),
        ("NaN", UnexpectedByte),
        ("Infinity", UnexpectedByte),
        ("+1", UnexpectedByte),
        (".5", UnexpectedByte),
        ("/*x*/1", UnexpectedByte),
        ("[1]//x", TrailingBytes),
        ("1/*x*/", TrailingBytes),
        ("{}{}", TrailingBytes),
        ("1\0", TrailingBytes),
        ("1\u{a0}", TrailingBytes),
        ("nullx", TrailingBytes),
        ("0x10", TrailingBytes),
        ("-", MalformedNumber),
        ("-a", MalformedNumber),
        ("01", MalformedNumber),
        ("-00", MalformedNumber),
        ("1.", MalformedNumber),
        ("1.e5", MalformedNumber),
        ("1e", MalformedNumber),
        ("1e+", MalformedNumber),
        ("\"\n\"", ControlCharacter),
        ("\"\u{1f}\\n\"", ControlCharacter),
        ("\"\\x41\"", MalformedEscape),
        ("\"\\é\"", MalformedEscape),
        ("\"\\u12\"", MalformedEscape),
        ("\"\\u+123\"", MalformedEscape),
        ("\"\\U0041\"", MalformedEscape),
        ("\"\\ud800\"", LoneSurrogate),
        ("\"\\ud800x\"", LoneSurrogate),
        ("\"\\ud800\\n\"", LoneSurrogate),
        ("\"\\ud800\\ud800\"", LoneSurrogate),
        ("\"\\udc00\"", LoneSurrogate),
        ("\u{feff}1", ByteOrderMark),
    ];
    for (text, expected) in cases {
        assert_eq!(problem(text), expected, "{text:?}");
    }
}

#[test]
fn an_error_says_where() {
    let error = Document::parse(br#"{"a":1,"b":tru}"#).expect_err("malformed");
    assert_eq!(error.to_string(), "an unexpected byte at byte 11");
    assert_eq!(Document::parse(b"\"abc\\").expect_err("malformed").at, 5);
}

#[test]
fn duplicate_names_are_found_after_unescaping_and_at_any_depth() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"\u0061":3}"#,
        r#"[{"x":{"a":{},"c":[{"a":0}],"a":{}}}]"#,
        r#"{"😀":1,"\ud83d\ude00":1}"#,
        r#"{"":1,"":2}"#,
    ] {
        assert_eq!(problem(text), JsonProblem::DuplicateName, "{text}");
    }
    assert_eq!(compact(r#"{"a":{"a":{"a":1}},"A":"a"}"#), r#"{"a":{"a":{"a":1}},"A":"a"}"#);
}

#[test]
fn a_huge_object_is_read_in_little_time() {
    let members: Vec<String> = (0..200_000).map(|n| format!("\"{n}\":0")).collect();
    let unique = format!("{{{}}}", members.join(","));
    let twice = format!("{{{},\"7\":0}}", members.join(","));
    let before = std::time::Instant::now();
    assert!(Document::parse(unique.as_bytes()).is_ok());
    assert_eq!(problem(&twice), JsonProblem::DuplicateName);
    assert!(before.elapsed().as_secs() < 10, "squared, this would take minutes");
}

#[test]
fn nesting_ends_at_the_limit() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Document::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(problem(&nested(MAX_DEPTH + 1)), JsonProblem::TooDeep);
    assert_eq!(problem(&"{\"a\":".repeat(100_000)), JsonProblem::TooDeep);
    let siblings = format!("[{}[]]", "[],".repeat(1000));
    assert!(Document::parse(siblings.as_bytes()).is_ok(), "siblings do not nest");
}

#[test]
fn a_pointer_names_values_as_rfc_6901_section_5_shows() {
    let text = r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"~1":9}"#;
    let document = Document::parse(text.as_bytes()).expect("well-formed");
    let cases = [
        ("/foo", Some(r#"["bar","baz"]"#)),
        ("/foo/0", Some("\"bar\"")),
        ("/", Some("0")),
        ("/a~1b", Some("1")),
        ("/c%d", Some("2")),
        ("/i\\j", Some("5")),
        ("/k\"l", Some("6")),
        ("/ ", Some("7")),
        ("/m~0n", Some("8")),
        ("/~01", Some("9")),
        ("/foo/2", None),
        ("/foo/-", None),
        ("/foo/00", None),
        ("/foo/01", None),
        ("/foo/+1", None),
        ("/foo/", None),
        ("/foo/18446744073709551616", None),
        ("/foo/0/x", None),
        ("/m~n", None),
        ("/m~", None),
        ("foo", None),
        ("#/foo", None),
    ];
    for (pointer, expected) in cases {
        assert_eq!(document.pointer(pointer).map(|value| value.to_string()).as_deref(), expected, "{pointer}");
    }
    assert_eq!(document.pointer("").map(|value| value.to_string()), Some(compact(text)));
}

#[test]
fn debug_output_of_a_document_shows_nothing_of_it() {
    let document = Document::parse(br#""hunter2""#).expect("well-formed");
    assert_eq!(format!("{document:?}"), "Document(9 bytes)");
}

fn same(ours: &Value<'_>, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) | (Value::Number(_), serde_json::Value::Number(_)) => true,
        (Value::Bool(ours), serde_json::Value::Bool(theirs)) => ours == theirs,
        (Value::String(ours), serde_json::Value::String(theirs)) => ours == theirs,
        (Value::Array(ours), serde_json::Value::Array(theirs)) => {
            ours.iter().count() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(&ours, theirs))
        }
        (Value::Object(ours), serde_json::Value::Object(theirs)) => {
            ours.iter().count() == theirs.len()
                && ours.iter().all(|(name, value)| theirs.get(&*name).is_some_and(|theirs| same(&value, theirs)))
        }
        _ => false,
    }
}

/// What this reader accepts, serde_json accepts too and understands the same.
fn agrees_with_serde_json(bytes: &[u8]) {
    let Ok(document) = Document::parse(bytes) else { return };
    assert!(serde_json::from_slice::<IgnoredAny>(bytes).is_ok());
    match serde_json::from_slice::<serde_json::Value>(bytes) {
        Ok(theirs) => assert!(same(&document.root(), &theirs)),
        // It reads numbers into f64; here they stay text.
        Err(error) => assert!(error.to_string().starts_with("number out of range"), "{error}"),
    }
    let again = document.root().to_string();
    assert_eq!(Document::parse(again.as_bytes()).expect("own output").root().to_string(), again);
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..20)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        agrees_with_serde_json(&bytes);
    }

    #[test]
    fn arbitrary_near_json_agrees_with_serde_json(text in r#"([\[\]{},:" \\]|[0-9.eE+-]|true|false|null|"[ab]"|\\u[dD][89c][0-9]{2}|é){0,24}"#) {
        agrees_with_serde_json(text.as_bytes());
    }

    #[test]
    fn all_that_serde_json_writes_is_read(value in json()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).expect("text")] {
            let document = Document::parse(text.as_bytes()).expect("well-formed");
            prop_assert!(same(&document.root(), &value));
            agrees_with_serde_json(text.as_bytes());
        }
    }

    #[test]
    fn a_cut_or_a_changed_byte_never_makes_two_readings(value in json(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = value.to_string().into_bytes();
        let at = at.index(bytes.len());
        agrees_with_serde_json(&bytes[..at]);
        bytes[at] = byte;
        agrees_with_serde_json(&bytes);
    }

    #[test]
    fn arbitrary_pointers_never_panic(value in json(), pointer in "(/[~01a-]{0,3}){0,4}|.{0,8}") {
        let text = value.to_string();
        let document = Document::parse(text.as_bytes()).expect("well-formed");
        let theirs = value.pointer(&pointer);
        if let Some(ours) = document.pointer(&pointer) {
            prop_assert!(same(&ours, theirs.expect("serde_json finds it too")));
        }
    }
}
