//! The messages that a client may have signed instead of the right one.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::slips::Taken;
use crate::scheme::Explanation;

/// What a client may have put into its message of a body.
pub(super) struct Bodies<'b> {
    /// The body itself.
    pub(super) whole: &'b [u8],
    /// Messages of the same request with another body, and what is told of each.
    pub(super) others: Vec<(&'static str, Vec<u8>)>,
}

/// Bodies that a client may have signed where it sent `body`, and what is told of each.
pub(super) fn other_bodies(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let unended = body.strip_suffix(b"\n").map(<[u8]>::to_vec);
    let is_json = matches!(body.trim_ascii_start(), [b'{' | b'[', ..]);
    let ways = [
        ("the body has no newline at its end (a Content-Length in the file says how long it is)", unended),
        ("the body has no spaces between its values", is_json.then(|| spaced(body, b""))),
        (
            "the body has a space behind each `,` and `:`, as Python's `json.dumps` writes it",
            is_json.then(|| spaced(body, b" ")),
        ),
        ("the body is empty", Some(Vec::new())),
    ];
    ways.into_iter().filter_map(|(told, it)| Some((told, it.filter(|it| it != body)?))).collect()
}

/// The right message, and then the wrong ones.
pub(super) fn of(explanation: &Explanation<'_>, bodies: Bodies<'_>) -> Vec<Taken<Vec<u8>>> {
    let message = &explanation.message;
    let Bodies { whole, others } = bodies;
    let ways = others.into_iter().map(|(told, it)| (told, Some(it)));
    let ways = ways.chain(ends(message)).chain(ids(explanation)).chain(values(explanation));
    let ways = ways.chain(separated(explanation)).chain(digests(explanation, whole)).chain([
        ("the message is in lower case", Some(message.to_ascii_lowercase())),
        ("the message has `https:` for `http:` (see --public-origin)", Some(replaced(message, b"http:", b"https:"))),
        ("the message is the body alone", Some(whole.to_vec())),
        (
            "the message is the body alone, without the newline at its end",
            whole.strip_suffix(b"\n").map(<[u8]>::to_vec),
        ),
        ("the message is empty", Some(Vec::new())),
    ]);
    let changed = ways.filter_map(|(told, it)| Some((told, it.filter(|it| it != message)?)));
    let changed = changed.map(|(told, it)| Taken { told: Some(told.to_owned()), it });
    std::iter::once(Taken { told: None, it: message.clone() }).chain(changed).chain(ended(explanation)).collect()
}

/// What has another slip in it, and ends in what is not seen.
fn ended(explanation: &Explanation<'_>) -> impl Iterator<Item = Taken<Vec<u8>>> {
    let ways: Vec<Way> = ids(explanation).into_iter().chain(values(explanation)).collect();
    let changed = ways.into_iter().filter_map(|(told, it)| Some((told, it.filter(|it| *it != explanation.message)?)));
    changed.flat_map(|(told, it)| {
        let [newline, _, zero, ..] = ends(&it);
        let ends = [newline, zero].into_iter().filter_map(|(end, it)| Some((end, it?)));
        let ended: Vec<_> = ends.collect();
        ended.into_iter().map(move |(end, it)| Taken { told: Some(format!("{told}, and {end}")), it })
    })
}

type Way = (&'static str, Option<Vec<u8>>);

fn ends(message: &[u8]) -> [Way; 7] {
    let with = |end: &str| Some([message, end.as_bytes()].concat());
    [
        ("the message ends in a newline (`echo` writes one, `printf %s` none)", with("\n")),
        ("the message ends in `\\r\\n`", with("\r\n")),
        ("the message ends in a zero byte (`sizeof` counts that of a string, `strlen` does not)", with("\0")),
        ("the newline at the message's end is left out", message.strip_suffix(b"\n").map(<[u8]>::to_vec)),
        ("each newline of the message is `\\r\\n`", Some(replaced(message, b"\n", b"\r\n"))),
        ("each newline of the message is a backslash and an `n`", Some(replaced(message, b"\n", b"\\n"))),
        ("the newlines of the message are left out", Some(replaced(message, b"\n", b""))),
    ]
}

/// A key id is often an address, and addresses are written in many ways.
fn ids(explanation: &Explanation<'_>) -> [Way; 5] {
    let id = |written: &dyn Fn(&[u8]) -> Vec<u8>| {
        explanation.key_id.as_ref().map(|id| replaced(&explanation.message, id, &written(id)))
    };
    [
        ("the key id in the message is in upper case", id(&<[u8]>::to_ascii_uppercase)),
        ("the key id in the message is in lower case", id(&<[u8]>::to_ascii_lowercase)),
        ("the key id in the message has `-` for `:`", id(&|id| replaced(id, b":", b"-"))),
        ("the key id in the message has `:` for `-`", id(&|id| replaced(id, b"-", b":"))),
        ("the key id in the message has no `:` and no `-`", id(&|id| replaced(&replaced(id, b":", b""), b"-", b""))),
    ]
}

fn values(explanation: &Explanation<'_>) -> [Way; 6] {
    let Explanation { message, pieces, .. } = explanation;
    let cut = |source: &str, at: u8| {
        let (_, value) = pieces.iter().find(|(told, _)| told == source)?;
        Some(replaced(message, value, value.split(|byte| *byte == at).next()?))
    };
    let time = |digits: usize, written: fn(&[u8]) -> Vec<u8>| {
        let is_time = |value: &&Vec<u8>| value.len() == digits && value.iter().all(u8::is_ascii_digit);
        let value = pieces.iter().map(|(_, value)| value).find(is_time)?;
        Some(replaced(message, value, &written(value)))
    };
    let joined = pieces.iter().flat_map(|(_, value)| value).copied().collect();
    [
        ("the host in the message has no port", cut("{authority}", b':')),
        ("the path in the message has no query", cut("{target}", b'?')),
        ("the time in the message is in seconds", time(13, |value| value.get(..10).unwrap_or(value).to_vec())),
        ("the time in the message is in milliseconds", time(10, |value| [value, b"000"].concat())),
        ("the values of the message stand one behind the other, with nothing between them", Some(joined)),
        ("the two values of the message change places", turned(explanation)),
    ]
}

/// A digest of the body, written in hexadecimal here, is written otherwise elsewhere, or the body stands in its place.
fn digests(explanation: &Explanation<'_>, body: &[u8]) -> [Way; 4] {
    let is_digest = |(source, value): &&(String, Vec<u8>)| source.starts_with("{body|") && value.len() >= 40;
    let mut pieces = explanation.pieces.iter().filter(is_digest);
    let piece = pieces.find_map(|(_, text)| Some((text, hex::decode(text).ok()?)));
    let with = |written: Option<Vec<u8>>| Some(replaced(&explanation.message, piece.as_ref()?.0, &written?));
    let (text, bytes) = (piece.as_ref().map(|(text, _)| text), piece.as_ref().map(|(_, bytes)| bytes));
    [
        ("the digest of the body is in base64", with(bytes.map(|bytes| STANDARD.encode(bytes).into_bytes()))),
        ("the digest of the body is in upper case", with(text.map(|text| text.to_ascii_uppercase()))),
        ("the digest of the body stands there as raw bytes", with(bytes.cloned())),
        ("the body stands there itself, in the place of its digest", with(Some(body.to_vec()))),
    ]
}

/// Something else between the values, where they stand one behind the other with the same text between any two.
fn separated(explanation: &Explanation<'_>) -> Vec<Way> {
    let values: Vec<&[u8]> = explanation.pieces.iter().map(|(_, value)| value.as_slice()).collect();
    let with = |between: &str| (values.len() > 1).then(|| values.join(between.as_bytes()));
    vec![
        ("a `:` stands between the values of the message", with(":")),
        ("a `|` stands between the values of the message", with("|")),
        ("a `,` stands between the values of the message", with(",")),
        ("a `.` stands between the values of the message", with(".")),
        ("a `-` stands between the values of the message", with("-")),
        ("a `&` stands between the values of the message", with("&")),
        ("a space stands between the values of the message", with(" ")),
        ("a newline stands between the values of the message", with("\n")),
    ]
}

/// `b:a` of `a:b`.
fn turned(explanation: &Explanation<'_>) -> Option<Vec<u8>> {
    let [(_, first), (_, second)] = explanation.pieces.as_slice() else { return None };
    let between = explanation.message.strip_prefix(first.as_slice())?.strip_suffix(second.as_slice())?;
    Some([second, between, first].concat())
}

/// JSON with nothing between its values but `space` behind each comma and colon. What is no JSON comes out as it may.
fn spaced(json: &[u8], space: &[u8]) -> Vec<u8> {
    let (mut out, mut in_string, mut escaped) = (Vec::with_capacity(json.len()), false, false);
    for byte in json.trim_ascii() {
        match byte {
            b'"' if !escaped => in_string = !in_string,
            b' ' | b'\t' | b'\r' | b'\n' if !in_string => continue,
            _ => (),
        }
        escaped = in_string && *byte == b'\\' && !escaped;
        out.push(*byte);
        if !in_string && matches!(byte, b',' | b':') {
            out.extend_from_slice(space);
        }
    }
    out
}

pub(super) fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, from).filter(|_| !from.is_empty()) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        out.extend_from_slice(to);
        rest = rest.get(at + from.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_with_other_spaces_and_the_same_texts() {
        let body = br#"{ "a b": [1,  "x\", y:"], "c":2}"#;
        assert_eq!(spaced(body, b""), br#"{"a b":[1,"x\", y:"],"c":2}"#);
        assert_eq!(spaced(body, b" "), br#"{"a b": [1, "x\", y:"], "c": 2}"#);
        let told = |body| other_bodies(body).into_iter().map(|(told, _)| told).collect::<Vec<_>>();
        assert_eq!((told(b"a=1&b=2"), told(b"")), (vec!["the body is empty"], vec![]));
    }
}
