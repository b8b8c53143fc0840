//! An oracle that reads paths as the most lenient servers do, against paths made up of disguises.

use proptest::prelude::*;

use super::*;

/// The paths that lenient servers make of one, by every combination of what they are known to do. Written apart from
/// `reading`, and with strings and sets rather than folds, so as not to share its mistakes.
fn lenient(path: &str) -> Vec<String> {
    type Step = fn(&str) -> String;
    let steps: [Step; 10] = [
        |path| percent_decoded(path),
        |path| path.replace('\\', "/"),
        |path| path.split(['?', '#']).next().unwrap_or_default().to_owned(),
        |path| each_segment(path, |segment| segment.split(';').next().unwrap_or_default().to_owned()),
        |path| each_segment(path, |segment| segment.trim().trim_end_matches('.').to_owned()),
        |path| path.replace("//", "/"),
        with_spaces,
        |path| path.replace(['\0', '\t'], ""),
        without_host,
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

/// Mounted under what stands before, and with the rest taken for a URL.
fn without_host(path: &str) -> String {
    let Some((mount, url)) = path.split_once("//") else { return path.to_owned() };
    let below = url.trim_start_matches('/').split_once('/').map_or("", |(_, below)| below);
    format!("{mount}/{below}")
}

/// Decoded as a form is. A segment of nothing but `+` stays, where slashes are about it that all take for such: to nobody it is none.
fn with_spaces(path: &str) -> String {
    let (mut read, mut rest) = (String::new(), path);
    while let Some((before, from)) = rest.find('+').map(|at| rest.split_at(at)) {
        read.push_str(before);
        rest = from.trim_start_matches('+');
        let count = from.len() - rest.len();
        let tail = rest.get(..3).unwrap_or(rest).to_lowercase();
        let ends = rest.is_empty() || rest.starts_with(['/', '?', '#']) || ["%3f", "%23"].contains(&&*tail);
        let begins = read.ends_with('/');
        read.push_str(&if begins && ends { "+" } else { " " }.repeat(count));
    }
    read + rest
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
        2 => prop::sample::select(vec!["S", "P", "%20", "%25", "%2573", "%252f", "%00", "%09", "%c5%bf", "$", ":", "+"]),
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

    #[test]
    fn a_path_has_six_times_eight_readings_at_most(pieces in prop::collection::vec("/|%2f|%5C|%25|%3f|a|;|\\.", 0..24)) {
        if let Ok(decoded) = reading::decode(&format!("/{}", pieces.concat())) {
            prop_assert!(decoded.readings().count() <= 48);
        }
    }
}
