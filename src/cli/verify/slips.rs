//! Which slip makes a signature fit: what clients do wrong with keys, messages and spellings, tried one after the other.

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::messages::{self, Bodies};
use crate::{
    cli::key_file::BYTE_ORDER_MARK,
    scheme::{Explanation, Scheme},
    secret::Secret,
};

/// A secret, or a message, as a client may have taken it; and what is told of it where that is not as it should be.
pub(in crate::cli) struct Taken<T> {
    pub(in crate::cli) told: Option<String>,
    pub(in crate::cli) it: T,
}

/// Key and message under which one of the signatures that came is right: with one slip if that will do, or else with two; or
/// what else was computed of the right ones. Empty where it is right and only written otherwise.
pub(super) fn find(
    scheme: &Scheme,
    explanation: &Explanation<'_>,
    own: &[Secret],
    others: &[(&str, Vec<Secret>)],
    bodies: Bodies<'_>,
) -> Option<Vec<String>> {
    let came: Vec<Vec<u8>> = explanation.came.iter().flat_map(|text| readings(text)).collect();
    let messages = messages::of(explanation, bodies);
    let mac = |key: &Secret, message: &[u8]| {
        let prepared = scheme.key_recipe().verifying(key).ok();
        prepared.and_then(|prepared| explanation.mac(&prepared, message))
    };
    let fits = |key: &Taken<Secret>, message: &Taken<Vec<u8>>| {
        let mac = mac(&key.it, &message.it);
        mac.is_some_and(|mac| came.contains(&mac)).then(|| key.told.iter().chain(&message.told).cloned().collect())
    };
    let keys = keys(own, others);
    let pairs = keys.iter().flat_map(|key| messages.iter().map(move |message| (key, message)));
    let slips = |(key, message): &(&Taken<Secret>, &Taken<Vec<u8>>)| {
        usize::from(key.told.is_some()) + usize::from(message.told.is_some())
    };
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_by_key(slips);
    let slips = pairs.into_iter().find_map(|(key, message)| fits(key, message));
    slips.or_else(|| own.iter().find_map(|secret| Some(vec![other_use(secret, explanation, &came, &mac)?])))
}

/// What was done with the right key and the right message, where it was not what the scheme does.
fn other_use(
    secret: &Secret,
    explanation: &Explanation<'_>,
    came: &[Vec<u8>],
    mac: &impl Fn(&Secret, &[u8]) -> Option<Vec<u8>>,
) -> Option<String> {
    let (key, message) = (secret.expose(), explanation.message.as_slice());
    if mac(&Secret::new(message.to_vec()), key).is_some_and(|mac| came.contains(&mac)) {
        return Some("key and message change places".to_owned());
    }
    let whole = mac(secret, message)?;
    if let Some(told) = explanation.came.iter().find_map(|text| misprinted(&whole, text.trim_ascii())) {
        return Some(told.to_owned());
    }
    if let Some(cut) = came.iter().find(|came| came.len() >= SHORTEST_CUT && whole.starts_with(came)) {
        return Some(format!("its first {} of {} bytes were enough", cut.len(), whole.len()));
    }
    let other = explanation.other_macs(key).into_iter().find(|(_, mac)| came.contains(mac));
    if let Some((algorithm, _)) = other {
        return Some(format!("the algorithm is {}", algorithm.name()));
    }
    let digests = [("the key and then the message", [key, message]), ("the message and then the key", [message, key])];
    let plain = digests.into_iter().find(|(_, parts)| explanation.digest(parts).is_some_and(|it| came.contains(&it)));
    plain.map(|(told, _)| format!("a plain digest of {told} were wanted, and no HMAC"))
}

/// How a program in C wrote `mac` as hexadecimal, where `text` is that and not what was meant. Its buffer may have cut it off.
fn misprinted(mac: &[u8], text: &[u8]) -> Option<&'static str> {
    let signed = |byte: &u8| if *byte < 0x80 { "" } else { "ffffff" };
    let ways = [
        (
            "bytes below 16 were one digit, as `%x` writes them; `%02x` writes two",
            mac.iter().map(|byte| format!("{byte:x}")).collect::<String>(),
        ),
        (
            "bytes from 128 on had `ffffff` before them, as `%02x` writes a `char`; of an `unsigned char` it does not",
            mac.iter().map(|byte| format!("{}{byte:02x}", signed(byte))).collect(),
        ),
        (
            "bytes from 128 on had `ffffff` before them and those below 16 were one digit, as `%x` writes a `char`; it takes \
             `%02x` and an `unsigned char`",
            mac.iter().map(|byte| format!("{}{byte:x}", signed(byte))).collect(),
        ),
    ];
    let begins =
        |written: &str| written.as_bytes().get(..text.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(text));
    let is_it = |written: &str| text.len() >= 2 * SHORTEST_CUT && begins(written) && !begins(&hex::encode(mac));
    ways.into_iter().find_map(|(told, written)| is_it(&written).then_some(told))
}

/// Bytes of a signature of which it is no accident that they are the right one's first.
const SHORTEST_CUT: usize = 8;

fn keys(own: &[Secret], others: &[(&str, Vec<Secret>)]) -> Vec<Taken<Secret>> {
    let as_they_are = own.iter().map(|secret| Taken { told: None, it: secret.clone() });
    let of_others = others.iter().flat_map(|(id, secrets)| {
        secrets.iter().map(move |secret| Taken { told: Some(format!("the key is that of `{id}`")), it: secret.clone() })
    });
    as_they_are.chain(of_others).chain(own.iter().flat_map(misread)).collect()
}

/// What a client may have taken for the secret.
pub(in crate::cli) fn misread(secret: &Secret) -> Vec<Taken<Secret>> {
    let bytes = secret.expose();
    let with = |end: &str| Some([bytes, end.as_bytes()].concat());
    let unquoted =
        |quote: &[u8]| bytes.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).map(<[u8]>::to_vec);
    let decoded = |alphabet| lenient(alphabet).decode(bytes).ok();
    let ways: [(&str, Option<Vec<u8>>); 14] = [
        ("the key ends in a newline", with("\n")),
        // An HMAC fills a short key up with zero bytes, so it is only seen of a long one.
        ("the key ends in a zero byte (`sizeof` counts that of a string, `strlen` does not)", with("\0")),
        ("the key ends in `\\r\\n`", with("\r\n")),
        ("the white space around the key is left out", Some(bytes.trim_ascii().to_vec())),
        ("the byte order mark before the key is left out", bytes.strip_prefix(BYTE_ORDER_MARK).map(<[u8]>::to_vec)),
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

/// The bytes that a signature may stand for, however it was written.
fn readings(text: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(text);
    let mut words: Vec<&str> = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '"')).collect();
    // `sha256=…`, as GitHub writes it.
    let behind = words.iter().filter_map(|word| word.split_once('=').map(|(_, rest)| rest)).collect::<Vec<_>>();
    words.extend(behind);
    let once: Vec<Vec<u8>> = words.iter().flat_map(|word| decoded(word.as_bytes())).collect();
    // Base64 of hex is written by whoever takes a library's text for its bytes.
    let twice: Vec<Vec<u8>> = once.iter().filter_map(|bytes| hex::decode(bytes.trim_ascii()).ok()).collect();
    once.into_iter().chain(twice).filter(|bytes| !bytes.is_empty()).collect()
}

fn decoded(word: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let base64 = [&STANDARD, &URL_SAFE].map(|alphabet| lenient(alphabet).decode(word).ok());
    // `0x1f…`, and `1f:…` as many tools print bytes.
    let digits = word.strip_prefix(b"0x").unwrap_or(word).iter().copied().filter(|byte| *byte != b':');
    let hex = hex::decode(digits.collect::<Vec<u8>>()).ok();
    hex.into_iter().chain(base64.into_iter().flatten())
}

fn lenient(alphabet: &base64::alphabet::Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config)
}
