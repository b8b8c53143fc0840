//! The grammar of `match`: paths, hosts and methods that a route may be found by.

use super::{header, host};

/// As many segments as the route table takes.
const MOST_SEGMENTS: usize = 64;

/// Why a path pattern cannot be used, and where in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PatternFault {
    /// First byte.
    pub(super) offset: usize,
    /// Bytes.
    pub(super) length: usize,
    pub(super) message: &'static str,
    pub(super) hint: Option<&'static str>,
}

/// Said where a path looks like a regular expression.
pub(super) const NO_EXPRESSION: &str =
    "a path is no regular expression: `{name}` is any one segment, a final `/**` is everything below";

/// Checks a path pattern: literal segments, `{segment}`, and `/**` at the end.
pub(super) fn check_path(path: &str) -> Result<(), PatternFault> {
    let Some(rest) = path.strip_prefix('/') else {
        let hint = match path {
            _ if path.contains("://") => Some("the host stands in `host`, and the path alone here"),
            _ if path.starts_with(['^', '~']) => Some(NO_EXPRESSION),
            _ => None,
        };
        return fault(0, path.len(), "a path begins with `/`", hint);
    };
    if rest.split('/').count() > MOST_SEGMENTS {
        return fault(0, path.len(), "a path has at most 64 segments", None);
    }
    let mut offset = 1;
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        check_segment(segment, offset, segments.peek().is_none())?;
        offset += segment.len() + 1;
    }
    Ok(())
}

/// A segment that is taken as it is written, where somebody who wrote it means a pattern: `:id`, `.+`, `(a)`, `orders$`.
pub(super) fn looks_like_a_pattern(path: &str) -> Option<&str> {
    let is_meant = |segment: &&str| {
        segment.len() > 1 && (segment.starts_with([':', '(']) || segment.ends_with('$') || segment.contains(".+"))
    };
    path.split('/').find(is_meant)
}

/// What makes two patterns match the same paths: the pattern without its segments' names.
pub(super) fn shape(path: &str) -> String {
    let nameless = |segment| if str::starts_with(segment, '{') { "{}" } else { segment };
    path.split('/').map(nameless).collect::<Vec<_>>().join("/")
}

fn fault(offset: usize, length: usize, message: &'static str, hint: Option<&'static str>) -> Result<(), PatternFault> {
    Err(PatternFault { offset, length, message, hint })
}

fn check_segment(segment: &str, offset: usize, is_last: bool) -> Result<(), PatternFault> {
    let whole = |message, hint| fault(offset, segment.len(), message, hint);
    match segment {
        "" if is_last => Ok(()),
        "" => fault(offset - 1, 2, "a path has no `//`", None),
        "." | ".." => whole("a path has no dot segments: requests with them are refused", None),
        "**" if is_last => Ok(()),
        "**" => whole("`/**` stands only at the end", None),
        _ if segment.starts_with('{') && segment.ends_with('}') => check_name(segment, offset),
        _ => check_literal(segment, offset),
    }
}

fn check_name(segment: &str, offset: usize) -> Result<(), PatternFault> {
    let name = segment.trim_start_matches('{').trim_end_matches('}');
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.is_empty() || !plain || segment.len() != name.len() + 2 {
        return fault(offset, segment.len(), "the name of a segment is letters, digits and `_`", None);
    }
    Ok(())
}

fn check_literal(segment: &str, offset: usize) -> Result<(), PatternFault> {
    let bytes = segment.as_bytes();
    for (index, character) in segment.char_indices() {
        let (message, hint) = match character {
            '%' => match check_escape(bytes.get(index + 1..index + 3)) {
                Ok(()) => continue,
                Err((message, hint)) => return fault(offset + index, 3.min(bytes.len() - index), message, hint),
            },
            '*' => ("`*` is not a pattern", Some("`{name}` is any one segment, a final `/**` is everything below")),
            '{' | '}' => ("`{segment}` is a whole segment", Some("`/a/{name}/b`")),
            '?' | '#' => ("a path has no query or fragment", Some("the query is not looked at")),
            '\\' => ("a path has no backslash: requests with one are refused", Some(NO_EXPRESSION)),
            '[' | ']' | '|' | '^' => ("this character must be percent-encoded in a path", Some(NO_EXPRESSION)),
            _ if character.is_ascii_alphanumeric() || "-._~!$&'()+,;=:@".contains(character) => continue,
            _ => ("this character must be percent-encoded in a path", None),
        };
        return fault(offset + index, character.len_utf8(), message, hint);
    }
    let decoded = decode(bytes);
    let kept = decoded.split(|byte| *byte == b';').next().unwrap_or_default();
    if kept.trim_ascii().is_empty() {
        return fault(offset, segment.len(), "some servers read this segment as empty", None);
    }
    match std::str::from_utf8(&decoded) {
        Ok(_) => Ok(()),
        Err(_) => fault(offset, segment.len(), "decoded, this segment is not UTF-8", None),
    }
}

/// The bytes of a segment whose escapes have been checked.
fn decode(segment: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut rest = segment;
    while let [first, after @ ..] = rest {
        let mut byte = [*first];
        let is_escape =
            *first == b'%' && after.get(..2).is_some_and(|hex| hex::decode_to_slice(hex, &mut byte).is_ok());
        rest = if is_escape { after.get(2..).unwrap_or_default() } else { after };
        decoded.extend(byte);
    }
    decoded
}

/// An escape that a client would write another way, or that is refused, would make the route unreachable.
fn check_escape(digits: Option<&[u8]>) -> Result<(), (&'static str, Option<&'static str>)> {
    let mut decoded = [0u8; 1];
    let Some(digits) = digits.filter(|digits| hex::decode_to_slice(digits, &mut decoded).is_ok()) else {
        return Err(("`%` is followed by two hexadecimal digits", None));
    };
    match decoded[0] {
        b'/' | b'\\' | b'?' | b'#' | b';' => Err(("an encoded delimiter is refused in requests", None)),
        0..=0x1f | 0x7f => Err(("an encoded control character is refused in requests", None)),
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
            Err(("this character needs no encoding", Some("write the character itself")))
        }
        b'%' => Err(("an encoded `%` can be read in two ways", None)),
        _ if digits.iter().any(u8::is_ascii_lowercase) => Err(("the digits after `%` are written in upper case", None)),
        _ => Ok(()),
    }
}

/// How specific a route's host is for another one, which may be a `*.` itself; `None` where it is not for it.
pub(super) fn host_rank(named: &str, host: &str) -> Option<usize> {
    match named.strip_prefix('*') {
        None => (named == host).then_some(usize::MAX),
        // Of `*.a.example` every name is below `.example` too.
        Some(above) => (host.len() > above.len() && host.ends_with(above)).then_some(above.len()),
    }
}

/// Why a host cannot be matched, if it cannot.
pub(super) fn check_host(text: &str) -> Result<(), &'static str> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    if name.starts_with('[') {
        return Err("IPv6 addresses are not matched as hosts");
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("hosts are written in lower case");
    }
    if name.contains("://") {
        return Err("a host stands alone, without `https://` and without a path");
    }
    if name.contains(':') {
        return Err("a host has no port here: listeners tell ports apart");
    }
    if name.contains('*') {
        return Err("`*.` stands only in front");
    }
    if !host::is_host_name(name) {
        return Err("this is not a host name");
    }
    Ok(())
}

/// Why a method cannot be matched, if it cannot.
pub(super) fn check_method(text: &str) -> Result<(), &'static str> {
    match text {
        "*" | "ANY" | "ALL" => Err("a request has a method of its own; where `methods` is left out all are meant"),
        "CONNECT" => Err("CONNECT asks for a tunnel, which the gateway never opens"),
        "TRACE" | "TRACK" => Err("an upstream would answer with all that the gateway added; it is never passed on"),
        _ if !header::is_token(text) => Err("this is not a method"),
        _ if text.bytes().any(|byte| byte.is_ascii_lowercase()) => Err("methods are written in upper case"),
        _ => Ok(()),
    }
}

/// Methods that servers know: those registered (RFC 9110 section 16.1.1) and what caches are purged with.
const KNOWN_METHODS: [&str; 40] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "QUERY",
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "ORDERPATCH",
    "PROPFIND",
    "PROPPATCH",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
    "PURGE",
    "BAN",
];

/// The methods that are known, unless `text` is one of them: then it is a slip, or a method of somebody's own.
pub(super) fn unknown_method(text: &str) -> Option<&'static [&'static str]> {
    (!KNOWN_METHODS.contains(&text)).then_some(&KNOWN_METHODS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_literal_segments_names_and_a_final_rest() {
        for good in
            ["/", "/**", "/a", "/a/", "/a/{id}/b", "/a/**", "/a.b/~c", "/a;v=1", "/caf%C3%A9", "/a%20b", "/{a}/**"]
        {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn anything_that_could_be_read_in_two_ways_is_refused_at_its_place() {
        for (bad, offset) in [
            ("", 0),
            ("a", 0),
            ("/a//b", 2),
            ("/a/../b", 3),
            ("/a/.", 3),
            ("/a?b", 2),
            ("/a#b", 2),
            ("/a\\b", 2),
            ("/a%2Fb", 2),
            ("/a%2eb", 2),
            ("/%41", 1),
            ("/%e9", 1),
            ("/%zz", 1),
            ("/%", 1),
            ("/%2", 1),
            ("/%00", 1),
            ("/%25", 1),
            ("/**/a", 1),
            ("/*", 1),
            ("/a*", 2),
            ("/a{b}", 2),
            ("/{}", 1),
            ("/{a-b}", 1),
            ("/{{a}}", 1),
            ("/a b", 2),
            ("/é", 1),
            ("/a%3Fb", 2),
            ("/a/%20", 3),
            ("/;v=1", 1),
            ("/caf%C3", 1),
        ] {
            assert_eq!(check_path(bad).unwrap_err().offset, offset, "{bad}");
        }
    }

    #[test]
    fn hosts_are_lower_case_with_at_most_a_leading_wildcard() {
        for good in ["a.example.com", "*.example.com", "127.0.0.1", "localhost"] {
            assert_eq!(check_host(good), Ok(()), "{good}");
        }
        for bad in ["A.com", "a.com:80", "*", "*.", "a.*.com", "**.a.com", "", "[::1]", "a b"] {
            assert!(check_host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_nearest_wildcard_ranks_higher_and_a_name_highest() {
        let rank = |named| host_rank(named, "b.a.example");
        assert!(rank("b.a.example") > rank("*.a.example") && rank("*.a.example") > rank("*.example"));
        for other in ["a.example", "c.a.example", "*.b.a.example", "*.b.example"] {
            assert_eq!(rank(other), None, "{other}");
        }
        assert_eq!(host_rank("*.a.example", "a.example"), None);
        assert!(host_rank("*.example", "*.a.example").is_some());
    }

    #[test]
    fn a_method_is_one_that_is_known_and_no_word_for_all() {
        for bad in ["*", "ANY", "ALL", "get", "CONNECT", "G T"] {
            assert!(check_method(bad).is_err(), "{bad}");
        }
        assert!(check_method("PSOT").is_ok() && unknown_method("PSOT").is_some());
        assert!(check_method("PATCH").is_ok() && unknown_method("PATCH").is_none());
    }

    #[test]
    fn patterns_that_differ_in_names_alone_have_one_shape() {
        assert_eq!(shape("/a/{id}/**"), shape("/a/{name}/**"));
        assert_ne!(shape("/a/{id}"), shape("/a/id"));
    }
}
