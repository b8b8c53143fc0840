//! `limits:`, `timeouts:` and `log:`: settings of the whole gateway, each with a default.

use std::time::Duration;

use super::{
    checked::{Limits, Log, LogFormat, LogSink, Timeouts},
    reader::Reader,
    shape::Fields,
    tree::{Node, Value},
};

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 10_000,
            connections_per_address: None,
            head: 32 << 10,
            headers: 100,
            body: 10 << 20,
            body_memory: 64 << 10,
            body_memory_total: 32 << 20,
            spool_total: 1 << 30,
            spool: None,
            upstream_requests: 1_024,
            refresh_families: 100_000,
            password_checks: None,
            password_queue: 32,
            rate_counters: 1_000_000,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let seconds = Duration::from_secs;
        Timeouts {
            head: seconds(10),
            body: seconds(30),
            idle: seconds(75),
            write: seconds(30),
            connect: seconds(5),
            upstream: seconds(60),
            upstream_body: seconds(60),
            tunnel: seconds(3600),
            drain: seconds(30),
        }
    }
}

impl Default for Log {
    fn default() -> Log {
        Log { access: LogSink::Stdout, format: None }
    }
}

/// Reads `limits:`.
pub(super) fn read_limits(node: &Node, reader: &mut Reader<'_>) -> Option<Limits> {
    let allowed = [
        "connections",
        "connections_per_address",
        "head",
        "headers",
        "body",
        "body_memory",
        "body_memory_total",
        "spool_total",
        "spool",
        "upstream_requests",
        "refresh_families",
        "password_checks",
        "password_queue",
        "rate_counters",
    ];
    let fields = reader.fields(node, "`limits`", &allowed)?;
    let mut limits = Limits::default();
    count(&fields, "connections", 1..1_000_001, &mut limits.connections, reader);
    let per_address = fields.value("connections_per_address");
    let per_address = per_address.and_then(|node| reader.count(node, "`connections_per_address`", 1..1_000_001));
    limits.connections_per_address = per_address.and_then(|number| usize::try_from(number).ok());
    size(&fields, "head", 1 << 10, &mut limits.head, reader);
    count(&fields, "headers", 1..10_001, &mut limits.headers, reader);
    size(&fields, "body", 0, &mut limits.body, reader);
    size(&fields, "body_memory", 0, &mut limits.body_memory, reader);
    size(&fields, "body_memory_total", 0, &mut limits.body_memory_total, reader);
    size(&fields, "spool_total", 0, &mut limits.spool_total, reader);
    limits.spool = fields.value("spool").and_then(|node| reader.path(node, "`spool`"));
    count(&fields, "upstream_requests", 1..1_000_001, &mut limits.upstream_requests, reader);
    count(&fields, "refresh_families", 1..100_000_001, &mut limits.refresh_families, reader);
    let checks = fields.value("password_checks").and_then(|node| reader.count(node, "`password_checks`", 1..257));
    limits.password_checks = checks.and_then(|number| usize::try_from(number).ok());
    count(&fields, "password_queue", 1..10_001, &mut limits.password_queue, reader);
    count(&fields, "rate_counters", 1..100_000_001, &mut limits.rate_counters, reader);
    if u64::try_from(limits.body_memory).map_or(true, |one| one > limits.body_memory_total) {
        let entry = fields.entry("body_memory").or_else(|| fields.entry("body_memory_total"));
        let place = entry.map_or(fields.place, |entry| entry.key_place);
        reader.error(place, "`body_memory` of one request is more than `body_memory_total` of all");
    }
    Some(limits)
}

/// Reads `timeouts:`.
pub(super) fn read_timeouts(node: &Node, reader: &mut Reader<'_>) -> Option<Timeouts> {
    let allowed = ["head", "body", "idle", "write", "connect", "upstream", "upstream_body", "tunnel", "drain"];
    let fields = reader.fields(node, "`timeouts`", &allowed)?;
    let mut timeouts = Timeouts::default();
    let all = [
        ("head", &mut timeouts.head),
        ("body", &mut timeouts.body),
        ("idle", &mut timeouts.idle),
        ("write", &mut timeouts.write),
        ("connect", &mut timeouts.connect),
        ("upstream", &mut timeouts.upstream),
        ("upstream_body", &mut timeouts.upstream_body),
        ("tunnel", &mut timeouts.tunnel),
        ("drain", &mut timeouts.drain),
    ];
    for (key, timeout) in all {
        let read = fields.value(key).and_then(|node| reader.positive_duration(node, &format!("`{key}`")));
        *timeout = read.unwrap_or(*timeout);
    }
    Some(timeouts)
}

/// Reads `log:`.
pub(super) fn read_log(node: &Node, reader: &mut Reader<'_>) -> Option<Log> {
    let fields = reader.fields(node, "`log`", &["access", "format"])?;
    let access = fields.value("access").map(|node| sink(node, reader));
    let formats = [("pretty", LogFormat::Pretty), ("json", LogFormat::Json)];
    let format = fields.value("format").and_then(|node| reader.choice(node, "`format`", &formats));
    Some(Log { access: access.flatten().unwrap_or(LogSink::Stdout), format })
}

fn sink(node: &Node, reader: &mut Reader<'_>) -> Option<LogSink> {
    if let Value::Map(_) = node.value {
        let entry = reader.one_key(node, "`access`", &["file"])?;
        return reader.path(&entry.value, "`file`").map(LogSink::File);
    }
    match reader.choice_or(node, "`access`", &[("stdout", 0), ("stderr", 1), ("off", 2)], "`{ file: path }`")? {
        0 => Some(LogSink::Stdout),
        1 => Some(LogSink::Stderr),
        _ => Some(LogSink::Off),
    }
}

/// Reads a count into its default.
pub(super) fn count(
    fields: &Fields<'_>,
    key: &str,
    bounds: std::ops::Range<u64>,
    into: &mut usize,
    reader: &mut Reader<'_>,
) {
    let read = fields.value(key).and_then(|node| reader.count(node, &format!("`{key}`"), bounds));
    *into = read.and_then(|number| usize::try_from(number).ok()).unwrap_or(*into);
}

fn size<T: TryFrom<u64> + Copy>(fields: &Fields<'_>, key: &str, least: u64, into: &mut T, reader: &mut Reader<'_>) {
    let Some(node) = fields.value(key) else { return };
    let Some(bytes) = reader.size(node, &format!("`{key}`")) else { return };
    match T::try_from(bytes) {
        Ok(size) if bytes >= least => *into = size,
        _ => {
            let wanted =
                if bytes < least { format!("at least {least} bytes") } else { "a size that fits in memory".to_owned() };
            reader.error(node.place, format!("`{key}` is out of bounds")).expected(wanted);
        }
    }
}
