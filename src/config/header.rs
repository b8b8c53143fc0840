//! Header names, values and other tokens of HTTP, as far as a config may name them.

use std::collections::HashSet;

use super::{
    reader::Reader,
    tree::{Entry, Place},
};

/// Headers that belong to the connection or to the message's framing, which the gateway writes itself.
const OWN: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether `text` is a token (RFC 9110 section 5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Reports a header name that is none.
pub(super) fn header_name(text: &str, place: Place, reader: &mut Reader<'_>) -> bool {
    let good = is_token(text);
    if !good {
        let shown = reader.quote(place, text);
        reader
            .error(place, format!("{shown} is not a header name"))
            .expected("letters, digits and `-`, without a colon");
    }
    good
}

/// Reports a header name that is none, or that a config may not set.
pub(super) fn settable(name: &str, place: Place, reader: &mut Reader<'_>) -> bool {
    header_name(name, place, reader) && is_unreserved(name, place, reader)
}

/// Reports header names that are none, that a config may not set, or that stand twice in `entries`.
pub(super) fn settable_headers(entries: &[Entry], reader: &mut Reader<'_>) {
    for entry in entries {
        header_name(&entry.key, entry.key_place, reader);
    }
    unreserved_headers(entries, reader);
}

/// Reports header names that a config may not set, or that stand twice in `entries`.
pub(super) fn unreserved_headers(entries: &[Entry], reader: &mut Reader<'_>) {
    let mut seen: HashSet<String> = HashSet::new();
    for entry in entries {
        let (name, place) = (entry.key.to_ascii_lowercase(), entry.key_place);
        is_unreserved(&entry.key, place, reader);
        if !seen.insert(name) {
            let shown = reader.quote(place, &entry.key);
            reader
                .error(place, format!("the header {shown} is set twice"))
                .hint("case makes no difference in a header name");
        }
    }
}

fn is_unreserved(name: &str, place: Place, reader: &mut Reader<'_>) -> bool {
    let is_own = OWN.contains(&name.to_ascii_lowercase().as_str());
    if is_own {
        reader
            .error(place, format!("the header `{name}` cannot be set"))
            .hint("it belongs to the connection or the framing, which the gateway writes itself");
    }
    !is_own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_no_space_colon_or_control() {
        for good in ["X-Subject", "x_y", "a.b", "POST"] {
            assert!(is_token(good), "{good}");
        }
        for bad in ["", "X Subject", "X:", "X\n", "é", "a/b", "a\"b"] {
            assert!(!is_token(bad), "{bad:?}");
        }
    }
}
