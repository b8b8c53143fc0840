//! `introspection` of a tokens entry: the server that says what opaque tokens are (RFC 7662).

use std::time::Duration;

use super::{
    checked::Introspection,
    definition::all_or_none,
    published_keys::{address, plain},
    reader::Reader,
    secret,
    shape::Fields,
    tree::Node,
};

const KEYS: [&str; 9] = [
    "url",
    "client_id",
    "client_secret",
    "ttl",
    "inactive_ttl",
    "capacity",
    "timeout",
    "roots",
    "dangerously_plain_http",
];
/// How long an answer is good: for as long a token that was taken back is still accepted.
const TTL: Duration = Duration::from_secs(30);
const INACTIVE_TTL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(2);
const CAPACITY: usize = 10_000;
/// Longest time that draws no warning.
const LONG: Duration = Duration::from_secs(5 * 60);

/// Reads `introspection`.
pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Introspection> {
    let fields = reader.fields(node, "`introspection`", &KEYS)?;
    let plain = plain(&fields, reader);
    let url = fields.required("url", reader);
    let client_id = fields.required("client_id", reader).and_then(|node| reader.line(node, "`client_id`"));
    let client_id = client_id.map(str::to_owned);
    let client_secret = fields.required("client_secret", reader);
    let client_secret = client_secret.and_then(|node| secret::secret(node, reader, 0, "a client's secret"));
    let ttl = duration(&fields, "ttl", TTL, reader);
    let inactive_ttl = duration(&fields, "inactive_ttl", INACTIVE_TTL, reader);
    let timeout = duration(&fields, "timeout", TIMEOUT, reader);
    let capacity = match fields.value("capacity") {
        None => Some(CAPACITY),
        Some(node) => reader.count(node, "`capacity`", 1..1_000_001).and_then(|count| usize::try_from(count).ok()),
    };
    let roots = all_or_none(fields.value("roots").map(|node| reader.roots(node)));
    let why = "whoever can change what is said of tokens on its way can make some";
    let url = address(url?, "`url`", why, plain.unwrap_or(true), reader)?;
    if let Some(entry) = fields.entry("roots").filter(|_| url.scheme_str() == Some("http")) {
        reader.warning(entry.key_place, "`roots` has no effect: the URL is not https");
    }
    if let Some(node) = fields.value("ttl").filter(|_| ttl.is_some_and(|ttl| ttl > LONG)) {
        reader.warning(node.place, "a token that its server took back is accepted for as long as this");
    }
    plain?;
    Some(Introspection {
        url,
        client_id: client_id?,
        client_secret: client_secret?,
        ttl: ttl?,
        inactive_ttl: inactive_ttl?,
        capacity: capacity?,
        timeout: timeout?,
        roots: roots?,
    })
}

fn duration(fields: &Fields<'_>, key: &str, usual: Duration, reader: &mut Reader<'_>) -> Option<Duration> {
    let read = fields.value(key).map(|node| reader.positive_duration(node, &format!("`{key}`")));
    all_or_none(read).map(|given| given.unwrap_or(usual))
}
