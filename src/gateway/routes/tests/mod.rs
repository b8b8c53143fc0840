//! The table's rules: host, path, method, listener; what conflicts.

mod oracle;
mod paths;

use std::time::Instant;

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
    let endless = "a.".repeat(10_000) + "example.com";
    assert_eq!(routes.find(0, &endless, "GET", "/x"), Ok(&"any"));
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
fn the_cause_tells_each_refusal_apart() {
    assert_eq!(NotRouted::NotFound.cause().face().status, 404);
    assert_eq!(NotRouted::MethodNotAllowed { allow: String::new() }.cause().face().status, 405);
    assert_eq!(NotRouted::AmbiguousPath(Why::OtherRoute).cause().face().name, "ambiguous-path");
    assert_eq!(NotRouted::BadPath(Why::Control).cause().face().name, "bad-request");
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
