//! What a scheme says that it covers is covered: requests by the thousand, and no two with one message that differ in it,
//! but for how it is spelled.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;
use crate::scheme::parameters::percent_decoded;

const METHODS: [&str; 2] = ["GET", "POST"];
const PATHS: [&str; 6] = ["/", "/a", "/a/", "/a//b", "/a/b", "/A"];
const QUERIES: [&str; 16] = [
    "",
    "a",
    "a=1",
    "a=1&a=1",
    "a=1&b=2",
    "b=2&a=1",
    "a=2&a=1",
    "a=1%26b=2",
    "%61=1",
    "A=1",
    "a=+",
    "a=%20",
    "a=%2B",
    "a=1&&b=2",
    "b=2",
    "a=1&c=3",
];
const BODIES: [&str; 9] =
    ["", "a=1", "a=1&a=1", "a=1&b=2", "b=2&a=1", "a=+", "a=%2b", r#"{"a":"1"}"#, r#"{"a":"1","b":"A"}"#];
const HEADERS: [Option<&str>; 4] = [None, Some("1"), Some("aA"), Some("1  a")];

const PARTS: [&str; 24] = [
    "{method}",
    "{method|lower}",
    "{path}",
    "{path|normalize_path}",
    "{path|percent_encode_path}",
    "{path|lower}",
    "{query}",
    "{query|sort}",
    "{target}",
    "{url|sha256|hex}",
    "{body}",
    "{body|sha256|hex}",
    "{body|first:3|hex}",
    "{query:a|default:\"\"}",
    "{query:a|default:\"\"|lower}",
    "{form:a|default:\"\"}",
    "{header:A}",
    "{header:A|first:1}",
    "{header:A|lower}",
    "{header:A|squeeze}",
    "{header:A|default:\"1\"}",
    "{list}",
    "{list|sha256|hex}",
    "{choice}",
];
const BETWEEN: [&str; 5] = ["", "\n", "\n", "?", "&"];

fn row() -> impl Strategy<Value = String> {
    let part = (prop::sample::select(&PARTS[..]), prop::sample::select(&BETWEEN[..]));
    prop::collection::vec(part, 1..5)
        .prop_map(|parts| parts.iter().map(|(part, then)| format!("{part}{then}")).collect())
}

fn list() -> impl Strategy<Value = ParametersDefinition> {
    let of = prop::sample::select(vec![
        vec![ParametersOf::Query],
        vec![ParametersOf::Query],
        vec![ParametersOf::Form],
        vec![ParametersOf::Query, ParametersOf::Form],
    ]);
    let writing = prop::sample::select(vec![Writing::Raw, Writing::Decoded, Writing::Encoded]);
    let each = prop::sample::select(vec![
        "{name}={value}",
        "{name}={value}",
        "{name}={value|lower}",
        "{value}",
        "{name}{value}",
    ]);
    let join = prop::sample::select(vec!["&", "&", "\n", ""]);
    let except = prop::sample::select(vec![vec![], vec![], vec!["b".to_owned()]]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (of, writing, each, join, except, flags).prop_map(
        |(of, writing, each, join, except, (plus_is_space, sort, unique))| ParametersDefinition {
            writing,
            plus_is_space,
            sort,
            unique,
            except,
            each: each.to_owned(),
            join: join.to_owned(),
            ..ParametersDefinition::new(of)
        },
    )
}

fn choice() -> impl Strategy<Value = ValueDefinition> {
    let part = || prop::sample::select(&PARTS[..21]).prop_map(str::to_owned);
    let test = prop::sample::select(vec![
        TestDefinition::Present,
        TestDefinition::Is("1".to_owned()),
        TestDefinition::Is(String::new()),
        TestDefinition::Matches(".*a".to_owned()),
    ]);
    let condition = prop::sample::select(vec!["{header:A}", "{query}", "{path}", "{body}", "{method}"]);
    (condition, test, part(), part(), prop::option::of(part())).prop_map(|(condition, test, then, otherwise, both)| {
        let both = both.unwrap_or_default();
        let (then, otherwise) = (format!("{both}\n{then}"), format!("{both}\n{otherwise}"));
        ValueDefinition::Choice { condition: condition.to_owned(), test, then, otherwise }
    })
}

/// What a query or a form says of each name, in whatever spelling and order.
fn said(text: &str, plus_is_space: bool) -> BTreeMap<Vec<u8>, Vec<Vec<u8>>> {
    let mut said: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for piece in text.split('&').filter(|piece| !piece.is_empty()) {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        let decoded = |text: &str| percent_decoded(text.as_bytes(), plus_is_space).unwrap().to_vec();
        said.entry(decoded(name)).or_default().push(decoded(value));
    }
    said.values_mut().for_each(|values| values.sort());
    said
}

/// All requests of these parts, each with its message.
fn requests(scheme: &Scheme, mut see: impl FnMut(Vec<u8>, Request)) {
    let lines = METHODS.iter().flat_map(|method| PATHS.iter().map(move |path| (method, path)));
    let lines = lines.flat_map(|line| QUERIES.iter().map(move |query| (line, query)));
    for ((method, path), query) in lines {
        let target = if query.is_empty() { (*path).to_owned() } else { format!("{path}?{query}") };
        for (body, header) in BODIES.iter().flat_map(|body| HEADERS.iter().map(move |header| (body, header))) {
            let request = Request::new(method, &target).header("X-Signature", &"0".repeat(64)).body(body);
            let request = header.iter().fold(request, |request, value| request.header("A", value));
            let read = scheme.read(&request.view(), NOW);
            if let Ok(message) = read.and_then(|claimed| scheme.message(&claimed, &request.view())) {
                see(message, request);
            }
        }
    }
}

/// What is covered of a request, without what may be spelled in several ways.
fn meant(request: &Request, coverage: &Coverage, list: &ParametersDefinition) -> Vec<(&'static str, String)> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let body = String::from_utf8(request.body.clone()).unwrap();
    let pluses = if list.plus_is_space { &[true][..] } else { &[true, false] };
    let queries: Vec<_> = pluses.iter().map(|plus| said(query, *plus)).collect();
    let mut values = Vec::new();
    request.each("A", &mut |value| {
        values.push(String::from_utf8_lossy(value).split_whitespace().collect::<Vec<_>>().join(" "))
    });
    // Where a default stands in for an absent value they say the same.
    let header = values.pop().unwrap_or_else(|| "1".to_owned());
    // `{query:a}` does not tell a plus from its escape, nor a list of forms' parameters one from a space.
    let plain = |value: &Vec<u8>| String::from_utf8_lossy(value).replace('+', " ");
    let parameter: Vec<String> =
        said(query, false).get(&b"a"[..]).map_or_else(|| vec![String::new()], |all| all.iter().map(plain).collect());
    let is_form = list.of.contains(&ParametersOf::Form);
    let all = [
        (coverage.method, "method", request.method.clone()),
        (coverage.path, "path", path.replace("//", "/")),
        (coverage.query, "query", format!("{queries:?}")),
        (coverage.body, "body", if is_form { format!("{:?}", said(&body, true)) } else { body }),
        (coverage.headers.iter().any(|name| name == "A"), "header", header),
        (coverage.parameters.iter().any(|name| name == "a"), "parameter", format!("{parameter:?}")),
    ];
    all.into_iter().filter(|(is_covered, ..)| *is_covered).map(|(_, part, meant)| (part, meant)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn two_requests_with_one_message_agree_in_all_that_is_covered(message in row(), list in list(), choice in choice()) {
        let values =
            vec![("list".to_owned(), ValueDefinition::Parameters(list.clone())), ("choice".to_owned(), choice)];
        let definition = Definition { values, ..definition(&format!("m\n{message}")) };
        let Ok(scheme) = Scheme::compile(&definition) else { return Ok(()) };
        let coverage = scheme.coverage();
        let mut known: HashMap<Vec<u8>, Request> = HashMap::new();
        let mut wrong = None;
        requests(&scheme, |message, request| match known.get(&message) {
            None => {
                known.insert(message, request);
            }
            Some(other) => {
                let (own, others) = (meant(&request, &coverage, &list), meant(other, &coverage, &list));
                wrong = wrong.take().or((own != others).then_some((own, others)));
            }
        });
        prop_assert_eq!(wrong, None, "{:?}", definition);
    }
}
