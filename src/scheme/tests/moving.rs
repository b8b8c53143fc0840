//! What a scheme takes for fixed is fixed: requests by the thousand, and no two with one message that differ in it.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const TEXTS: [Option<&str>; 9] =
    [None, Some(""), Some("a"), Some("1"), Some(":"), Some("aA"), Some("a:"), Some("1:a"), Some("a\tB:")];
const LISTS: [&str; 7] = ["a", "b;a", "a;b", "a;a", "c;a;b", "(s);a", "a;(s)"];
const PARTS: [&str; 9] = [
    "{header:A}",
    "{header:B}",
    "{header:C}",
    "{header:A|match:\"[^:]*\"}",
    "{header:B|match:\"[a1].?\"}",
    "{header:C|default:\"1\"}",
    "{header:A|hex}",
    "{key_id}",
    "{v}",
];
const FILTERED: [&str; 8] =
    ["{v}", "{v}", "{v|lower}", "{v|upper|hex}", "{v|sha1|hex}", "{v|squeeze}", "{v|percent_encode}", "{v|trim}"];
const BETWEEN: [&str; 7] = ["", "", ":", "\n", "a", "1:", ": "];

/// A few expressions with something, or nothing, between them.
fn row(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    let part = (prop::sample::select(of), prop::sample::select(&BETWEEN[..]));
    prop::collection::vec(part, 1..4)
        .prop_map(|parts| parts.iter().map(|(part, then)| format!("{part}{then}")).collect())
}

fn value() -> impl Strategy<Value = ValueDefinition> {
    let inner = || row(&PARTS[..7]);
    let each =
        ["{name}:{value}", "{name}: {value}\n", "{value}", "{name}{value}", "{value|lower}", "\n{name|lower}:{value}"];
    let joins = ["\n", "\n", "\n", "", ":"];
    let names = prop::sample::select(vec![("{header:L}", ";"), ("{header:L}", ";"), ("{header_names:a}", " ")]);
    let lines = (prop::sample::select(each.to_vec()), prop::sample::select(joins.to_vec()), prop::option::of(inner()));
    let choice =
        (inner(), inner(), prop::sample::select(vec![TestDefinition::Present, TestDefinition::Is("1".to_owned())]));
    prop_oneof![
        inner().prop_map(ValueDefinition::Text),
        (lines, names).prop_map(|((each, join, special), (names, split))| {
            ValueDefinition::Headers(HeadersDefinition {
                each: each.to_owned(),
                join: join.to_owned(),
                special: special.map(|text| ("(s)".to_owned(), text)).into_iter().collect(),
                covers: vec!["a".to_owned()],
                missing: Missing::Skip,
                ..HeadersDefinition::new(names, split)
            })
        }),
        choice.prop_map(|(then, otherwise, test)| {
            ValueDefinition::Choice { condition: "{header:C}".to_owned(), test, then, otherwise }
        }),
    ]
}

/// Every request of these headers, with what it signs.
fn requests(scheme: &Scheme, mut see: impl FnMut(Vec<u8>, [Option<&'static str>; 3])) {
    let all = TEXTS.iter().flat_map(|a| TEXTS.iter().flat_map(move |b| TEXTS.iter().map(move |c| [*a, *b, *c])));
    for (headers, list) in all.flat_map(|headers| LISTS.iter().map(move |list| (headers, *list))) {
        let start = Request::new("GET", "/").header("X-Signature", &"0".repeat(64)).header("L", list);
        let named = ["A", "B", "C"].into_iter().zip(headers);
        let request = named.fold(start, |request, (name, value)| match value {
            Some(value) => request.header(name, value),
            None => request,
        });
        let message = scheme.read(&request.view(), NOW).and_then(|claimed| scheme.message(&claimed, &request.view()));
        if let Ok(message) = message {
            see(message, headers);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn two_requests_with_one_message_have_one_replay_key(
        value in value(),
        before in prop_oneof![Just(String::new()), row(&PARTS)],
        filtered in prop::sample::select(&FILTERED[..]),
        after in prop_oneof![Just(String::new()), row(&PARTS[..8])],
        has_key_id in any::<bool>(),
    ) {
        let key_id = (has_key_id || format!("{before}{after}").contains("{key_id}")).then(|| "{header:B}".to_owned());
        let of = |name: &str| Definition {
            key_id: key_id.clone(),
            values: vec![("v".to_owned(), value.clone())],
            replay: Some(ReplayDefinition { key: Some(format!("{{header:{name}}}")), remember: Some(Duration::from_secs(1)) }),
            ..definition(&format!("{before}{filtered}{after}"))
        };
        let fixed: Vec<bool> = ["A", "B", "C"].iter().map(|name| Scheme::compile(&of(name)).is_ok()).collect();
        let free = Definition { replay: None, ..of("A") };
        if !fixed.contains(&true) {
            return Ok(());
        }
        let mut known: HashMap<Vec<u8>, [Option<&str>; 3]> = HashMap::new();
        let mut wrong = None;
        requests(&scheme(&free), |message, headers| {
            let before = *known.entry(message).or_insert(headers);
            let differs = (0..3).any(|at| fixed[at] && before[at] != headers[at]);
            wrong = wrong.take().or(differs.then_some((before, headers)));
        });
        prop_assert_eq!(wrong, None, "{:?} {:?}", fixed, free);
    }
}
