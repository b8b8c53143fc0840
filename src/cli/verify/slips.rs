//! Which slip makes a signature fit: what clients do wrong with keys, messages and spellings, tried one after the other.

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use crate::{
    scheme::{Explanation, Scheme},
    secret::Secret,
};

/// A secret, or a message, as a client may have taken it; and what is told of it where that is not as it should be.
struct Taken<T> {
    told: Option<String>,
    it: T,
}

/// What a client may have put into its message of a body.
pub(super) struct Bodies<'b> {
    /// The body itself.
    pub(super) whole: &'b [u8],
    /// The message of the same request without the newline that ends its body, where one does: an editor or a `<<EOF` writes one.
    pub(super) unended: Option<Vec<u8>>,
}

/// Key and message under which one of the signatures that came is right: with one slip if that will do, or else with two.
/// Empty where it is right and only written otherwise.
pub(super) fn find(
    scheme: &Scheme,
    explanation: &Explanation<'_>,
    own: &[Secret],
    others: &[(&str, Vec<Secret>)],
    bodies: Bodies<'_>,
) -> Option<Vec<String>> {
    let came: Vec<Vec<u8>> = explanation.came.iter().flat_map(|text| readings(text)).collect();
    let messages = messages(explanation, bodies);
    let fits = |key: &Taken<Secret>, message: &Taken<Vec<u8>>| {
        let prepared = scheme.key_recipe().verifying(&key.it).ok();
        let mac = prepared.and_then(|prepared| explanation.mac(&prepared, &message.it));
        mac.is_some_and(|mac| came.contains(&mac)).then(|| key.told.iter().chain(&message.told).cloned().collect())
    };
    let keys = keys(own, others);
    let pairs = keys.iter().flat_map(|key| messages.iter().map(move |message| (key, message)));
    let slips = |(key, message): &(&Taken<Secret>, &Taken<Vec<u8>>)| {
        usize::from(key.told.is_some()) + usize::from(message.told.is_some())
    };
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_by_key(slips);
    pairs.into_iter().find_map(|(key, message)| fits(key, message))
}

fn keys(own: &[Secret], others: &[(&str, Vec<Secret>)]) -> Vec<Taken<Secret>> {
    let as_they_are = own.iter().map(|secret| Taken { told: None, it: secret.clone() });
    let of_others = others.iter().flat_map(|(id, secrets)| {
        secrets.iter().map(move |secret| Taken { told: Some(format!("the key is that of `{id}`")), it: secret.clone() })
    });
    as_they_are.chain(of_others).chain(own.iter().flat_map(misread)).collect()
}

fn misread(secret: &Secret) -> Vec<Taken<Secret>> {
    let bytes = secret.expose();
    let with = |end: &str| Some([bytes, end.as_bytes()].concat());
    let unquoted =
        |quote: &[u8]| bytes.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).map(<[u8]>::to_vec);
    let decoded = |alphabet| lenient(alphabet).decode(bytes).ok();
    let ways: [(&str, Option<Vec<u8>>); 13] = [
        ("the key ends in a newline", with("\n")),
        ("the key ends in `\\r\\n`", with("\r\n")),
        ("the white space around the key is left out", Some(bytes.trim_ascii().to_vec())),
        (
            "the byte order mark before the key is left out",
            bytes.strip_prefix("\u{feff}".as_bytes()).map(<[u8]>::to_vec),
        ),
        ("the key is hex-decoded first", hex::decode(bytes).ok()),
        ("the key is base64-decoded first", decoded(&STANDARD)),
        ("the key is base64url-decoded first", decoded(&URL_SAFE)),
        ("the key is in lower case", Some(bytes.to_ascii_lowercase())),
        ("the key is in upper case", Some(bytes.to_ascii_uppercase())),
        ("the quotes around the key are left out", unquoted(b"\"").or(unquoted(b"'"))),
        ("the key stands in double quotes", Some([b"\"", bytes, b"\""].concat())),
        ("the key is written in hex first", Some(hex::encode(bytes).into_bytes())),
        ("the key is written in base64 first", Some(lenient(&STANDARD).encode(bytes).into_bytes())),
    ];
    let changed =
        ways.into_iter().filter_map(|(told, it)| Some((told, it.filter(|it| it != bytes && !it.is_empty())?)));
    changed.map(|(told, it)| Taken { told: Some(told.to_owned()), it: Secret::new(it) }).collect()
}

fn messages(explanation: &Explanation<'_>, bodies: Bodies<'_>) -> Vec<Taken<Vec<u8>>> {
    let Bodies { whole: body, unended } = bodies;
    let message = &explanation.message;
    let with = |end: &str| Some([message, end.as_bytes()].concat());
    let id = |written: fn(&[u8]) -> Vec<u8>| explanation.key_id.as_ref().map(|id| replaced(message, id, &written(id)));
    let ways: [(&str, Option<Vec<u8>>); 14] = [
        ("the body has no newline at its end (a Content-Length in the file says how long it is)", unended),
        ("the message ends in a newline (`echo` writes one, `printf %s` none)", with("\n")),
        ("the message ends in `\\r\\n`", with("\r\n")),
        ("the newline at the message's end is left out", message.strip_suffix(b"\n").map(<[u8]>::to_vec)),
        ("each newline of the message is `\\r\\n`", Some(replaced(message, b"\n", b"\r\n"))),
        ("each newline of the message is a backslash and an `n`", Some(replaced(message, b"\n", b"\\n"))),
        ("the newlines of the message are left out", Some(replaced(message, b"\n", b""))),
        ("the key id in the message is in upper case", id(<[u8]>::to_ascii_uppercase)),
        ("the key id in the message is in lower case", id(<[u8]>::to_ascii_lowercase)),
        ("the message is in lower case", Some(message.to_ascii_lowercase())),
        ("the message has `https:` for `http:` (see --public-origin)", Some(replaced(message, b"http:", b"https:"))),
        ("the message is the body alone", Some(body.to_vec())),
        ("the message is the body alone, without the newline at its end", body.strip_suffix(b"\n").map(<[u8]>::to_vec)),
        ("the message is empty", Some(Vec::new())),
    ];
    let changed = ways.into_iter().filter_map(|(told, it)| Some((told, it.filter(|it| it != message)?)));
    let changed = changed.map(|(told, it)| Taken { told: Some(told.to_owned()), it });
    std::iter::once(Taken { told: None, it: message.clone() }).chain(changed).collect()
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
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

/// The bytes that a signature may stand for, however it was written.
fn readings(text: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(text);
    let mut words: Vec<&str> = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '"')).collect();
    // `sha256=…`, as GitHub writes it.
    let behind = words.iter().filter_map(|word| word.split_once('=').map(|(_, rest)| rest)).collect::<Vec<_>>();
    words.extend(behind);
    let once: Vec<Vec<u8>> = words.iter().flat_map(|word| decoded(word.as_bytes())).collect();
    // Base64 of hex is written by whoever takes a library's text for its bytes.
    let twice: Vec<Vec<u8>> = once.iter().filter_map(|bytes| hex::decode(bytes).ok()).collect();
    once.into_iter().chain(twice).filter(|bytes| !bytes.is_empty()).collect()
}

fn decoded(word: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let base64 = [&STANDARD, &URL_SAFE].map(|alphabet| lenient(alphabet).decode(word).ok());
    hex::decode(word).ok().into_iter().chain(base64.into_iter().flatten())
}

fn lenient(alphabet: &base64::alphabet::Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config)
}
