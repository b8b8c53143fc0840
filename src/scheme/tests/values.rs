//! Named values that are more than a template: texts taken apart, loops, choices; and alternatives within templates.

use super::*;

fn pairs(from: &str) -> ValueDefinition {
    ValueDefinition::Pairs { from: from.to_owned(), separator: b',' }
}

fn capture(from: &str, expression: &str) -> ValueDefinition {
    ValueDefinition::Capture { from: from.to_owned(), expression: expression.to_owned() }
}

fn headers(change: impl FnOnce(&mut HeadersDefinition)) -> ValueDefinition {
    let mut definition = HeadersDefinition::new("{header:List}", " ");
    change(&mut definition);
    ValueDefinition::Headers(definition)
}

fn parameters(of: &[ParametersOf], change: impl FnOnce(&mut ParametersDefinition)) -> ValueDefinition {
    let mut definition = ParametersDefinition::new(of.to_vec());
    change(&mut definition);
    ValueDefinition::Parameters(definition)
}

fn choice(condition: &str, test: TestDefinition, then: &str, otherwise: &str) -> ValueDefinition {
    let (condition, then, otherwise) = (condition.to_owned(), then.to_owned(), otherwise.to_owned());
    ValueDefinition::Choice { condition, test, then, otherwise }
}

/// A scheme whose message has the method and `{v}`.
fn with(value: ValueDefinition) -> Definition {
    Definition { values: vec![("v".to_owned(), value)], ..definition("{method} {v}") }
}

fn parts(value: ValueDefinition, rest: &str) -> Definition {
    Definition { values: vec![("v".to_owned(), value)], ..definition(&format!("{{method}} {rest}")) }
}

fn is(definition: &Definition, request: &Request, expected: &str) {
    assert_eq!(message(definition, request).as_deref(), Ok(format!("GET {expected}").as_str()));
}

fn get(target: &str) -> Request {
    Request::new("GET", target)
}

fn listing(names: &str) -> Request {
    get("/").header("List", names).header("A", "1").header("B", " two  words ").header("B", "three")
}

#[test]
fn alternatives_are_tried_in_order_until_one_is_there() {
    let first = definition("{method} {header:A else header:B|upper else query:c}|{header:A|default:\"none\"}");
    is(&first, &get("/?c=x").header("A", "a").header("B", "b"), "a|a");
    is(&first, &get("/?c=x").header("B", "b"), "B|none");
    is(&first, &get("/?c=x"), "x|none");
    assert_eq!(message(&first, &get("/")), unreadable("query:c", Why::Absent));
    // Only absence counts: what is there and wrong is no reason to look further.
    let strict = definition("{method} {header:A|unhex else header:B}");
    assert_eq!(message(&strict, &get("/").header("A", "zz").header("B", "b")), unreadable("header:A", Why::Refused));
    let empty = definition("{method} {header:A else header:B}");
    is(&empty, &get("/").header("A", "").header("B", "b"), "");
}

#[test]
fn half_a_value_is_never_written_before_its_alternative() {
    let definition = Definition {
        values: texts(&[("both", "{header:A}-{header:B}")]),
        ..definition("{method} {both else header:C}")
    };
    is(&definition, &get("/").header("A", "a").header("C", "c"), "c");
}

#[test]
fn a_text_is_taken_apart_into_pairs() {
    let definition = parts(pairs("{header:P}"), "{v:b} {v:a|lower} {v:c else header:C}");
    is(&definition, &get("/").header("P", "a=X, b=\"y, z\"").header("C", "c"), "y, z x c");
    let refused = |text: &str, why: Why| {
        assert_eq!(message(&definition, &get("/").header("P", text)), unreadable("header:P", why), "{text}");
    };
    refused("a=X, b", Why::Refused);
    let twice = message(&definition, &get("/").header("P", "a=X, b=1, b=2"));
    assert_eq!(twice, unreadable("v:b", Why::Repeated));
}

#[test]
fn a_text_is_taken_apart_by_an_expression_that_it_must_match_whole() {
    let definition = parts(capture("{header:P}", "(?<id>[^/]+)/(?<day>[0-9]{8})(/(?<rest>.*))?"), "{v:day} {v:id}");
    is(&definition, &get("/").header("P", "k/20240430"), "20240430 k");
    is(&definition, &get("/").header("P", "k/20240430/x"), "20240430 k");
    for wrong in ["k/2024043", "/20240430", "k/20240430x", ""] {
        let result = message(&definition, &get("/").header("P", wrong));
        assert_eq!(result, unreadable("header:P", Why::Refused), "{wrong}");
    }
    let optional = parts(capture("{header:P}", "(?<id>[^/]+)(/(?<rest>.*))?"), "{v:rest else v:id}");
    is(&optional, &get("/").header("P", "k/r"), "r");
    is(&optional, &get("/").header("P", "k"), "k");
}

/// `text/a; x` and a second line `text/b` would be `text/a` with a parameter `x, text/b`.
#[test]
fn of_a_header_that_came_twice_no_expression_takes_anything() {
    let media = parts(capture("{header:P}", "(?<media>[^;]*)(;.*)?"), "{v:media}");
    is(&media, &get("/").header("P", "text/a; x"), "text/a");
    let twice = get("/").header("P", "text/a; x").header("P", "text/b");
    assert_eq!(message(&media, &twice), unreadable("header:P", Why::Repeated));
}

#[test]
fn each_header_of_a_list_has_its_line() {
    is(&with(headers(|_| {})), &listing("b A"), "b: two  words, three\nA: 1");
    let spelled = headers(|lines| {
        lines.each = "{name|lower}={value|squeeze}".to_owned();
        lines.join = ";".to_owned();
        lines.repeated = ",".to_owned();
    });
    is(&with(spelled), &listing("A B"), "a=1;b=two words,three");
    is(&with(headers(|_| {})), &listing(""), "");
    is(&with(headers(|_| {})), &listing("host"), "host: api.example.com");
}

#[test]
fn every_header_of_a_beginning_has_its_line_in_order_and_once() {
    let all = with(headers(|list| list.names = "{header_names:X-Ms-}".to_owned()));
    let request = get("/").header("x-ms-version", "2").header("X-MS-Date", "a  b").header("x-ms-version", "3");
    let request = request.header("x-msx", "no").header("x-ms", "no").header("x-ms-", "4");
    is(&all, &request, "x-ms-: 4\nx-ms-date: a  b\nx-ms-version: 2, 3");
    is(&all, &get("/").header("A", "1"), "");
    is(&definition("{method} {header_names:x-ms-}"), &request, "x-ms- x-ms-date x-ms-version");
    let dated = with(headers(|list| {
        (list.names, list.covers) = ("{header_names:x-ms-}".to_owned(), vec!["x-ms-date".to_owned()]);
    }));
    assert_eq!(message(&dated, &get("/")), Err(Failure::Uncovered { name: "x-ms-date".to_owned() }));
    assert_eq!(scheme(&dated).coverage().headers, ["x-ms-date"]);
}

#[test]
fn a_listed_header_that_is_not_there_is_refused_left_out_or_empty() {
    let with_missing = |missing| with(headers(|lines| lines.missing = missing));
    assert_eq!(message(&with_missing(Missing::Reject), &listing("A X")), unreadable("header:X", Why::Absent));
    is(&with_missing(Missing::Skip), &listing("X A"), "A: 1");
    is(&with_missing(Missing::Empty), &listing("A X"), "A: 1\nX: ");
}

#[test]
fn a_list_holds_header_names_and_special_ones_and_nothing_else() {
    let special = || {
        with(headers(|lines| {
            lines.special = strings(&[("(request-target)", "(request-target): {method|lower} {path}")])
        }))
    };
    is(&special(), &listing("A (Request-Target)"), "A: 1\n(request-target): get /");
    for wrong in ["A  B", "A,B", "a:b", "(created)", "A\u{e9}"] {
        let result = message(&special(), &listing(wrong));
        assert_eq!(result, unreadable("header:List", Why::Refused), "{wrong}");
    }
    let many = (0..129).map(|number| format!("A{number}")).collect::<Vec<_>>().join(" ");
    assert_eq!(message(&special(), &listing(&many)), unreadable("header:List", Why::Refused));
}

/// One long header in a list of a hundred would be gone over a hundred times for whoever has no key.
#[test]
fn a_list_holds_no_name_twice() {
    let lines = || with(headers(|lines| lines.special = strings(&[("(request-target)", "{method} {path}")])));
    is(&lines(), &listing("A (request-target)"), "A: 1\nGET /");
    for twice in ["A A", "A X a", "(request-target) A (Request-Target)"] {
        assert_eq!(message(&lines(), &listing(twice)), unreadable("header:List", Why::Refused), "{twice}");
    }
}

/// Of the two the one with the plain name goes on, or none: were the other signed, anyone could take it out.
#[test]
fn a_listed_header_with_an_odd_name_stands_alone() {
    let definition = with(headers(|_| {}));
    let listing = |list: &str| get("/").header("List", list).header("X_Role", "user");
    is(&definition, &listing("x_role"), "x_role: user");
    for twin in ["X-Role", "x.role", "X~ROLE"] {
        let both = listing("x_role").header(twin, "admin");
        assert_eq!(message(&definition, &both), unreadable("header:x_role", Why::Twin), "{twin}");
    }
    // The one with another separator is left behind.
    is(&definition, &listing("x-role").header("X-Role", "admin"), "x-role: admin");
}

#[test]
fn what_must_be_listed_is_the_first_that_is_there_or_either() {
    let covers = |covers: &[&str]| {
        with(headers(|lines| {
            lines.covers = covers.iter().map(|name| (*name).to_owned()).collect();
            lines.special = strings(&[("@x", "@x: {header:X}"), ("@p", "@p: {path}")]);
        }))
    };
    let lacks = |covers_: &[&str], names: &str, name: &str| {
        let expected = Err(Failure::Uncovered { name: name.to_owned() });
        assert_eq!(message(&covers(covers_), &listing(names)), expected, "{covers_:?} {names}");
    };
    assert!(message(&covers(&["b", "A"]), &listing("A B")).is_ok());
    lacks(&["a", "b"], "A", "b");
    lacks(&["c"], "A", "c");
    assert!(message(&covers(&["c else a"]), &listing("A")).is_ok());
    lacks(&["a else b"], "B", "a");
    assert!(message(&covers(&["@x else a"]), &listing("A")).is_ok());
    lacks(&["@p else a"], "A", "@p");
    assert!(message(&covers(&["@p or a"]), &listing("A")).is_ok());
    lacks(&["@p or a"], "B", "@p");
    let if_present = with(headers(|lines| lines.covers_if_present = vec!["a".to_owned(), "c".to_owned()]));
    assert!(message(&if_present, &listing("A")).is_ok());
    assert_eq!(message(&if_present, &listing("B")), Err(Failure::Uncovered { name: "a".to_owned() }));
}

#[test]
fn parameters_are_written_raw_decoded_or_encoded() {
    let request = get("/?b=%7e+x&a=%3D&&c&b=1");
    let written = |writing| with(parameters(&[ParametersOf::Query], |list| list.writing = writing));
    is(&with(parameters(&[ParametersOf::Query], |_| {})), &request, "b=%7e+x&a=%3D&c=&b=1");
    is(&written(Writing::Decoded), &request, "b=~+x&a==&c=&b=1");
    is(&written(Writing::Encoded), &get("/?b=%7e%2bx&a=%3D&&c&b=1"), "b=~%2Bx&a=%3D&c=&b=1");
    let spaced = parameters(&[ParametersOf::Query], |list| {
        (list.writing, list.plus_is_space) = (Writing::Encoded, true);
    });
    is(&with(spaced), &request, "b=~%20x&a=%3D&c=&b=1");
    assert_eq!(message(&written(Writing::Encoded), &get("/?a=%zz")), unreadable("query", Why::Malformed));
}

/// Many an upstream reads a query as a form: what was signed as `1+2` would be `1 2` there.
#[test]
fn a_plus_is_refused_where_it_would_be_signed_as_its_escape() {
    let encoded = |list: &mut ParametersDefinition| list.writing = Writing::Encoded;
    let list = with(parameters(&[ParametersOf::Query], encoded));
    is(&list, &get("/?a=1%2B2"), "a=1%2B2");
    for target in ["/?a=1+2", "/?a+b=1", "/?b=1&a=+"] {
        assert_eq!(message(&list, &get(target)), unreadable("query", Why::Plus), "{target}");
    }
    is(&with(parameters(&[ParametersOf::Form], encoded)), &get("/").body("a=1+2"), "a=1%202");
    let but_for_one = parameters(&[ParametersOf::Query], |list| {
        encoded(list);
        list.except = vec!["s".to_owned()];
    });
    is(&with(but_for_one), &get("/?a=1&s=x+y"), "a=1");
}

#[test]
fn parameters_are_sorted_by_name_and_then_by_value_and_equal_ones_dropped() {
    let request = get("/?b=2&a-=1&a=2&b=10&a=2");
    is(&with(parameters(&[ParametersOf::Query], |list| list.sort = true)), &request, "a=2&a=2&a-=1&b=10&b=2");
    let unique = parameters(&[ParametersOf::Query], |list| (list.sort, list.unique) = (true, true));
    is(&with(unique), &request, "a=2&a-=1&b=10&b=2");
}

#[test]
fn parameters_of_several_places_are_joined_and_some_left_out() {
    let value = |except: &[&str]| {
        let except: Vec<String> = except.iter().map(|name| (*name).to_owned()).collect();
        let all = [ParametersOf::Query, ParametersOf::DeclaredForm, ParametersOf::Pairs("p".to_owned())];
        let list = parameters(&all, |list| (list.writing, list.except) = (Writing::Encoded, except));
        let values = vec![("p".to_owned(), pairs("{header:P}")), ("v".to_owned(), list)];
        Definition { values, ..definition("{method} {v}") }
    };
    let request = get("/?a=1&s=2").body("b=x+y").header("P", "c=\"%20\", s=3");
    is(&value(&[]), &request, "a=1&s=2&c=%20&s=3");
    let form = request.clone().header("Content-Type", "Application/X-WWW-Form-Urlencoded; charset=utf-8");
    is(&value(&["s"]), &form, "a=1&b=x%20y&c=%20");
    is(&value(&["p:s"]), &form, "a=1&s=2&b=x%20y&c=%20");
    let twice = form.header("Content-Type", "text/plain");
    assert_eq!(message(&value(&[]), &twice), unreadable("header:Content-Type", Why::Repeated));
}

#[test]
fn too_many_parameters_are_refused() {
    let list = with(parameters(&[ParametersOf::Form], |_| {}));
    assert!(message(&list, &get("/").body(&"a&".repeat(4096))).is_ok());
    assert_eq!(message(&list, &get("/").body(&"a&".repeat(4097))), unreadable("form", Why::Malformed));
}

#[test]
fn a_choice_follows_what_is_there() {
    let present = with(choice("{header:A}", TestDefinition::Present, "yes", "no"));
    is(&present, &get("/").header("A", ""), "yes");
    is(&present, &get("/"), "no");
    let equal = with(choice("{body}", TestDefinition::Is("ab".to_owned()), "yes", "no"));
    for (body, expected) in [("ab", "yes"), ("a", "no"), ("abc", "no"), ("", "no"), ("b", "no")] {
        is(&equal, &get("/").body(body), expected);
    }
    let matching = with(choice("{header:A}", TestDefinition::Matches("[0-9]+".to_owned()), "yes", "no"));
    is(&matching, &get("/").header("A", "12"), "yes");
    is(&matching, &get("/").header("A", "12x"), "no");
    // Only absence decides; what cannot be read is no answer.
    let unreadable_condition = with(choice("{query:a}", TestDefinition::Present, "yes", "no"));
    assert_eq!(message(&unreadable_condition, &get("/?a=1&a=2")), unreadable("query:a", Why::Repeated));
}

#[test]
fn a_condition_on_a_body_that_comes_in_pieces_is_the_same() {
    let definition = with(choice("{body}", TestDefinition::Is("abcdefgh".to_owned()), "yes", "{body|first:4|hex}"));
    let scheme = scheme(&definition);
    assert_eq!(scheme.body_need(), BodyNeed::Bytes);
    for (body, expected) in [("abcdefgh", "GET yes"), ("abcdefgx", "GET 61626364"), ("ab", "GET 6162")] {
        let request = get("/").header("X-Signature", &"0".repeat(64));
        let pieces = Pieces(body.as_bytes());
        let view = View { body: Body::Spooled(&pieces), ..request.view() };
        let claimed = scheme.read(&view, NOW).unwrap();
        assert_eq!(scheme.message(&claimed, &view).unwrap(), expected.as_bytes());
    }
}

#[test]
fn host_and_port_are_the_public_ones() {
    let of = |scheme: &str, authority: &str| {
        let request = Request { scheme: scheme.to_owned(), authority: authority.to_owned(), ..get("/") };
        message(&definition("{method} {host} {port}"), &request).unwrap()
    };
    assert_eq!(of("https", "a.example"), "GET a.example 443");
    assert_eq!(of("http", "a.example"), "GET a.example 80");
    assert_eq!(of("http", "a.example:8000"), "GET a.example 8000");
    assert_eq!(of("https", "[::1]"), "GET [::1] 443");
    assert_eq!(of("https", "[::1]:8443"), "GET [::1] 8443");
}

#[test]
fn paths_are_normalised_and_encoded_only_where_a_template_says_so() {
    let request = Request { target: "/a/./b//../c d%20".to_owned(), ..get("/") };
    is(&definition("{method} {path|normalize_path}"), &request, "/a/c d%20");
    is(&definition("{method} {path|percent_encode_path}"), &request, "/a/./b//../c%20d%2520");
}

#[test]
fn what_a_value_must_not_say_is_told_with_its_place() {
    let one = |definition: &Definition| {
        let faults = faults(definition);
        assert_eq!(faults.len(), 1, "{faults:?}");
        (faults[0].field, faults[0].index, faults[0].inner)
    };
    let special = headers(|lines| lines.special = strings(&[("@a", "{method}"), ("@b", "{nope}")]));
    assert_eq!(one(&with(special)), ("values.special", Some(0), Some(1)));
    let covers = headers(|lines| lines.covers = vec!["a".to_owned(), "(b)".to_owned()]);
    assert_eq!(one(&with(covers)), ("values.covers", Some(0), Some(1)));
    let each = headers(|lines| lines.each = "{header:A}".to_owned());
    assert_eq!(one(&with(each)), ("values.each", Some(0), None));
    let unknown = parameters(&[ParametersOf::Query, ParametersOf::Pairs("nope".to_owned())], |_| {});
    assert_eq!(one(&with(unknown)), ("values.parameters", Some(0), Some(1)));
    let except = parameters(&[ParametersOf::Query], |list| list.except = vec!["form:a".to_owned()]);
    assert_eq!(one(&with(except)), ("values.except", Some(0), Some(0)));
    assert_eq!(one(&parts(capture("{header:P}", "("), "{path}")).0, "values.capture");
    assert_eq!(one(&parts(capture("{header:P}", "(?<a>.)"), "{v:b}")).0, "message");
    assert_eq!(one(&parts(pairs("{header:P}"), "{v}")).0, "message");
    assert_eq!(one(&definition("{name} {path}")).0, "message");
}

#[test]
fn only_what_is_there_for_every_request_is_covered() {
    let covered = |definition: &Definition| scheme(definition).coverage().to_string();
    let always = with(choice("{header:A}", TestDefinition::Present, "x{body}", "{body|sha256|hex}y{path}"));
    assert_eq!(covered(&always), "signs method; does not sign path, query, authority, body");
    let both = with(choice("{header:A}", TestDefinition::Present, "x{body}\n{path}", "y{body}"));
    assert_eq!(covered(&both), "signs method, body; does not sign path, query, authority");
    let touching = with(choice("{header:A}", TestDefinition::Present, "x{body}{path}", "y{body}"));
    assert_eq!(covered(&touching), "signs method; does not sign path, query, authority, body");
    let cut = definition("{method} {body|first:10|sha256|hex}");
    assert_eq!(covered(&cut), "signs method; does not sign path, query, authority, body");
    let query = |list: fn(&mut ParametersDefinition)| covered(&with(parameters(&[ParametersOf::Query], list)));
    let signs = "signs method, query; does not sign path, authority, body";
    let does_not = "signs method; does not sign path, query, authority, body";
    assert_eq!(query(|list| list.writing = Writing::Encoded), signs);
    assert_eq!(query(|_| {}), signs);
    assert_eq!(query(|list| list.writing = Writing::Decoded), does_not);
    assert_eq!(query(|list| list.each = "{name}{value}".to_owned()), does_not);
    assert_eq!(query(|list| list.join = "x".to_owned()), does_not);
    assert_eq!(query(|list| list.except = vec!["a".to_owned()]), does_not);
    assert_eq!(covered(&with(parameters(&[ParametersOf::DeclaredForm], |_| {}))), does_not);
    let host = headers(|lines| lines.covers = vec!["host".to_owned(), "date else x-date".to_owned()]);
    let expected = "signs method, authority, header date else x-date; does not sign path, query, body";
    assert_eq!(covered(&with(host)), expected);
}

#[test]
fn a_time_out_of_a_list_is_signed_only_if_the_list_must_hold_it() {
    let timed = |from: &str, covers: &[&str]| {
        let covers = covers.iter().map(|name| (*name).to_owned()).collect();
        let timestamp = Some(TimestampDefinition { past: None, ..timestamp(from, 60) });
        let definition = Definition { timestamp, ..with(headers(|lines| lines.covers = covers)) };
        Scheme::compile(&definition).is_ok()
    };
    assert!(timed("{header:Date}", &["date"]));
    assert!(!timed("{header:Date}", &[]));
    assert!(!timed("{header:Date}", &["x-date else date"]));
    assert!(!timed("{header:Date}", &["x-date or date"]));
    assert!(timed("{header:X-Date else header:Date}", &["x-date else date"]));
    assert!(!timed("{header:X-Date else header:Date}", &["date else x-date"]));
    assert!(!timed("{header:X-Date else header:Date}", &["x-date", "date"]));
}

#[test]
fn a_nonce_out_of_pairs_is_fixed_as_it_is_signed() {
    let replayed = |key: &str| {
        let list = parameters(&[ParametersOf::Pairs("p".to_owned())], |list| {
            (list.writing, list.except) = (Writing::Encoded, vec!["s".to_owned()]);
        });
        let values = vec![("p".to_owned(), pairs("{header:P}")), ("v".to_owned(), list)];
        let replay = ReplayDefinition { key: Some(key.to_owned()), remember: Some(Duration::from_secs(1)) };
        let definition = Definition { values, replay: Some(replay), ..definition("{method} {v}") };
        Scheme::compile(&definition).is_ok()
    };
    assert!(replayed("{p:nonce|percent_decode}"));
    // `a` and `%61` would be two.
    assert!(!replayed("{p:nonce}"));
    assert!(!replayed("{p:s|percent_decode}"));
}

/// A list over query, form and the pairs of `X-P`, and a replay key.
fn over(of: &[ParametersOf], key: &str) -> Definition {
    let list = parameters(of, |list| (list.writing, list.sort) = (Writing::Encoded, true));
    let values = vec![("p".to_owned(), pairs("{header:P}")), ("v".to_owned(), list)];
    let replay = ReplayDefinition { key: Some(key.to_owned()), remember: Some(Duration::from_secs(1)) };
    Definition { values, replay: Some(replay), ..definition("{method} {v}") }
}

#[test]
fn of_several_places_none_is_covered_but_what_is_read_by_name_is_fixed() {
    let all = [ParametersOf::Query, ParametersOf::Form, ParametersOf::Pairs("p".to_owned())];
    let coverage = scheme(&over(&all, "{p:n|percent_decode}:{query:t}")).coverage();
    assert_eq!(
        coverage.to_string(),
        "signs method, query t; signs query, body but not where they begin and end; does not sign path, authority"
    );
    assert_eq!(faults(&over(&all, "{query:t}:{form:t}"))[0].field, "replay");
    assert_eq!(faults(&over(&all, "{p:n}"))[0].field, "replay");
    assert!(scheme(&over(&all[..1], "{query:t}")).coverage().query);
}

#[test]
fn what_is_read_by_name_out_of_one_place_may_not_come_from_another() {
    let all = [ParametersOf::Query, ParametersOf::Form, ParametersOf::Pairs("p".to_owned())];
    let definition = over(&all, "{p:n|percent_decode}:{query:t}");
    let judged = |target: &str, pairs: &str, body: &str| {
        message(&definition, &get(target).header("P", pairs).body(body)).map(|_| ())
    };
    assert_eq!(judged("/?t=1&a=1", "n=1,b=2", "a=3&c="), Ok(()));
    let twice = |place: &str| unreadable(place, Why::Repeated);
    assert_eq!(judged("/?t=1&n=2", "n=1", ""), twice("p:n"));
    assert_eq!(judged("/?t=1", "n=1", "%6e=2"), twice("p:n"));
    assert_eq!(judged("/?t=1", "n=1,%6e=2", ""), twice("p:n"));
    assert_eq!(judged("/", "n=1", "t=1"), twice("query:t"));
    assert_eq!(judged("/", "n=1,t=1", ""), twice("query:t"));
}

/// `id=a,x=2` and `id=a&x=2` are one text.
#[test]
fn pairs_as_they_came_are_not_told_apart() {
    let with = |writing| {
        let list = parameters(&[ParametersOf::Pairs("p".to_owned())], |list| list.writing = writing);
        let values = vec![("p".to_owned(), pairs("{header:P}")), ("v".to_owned(), list)];
        let key_id = Some("{p:id|percent_decode}".to_owned());
        scheme(&Definition { values, key_id, ..definition("{v}") }).fault_with_shared_keys()
    };
    assert_eq!(with(Writing::Encoded), None);
    assert!(with(Writing::Raw).is_some());
}

#[test]
fn an_absent_header_and_an_empty_one_are_one_line_where_the_list_says_so() {
    let remembers = |missing, covers: &[&str], key: &str| {
        let lines = headers(|lines| {
            (lines.missing, lines.covers) = (missing, covers.iter().map(|name| (*name).to_owned()).collect());
        });
        let replay = ReplayDefinition { key: Some(key.to_owned()), remember: Some(Duration::from_secs(1)) };
        Scheme::compile(&Definition { replay: Some(replay), ..with(lines) }).is_ok()
    };
    let first = "{header:x-nonce else header:nonce}";
    assert!(remembers(Missing::Reject, &["x-nonce else nonce"], first));
    assert!(!remembers(Missing::Empty, &["x-nonce else nonce"], first));
    assert!(remembers(Missing::Reject, &["n or N"], "{header:n}"));
    assert!(!remembers(Missing::Empty, &["n or N"], "{header:n}"));
    assert!(remembers(Missing::Empty, &["n or N"], "{header:n|default:\"\"}"));
    // It must be there.
    assert!(remembers(Missing::Empty, &["n"], "{header:n}"));
}
