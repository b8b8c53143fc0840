//! The template language: what is a source, what is literal, what filters do.

use super::*;

fn sent() -> Request {
    Request::new("POST", "/a%2Fb?x=1&y=a%20b+c&z")
        .header("X-One", " padded ")
        .header("X-Two", "a")
        .header("x-two", "b")
        .body(r#"{"text":"a\"\u00e9","number":1.70e9,"zero":"","yes":true,"null":null,"list":[1],"a/b":{"c":"deep"}}"#)
}

fn rendered(template: &str) -> Result<String, Failure> {
    // A message must name something; the method in front is cut off again.
    let whole = message(&definition(&format!("{{method}}\n{template}")), &sent())?;
    Ok(whole.split_once('\n').unwrap().1.to_owned())
}

fn is(template: &str, expected: &str) {
    assert_eq!(rendered(template).as_deref(), Ok(expected), "{template}");
}

fn refused(template: &str, place: &str, why: Why) {
    assert_eq!(rendered(template), unreadable(place, why), "{template}");
}

fn fault(template: &str) -> Fault {
    faults(&definition(template)).remove(0)
}

#[test]
fn a_brace_opens_a_source_only_before_a_lower_case_letter() {
    is(r#"{"status":"{method}"}"#, r#"{"status":"POST"}"#);
    is("{{method}", "{method}");
    is("{ {1} {A} } {", "{ {1} {A} } {");
    is("é{method}é", "éPOSTé");
}

#[test]
fn sources_give_wire_bytes() {
    is("{method} {path} {query}", "POST /a%2Fb x=1&y=a%20b+c&z");
    is("{target}", "/a%2Fb?x=1&y=a%20b+c&z");
    is("{url}", "https://api.example.com/a%2Fb?x=1&y=a%20b+c&z");
    is("{scheme}://{authority}", "https://api.example.com");
    is("{query:x},{query:y},{query:z}", "1,a b+c,");
    is("{body|sha1|hex}", &{
        use sha1::{Digest, Sha1};
        hex::encode(Sha1::digest(&sent().body))
    });
}

#[test]
fn an_absent_query_is_empty() {
    let request = Request::new("GET", "/a");
    assert_eq!(message(&definition("{path}?{query}"), &request).unwrap(), "/a?");
}

#[test]
fn json_strings_are_unescaped_and_numbers_stay_as_written() {
    is("{json:/text}|{json:/number}|{json:/zero}|{json:/a~1b/c}", "a\"é|1.70e9||deep");
}

#[test]
fn other_json_values_are_failures_and_never_absent() {
    for field in ["yes", "null", "list", "a~1b"] {
        refused(&format!("{{json:/{field}|default:\"x\"}}"), &format!("json:/{field}"), Why::WrongType);
    }
    refused("{json:/none}", "json:/none", Why::Absent);
    is("{json:/none|default:\"x\"}", "x");
}

#[test]
fn a_body_that_is_not_strict_json_is_refused() {
    use crate::json::JsonProblem::{ByteOrderMark, ControlCharacter, DuplicateName, TrailingBytes, UnexpectedEnd};
    for (body, why) in [
        ("", Why::EmptyBody),
        ("{", Why::NotJson(UnexpectedEnd)),
        ("\u{feff}{}", Why::NotJson(ByteOrderMark)),
        (r#"{"a":1,"a":2}"#, Why::NotJson(DuplicateName)),
        (r#"{"a":1} x"#, Why::NotJson(TrailingBytes)),
        ("{\"a\":\"\u{1}\"}", Why::NotJson(ControlCharacter)),
    ] {
        let result = message(&definition("{json:/a}"), &Request::new("POST", "/").body(body));
        assert_eq!(result, unreadable("json:/a", why), "{body}");
    }
    let compressed = Request::new("POST", "/").header("Content-Encoding", "gzip").body("\u{1f}");
    assert_eq!(message(&definition("{json:/a}"), &compressed), unreadable("json:/a", Why::EncodedBody));
}

#[test]
fn repeated_headers_are_joined_in_a_message() {
    is("{header:X-One}|{header:X-TWO}", "padded|a, b");
    refused("{header:X-None}", "header:X-None", Why::Absent);
}

#[test]
fn a_parameter_that_comes_twice_is_refused_however_it_is_escaped() {
    let request = Request::new("POST", "/?a=1&%61=2").body("f=1&f=2&g=a+b%26");
    assert_eq!(message(&definition("{query:a}"), &request), unreadable("query:a", Why::Repeated));
    assert_eq!(message(&definition("{form:f}"), &request), unreadable("form:f", Why::Repeated));
    assert_eq!(message(&definition("{form:g}"), &request).unwrap(), "a b&");
    assert_eq!(message(&definition("{form:h}"), &request), unreadable("form:h", Why::Absent));
}

#[test]
fn text_filters_do_what_their_names_say() {
    is("{method|lower} {method|lower|upper}", "post POST");
    is("{query|sort}", "x=1&y=a%20b+c&z");
    is("{json:/text|percent_encode}", "a%22%C3%A9");
    is("{path|percent_decode}", "/a/b");
    is("{method|prefix:\"<\"|suffix:\">\"|trim}", "<POST>");
    is("{method|strip_prefix:P|strip_suffix:\"T\"}", "OS");
    refused("{method|strip_prefix:\"X\"}", "method", Why::Refused);
    refused("{method|percent_encode|suffix:\"%4\"|percent_decode}", "method", Why::Refused);
}

#[test]
fn parameters_are_sorted_by_their_bytes() {
    let request = Request::new("GET", "/?b=2&a=2&B=1&a=1&a");
    assert_eq!(message(&definition("{query|sort}"), &request).unwrap(), "B=1&a&a=1&a=2&b=2");
}

#[test]
fn encodings_round_trip_and_are_read_strictly() {
    is("{method|hex} {method|HEX|unhex}", "504f5354 POST");
    is("{json:/text|base64} {json:/text|base64url}", "YSLDqQ== YSLDqQ");
    is("{json:/text|base64|unbase64} {json:/text|base64url|unbase64url}", "a\"é a\"é");
    // Padding left out, bits left over, and the other alphabet.
    for text in ["YQ", "YR==", "_w=="] {
        refused(&format!("{{header:X-None|default:\"{text}\"|unbase64}}"), "header:X-None", Why::Refused);
    }
    refused("{method|suffix:\"x\"|unhex}", "method", Why::Refused);
}

#[test]
fn a_match_is_of_the_whole_value() {
    is(r#"{method|match:"[A-Z]+"}"#, "POST");
    refused(r#"{method|match:"OS"}"#, r#"method|match:"OS""#, Why::Refused);
    refused(r#"{method|match:"P|OST"}"#, r#"method|match:"P|OST""#, Why::Refused);
    refused(r#"{method|suffix:"\n"|match:"(?m)POST$"}"#, r#"method|match:"(?m)POST$""#, Why::Refused);
    is(r#"{method|match:"(?i)p[a-z]{3}"}"#, "POST");
    is(r#"{method|suffix:"7"|match:"POST\\d"}"#, "POST7");
    refused(r#"{method|suffix:"१"|match:"POST\\d"}"#, r#"method|match:"POST\d""#, Why::Refused);
    assert_eq!(fault(r#"{method|match:"a)|(b"}"#).message, "not a regular expression, or too large a one");
    assert_eq!(fault(r#"{method|match:"a{9999}{9999}"}"#).message, "not a regular expression, or too large a one");
}

#[test]
fn unix_seconds_are_written_as_a_day_in_utc() {
    let of = |seconds: &str, pattern: &str| format!("{{header:X-None|default:\"{seconds}\"|date:\"{pattern}\"}}");
    is(&of("1714485600", "%Y-%m-%d"), "2024-04-30");
    is(&of("1714521599", "%Y%m%dT%H%M%SZ"), "20240430T235959Z");
    is(&of("1714521600", "%Y-%m-%d"), "2024-05-01");
    is(&of("0", "%Y-%m-%d"), "1970-01-01");
    for seconds in
        ["", "-1", "+1", " 1", "1.5", "2024-04-30", "99999999999999", "9223372036854775807", "99999999999999999999"]
    {
        refused(&of(seconds, "%Y-%m-%d"), "header:X-None", Why::Refused);
    }
    assert_eq!(fault("{method|date}").message, "`date` needs an argument");
    assert_eq!(fault("{method|date:\"%!\"}").message, "not a pattern of a time");
    assert_eq!(fault("{body|sha256|date:%Y}").message, "`date` cannot follow a digest's raw bytes");
}

#[test]
fn a_default_stands_only_for_absence_and_only_from_its_place_on() {
    is("{header:X-None|upper|default:\"x\"|suffix:\"y\"}", "xy");
    is("{method|default:\"x\"}", "POST");
    refused("{query:x|match:\"2\"|default:\"x\"}", "query:x|match:\"2\"", Why::Refused);
}

#[test]
fn arguments_may_be_quoted() {
    is(r#"{method|suffix:"|}\"\\\t"}"#, "POST|}\"\\\t");
    is(r#"{query:"x"}"#, "1");
    let fault = fault(r#"{method|match:"\d"}"#);
    assert_eq!((fault.offset, fault.length), (15, 2));
}

#[test]
fn named_values_are_used_by_name_and_may_use_earlier_ones() {
    let values = texts(&[("first", "<{method}>"), ("second", "{first|lower}{first}")]);
    let definition = Definition { values, ..definition("{second|hex}:{first}") };
    assert_eq!(message(&definition, &sent()).unwrap(), format!("{}:<POST>", hex::encode("<post><POST>")));
}

#[test]
fn a_later_value_cannot_be_used_by_an_earlier_one() {
    let values = texts(&[("first", "{second}"), ("second", "{method}")]);
    let faults = faults(&Definition { values, ..definition("{first}") });
    assert_eq!((faults[0].field, faults[0].index), ("values", Some(0)));
}

#[test]
fn faults_name_the_place_and_suggest() {
    let cases: [(&str, usize, usize, &str); 15] = [
        ("é{heder:X}", 3, 5, "there is no source `heder`"),
        ("{method|lowr}", 8, 4, "there is no filter `lowr`"),
        ("{method:x}", 8, 1, "`method` takes no argument"),
        ("{header}", 1, 6, "`header` needs an argument"),
        ("{header:a b}", 8, 3, "not a header name"),
        ("{json:a}", 6, 1, "a JSON pointer starts with `/`"),
        ("{json:/a~2}", 6, 4, "in a JSON pointer `~` is written `~0`, `/` in a name `~1`"),
        ("a{method", 1, 7, "this brace is not closed"),
        ("{method |lower}", 7, 1, "` ` cannot stand here"),
        ("{method|}", 8, 1, "a filter's name is missing"),
        ("{method|é}", 8, 2, "a filter's name is missing"),
        ("{method|prefix:\"x}", 15, 1, "this quote is not closed"),
        ("{body|sha256|unhex}", 13, 5, "`unhex` cannot follow a digest's raw bytes"),
        ("{claim:sub}", 1, 5, "`claim` cannot be used in this place"),
        ("{key_id}", 1, 6, "there is no key id here"),
    ];
    for (template, offset, length, message) in cases {
        let fault = fault(template);
        assert_eq!((fault.offset, fault.length, fault.message.as_str()), (offset, length, message), "{template}");
        assert_eq!(fault.field, "message", "{template}");
    }
    assert_eq!(fault("{heder:X}").hint.as_deref(), Some("did you mean `header`?"));
    assert_eq!(fault("{method|sha265}").hint.as_deref(), Some("did you mean `sha256`?"));
}

#[test]
fn values_that_grow_without_bound_are_refused_at_load() {
    let mut values = texts(&[("v0", "{method}{method}")]);
    for index in 1..30 {
        let text = format!("{{v{0}}}{{v{0}}}", index - 1);
        values.push((format!("v{index}"), ValueDefinition::Text(text)));
    }
    assert!(faults(&Definition { values, ..definition("{v29}") }).iter().any(|fault| fault.field == "values"));
}

#[test]
fn an_answer_knows_the_caller_and_escapes_for_its_place() {
    struct Caller;
    impl Known for Caller {
        fn claim(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
            (name == "sub").then_some("a\"\n\u{1}".into())
        }
        fn fact(&self, fact: Fact) -> Option<std::borrow::Cow<'_, str>> {
            (fact == Fact::KeyId).then_some("dev-1".into())
        }
    }
    let request = sent();
    let view = View { known: &Caller, ..request.view() };
    let render = |text: &str, escape: Escape| {
        let mut out = Vec::new();
        let template = Template::compile(text, Sources::Answer).unwrap();
        template.render(&view, escape, &mut out).map(|()| String::from_utf8(out).unwrap())
    };
    assert_eq!(render(r#"{"hello":"{claim:sub}"}"#, Escape::Json).unwrap(), r#"{"hello":"a\"\u000a\u0001"}"#);
    assert_eq!(render("{claim:sub}", Escape::Header), unreadable("claim:sub", Why::Unwritable));
    assert_eq!(render("{key_id} {method} {query:x}", Escape::Header).unwrap(), "dev-1 POST 1");
    assert_eq!(render("{subject|default:\"-\"}", Escape::Header).unwrap(), "-");
    assert_eq!(render("{claim:role}", Escape::None), unreadable("claim:role", Why::Absent));
}

#[test]
fn an_answer_has_a_vocabulary_of_its_own() {
    let fault = |text: &str| Template::compile(text, Sources::Answer).unwrap_err();
    assert_eq!(fault("{json:/a}").message, "`json` cannot be used in this place");
    assert_eq!(fault("{subjet}").hint.as_deref(), Some("did you mean `subject`?"));
    assert_eq!(fault("{method|sha256}").message, "a digest's raw bytes cannot stand in text");
    assert!(Template::compile("{method|sha256|base64}", Sources::Answer).is_ok());
}

#[test]
fn a_template_without_sources_is_literal() {
    let literal = |text: &str| Template::compile(text, Sources::Answer).unwrap().literal().map(str::to_owned);
    assert_eq!(literal("{{a} b").as_deref(), Some("{a} b"));
    assert_eq!(literal("").as_deref(), Some(""));
    assert_eq!(literal("{path}"), None);
}
