//! What moves, class by class; and that what is said not to move never does.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::scheme::{Body, Headers, Sources, Unknown, View, evaluate::Evaluation, template::Scratch};

/// The sources of a template whose bytes move.
fn moving(text: &str) -> Vec<String> {
    let template = Template::compile(text, Sources::Request).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    let spans = alone(&template);
    template.chains().filter(|chain| spans.moves(chain)).map(|chain| chain.source.to_string()).collect()
}

fn alone(template: &Template) -> Spans {
    Spans::of(template, Meanings { values: &[], key_id: None, judged: &[], budget: &Budget::default() })
}

#[track_caller]
fn none(text: &str) {
    assert_eq!(moving(text), Vec::<String>::new(), "{text}");
}

#[track_caller]
fn some(text: &str, sources: &[&str]) {
    assert_eq!(moving(text), sources, "{text}");
}

#[test]
fn a_match_tells_only_where_all_its_texts_have_one_length() {
    some("{header:T|match:\"[0-9]+\"}{body}", &["header:T", "body"]);
    some("{header:T|match:\"[0-9]{10,11}\"}{body}", &["header:T", "body"]);
    none("{header:T|match:\"[0-9]{10}\"}{body}");
    none("{body}{header:T|match:\"[0-9]{10}\"}");
    some("{header:T|match:\"a|ab\"}{body}", &["header:T", "body"]);
    // Of two lengths, but the first byte says which.
    none("{header:T|match:\"a|bc\"}{body}");
    some("{body}{header:T|match:\"a|ba\"}", &["body", "header:T"]);
    none("{header:T|match:\"ab|cd\"}{body}");
    none("{header:T|match:\"ab|c(d|[^x])\"}{body}");
    some("{header:T|match:\"ab?\"}{body}", &["header:T", "body"]);
}

#[test]
fn in_a_run_only_one_value_may_be_of_open_length() {
    some("{header:I}{header:N|match:\"[0-9a-f]{16}\"}{body}", &["header:I", "header:N", "body"]);
    none("{header:I|match:\"[a-z]{4}\"}{header:N|match:\"[0-9a-f]{16}\"}{body}");
    none("{body|sha256}{header:I}{header:N|match:\"[0-9a-f]{16}\"}");
    some("{header:I}{body|sha256|hex}{header:N}", &["header:I", "body", "header:N"]);
    none("{header:I}\n{header:N|match:\"[0-9a-f]{16}\"}{body}");
}

#[test]
fn a_literal_separates_only_what_cannot_hold_it() {
    some("{header:A}:{header:B}", &["header:A", "header:B"]);
    none("{header:A}\n{header:B}");
    none("{header:A}\n{body}");
    some("{body}\n{header:B}\n{body}", &["body", "header:B", "body"]);
    none("{header:A|match:\"[^:]+\"}:{header:B}");
    none("{header:A}:{header:B|match:\"[^:]*\"}");
    some("{header:A|match:\"[^:]+\"}:{header:B}:{header:C}", &["header:B", "header:C"]);
    none("{header:A|match:\"[^.]*\"}.{header:B|match:\"[^.]*\"}.{body}");
    // `a` + `aXa`: a literal whose beginning a value can hold is still told by the rest of it.
    none("{header:A|match:\"a*\"}aX{header:B}");
}

#[test]
fn what_http_cannot_send_is_counted_on() {
    none("{method} {target}\n{authority}");
    none("{method}{path}");
    none("{host}{path}");
    some("{path}{method}", &["path", "method"]);
    some("{path}{query}", &["path", "query"]);
    none("{path}?{query}");
    some("{json:/a}\n{json:/b}", &["json:/a", "json:/b"]);
    some("{query:a}\n{query:b}", &["query:a", "query:b"]);
}

#[test]
fn what_may_be_absent_or_empty_has_the_length_of_both() {
    some("{header:A|match:\"[0-9]{4}\"|default:\"\"}{body}", &["header:A", "body"]);
    none("{header:A|match:\"[0-9]{4}\"|default:\"none\"}{body}");
    some("{header:A|match:\"[0-9]{4}\" else header:B|match:\"[0-9]{5}\"}{body}", &["header:A", "body"]);
    none("{header:A|match:\"[0-9]{4}\" else header:B|match:\"[a-f]{4}\"}{body}");
    some("{header:A|match:\"()|x\"}{header:B}", &["header:A", "header:B"]);
}

#[test]
fn filters_change_lengths() {
    none("{header:A|match:\"[0-9]{4}\"|hex}{body}");
    none("{header:A|match:\"[0-9]{4}\"|base64}{header:B}");
    none("{body|sha512|base64url}{header:B}");
    none("{body|sha1|base64}{header:B}");
    some("{body|sha256|percent_encode}{header:B}", &["body", "header:B"]);
    none("{body|sha256|hex|percent_encode}{header:B}");
    some("{header:A|match:\" ?[0-9]{4}\"|trim}{body}", &["header:A", "body"]);
    none("{header:A|match:\"[0-9]{4}\"|trim|squeeze|sort|lower}{body}");
    some("{header:A|match:\"[0-9]{4}\"|strip_prefix:\"0\"}{body}", &["header:A", "body"]);
    some("{header:A|first:4}{body}", &["header:A", "body"]);
    none("{header:A|match:\"[0-9]{4}\"|first:4|prefix:\"<\"|suffix:\">\"}{body}");
    none("{header:A|percent_encode}&{header:B|percent_encode}&{body}");
    some("{header:A|percent_encode|percent_decode}&{header:B}", &["header:A", "header:B"]);
}

#[test]
fn an_expression_is_read_as_bytes() {
    // Two bytes of one character, and one byte of another.
    some("{header:A|match:\"(?u)[aé]\"}{body}", &["header:A", "body"]);
    none("{header:A|match:\"é\"}{body}");
    some("{header:A|match:\"é|a\"}{body}", &["header:A", "body"]);
    none("{header:A|match:\"(?i)[a-f0-9]{8}\"}{body}");
    none("{header:A|match:\"^[0-9]{8}$\"}{body}");
    some("{header:A|match:\"(?m)^a*$\"}{body}", &["header:A", "body"]);
    // Anchors that can never hold take texts away, and a shape may keep them.
    some("{header:A|match:\"a$|a$b\"}{body}", &["header:A", "body"]);
    none("{header:A|match:\"[0-9]{900}\"}{body}");
}

#[test]
fn a_time_that_shows_its_own_beginning_and_end_is_told_among_open_values() {
    let time = "{header:T|match:\"20[0-9-]{8}T[0-9]{2}:[0-9:]{5}([.][0-9]{1,9})?Z\"}";
    none(&format!("{{header:I|match:\"[^:]+\"}}{time}{{body}}"));
    some(&format!("{{header:I}}{time}{{body}}"), &["header:I", "header:T", "body"]);
}

#[test]
fn a_directive_is_as_many_digits_as_it_always_writes() {
    let length = |pattern: &str| times::by_pattern(pattern).length();
    assert_eq!(length("%Y-%m-%dT%H:%M:%SZ"), Some(20));
    assert_eq!((length("%-m"), length("%b"), length("%H%f"), length("%%")), (None, None, None, None));
}

#[test]
fn a_literal_of_any_length_is_followed_from_both_ends() {
    let long = "x".repeat(40_000);
    none(&format!("{{header:A}}\n{long}\n{{body}}"));
    none(&format!("{{header:A|match:\"[^x]*\"}}{long}{{header:B|match:\"[^x]*\"}}"));
    some(&format!("{{header:A}}{long}{{header:B}}"), &["header:A", "header:B"]);
}

#[test]
fn what_is_too_large_to_be_looked_through_moves() {
    let row = "{header:A|match:\"[0-9]{1000}\"}".repeat(9);
    assert_eq!(moving(&row).len(), 9);
}

#[test]
fn no_expression_takes_long_to_look_through() {
    let began = std::time::Instant::now();
    for expression in ["(a{0,30}){0,30}", "(a|b|ab|ba){0,250}", "(a*b*c*d*){0,200}", "a{0,1000}", "((a?b?c?)*){0,9}"] {
        let one = format!("{{header:A|match:\"{expression}\"}}");
        moving(&one.repeat(6));
    }
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

/// Texts of up to two bytes, and none.
const TEXTS: [Option<&str>; 14] = [
    None,
    Some(""),
    Some("a"),
    Some("1"),
    Some(":"),
    Some("aa"),
    Some("a1"),
    Some("a:"),
    Some("1a"),
    Some("11"),
    Some("1:"),
    Some(":a"),
    Some(":1"),
    Some("::"),
];

const PARTS: [&str; 20] = [
    "{header:A}",
    "{header:A|match:\"1+\"}",
    "{header:A|match:\"[a1]{2}\"}",
    "{header:A|match:\"[^:]*\"}",
    "{header:A|prefix:\":\"}",
    "{header:A|base64}",
    "{header:B}",
    "{header:B|match:\"a|1:\"}",
    "{header:B|match:\"^(?i)A?$\"}",
    "{header:B|hex}",
    "{header:B|upper}",
    "{header:B|default:\"1\"}",
    "{header:B else header:C}",
    "{header:C}",
    "{header:C|percent_encode}",
    "{header:C|trim_prefix:\"1\"}",
    "{header:C|first:1}",
    "{header:C|match:\"[1:]{2}\"}",
    "{header:C|sha1|base64}",
    "{header:C|match:\"1?\"|suffix:\"a\"}",
];

struct Three([Option<&'static str>; 3]);

impl Headers for Three {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        let at = ["A", "B", "C"].iter().position(|own| *own == name).expect("one of three");
        self.0[at].into_iter().for_each(|value| visit(value.as_bytes()));
    }

    fn names(&self, visit: &mut dyn FnMut(&str)) {
        ["A", "B", "C"].into_iter().zip(self.0).filter(|(_, value)| value.is_some()).for_each(|(name, _)| visit(name));
    }
}

/// What each expression writes for these headers; `None` where the request would be refused.
fn written(template: &Template, headers: &Three) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let view = View {
        method: "GET",
        target: "/",
        scheme: "https",
        authority: "a",
        headers,
        body: Body::Memory(b""),
        known: &Unknown,
    };
    let evaluation = Evaluation::new(view);
    let mut text = Vec::new();
    evaluation.feed(template, &mut |piece| text.extend_from_slice(piece)).ok()?;
    let one = |chain: &Chain| {
        let mut value = Scratch::new();
        evaluation.chain(chain, &mut |piece| value.extend_from_slice(piece)).expect("it was written before");
        value.to_vec()
    };
    Some((text, template.chains().map(one).collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn two_requests_with_one_message_agree_in_all_that_does_not_move(
        parts in prop::collection::vec(prop::sample::select(PARTS.to_vec()), 2..5),
        literals in prop::collection::vec(prop::sample::select(vec!["", "", ":", "1", "a:", ": "]), 4),
    ) {
        let text: String = parts.iter().zip(&literals).map(|(part, literal)| format!("{part}{literal}")).collect();
        let template = Template::compile(&text, Sources::Request).expect("a template");
        let spans = alone(&template);
        let fixed: Vec<bool> = template.chains().map(|chain| !spans.moves(chain)).collect();
        let mut known: HashMap<Vec<u8>, Vec<Vec<u8>>> = HashMap::new();
        for (a, b, c) in TEXTS.iter().flat_map(|a| TEXTS.iter().flat_map(move |b| TEXTS.iter().map(move |c| (*a, *b, *c)))) {
            let Some((text, values)) = written(&template, &Three([a, b, c])) else { continue };
            let before = known.entry(text).or_insert_with(|| values.clone());
            for ((own, other), is_fixed) in values.iter().zip(before.iter()).zip(&fixed) {
                prop_assert!(!is_fixed || own == other, "{template:?}: {own:?} and {other:?}");
            }
        }
    }
}
