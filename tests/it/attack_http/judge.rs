//! The verdict: what of a case's expectation does not hold, given what the client and the upstream saw.

use super::cases::{Expect, Invariants};
use crate::support::strict::Seen;

/// What is wrong; empty where the case holds.
pub(super) fn judge(expect: Expect, invariants: &Invariants, answer: &[u8], requests: &[Seen]) -> Vec<String> {
    let finals = final_statuses(answer);
    let complete: Vec<&Seen> = requests.iter().filter(|request| request.complete).collect();
    let mut wrong = Vec::new();
    outcome(expect, invariants, &finals, &complete, &mut wrong);
    counts(invariants, &finals, requests, &complete, &mut wrong);
    bytes(invariants, requests, &complete, &mut wrong);
    headers(invariants, requests, &complete, &mut wrong);
    targets(invariants, requests, &complete, &mut wrong);
    wrong
}

fn outcome(expect: Expect, invariants: &Invariants, finals: &[u16], complete: &[&Seen], wrong: &mut Vec<String>) {
    let bounded = invariants.max_upstream_requests.is_some() || invariants.upstream_body_complete.is_some();
    let first = finals.first().copied();
    if expect == Expect::Reject && !bounded && !complete.is_empty() {
        wrong.push("forwarded".to_owned());
    }
    if expect == Expect::Reject && first.is_some_and(|status| status < 400) {
        wrong.push(format!("status {first:?}"));
    }
    if expect == Expect::Forward && complete.is_empty() {
        wrong.push(format!("not forwarded, status {first:?}"));
    }
    if expect != Expect::Forward && first.is_some_and(|status| status >= 500 && !matches!(status, 501 | 505)) {
        wrong.push(format!("the gateway failed: {first:?}"));
    }
}

fn counts(invariants: &Invariants, finals: &[u16], requests: &[Seen], complete: &[&Seen], wrong: &mut Vec<String>) {
    if let Some(most) = invariants.max_upstream_requests.filter(|most| requests.len() > *most) {
        let targets: Vec<_> = requests.iter().map(|request| &request.target).collect();
        wrong.push(format!("upstream saw {} requests, at most {most}: {targets:?}", requests.len()));
    }
    if invariants.upstream_body_complete == Some(false) && !complete.is_empty() {
        wrong.push("upstream saw a whole request".to_owned());
    }
    if invariants.max_client_responses.is_some_and(|most| finals.len() > most) {
        wrong.push(format!("{} answers", finals.len()));
    }
}

fn bytes(invariants: &Invariants, requests: &[Seen], complete: &[&Seen], wrong: &mut Vec<String>) {
    if invariants.canonical.unwrap_or(!complete.is_empty()) {
        let odd = requests.iter().filter(|request| !request.oddities.is_empty());
        wrong.extend(odd.map(|request| format!("odd bytes upstream: {:?}", request.oddities)));
    }
    if let (Some(length), Some(first)) = (invariants.upstream_body_len, complete.first())
        && first.body.len() != length
    {
        wrong.push(format!("body of {} bytes, not {length}", first.body.len()));
    }
}

fn headers(invariants: &Invariants, requests: &[Seen], complete: &[&Seen], wrong: &mut Vec<String>) {
    for absent in &invariants.upstream_header_absent {
        let (name, value) = absent.split_once(':').unwrap_or((absent, ""));
        let values = requests.iter().flat_map(|request| request.values(name));
        let forbidden = values.filter(|sent| value.is_empty() || sent.eq_ignore_ascii_case(value));
        wrong.extend(forbidden.map(|sent| format!("upstream got {name}: {sent}")));
    }
    for name in &invariants.upstream_header_present {
        if complete.iter().any(|request| request.values(name).is_empty()) {
            wrong.push(format!("upstream lacks {name}"));
        }
    }
    for (name, spoofed) in &invariants.upstream_header_not {
        for request in complete {
            let values = request.values(name);
            let Some(first) = values.first() else { continue };
            let right_most = values.last().and_then(|value| value.rsplit(',').next()).unwrap_or_default().trim();
            if values.len() == 1 && first.eq_ignore_ascii_case(spoofed) || right_most.eq_ignore_ascii_case(spoofed) {
                wrong.push(format!("spoofed {name}: {values:?}"));
            }
        }
    }
}

fn targets(invariants: &Invariants, requests: &[Seen], complete: &[&Seen], wrong: &mut Vec<String>) {
    if let Some(path) = &invariants.upstream_path_never {
        let found = requests.iter().filter(|request| lenient_path(&request.target).starts_with(path.as_str()));
        wrong.extend(found.map(|request| format!("upstream path {} may mean {path}", request.target)));
    }
    let allowed = &invariants.upstream_target_in;
    if let Some(first) = complete.first().filter(|first| !allowed.is_empty() && !allowed.contains(&first.target)) {
        wrong.push(format!("target rewritten: {}", first.target));
    }
    if let Some(never) = &invariants.upstream_target_never
        && complete.iter().any(|request| request.target.contains(never.as_str()))
    {
        wrong.push(format!("the target leaks {never}"));
    }
}

/// The statuses of all answers but interim ones.
fn final_statuses(answer: &[u8]) -> Vec<u16> {
    let heads =
        answer.windows(12).filter(|window| window.starts_with(b"HTTP/1.1 ") || window.starts_with(b"HTTP/1.0 "));
    let statuses = heads.filter_map(|head| std::str::from_utf8(&head[9..]).ok()?.parse().ok());
    statuses.filter(|status| *status >= 200).collect()
}

/// What a lenient old server may resolve `target` to; lower case, as Latin-1.
fn lenient_path(target: &str) -> String {
    let path = target
        .split_once("://")
        .filter(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphabetic()) && !scheme.is_empty());
    let path = path.map_or(target, |(_, rest)| rest.find('/').map_or("", |at| rest.split_at(at).1));
    let mut path = path.split(['?', '#']).next().unwrap_or_default().to_owned();
    for _ in 0..3 {
        path = percent_decoded(&path);
    }
    for (odd, plain) in
        [("\\", "/"), ("\u{c0}\u{ae}", "."), ("\u{ef}\u{bc}\u{8f}", "/"), ("\u{c5}\u{bf}", "s"), ("\0", ""), ("\t", "")]
    {
        path = path.replace(odd, plain);
    }
    let mut segments: Vec<String> = Vec::new();
    for segment in path.to_lowercase().split('/') {
        let name = segment.split(';').next().unwrap_or_default();
        let dots = matches!(segment, "." | "..") || segment.starts_with("..;") || segment.starts_with(".;");
        match if dots { name } else { name.trim().trim_end_matches('.') } {
            "" | "." => {}
            ".." => drop(segments.pop()),
            plain => segments.push(plain.to_owned()),
        }
    }
    format!("/{}", segments.join("/"))
}

/// Each `%XX` is one character of Latin-1; anything else stays.
fn percent_decoded(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        decoded.push_str(before);
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(char::from(byte));
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push('%');
                rest = after;
            }
        }
    }
    decoded + rest
}

#[test]
fn a_lenient_server_finds_the_guarded_path_in_every_disguise() {
    for target in [
        "/public/../secure/a",
        "/public/%2e%2e/secure/a",
        "/public/%252e%252e/secure",
        "/public/..;/secure",
        "/public\\..\\secure",
        "/public/%c0%ae./secure",
        "//SECURE",
        "http://gw.test/secure?x",
    ] {
        assert!(lenient_path(target).starts_with("/secure"), "{target}: {}", lenient_path(target));
    }
    assert_eq!(lenient_path("/public/a%2fb?../secure"), "/public/a/b");
}

#[test]
fn a_smuggled_request_is_noticed() {
    let invariants = Invariants { max_upstream_requests: Some(1), ..Invariants::default() };
    let seen = crate::support::strict::requests(b"GET /public/a HTTP/1.1\r\n\r\nGET /secure/a HTTP/1.1\r\n\r\n");
    assert_eq!(judge(Expect::Either, &invariants, b"HTTP/1.1 200 OK\r\n\r\n", &seen).len(), 1);
}
