//! Key sources that are elsewhere: a database, Redis, another service. And how long their answers are good.

pub(super) mod http;
mod redis;
mod sql;

use std::{ops::Range, time::Duration};

use super::{
    reader::Reader,
    shape::Fields,
    tree::{Entry, Node},
};
use crate::keys::{Elsewhere, Encoding, cache};

/// What each such source may have besides its own and `timeout`.
const SHARED_KEYS: [&str; 2] = ["encoding", "cache"];

/// The longest that a look-up takes, where nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Reads a source of the kind that its key names.
pub(super) fn read(source: &Entry, reader: &mut Reader<'_>) -> Option<Elsewhere> {
    match source.key.as_str() {
        "sql" => sql::read(&source.value, reader),
        "redis" => self::redis::read(&source.value, reader),
        _ => http::read(&source.value, reader),
    }
}

/// What every source has.
struct Shared {
    encoding: Encoding,
    cache: cache::Settings,
}

fn timeout(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<Duration> {
    fields.value("timeout").map_or(Some(TIMEOUT), |node| reader.positive_duration(node, "`timeout`"))
}

fn shared(fields: &Fields<'_>, timeout: Duration, reader: &mut Reader<'_>) -> Option<Shared> {
    let encoding = match fields.value("encoding") {
        None => Some(Encoding::Text),
        Some(node) => reader.choice(node, "the encoding of a secret", &Encoding::NAMES),
    };
    let cache = match fields.value("cache") {
        None => Some(usual(timeout)),
        Some(node) => cache(node, timeout, reader),
    };
    Some(Shared { encoding: encoding?, cache: cache? })
}

fn usual(timeout: Duration) -> cache::Settings {
    cache::Settings {
        ttl: Duration::from_secs(300),
        unknown_ttl: Duration::from_secs(10),
        stale: Duration::from_secs(3600),
        capacity: 100_000,
        unknown_capacity: 10_000,
        timeout,
        most_look_ups: 64,
    }
}

fn cache(node: &Node, timeout: Duration, reader: &mut Reader<'_>) -> Option<cache::Settings> {
    const KEYS: [&str; 6] = ["ttl", "unknown_ttl", "stale", "capacity", "unknown_capacity", "look_ups"];
    let fields = reader.fields(node, "`cache`", &KEYS)?;
    let usual = usual(timeout);
    let ttl = duration(&fields, "ttl", usual.ttl, reader);
    let unknown_ttl = duration(&fields, "unknown_ttl", usual.unknown_ttl, reader);
    let stale = duration(&fields, "stale", usual.stale, reader);
    let capacity = count(&fields, "capacity", 1..10_000_001, usual.capacity, reader);
    let unknown_capacity = count(&fields, "unknown_capacity", 1..10_000_001, usual.unknown_capacity, reader);
    let most_look_ups = count(&fields, "look_ups", 1..10_001, usual.most_look_ups, reader);
    Some(cache::Settings {
        ttl: ttl?,
        unknown_ttl: unknown_ttl?,
        stale: stale?,
        capacity: capacity?,
        unknown_capacity: unknown_capacity?,
        timeout,
        most_look_ups: most_look_ups?,
    })
}

fn duration(fields: &Fields<'_>, key: &str, usual: Duration, reader: &mut Reader<'_>) -> Option<Duration> {
    fields.value(key).map_or(Some(usual), |node| reader.duration(node, &format!("`{key}`")))
}

fn count(fields: &Fields<'_>, key: &str, bounds: Range<u64>, usual: usize, reader: &mut Reader<'_>) -> Option<usize> {
    let Some(node) = fields.value(key) else { return Some(usual) };
    reader.count(node, &format!("`{key}`"), bounds).and_then(|count| usize::try_from(count).ok())
}
