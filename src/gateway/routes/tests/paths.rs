//! Paths that must be refused, and odd ones that must not be.

use super::*;

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
        "/secure+/x",
        "/+secure/x",
        "/secure.+/x",
        "/login+",
        "/login%2b",
        "/items/1/secret+;v=1",
        "/public/..+/secure/x",
        "/public/+./x",
        "/public/a;b%2fc",
        "/public/a;b%23c",
        "/public/a%5cb%2fc",
    ] {
        let found = get(&routes, path);
        assert!(matches!(found, Err(NotRouted::AmbiguousPath(_) | NotRouted::BadPath(_))), "{path}: {found:?}");
    }
}

/// Node's `new URL(request.url, base)`, Python's `urlparse`, PHP's `parse_url`, Ruby's `URI.parse`, Go's `url.Parse` and
/// Java's `URI` read `//host/path` so: the path is another, and so is the host.
#[test]
fn a_path_that_a_url_parser_takes_for_a_host_goes_nowhere() {
    let routes = table(&["/admin/**", "/**"]);
    for path in [
        "//x/admin/users",
        "//x:1/admin/users",
        "//user@x/admin/users",
        "//x//admin/users",
        "///x/admin/users",
        "//admin/users",
        "//elsewhere/public",
        "//",
        "///",
        "/%2fx/admin/users",
        "/%2F/x/admin/users",
        "/%5cx/admin/users",
        "//%78/admin/users",
    ] {
        assert_eq!(get(&routes, path), Err(NotRouted::AmbiguousPath(Why::Authority)), "{path}");
    }
    // Alone on its host, the route would be the same in every reading; the host would not.
    assert_eq!(get(&table(&["/**"]), "//x/y"), Err(NotRouted::AmbiguousPath(Why::Authority)));
}

#[test]
fn a_host_behind_what_an_upstream_takes_off_is_weighed_too() {
    let routes = table(&["/api/admin/**", "/api/**", "/**"]);
    for path in [
        "/api//x/admin/users",
        "/api//x//admin/users",
        "/api///x:1/admin/users",
        "/api/%2fx/admin/users",
        "/api%2f%2fx%2fadmin%2fusers",
        "/%61pi//x/admin/users",
        "/api//x;y/admin/users",
    ] {
        assert!(get(&routes, path).is_err(), "{path}");
    }
    for (path, route) in
        [("/api//x/other/users", "/api/**"), ("/api//x", "/api/**"), ("/api//", "/api/**"), ("/a//b//c//d", "/**")]
    {
        assert_eq!(get(&routes, path), Ok(route), "{path}");
    }
    assert_eq!(get(&routes, &"/a//b".repeat(9)), Err(NotRouted::AmbiguousPath(Why::EmptySegments)));
}

/// A first one takes off `//host` and no encoded slash; a second one decodes what is left and does the same.
#[test]
fn slashes_that_touch_beside_encoded_ones_are_refused() {
    let routes = table(&["/{x}/s", "/**"]);
    for path in ["/a%2f//a/s/s", "/a%2f/h//x%2fp/s", "/a//b%2fc", "/a%5cb//c"] {
        assert_eq!(get(&routes, path), Err(NotRouted::AmbiguousPath(Why::EmptySegments)), "{path}");
    }
    for path in ["/a//b/c", "/a/b%2fc", "/a/%2fb", "/a%2f/b"] {
        assert_eq!(get(&routes, path), Ok("/**"), "{path}");
    }
}

/// Each place where slashes touch doubles the readings.
#[test]
fn slashes_that_touch_are_counted_however_they_are_written() {
    let routes = table(&["/**"]);
    for slashes in ["//", "%2f%2f", "%5C%5c", "/%2F"] {
        let places = |count: usize| format!("/a{}", format!("{slashes}b").repeat(count));
        assert_eq!(get(&routes, &places(3)), Ok("/**"), "{slashes}");
        for many in [places(4), places(40)] {
            assert_eq!(get(&routes, &many), Err(NotRouted::AmbiguousPath(Why::EmptySegments)), "{many}");
        }
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
        ("/items/+49", "/items/{id}"),
        ("/public/a+b/c++", "/public/**"),
        ("/project/+/refs/+/++", "/**"),
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
fn a_space_is_guarded_however_it_is_written() {
    let routes = table(&["/annual%20report", "/c++/**", "/**"]);
    assert_eq!(get(&routes, "/annual%20report"), Ok("/annual%20report"));
    assert_eq!(get(&routes, "/c++/x"), Ok("/c++/**"));
    for path in ["/annual+report", "/+annual%20report", "/annual%20report+", "/annual%2Breport", "/c%20/x", "/C++/x"] {
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
    // A space at the end of what another takes for two segments.
    let routes = table(&["/{x}/s/a", "/+/a", "/**"]);
    for path in ["/a/s%5c+/a", "/a/s%2f+/a", "/a/+%2fs/a", "/a/s%2F++%2fa"] {
        assert_eq!(get(&routes, path), Err(NotRouted::AmbiguousPath(Why::EmptiedSegment)), "{path}");
    }
    assert_eq!(get(&routes, "/+/a"), Ok("/+/a"));
    // Cut at an encoded question mark, or not.
    let routes = table(&["/a/{x}", "/a/{x}/{y}", "/**"]);
    assert!(get(&routes, "/%61/b%3fc/d").is_err());
    assert!(get(&routes, "/a/b%3fc/d").is_err());
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
