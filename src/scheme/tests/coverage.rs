//! What is said to be covered cannot be changed under one signature, but for its spelling.

use super::*;

const PARTS: [&str; 5] = ["method", "path", "query", "authority", "body"];

/// The parts that a message covers.
fn covered(definition: &Definition) -> Vec<&'static str> {
    let unsigned = scheme(definition).coverage().unsigned();
    PARTS.into_iter().filter(|part| !unsigned.contains(part)).collect()
}

fn post(target: &str, body: &str) -> Request {
    Request::new("POST", target).body(body)
}

#[test]
fn what_two_requests_with_one_message_differ_in_is_not_covered() {
    let list =
        ParametersDefinition { writing: Writing::Encoded, ..ParametersDefinition::new(vec![ParametersOf::Query]) };
    let once = ParametersDefinition { unique: true, ..list.clone() };
    let lists = [("list", list), ("once", once)];
    let values: Vec<_> = lists.map(|(name, list)| (name.to_owned(), ValueDefinition::Parameters(list))).into();
    for (message, one, other) in [
        ("{path|lower}", post("/users/Bob", ""), post("/users/bob", "")),
        ("{path|trim_prefix:\"/admin\"}", post("/admin/x", ""), post("/x", "")),
        ("{path|percent_decode}", post("/a%2Fb", ""), post("/a/b", "")),
        ("{query|upper}", post("/?to=bob", ""), post("/?to=BOB", "")),
        ("{query|percent_decode}", post("/?q=1%26admin=1", ""), post("/?q=1&admin=1", "")),
        ("{target|percent_decode}", post("/a%3Fadmin=1", ""), post("/a?admin=1", "")),
        ("{body|lower}", post("/", "to=Bob"), post("/", "to=bob")),
        ("{body|squeeze|sha256|hex}", post("/", "\"a  b\""), post("/", "\"a b\"")),
        ("{body|trim|hex|upper}", post("/", "a "), post("/", "a")),
        ("{body|sort}", post("/", "a&b"), post("/", "b&a")),
        ("{list|first:3}", post("/?a=1", ""), post("/?a=1&admin=1", "")),
        ("{list|lower}", post("/?to=Bob", ""), post("/?to=bob", "")),
        ("{once}", post("/?buy=1", ""), post("/?buy=1&buy=1", "")),
    ] {
        let definition = Definition { values: values.clone(), ..definition(&format!("m\n{message}")) };
        assert_eq!(super::message(&definition, &one), super::message(&definition, &other), "{message}");
        assert_eq!(covered(&definition), Vec::<&str>::new(), "{message}");
        assert!(!scheme(&definition).coverage().in_part.is_empty(), "{message}");
    }
}

#[test]
fn another_spelling_is_the_same_part() {
    for (message, parts) in [
        ("{method|lower}\n{authority|lower}", &["method", "authority"][..]),
        ("{path|normalize_path|percent_encode_path}\n{query|sort}", &["path", "query"]),
        ("{target|sha256|hex|upper}\n{body|sha512|base64|lower}", &["path", "query", "body"]),
        ("{body|hex|upper}", &["body"]),
        ("{url|trim|squeeze}", &["path", "query", "authority"]),
    ] {
        assert_eq!(covered(&definition(message)), parts, "{message}");
        assert!(scheme(&definition(message)).coverage().in_part.is_empty(), "{message}");
    }
}

#[test]
fn a_value_that_is_signed_in_part_is_not_named_among_those_that_are_signed() {
    let of = |message: &str| scheme(&definition(&format!("{{method}}\n{message}"))).coverage();
    for (message, partial) in [
        ("{header:X-Role|first:4}", "header X-Role"),
        ("{header:X-Role|lower}", "header X-Role"),
        ("{header:X-Role|trim_prefix:\"a\"}", "header X-Role"),
        ("{header:X-Role|lower else header:X-Old}", "header x-role else x-old"),
        ("{query:to|lower}", "query to"),
        ("{json:/to|trim}", "json /to"),
        ("{form:to|upper}", "form to"),
    ] {
        let coverage = of(message);
        let whole = [&coverage.headers, &coverage.parameters, &coverage.json, &coverage.form];
        assert!(whole.into_iter().all(Vec::is_empty), "{message}: {coverage}");
        assert_eq!(coverage.partial, [partial], "{message}");
        assert!(coverage.to_string().contains(&format!("; signs {partial} in part;")), "{coverage}");
    }
    for message in ["{header:X-Role|squeeze}", "{header:X-Role|default:\"\"}", "{header:X-Role|sha256|hex|upper}"] {
        assert_eq!((of(message).headers, of(message).partial), (vec!["X-Role".to_owned()], Vec::new()), "{message}");
    }
    let both = of("{header:x-role|lower}\n{header:X-Role}");
    assert_eq!((both.headers, both.partial), (vec!["X-Role".to_owned()], Vec::new()));
}

#[test]
fn a_header_is_named_once_whatever_its_case_and_other_names_by_theirs() {
    let message = "{header:X-Date}\n{header:X-Id}\n{header:x-date}\n{query:a|sha256|hex}\n{query:A|sha256|hex}";
    let coverage = scheme(&definition(message)).coverage();
    assert_eq!(coverage.headers, ["X-Date", "X-Id"]);
    assert_eq!(coverage.parameters, ["A", "a"]);
}

#[test]
fn a_list_of_all_headers_of_a_beginning_holds_neither_the_signature_nor_what_begins_otherwise() {
    let fault = |names: &str, covers: &[&str]| {
        let covers = covers.iter().map(|cover| (*cover).to_owned()).collect();
        let list = HeadersDefinition { covers, ..HeadersDefinition::new(names, " ") };
        let values = vec![("list".to_owned(), ValueDefinition::Headers(list))];
        let compiled = Scheme::compile(&Definition { values, ..definition("{path}\n{list}") });
        compiled.err().map(|faults| faults[0].message.clone())
    };
    assert_eq!(fault("{header_names:x-ms-}", &["x-ms-date"]), None);
    assert_eq!(fault("{header_names:x-ms-}", &["date else X-Ms-Date"]), None);
    let other = fault("{header_names:x-ms-}", &["x-ms-date", "accept"]);
    assert_eq!(other.as_deref(), Some("`accept` must be in this list, and begins otherwise"));
    let own = fault("{header_names:x-si}", &[]);
    assert_eq!(own.as_deref(), Some("the signature itself stands in a header that begins so"));
}
