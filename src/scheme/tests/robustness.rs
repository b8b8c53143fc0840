//! No text and no request makes the scheme language panic.

use proptest::prelude::*;

use super::*;

/// Text that looks enough like a template to get past the first character.
fn template() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "{",
        "}",
        "{{",
        "|",
        ":",
        "\"",
        "\\",
        "method",
        "header:X-A",
        "json:/a",
        "form:a",
        "query:a",
        "body",
        "key_id",
        "target",
        "lower",
        "sha256",
        "hex",
        "unhex",
        "base64",
        "unbase64",
        "sort",
        "match:\"",
        " else ",
        "pairs:a",
        "groups:a",
        "lines",
        "secret",
        "first:",
        "default:\"x\"",
        "percent_decode",
        "percent_encode",
        "strip_prefix:\"x\"",
        "date:\"%Y\"",
        "first",
        "[a-z]+",
        "\n",
        "é",
    ]);
    prop_oneof![
        any::<String>(),
        prop::collection::vec(words.clone(), 0..20).prop_map(|words| words.concat()),
        prop::collection::vec(words, 1..6).prop_map(|words| format!("{{{}}}", words.join("|"))),
    ]
}

fn chain() -> impl Strategy<Value = String> {
    let sources = prop::sample::select(vec![
        "host",
        "port",
        "query",
        "target",
        "header:X-A",
        "json:/a",
        "form:a",
        "query:a",
        "body",
        "path",
    ]);
    let filters = prop::sample::select(vec![
        "lower",
        "trim",
        "squeeze",
        "first:3",
        "normalize_path",
        "percent_encode_path",
        "auth_scheme:a",
        "trim_prefix:\"a\"",
        "sha1|hex",
        "HEX",
        "unhex",
        "base64url",
        "unbase64",
        "unbase64url",
        "sort",
        "percent_decode",
        "percent_encode",
        "strip_suffix:\"a\"",
        "prefix:\"%\"",
        "match:\"(a|b)*\"",
        "date:\"%Y-%m-%d\"",
        "default:\"%4\"",
    ]);
    (sources, prop::collection::vec(filters, 0..6))
        .prop_map(|(source, filters)| format!("{{{}}}", [vec![source], filters].concat().join("|")))
}

/// Every kind of named value, made of these texts.
fn values(first: &str, second: &str, third: &str) -> Vec<(String, ValueDefinition)> {
    let mut lines = HeadersDefinition::new(first, " ");
    lines.each = "{name|lower}{value|squeeze}".to_owned();
    lines.missing = Missing::Skip;
    lines.special = strings(&[("(s)", second), (third, first)]);
    lines.covers = vec!["(s) else x-a".to_owned(), third.to_owned(), "x-a or date".to_owned()];
    let mut list = ParametersDefinition::new(vec![ParametersOf::Query, ParametersOf::Form]);
    (list.writing, list.sort, list.unique) = (Writing::Encoded, true, true);
    let choice = |test| ValueDefinition::Choice {
        condition: first.to_owned(),
        test,
        then: second.to_owned(),
        otherwise: third.to_owned(),
    };
    let named = [
        ("first", ValueDefinition::Text(first.to_owned())),
        ("pairs", ValueDefinition::Pairs { from: first.to_owned(), separator: b',' }),
        ("groups", ValueDefinition::Capture { from: second.to_owned(), expression: third.to_owned() }),
        ("lines", ValueDefinition::Headers(lines)),
        ("list", ValueDefinition::Parameters(list)),
        ("present", choice(TestDefinition::Present)),
        ("equal", choice(TestDefinition::Is(second.to_owned()))),
        ("matching", choice(TestDefinition::Matches(third.to_owned()))),
        (third, ValueDefinition::Text("x".to_owned())),
    ];
    named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

proptest! {
    #[test]
    fn compiling_never_panics(first in template(), second in template(), third in template()) {
        let definition = Definition {
            key_id: Some(second.clone()),
            values: values(&first, &second, &third),
            signing_key: Some(KeyDefinition { from: second.clone(), chain: vec![third.clone()], encoding: None }),
            require: vec![RequirementDefinition::equal(&third, &first)],
            timestamp: Some(timestamp(&second, 60)),
            replay: Some(ReplayDefinition { key: Some(third.clone()), remember: None }),
            emit: strings(&[("X-Signature", third.as_str())]),
            signature: signature(&second),
            ..definition(&first)
        };
        for fault in Scheme::compile(&definition).err().unwrap_or_default() {
            prop_assert!(!fault.message.is_empty());
        }
        for text in [&first, &second, &third] {
            if let Err(fault) = Template::compile(text, Sources::Answer) {
                let place = text.get(fault.offset..fault.offset + fault.length);
                prop_assert!(place.is_some(), "{fault:?} is a place in {text:?}");
            }
        }
    }

    #[test]
    fn evaluating_never_panics(
        chains in prop::collection::vec(chain(), 1..4),
        third in chain(),
        target in "/[ -~]{0,40}",
        header in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            "\\{\"a\":[ -~]{0,20}\\}".prop_map(String::into_bytes),
            "a=[ -~]{0,30}".prop_map(String::into_bytes),
        ],
        now in any::<i64>(),
    ) {
        let definition = Definition {
            timestamp: Some(TimestampDefinition {
                formats: vec![
                    TimestampFormat::Unix, TimestampFormat::UnixMillis, TimestampFormat::Iso8601,
                    TimestampFormat::Rfc3339, TimestampFormat::HttpDate,
                ],
                dangerously_unsigned: true,
                ..timestamp("{header:X-A|default:\"1\"}", 60)
            }),
            values: values(&chains[0], &chains[chains.len() - 1], &third)
                .into_iter()
                .filter(|(name, _)| !["groups", "lines", "matching"].contains(&name.as_str()) && *name != third)
                .chain([
                    ("lines".to_owned(), ValueDefinition::Headers(HeadersDefinition::new(&chains[0], ","))),
                    ("groups".to_owned(), ValueDefinition::Capture {
                        from: third.clone(),
                        expression: "(?<a>[^/]*)(/(?<b>.*))?".to_owned(),
                    }),
                ])
                .collect(),
            ..definition(&format!("{}\n{{pairs:a else groups:b|hex else list}}{{lines}}{{present}}{{equal}}", chains.join("\n")))
        };
        let scheme = scheme(&definition);
        let mut request = Request::new("POST", &target).header("X-Signature", &"0".repeat(64));
        request.headers.extend(header.map(|value| ("X-A".to_owned(), value)));
        request.body = body;
        for view in [request.view(), request.head()] {
            scheme.is_present(&view);
            if let Ok(claimed) = scheme.read(&view, now) {
                let verified = scheme.verify(&claimed, &view, &[&key("k")]);
                prop_assert!(verified.is_err());
            }
        }
    }

    /// Whatever seconds are written as a whole time are read back from it, and what is no time of our calendar is refused.
    #[test]
    fn a_date_is_that_of_its_seconds(seconds in prop_oneof![any::<u64>(), 0..=253_402_207_200_u64]) {
        let text = "{header:T|date:\"%Y-%m-%dT%H:%M:%SZ\"}";
        let request = Request::new("GET", "/").header("T", &seconds.to_string());
        match message(&definition(text), &request) {
            Ok(written) => {
                let read: jiff::Timestamp = written.parse().unwrap();
                prop_assert_eq!(u64::try_from(read.as_second()), Ok(seconds));
            }
            Err(failure) => {
                prop_assert!(seconds > 253_402_207_200);
                prop_assert_eq!(Err(failure), unreadable::<String>("header:T", Why::Refused));
            }
        }
    }

    #[test]
    fn a_literal_says_itself(text in "[^{]{0,40}") {
        let template = Template::compile(&text, Sources::Answer).unwrap();
        prop_assert_eq!(template.literal(), Some(text.as_str()));
    }

    #[test]
    fn any_body_signed_is_verified_and_any_other_is_not(body in any::<Vec<u8>>(), other in any::<Vec<u8>>()) {
        let scheme = scheme(&super::presets::raw_body());
        let request = Request { body: body.clone(), ..Request::new("POST", "/") };
        let headers = scheme.sign(&request.view(), &key("k"), None, NOW, "").unwrap();
        let signed = request.signed(headers);
        prop_assert_eq!(verify(&scheme, &signed, "k"), Ok(0));
        let expected = if other == body { Ok(0) } else { Err(Failure::Mismatch) };
        prop_assert_eq!(verify(&scheme, &Request { body: other, ..signed }, "k"), expected);
    }
}
