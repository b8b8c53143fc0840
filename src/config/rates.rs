//! `rate_limits:` and `unverified:`: how many requests, and of whom.

use std::{collections::HashSet, sync::Arc, time::Duration};

use super::{
    checked::{OnStoreFailure, Prefixes, RateLimit, RatePer, Unverified},
    networks,
    reader::Reader,
    section::Section,
    shape::Fields,
    template::{self, Used},
    tree::{Node, Value},
};
use crate::{
    rate::Quota,
    scheme::{Sources, Template},
};

/// A limit, and what it speaks of.
pub(super) struct ReadLimit {
    pub(super) limit: Arc<RateLimit>,
    pub(super) sources: Vec<Used>,
}

const UNITS: [(&str, Duration); 4] = [
    ("s", Duration::from_secs(1)),
    ("min", Duration::from_secs(60)),
    ("h", Duration::from_secs(3_600)),
    ("d", Duration::from_secs(86_400)),
];

/// Reads the named limits.
pub(super) fn read(node: Option<&Node>, reader: &mut Reader<'_>) -> Section<ReadLimit> {
    Section::read(node, "rate_limits", "rate limit", reader, |entry, reader| {
        limit(&entry.value, &format!("the rate limit `{}`", entry.key), entry.key.clone(), reader)
    })
}

/// Reads a route's `rate_limits`: names, or limits of its own. `names` are those that own limits of other routes have.
pub(super) fn of_route(
    node: &Node,
    route: &str,
    named: &mut Section<ReadLimit>,
    names: &mut HashSet<String>,
    reader: &mut Reader<'_>,
) -> Vec<ReadLimit> {
    let mut limits: Vec<ReadLimit> = Vec::new();
    for item in reader.one_or_many(node, "`rate_limits`") {
        let read = match item.value {
            Value::Map(_) => limit(item, "a rate limit", own_name(route, names), reader),
            _ => named_limit(item, named, reader),
        };
        let Some(read) = read else { continue };
        if limits.iter().any(|other| other.limit.name == read.limit.name) {
            reader.error(item.place, format!("the rate limit `{}` is named twice", read.limit.name));
        }
        limits.push(read);
    }
    limits
}

fn named_limit(node: &Node, named: &mut Section<ReadLimit>, reader: &mut Reader<'_>) -> Option<ReadLimit> {
    let index = named.find(node, reader)?;
    let read = named.item(index)?;
    let used = |used: &Used| Used { source: used.source.clone(), place: node.place };
    Some(ReadLimit { limit: read.limit.clone(), sources: read.sources.iter().map(used).collect() })
}

/// A name that nothing else has, however routes are named.
fn own_name(route: &str, names: &mut HashSet<String>) -> String {
    let mut number = 1;
    while !names.insert(format!("{route}#{number}")) {
        number += 1;
    }
    format!("{route}#{number}")
}

fn limit(node: &Node, what: &str, name: String, reader: &mut Reader<'_>) -> Option<ReadLimit> {
    let fields = reader.fields(node, what, &["per", "rate", "burst", "headers", "on_store_failure"])?;
    let per = fields.required("per", reader).and_then(|node| per(node, reader));
    let quota = quota(&fields, reader);
    let headers = fields.value("headers").and_then(|node| reader.boolean(node, "`headers`"));
    let choices = [("refuse", OnStoreFailure::Refuse), ("allow", OnStoreFailure::Allow)];
    let on_store_failure = fields.value("on_store_failure");
    let on_store_failure = on_store_failure.and_then(|node| reader.choice(node, "`on_store_failure`", &choices));
    let (per, sources) = per?;
    let limit = RateLimit {
        name,
        per,
        quota: quota?,
        on_store_failure: on_store_failure.unwrap_or_default(),
        headers: headers.unwrap_or(false),
    };
    Some(ReadLimit { limit: Arc::new(limit), sources })
}

fn per(node: &Node, reader: &mut Reader<'_>) -> Option<(RatePer, Vec<Used>)> {
    if let Value::Map(_) = node.value {
        let entry = reader.one_key(node, "`per`", &["address"])?;
        return prefixes(&entry.value, reader).map(|prefixes| (RatePer::Address(prefixes), Vec::new()));
    }
    let text = reader.text(node, "`per`")?;
    if text.contains('{') {
        let read = template::answer(node, "`per`", reader)?;
        report_sources(node, &read, reader);
        return Some((RatePer::Template(read.template), read.sources));
    }
    if text == "address" {
        return Some((RatePer::Address(Prefixes::default()), Vec::new()));
    }
    let words = [("key_id", "{key_id}"), ("subject", "{subject}"), ("route", "{route}")];
    let form = "address, or a template such as `{claim:tenant}`";
    let template = reader.choice_or(node, "`per`", &words, form)?;
    let source = text.to_owned();
    let compiled = Template::compile(template, Sources::Answer).ok()?;
    Some((RatePer::Template(compiled), vec![Used { source, place: node.place }]))
}

/// Says of a template what makes it count nobody, or whoever wants to be counted.
fn report_sources(node: &Node, read: &template::Answer, reader: &mut Reader<'_>) {
    if read.template.literal().is_some() {
        reader.error(node.place, "`per` is the same for every request").hint("per: route, to count them all together");
    }
    let chosen = ["header", "path", "target", "query", "method"];
    if read.sources.iter().any(|used| used.source == "request_id") {
        reader
            .error(node.place, "`request_id` is another one for every request: nobody would ever be beyond the limit");
    } else if let Some(used) = read.sources.iter().find(|used| chosen.contains(&used.source.as_str())) {
        reader
            .warning(node.place, format!("whoever sends a request chooses its `{}`, and with it a quota", used.source))
            .hint("count by what is verified: `key_id`, `subject`, `{claim:…}`");
    }
}

fn prefixes(node: &Node, reader: &mut Reader<'_>) -> Option<Prefixes> {
    let fields = reader.fields(node, "`address`", &["ipv4", "ipv6"])?;
    let mut prefixes = Prefixes::default();
    for (key, most, into) in [("ipv4", 32, &mut prefixes.ipv4), ("ipv6", 128, &mut prefixes.ipv6)] {
        let read = fields.value(key).and_then(|node| reader.count(node, &format!("`{key}`"), 1..most + 1));
        *into = read.and_then(|bits| u8::try_from(bits).ok()).unwrap_or(*into);
    }
    Some(prefixes)
}

/// `rate` and `burst`. Without `burst` as many may come at once as the rate says.
pub(super) fn quota(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<Quota> {
    let burst = fields.value("burst").map(|node| reader.count(node, "`burst`", 1..1_000_001));
    let node = fields.required("rate", reader)?;
    let (count, period) = rate(node, reader)?;
    let burst = match burst {
        None => count,
        Some(burst) => u32::try_from(burst?).ok()?,
    };
    let quota = Quota::new(count, period, burst);
    if quota.is_none() {
        let expected = "at most a million a second, and a burst that has come back within a year";
        reader.error(node.place, "`rate` and `burst` together cannot be counted").expected(expected);
    }
    quota
}

fn rate(node: &Node, reader: &mut Reader<'_>) -> Option<(u32, Duration)> {
    let text = reader.text(node, "`rate`")?;
    let parts = text.split_once('/').and_then(|(count, unit)| {
        let plain = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        let count = count.parse().ok().filter(|count| plain && (1..=1_000_000).contains(count))?;
        Some((count, UNITS.iter().find(|(name, _)| *name == unit)?.1))
    });
    if parts.is_none() {
        let shown = reader.quote(node.place, text);
        let problem = reader.error(node.place, format!("`rate` cannot be {shown}"));
        problem.expected("a whole number up to 1000000, and /s, /min, /h or /d, such as `100/min`");
        if let Some(number) = text.strip_suffix("/m") {
            problem.hint(format!("did you mean `{number}/min`?"));
        }
    }
    parts
}

/// Reads `unverified:`.
pub(super) fn unverified(node: &Node, reader: &mut Reader<'_>) -> Option<Unverified> {
    let fields = reader.fields(node, "`unverified`", &["address", "requests", "failures", "except"])?;
    let address = fields.value("address").and_then(|node| prefixes(node, reader));
    let mut quota_of = |key: &str| {
        let node = fields.value(key)?;
        let fields = reader.fields(node, &format!("`{key}`"), &["rate", "burst"])?;
        quota(&fields, reader)
    };
    let (requests, failures) = (quota_of("requests"), quota_of("failures"));
    if fields.value("requests").or(fields.value("failures")).is_none() {
        reader.error(fields.place, "`unverified` limits nothing").expected("requests, failures or both");
    }
    let except = fields.value("except").map(|node| networks::list(node, "`except`", "nobody is counted", reader));
    let except = except.unwrap_or_default();
    Some(Unverified { address: address.unwrap_or_default(), requests, failures, except })
}

impl Default for Prefixes {
    fn default() -> Prefixes {
        Prefixes { ipv4: 32, ipv6: 64 }
    }
}
