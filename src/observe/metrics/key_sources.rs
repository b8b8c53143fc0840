//! Key sources that are elsewhere: what was remembered of them, what they were asked, and how long that took. The counts are
//! theirs; here they get their names.

use std::fmt;

use prometheus_client::{encoding::DescriptorEncoder, metrics::MetricType, registry::Unit};

use super::exposition::count_of;

/// What one source counted, over all workers.
#[derive(Clone, Debug, Default)]
pub struct KeySourceCounts {
    /// Its name.
    pub source: String,
    /// Requests by how they came to an answer without waiting for a look-up of their own.
    pub requests: Vec<(&'static str, u64)>,
    /// Look-ups by what became of them.
    pub look_ups: Vec<(&'static str, u64)>,
    /// Upper bound in seconds and count of each bucket of look-ups' durations by itself.
    pub buckets: Vec<(f64, u64)>,
    /// The sum of the durations, in seconds.
    pub sum_seconds: f64,
    /// Ids that are remembered, by whether they are known.
    pub entries: Vec<(&'static str, u64)>,
    /// Whether it is taken to be there.
    pub is_up: bool,
}

type Counts = fn(&KeySourceCounts) -> &[(&'static str, u64)];

pub(super) fn encode(sources: &[KeySourceCounts], encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    if sources.is_empty() {
        return Ok(());
    }
    let requests: (&str, &str, Counts) =
        ("countersign_key_cache_answers", "Key look-ups answered from memory, or not made.", |source| &source.requests);
    let look_ups: (&str, &str, Counts) =
        ("countersign_key_lookups", "Look-ups in key sources that are elsewhere.", |source| &source.look_ups);
    for (name, help, counts) in [requests, look_ups] {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for source in sources {
            for (outcome, count) in counts(source) {
                count_of(&[("source", source.source.as_str()), ("outcome", *outcome)], *count, &mut family)?;
            }
        }
    }
    durations(sources, encoder)?;
    gauges(sources, encoder)
}

fn durations(sources: &[KeySourceCounts], encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let (name, help) = ("countersign_key_lookup_duration", "How long look-ups in key sources took.");
    let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    for source in sources {
        let count = source.buckets.iter().map(|(_, count)| count).sum();
        let labels = [("source", source.source.as_str())];
        let mut row = family.encode_family(&labels)?;
        row.encode_histogram::<[(&str, &str); 0]>(source.sum_seconds, count, &source.buckets, None)?;
    }
    Ok(())
}

fn gauges(sources: &[KeySourceCounts], encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let help = "Key ids that are remembered of key sources that are elsewhere.";
    let mut family = encoder.encode_descriptor("countersign_key_cache_entries", help, None, MetricType::Gauge)?;
    for source in sources {
        for (kind, count) in &source.entries {
            let labels = [("source", source.source.as_str()), ("kind", *kind)];
            family.encode_family(&labels)?.encode_gauge(&i64::try_from(*count).unwrap_or(i64::MAX))?;
        }
    }
    let help = "Whether a key source that is elsewhere answers, so far as is known.";
    let mut family = encoder.encode_descriptor("countersign_key_source_up", help, None, MetricType::Gauge)?;
    for source in sources {
        family.encode_family(&[("source", source.source.as_str())])?.encode_gauge(&i64::from(source.is_up))?;
    }
    Ok(())
}
