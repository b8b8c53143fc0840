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
    /// Databases that refresh tokens are kept in.
    pub families: Vec<FamilyCounts>,
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

/// The database of one issuer's refresh tokens.
#[derive(Clone, Debug, Default)]
pub struct FamilyCounts {
    /// The issuer.
    pub issuer: String,
    /// Questions by what became of them.
    pub questions: [(&'static str, u64); 4],
    /// Families that were removed because their time was over.
    pub swept: u64,
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
    if !counts.families.is_empty() {
        families(&counts.families, encoder)?;
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

fn families(stores: &[FamilyCounts], encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let (name, help) = ("countersign_refresh_store_questions", "Questions to a database of refresh tokens.");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for store in stores {
        for (outcome, count) in store.questions {
            count_of(&[("issuer", &*store.issuer), ("outcome", outcome)], count, &mut family)?;
        }
    }
    let (name, help) = ("countersign_refresh_store_swept", "Logins removed there because their time was over.");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for store in stores {
        count_of(&[("issuer", &*store.issuer)], store.swept, &mut family)?;
    }
    let (name, help) =
        ("countersign_refresh_store_up", "Whether a database of refresh tokens answers, so far as is known.");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for store in stores {
        gauge(&[("issuer", &*store.issuer)], u64::from(store.is_up), &mut family)?;
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
