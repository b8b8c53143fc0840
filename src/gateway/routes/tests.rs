//! The table's rules, the attacks on it, and an oracle of its own that reads paths as the most lenient servers do.

use std::time::Instant;

use proptest::prelude::*;

use super::*;

fn table(paths: &[&str]) -> Routes<String> {
    Routes::build(paths.iter().map(|path| (key(path), (*path).to_owned())).collect()).unwrap()
}

fn key(path: &str) -> RouteKey {
    RouteKey { path: path.to_owned(), ..RouteKey::default() }
}

fn with_methods(path: &str, methods: &[&str]) -> RouteKey {
    RouteKey { methods: methods.iter().map(|method| (*method).to_owned()).collect(), ..key(path) }
}

fn with_hosts(path: &str, hosts: &[&str]) -> RouteKey {
    RouteKey { hosts: hosts.iter().map(|host| (*host).to_owned()).collect(), ..key(path) }
}

fn get<'r>(routes: &'r Routes<String>, path: &str) -> Result<&'r str, NotRouted> {
    routes.find(0, "gw.test", "GET", path).map(String::as_str)
}

#[test]
fn a_literal_is_preferred_to_a_segment_and_that_to_all_below() {
    let routes = table(&["/**", "/a/**", "/a/{id}", "/a/new", "/{any}/new/deep"]);
    for (path, route) in [
        ("/a/new", "/a/new"),
        ("/a/old", "/a/{id}"),
        ("/a/old/x", "/a/**"),
        ("/a/", "/a/**"),
        ("/a", "/**"),
        ("/b", "/**"),
        ("/", "/**"),
        ("/b/new/deep", "/{any}/new/deep"),
    ] {
        assert_eq!(get(&routes, path), Ok(route), "{path}");
    }
}

#[test]
fn a_more_specific_start_that_leads_nowhere_is_left_again() {
    let routes = table(&["/a/b/c", "/{x}/b/d", "/{x}/{y}/**"]);
    assert_eq!(get(&routes, "/a/b/c"), Ok("/a/b/c"));
    assert_eq!(get(&routes, "/a/b/d"), Ok("/{x}/b/d"));
    assert_eq!(get(&routes, "/a/b/e"), Ok("/{x}/{y}/**"));
    assert_eq!(get(&routes, "/a/b"), Err(NotRouted::NotFound));
}

#[test]
fn case_and_trailing_slash_count() {
    let routes = table(&["/a", "/a/", "/A", "/b/**"]);
    assert_eq!(get(&routes, "/a"), Ok("/a"));
    assert_eq!(get(&routes, "/a/"), Ok("/a/"));
    assert_eq!(get(&routes, "/A"), Ok("/A"));
    assert_eq!(get(&routes, "/b"), Err(NotRouted::NotFound));
    assert_eq!(get(&routes, "/B/"), Err(NotRouted::NotFound));
}

#[test]
fn a_segment_is_never_empty() {
    let routes = table(&["/a/{id}"]);
    assert_eq!(get(&routes, "/a/"), Err(NotRouted::NotFound));
    assert_eq!(get(&routes, "/a//"), Err(NotRouted::NotFound));
    assert_eq!(get(&routes, "/a"), Err(NotRouted::NotFound));
}

#[test]
fn a_wrong_method_on_the_best_path_never_finds_a_laxer_route() {
    let entries = vec![
        (with_methods("/a", &["POST", "PUT"]), 0),
        (with_methods("/a", &["DELETE"]), 1),
        (key("/{any}"), 2),
        (key("/**"), 3),
    ];
    let routes = Routes::build(entries).unwrap();
    let refused = NotRouted::MethodNotAllowed { allow: "DELETE, POST, PUT".to_owned() };
    assert_eq!(routes.find(0, "h", "GET", "/a"), Err(refused));
    assert_eq!(routes.find(0, "h", "DELETE", "/a"), Ok(&1));
    assert_eq!(routes.find(0, "h", "PUT", "/a"), Ok(&0));
    assert_eq!(routes.find(0, "h", "GET", "/b"), Ok(&2));
}

#[test]
fn head_and_options_are_meant_only_where_listed_or_all_are() {
    let routes = Routes::build(vec![(with_methods("/a", &["GET", "HEAD"]), 0), (key("/b"), 1)]).unwrap();
    assert_eq!(routes.find(0, "h", "HEAD", "/a"), Ok(&0));
    assert!(matches!(routes.find(0, "h", "OPTIONS", "/a"), Err(NotRouted::MethodNotAllowed { .. })));
    assert_eq!(routes.find(0, "h", "OPTIONS", "/b"), Ok(&1));
    assert!(matches!(routes.find(0, "h", "get", "/a"), Err(NotRouted::MethodNotAllowed { .. })));
}

#[test]
fn the_host_is_looked_at_before_the_path() {
    let routes = Routes::build(vec![
        (with_hosts("/**", &["api.example.com"]), "name"),
        (with_hosts("/**", &["*.example.com"]), "wildcard"),
        (with_hosts("/x", &["*.deep.example.com"]), "longer wildcard"),
        (key("/x"), "any"),
        (key("/y"), "any"),
    ])
    .unwrap();
    for (host, path, route) in [
        ("api.example.com", "/x", Ok(&"name")),
        ("API.Example.Com:8443", "/x", Ok(&"name")),
        ("api.example.com.", "/x", Ok(&"name")),
        ("www.example.com", "/x", Ok(&"wildcard")),
        ("a.deep.example.com", "/x", Ok(&"longer wildcard")),
        ("a.deep.example.com", "/y", Ok(&"wildcard")),
        ("example.com", "/x", Ok(&"any")),
        ("notexample.com", "/x", Ok(&"any")),
        (".example.com", "/x", Ok(&"any")),
        ("", "/y", Ok(&"any")),
        ("[::1]:80", "/y", Ok(&"any")),
        ("other", "/z", Err(NotRouted::NotFound)),
    ] {
        assert_eq!(routes.find(0, host, "GET", path), route, "{host} {path}");
    }
}

#[test]
fn a_route_without_hosts_answers_where_the_named_host_has_no_such_path() {
    let routes = Routes::build(vec![(with_hosts("/special", &["[::1]"]), "named"), (key("/health"), "any")]).unwrap();
    assert_eq!(routes.find(0, "[::1]:80", "GET", "/health"), Ok(&"any"));
    assert_eq!(routes.find(0, "[::1]:80", "GET", "/special"), Ok(&"named"));
    assert_eq!(routes.find(0, "other", "GET", "/special"), Err(NotRouted::NotFound));
}

#[test]
fn a_listener_sees_its_own_routes_and_those_of_all() {
    let entries = vec![(RouteKey { listeners: vec![1], ..key("/a/**") }, "one"), (key("/**"), "all")];
    let routes = Routes::build(entries).unwrap();
    assert_eq!(routes.find(1, "h", "GET", "/a/x"), Ok(&"one"));
    assert_eq!(routes.find(0, "h", "GET", "/a/x"), Ok(&"all"));
    assert_eq!(routes.find(7, "h", "GET", "/a/x"), Ok(&"all"));
    assert_eq!(routes.find(1, "h", "GET", "/b"), Ok(&"all"));
}

#[test]
fn routes_that_no_request_can_tell_apart_are_a_conflict() {
    let tie = |one: RouteKey, other: RouteKey| {
        let entries = vec![(key("/unrelated"), ()), (one, ()), (other, ())];
        Routes::build(entries).err() == Some(RouteConflict::Tie { first: 1, second: 2 })
    };
    assert!(tie(key("/a"), key("/a")));
    assert!(tie(key("/{x}"), key("/{y}")));
    assert!(tie(key("/a/**"), with_methods("/a/**", &["GET"])));
    assert!(tie(with_methods("/a", &["GET", "PUT"]), with_methods("/a", &["PUT", "POST"])));
    assert!(tie(with_hosts("/a", &["x", "y"]), with_hosts("/a", &["Y"])));
    assert!(tie(RouteKey { listeners: vec![3], ..key("/a") }, key("/a")));
    assert!(!tie(with_methods("/a", &["GET"]), with_methods("/a", &["POST"])));
    assert!(!tie(with_hosts("/a", &["x"]), key("/a")));
    assert!(!tie(with_hosts("/a", &["*.x"]), with_hosts("/a", &["x"])));
    assert!(!tie(RouteKey { listeners: vec![3], ..key("/a") }, RouteKey { listeners: vec![4], ..key("/a") }));
    assert!(!tie(key("/a"), key("/a/")));
    assert!(!tie(key("/a"), with_hosts("/a", &["x", "x"])));
}

#[test]
fn a_pattern_that_is_not_well_formed_is_named_by_its_route() {
    for (path, fault) in [
        ("", PatternFault::NotAbsolute),
        ("a", PatternFault::NotAbsolute),
        ("/a//b", PatternFault::EmptySegment),
        ("//", PatternFault::EmptySegment),
        ("//**", PatternFault::EmptySegment),
        ("/a/*", PatternFault::Wildcard),
        ("/a**", PatternFault::Wildcard),
        ("/**/b", PatternFault::Wildcard),
        ("/a{x}", PatternFault::Wildcard),
        ("/{}", PatternFault::Wildcard),
        ("/{a", PatternFault::Wildcard),
        ("/a/../b", PatternFault::Literal(Why::DotSegment)),
        ("/a/%2e%2e", PatternFault::Literal(Why::DotSegment)),
        ("/a%2fb", PatternFault::Literal(Why::EncodedDelimiter)),
        ("/a?b", PatternFault::Literal(Why::Delimiter)),
        ("/caf\u{e9}", PatternFault::Literal(Why::NotAscii)),
        ("/;", PatternFault::Literal(Why::EmptiedSegment)),
    ] {
        let refused = Routes::build(vec![(key(path), ())]).err();
        assert_eq!(refused, Some(RouteConflict::Pattern { index: 0, fault }), "{path}");
    }
    let deep = "/a".repeat(65);
    assert!(matches!(
        Routes::build(vec![(key(&deep), ())]).err(),
        Some(RouteConflict::Pattern { index: 0, fault: PatternFault::TooDeep })
    ));
}

#[test]
fn what_is_no_path_is_a_bad_one() {
    let routes = table(&["/**"]);
    for (path, why) in [
        ("", Why::NotAbsolute),
        ("*", Why::NotAbsolute),
        ("secure/x", Why::NotAbsolute),
        ("/a?b", Why::Delimiter),
        ("/public/a#/../../secure", Why::Delimiter),
        ("/\\secure/x", Why::Backslash),
        ("/a\u{0}", Why::Control),
        ("/a b", Why::Control),
        ("/a\tb", Why::Control),
        ("/a\u{7f}", Why::Control),
        ("/caf\u{e9}", Why::NotAscii),
        ("/public/%2/x", Why::BadPercent),
        ("/a%", Why::BadPercent),
        ("/a%u002e", Why::BadPercent),
        ("/a%+1", Why::BadPercent),
        ("/.", Why::DotSegment),
        ("/public/../secure/x", Why::DotSegment),
        ("/../../secure/x", Why::DotSegment),
        ("/a/..", Why::DotSegment),
    ] {
        assert_eq!(get(&routes, path), Err(NotRouted::BadPath(why)), "{path}");
    }
}

/// Routes as an API has them: some of it public, some of it not, and a catch-all that is laxer than what it covers.
fn guarded() -> Routes<String> {
    table(&["/public/**", "/secure/**", "/login", "/items/{id}", "/items/{id}/secret", "/**"])
}

#[test]
fn no_disguise_of_a_guarded_path_takes_a_laxer_route() {
    let routes = guarded();
    for path in [
        "/public/%2E%2E/secure/x",
        "/public/%2e./secure/x",
        "/public/..%2fsecure/x",
        "/public/%252e%252e/secure/x",
        "/public/%25252e%25252e/secure/x",
        "/public/%2525252525252e/x",
        "/public/..%252fsecure/x",
        "/public/..%5csecure/x",
        "/public/..%255csecure/x",
        "/public/%c0%ae%c0%ae/secure/x",
        "/public/..%c0%afsecure",
        "/public/..%e0%80%afsecure",
        "/public/..%f0%80%80%afsecure",
        "/public/..%ef%bc%8fsecure",
        "/public/%ef%bc%8e%ef%bc%8e/secure",
        "/public/%e2%80%a5/secure",
        "/public/..%e2%88%95secure",
        "/public/..%e2%81%84secure",
        "/public/%u002e%u002e/secure",
        "/public/%25u002e%25u002e/secure",
        "/public/..;/secure/x",
        "/public/..;a=b/secure/x",
        "/public/.;/x",
        "/public/%2e%2e%3b/secure/x",
        "/public/.%00./secure/x",
        "/public/.%e2%80%8b./secure/x",
        "/public/..%20/secure/x",
        "/public/.../secure/x",
        "/public/.%2e",
        "/public%00/x",
        "/public/a%0d%0aX-Auth-User:%20admin",
        "/public/a%c2%85",
        "//secure/x",
        "///secure/x",
        "/%2fsecure/x",
        "/%2Fsecure/x",
        "/%5csecure/x",
        "/%252fsecure/x",
        "/secure%2fx",
        "/secure%5cx",
        "/%73ecure/x",
        "/%2573ecure/x",
        "/SECURE/x",
        "/Secure/",
        "/;/secure/x",
        "/;a=b/secure/x",
        "/%3b/secure/x",
        "/secure;/x",
        "/secure;jsessionid=1/x",
        "/secure%3bv=1/x",
        "/secure./x",
        "/secure%2e/x",
        "/secure.%20/x",
        "/secure%20/x",
        "/%20secure/x",
        "/%20/secure/x",
        "/%c2%a0secure/x",
        "/secure::$DATA/x",
        "/secure:$I30:$INDEX_ALLOCATION/x",
        "/%c5%bfecure/x",
        "/%ef%bd%93ecure/x",
        "/%f0%9d%90%acecure/x",
        "/sec%c2%adure/x",
        "/sec%e2%80%8dure/x",
        "/secure/%23/../x",
        "/login%23x",
        "/login%3fx",
        "/login;x",
        "/login.",
        "/LOGIN",
        "/log%c4%b1n",
        "/logi%6e",
        "/items/1/secret%20",
        "/items/1/SECRET",
        "/items/1%2fsecret",
        "/items/1%5csecret",
        "/items//1/secret",
        "/items/1//secret",
        "/items/1/x%2f..%2fsecret",
        "/items/1%2f2",
        "/items/1/secret%3fx",
        "/items/1%2fsecret;%2f",
        "/public/a;b%2fc",
        "/public/a;b%23c",
        "/public/a%5cb%2fc",
    ] {
        let found = get(&routes, path);
        assert!(matches!(found, Err(NotRouted::AmbiguousPath(_) | NotRouted::BadPath(_))), "{path}: {found:?}");
    }
}

#[test]
fn honest_paths_with_odd_characters_keep_their_route() {
    let routes = guarded();
    for (path, route) in [
        ("/public/a%20b", "/public/**"),
        ("/public/caf%C3%A9", "/public/**"),
        ("/public/%D0%BF%D1%83%D1%82%D1%8C", "/public/**"),
        ("/public/%E6%97%A5%E6%9C%AC", "/public/**"),
        ("/public/stra%C3%9Fe", "/public/**"),
        ("/public/%F0%9F%91%8D", "/public/**"),
        ("/public/a%2fb", "/public/**"),
        ("/public/https%3A%2F%2Fexample.com%2Fa%3Fb%3D1", "/public/**"),
        ("/public/100%25", "/public/**"),
        ("/public/a%2520b", "/public/**"),
        ("/public/C%23", "/public/**"),
        ("/public/A/b;v=1/C", "/public/**"),
        ("/public//x", "/public/**"),
        ("/public/x//", "/public/**"),
        ("/public/a.", "/public/**"),
        ("/public/.well-known/x.y..z", "/public/**"),
        ("/public/{a}[b]|c^", "/public/**"),
        ("/items/0B6F3C2E-AB", "/items/{id}"),
        ("/items/a%2Bb", "/items/{id}"),
        ("/items/a:verb", "/items/{id}"),
        ("/items/a$b", "/items/{id}"),
        ("/items/a;v=1", "/items/{id}"),
        ("/items/C%23", "/items/{id}"),
        ("/elsewhere/UPPER%20case", "/**"),
    ] {
        assert_eq!(get(&routes, path), Ok(route), "{path}");
    }
}

#[test]
fn literals_are_compared_as_they_were_written_and_guarded_as_they_may_be_read() {
    let routes = table(&["/API/v1", "/caf%C3%A9/**", "/**"]);
    assert_eq!(get(&routes, "/API/v1"), Ok("/API/v1"));
    assert_eq!(get(&routes, "/caf%C3%A9/x"), Ok("/caf%C3%A9/**"));
    assert_eq!(get(&routes, "/api/v2"), Ok("/**"));
    for path in ["/api/v1", "/Api/V1", "/caf%c3%a9/x", "/CAF%C3%89/x", "/caf%25C3%25A9/x"] {
        assert_eq!(get(&routes, path), Err(NotRouted::AmbiguousPath(Why::OtherRoute)), "{path}");
    }
}

#[test]
fn a_disguise_that_matches_nothing_is_not_found() {
    let routes = table(&["/secure/**"]);
    assert_eq!(get(&routes, "/SECURE/x"), Err(NotRouted::NotFound));
    assert_eq!(get(&routes, "/secure%23x"), Err(NotRouted::NotFound));
    assert_eq!(get(&routes, "/nowhere/%2e%2e/secure/x"), Err(NotRouted::AmbiguousPath(Why::DotSegment)));
}

#[test]
fn partial_readings_are_weighed_too() {
    // Decoded letters, but an encoded slash that stays one character.
    let routes = table(&["/secure/{x}", "/**"]);
    assert!(get(&routes, "/%73ecure/a%2fb").is_err());
    assert!(get(&routes, "/%73ecure/a%5cb").is_err());
    // Cut at an encoded question mark, or not.
    let routes = table(&["/a/{x}", "/a/{x}/{y}", "/**"]);
    assert!(get(&routes, "/%61/b%3fc/d").is_err());
    assert!(get(&routes, "/a/b%3fc/d").is_err());
}

#[test]
fn the_cause_tells_each_refusal_apart() {
    assert_eq!(NotRouted::NotFound.cause().face().status, 404);
    assert_eq!(NotRouted::MethodNotAllowed { allow: String::new() }.cause().face().status, 405);
    assert_eq!(NotRouted::AmbiguousPath(Why::OtherRoute).cause().face().name, "ambiguous-path");
    assert_eq!(NotRouted::BadPath(Why::Control).cause().face().name, "bad-request");
}

#[test]
fn lookalike_ranges_are_sorted_so_that_they_can_be_searched() {
    for (character, fold) in [
        ('é', lookalikes::Fold::Keep('é')),
        ('日', lookalikes::Fold::Keep('日')),
        ('ſ', lookalikes::Fold::Refuse),
        ('\u{212a}', lookalikes::Fold::Refuse),
        ('／', lookalikes::Fold::Refuse),
        ('．', lookalikes::Fold::Refuse),
        ('＼', lookalikes::Fold::Refuse),
        ('\u{2024}', lookalikes::Fold::Refuse),
        ('\u{fe52}', lookalikes::Fold::Refuse),
        ('\u{37e}', lookalikes::Fold::Refuse),
        ('\u{1f130}', lookalikes::Fold::Refuse),
        ('\u{1fbf9}', lookalikes::Fold::Refuse),
        ('\u{a0}', lookalikes::Fold::Refuse),
        ('\u{80}', lookalikes::Fold::Refuse),
        ('\u{feff}', lookalikes::Fold::Ignored),
        ('\u{e0041}', lookalikes::Fold::Ignored),
        ('ß', lookalikes::Fold::Ascii("ss")),
    ] {
        assert_eq!(lookalikes::fold(character), fold, "{character:?}");
    }
    assert!(('\u{80}'..=char::MAX).all(|character| {
        let lower: String = character.to_lowercase().collect();
        let upper: String = character.to_uppercase().collect();
        let ascii = lower.chars().chain(upper.chars()).any(|folded| folded.is_ascii());
        !ascii || matches!(lookalikes::fold(character), lookalikes::Fold::Ascii(_) | lookalikes::Fold::Refuse)
    }));
}

#[test]
#[ignore = "a measurement, for a release build"]
fn ten_thousand_routes_cost_what_one_costs() {
    let many: Vec<String> = (0..10_000).map(|n| format!("/service{n}/v1/{{id}}/detail")).collect();
    let many = table(&many.iter().map(String::as_str).collect::<Vec<_>>());
    let one = table(&["/service4711/v1/{id}/detail"]);
    for (name, routes) in [("one", &one), ("many", &many), ("one", &one), ("many", &many)] {
        for path in ["/service4711/v1/abc/detail", "/service4711/v1/ABC/detail", "/service4711/v1/a%20b/detail"] {
            let start = Instant::now();
            (0..1_000_000).for_each(|_| assert!(std::hint::black_box(get(routes, path)).is_ok()));
            println!("{name}: {path} {:?} each", start.elapsed() / 1_000_000);
        }
    }
}

/// The paths that lenient servers make of one, by every combination of what they are known to do. Written apart from
/// `reading`, and with strings and sets rather than folds, so as not to share its mistakes.
fn lenient(path: &str) -> Vec<String> {
    type Step = fn(&str) -> String;
    let steps: [Step; 8] = [
        |path| percent_decoded(path),
        |path| path.replace('\\', "/"),
        |path| path.split(['?', '#']).next().unwrap_or_default().to_owned(),
        |path| each_segment(path, |segment| segment.split(';').next().unwrap_or_default().to_owned()),
        |path| each_segment(path, |segment| segment.trim().trim_end_matches('.').to_owned()),
        |path| path.replace("//", "/"),
        |path| path.replace(['\0', '\t'], ""),
        |path| path.to_lowercase().replace('ſ', "s").replace('／', "/").replace('．', "."),
    ];
    let mut found = vec![path.to_owned()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        for step in steps {
            let read = step(&path);
            if read.starts_with('/') && found.len() < 400 && !found.contains(&read) {
                found.push(read);
            }
        }
    }
    found
}

fn each_segment(path: &str, change: fn(&str) -> String) -> String {
    let keep = |segment: &str| if matches!(segment, "." | "..") { segment.to_owned() } else { change(segment) };
    path.split('/').map(keep).collect::<Vec<_>>().join("/")
}

fn percent_decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The pattern that a path falls under, found by trying each.
fn naive<'p>(patterns: &[&'p str], path: &str) -> Option<&'p str> {
    let rank = |pattern: &str| -> Option<Vec<u8>> {
        let path: Vec<&str> = path.split('/').skip(1).collect();
        let mut ranks = Vec::new();
        for (at, wanted) in pattern.split('/').skip(1).enumerate() {
            match (wanted, path.get(at)) {
                ("**", Some(_)) => return Some([ranks, vec![2]].concat()),
                ("{x}", Some(segment)) if !segment.is_empty() => ranks.push(1),
                (wanted, Some(segment)) if wanted == *segment => ranks.push(0),
                _ => return None,
            }
        }
        (ranks.len() == path.len()).then_some(ranks)
    };
    patterns.iter().filter_map(|pattern| rank(pattern).map(|rank| (rank, *pattern))).min().map(|(_, pattern)| pattern)
}

const PATTERNS: [&str; 8] = ["/p/**", "/s/**", "/s/{x}", "/s/a", "/{x}/s", "/{x}/s/a", "/p/s", "/**"];

fn disguised() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec!["/", "p", "s", "a", "/s", "/p/", "/a"]),
        4 => prop::sample::select(vec!["%2f", "%5C", "%73", "%70", "%2e", ".", "..", ";", "%3b", "%23", "%3F", "//"]),
        2 => prop::sample::select(vec!["S", "P", "%20", "%25", "%2573", "%252f", "%00", "%09", "%c5%bf", "$", ":"]),
        1 => prop::sample::select(vec!["%ef%bc%8f", "%ef%bc%8e", "%c3%a9", "%e2%80%8b", "%", "#", "?", "\\", "%c0%af"]),
    ];
    prop::collection::vec(piece, 0..9).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn no_lenient_reading_of_an_accepted_path_falls_under_another_route(path in disguised()) {
        let routes = table(&PATTERNS);
        if let Ok(route) = get(&routes, &path) {
            prop_assert_eq!(Some(route), naive(&PATTERNS, &path));
            for reading in lenient(&path) {
                prop_assert!(!reading.split('/').any(|segment| matches!(segment, "." | "..")), "{} {}", path, reading);
                prop_assert_eq!(Some(route), naive(&PATTERNS, &reading), "{} read as {}", path, reading);
            }
        }
    }

    #[test]
    fn plain_paths_take_the_route_that_trying_each_pattern_finds(path in "(/[psa]{0,1}){1,5}") {
        let routes = table(&PATTERNS);
        match get(&routes, &path) {
            Ok(route) => prop_assert_eq!(Some(route), naive(&PATTERNS, &path)),
            Err(refused) => prop_assert!(path.contains("//"), "{} {}", path, refused),
        }
    }

    #[test]
    fn nothing_makes_it_panic(host in any::<String>(), method in any::<String>(), path in any::<String>()) {
        let routes = Routes::build(vec![(with_hosts("/**", &["*.x", "y"]), 0), (key("/A/{b}"), 1)]).unwrap();
        let _ = routes.find(0, &host, &method, &path);
        let _ = routes.find(1, &host, &method, &format!("/{path}"));
        let _ = Routes::build(vec![(RouteKey { hosts: vec![host], ..key(&path) }, ())]);
    }
}
