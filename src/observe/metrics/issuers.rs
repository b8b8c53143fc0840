//! Issuers of tokens that are asked: for the sets of their keys, or what an opaque token is. The counts are theirs; here they get
//! their names.

use std::fmt;

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder},
    metrics::MetricType,
    registry::Unit,
};

use super::exposition::count_of;

/// What was counted of the issuers of one config, over all workers.
#[derive(Clone, Debug, Default)]
pub struct IssuerCounts {
    /// Sets that are fetched.
    pub key_sets: Vec<KeySetCounts>,
    /// Servers that are asked for each token.
    pub introspection: Vec<IntrospectionCounts>,
}

/// One set.
#[derive(Clone, Debug, Default)]
pub struct KeySetCounts {
    /// The tokens entry.
    pub tokens: String,
    /// Fetches by what became of them.
    pub fetches: Vec<(&'static str, u64)>,
    /// How long ago the set was fetched that serves, in seconds; `None` where there is none.
    pub age_seconds: Option<f64>,
    /// Keys that can be used of it.
    pub keys: u64,
}

/// One server.
#[derive(Clone, Debug, Default)]
pub struct IntrospectionCounts {
    /// The tokens entry.
    pub tokens: String,
    /// Requests by how they came to an answer without a call of their own.
    pub answers: Vec<(&'static str, u64)>,
    /// Calls by what became of them.
    pub calls: Vec<(&'static str, u64)>,
    /// Tokens that are remembered, by whether they are active.
    pub entries: Vec<(&'static str, u64)>,
    /// Whether it is taken to be there.
    pub is_up: bool,
}

pub(super) fn encode(counts: &IssuerCounts, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    if !counts.key_sets.is_empty() {
        key_sets(&counts.key_sets, encoder)?;
    }
    if !counts.introspection.is_empty() {
        introspection(&counts.introspection, encoder)?;
    }
    Ok(())
}

fn key_sets(sets: &[KeySetCounts], encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let help = "Fetches of key sets that issuers publish.";
    let fetches = sets.iter().map(|set| (&*set.tokens, &*set.fetches));
    by_outcome("countersign_key_set_fetches", help, fetches, encoder)?;
    let (name, help) = ("countersign_key_set_age", "How long ago the key set was fetched that serves.");
    let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
    for (set, age) in sets.iter().filter_map(|set| Some((set, set.age_seconds?))) {
        family.encode_family(&[("tokens", &*set.tokens)])?.encode_gauge(&age)?;
    }
    let help = "Keys of the set that serves; none where there is no set.";
    let mut family = encoder.encode_descriptor("countersign_key_set_keys", help, None, MetricType::Gauge)?;
    for set in sets {
        gauge(&[("tokens", &*set.tokens)], set.keys, &mut family)?;
    }
    Ok(())
}

fn introspection(servers: &[IntrospectionCounts], encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let help = "Opaque tokens answered for from memory, or not asked for.";
    let answers = servers.iter().map(|server| (&*server.tokens, &*server.answers));
    by_outcome("countersign_introspection_answers", help, answers, encoder)?;
    let help = "Calls that asked what an opaque token is.";
    let calls = servers.iter().map(|server| (&*server.tokens, &*server.calls));
    by_outcome("countersign_introspection_calls", help, calls, encoder)?;
    let help = "Opaque tokens that are remembered.";
    let mut family = encoder.encode_descriptor("countersign_introspection_entries", help, None, MetricType::Gauge)?;
    for server in servers {
        for (kind, count) in &server.entries {
            gauge(&[("tokens", &*server.tokens), ("kind", kind)], *count, &mut family)?;
        }
    }
    let help = "Whether an introspection server answers, so far as is known.";
    let mut family = encoder.encode_descriptor("countersign_introspection_up", help, None, MetricType::Gauge)?;
    for server in servers {
        gauge(&[("tokens", &*server.tokens)], u64::from(server.is_up), &mut family)?;
    }
    Ok(())
}

fn by_outcome<'c>(
    name: &str,
    help: &str,
    rows: impl Iterator<Item = (&'c str, &'c [(&'static str, u64)])>,
    encoder: &mut DescriptorEncoder<'_>,
) -> Result<(), fmt::Error> {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (tokens, counts) in rows {
        for (outcome, count) in counts {
            count_of(&[("tokens", tokens), ("outcome", *outcome)], *count, &mut family)?;
        }
    }
    Ok(())
}

fn gauge(labels: &impl EncodeLabelSet, value: u64, family: &mut MetricEncoder<'_>) -> Result<(), fmt::Error> {
    family.encode_family(labels)?.encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))
}
