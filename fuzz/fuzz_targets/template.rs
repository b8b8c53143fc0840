//! Any text as every template of a scheme: compiling must end in a scheme or in faults with places inside the text.
#![no_main]

use countersign::scheme::{
    Algorithm, AnswerDefinition, Definition, Encoding, HeadersDefinition, KeyDefinition, RequirementDefinition, Scheme,
    SignatureDefinition, Sources, Template, TestDefinition, ValueDefinition,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for sources in [Sources::Request, Sources::Answer] {
        if let Err(fault) = Template::compile(text, sources) {
            assert!(text.get(fault.offset..fault.offset + fault.length).is_some(), "{fault:?}");
        }
    }
    let signature = SignatureDefinition::new("{header:X-Signature}", Encoding::Hex, Algorithm::HmacSha256);
    let definition = Definition {
        key_id: Some(text.to_owned()),
        values: values(text),
        require: vec![RequirementDefinition::equal(text, "{second|sha256|hex}")],
        signing_key: Some(KeyDefinition { from: text.to_owned(), chain: vec![text.to_owned()], encoding: None }),
        emit: vec![("X-Signature".to_owned(), text.to_owned())],
        answer: Some(AnswerDefinition {
            message: text.to_owned(),
            emit: vec![("X-Answer".to_owned(), text.to_owned())],
        }),
        ..Definition::new("fuzz", text, signature)
    };
    let _ = Scheme::compile(&definition);
});

/// One value of each kind, with the text wherever one may stand.
fn values(text: &str) -> Vec<(String, ValueDefinition)> {
    let owned = || text.to_owned();
    let mut lines = HeadersDefinition::new(text, ";");
    (lines.each, lines.special) = (owned(), vec![(owned(), owned())]);
    lines.covers = vec![owned()];
    let choice = ValueDefinition::Choice {
        condition: owned(),
        test: TestDefinition::Matches(owned()),
        then: owned(),
        otherwise: owned(),
    };
    let values = [
        ("first", ValueDefinition::Text(owned())),
        ("second", ValueDefinition::Text("{first}{first}".to_owned())),
        ("pairs", ValueDefinition::Pairs { from: owned(), separator: b',' }),
        ("groups", ValueDefinition::Capture { from: owned(), expression: owned() }),
        ("lines", ValueDefinition::Headers(lines)),
        ("choice", choice),
    ];
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
