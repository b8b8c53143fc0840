//! The metrics' names, help texts and labels, as OpenMetrics shows them. `docs/observability.md` lists them.

use std::{collections::BTreeMap, fmt, sync::atomic::Ordering};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder},
    metrics::{MetricType, exemplar::Exemplar},
    registry::Unit,
};

use super::{
    Metrics,
    histogram::HistogramTotals,
    issuers, key_files, key_sources,
    totals::{RequestLabels, Totals},
};

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let totals = self.totals();
        encode_requests(&totals, &mut encoder)?;
        encode_upstreams(&totals, &mut encoder)?;
        encode_keys(&totals, &mut encoder)?;
        encode_limits(&totals, &mut encoder)?;
        gauge("countersign_connections", "Open client connections.", totals.connections, &mut encoder)?;
        gauge("countersign_requests_in_flight", "Requests being served.", totals.in_flight, &mut encoder)?;
        let keys = self.key_counts();
        key_sources::encode(&keys.elsewhere, &mut encoder)?;
        key_files::encode(&keys.files, &mut encoder)?;
        issuers::encode(&self.issuers(), &mut encoder)?;
        self.encode_state(&mut encoder)
    }
}

impl Metrics {
    fn encode_state(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let sources = &self.sources;
        let dropped = sources.dropped_lines.count();
        counter("countersign_log_lines_dropped", "Access lines lost to a full or failing log.", dropped, encoder)?;
        (sources.replay)().encode(encoder)?;
        let counters = clamped((sources.rate_counters)());
        let failures = (sources.rate_failures)();
        let help = "Questions about rates that the store did not decide.";
        counter("countersign_rate_store_failures", help, failures, encoder)?;
        gauge("countersign_rate_counters", "Counters of rate limits held in memory.", counters, encoder)?;
        let refused = self.config_refused.load(Ordering::Relaxed);
        counter("countersign_config_refused", "Configs offered and refused.", refused, encoder)?;
        let generation = clamped(self.config_generation.load(Ordering::Relaxed));
        gauge("countersign_config_generation", "Configs loaded since the start.", generation, encoder)?;
        let loaded = self.config_loaded_unix_millis.load(Ordering::Relaxed);
        time("countersign_config_loaded_timestamp", "When the running config was loaded.", loaded, encoder)?;
        time("process_start_time", "When the process started.", sources.started_unix_millis, encoder)?;
        encoder
            .encode_descriptor("countersign_build", "The version that runs.", None, MetricType::Info)?
            .encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }
}

fn encode_requests(totals: &Totals, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let help = "Finished requests by route, deciding rules, outcome and cause.";
    let mut family = encoder.encode_descriptor("countersign_requests", help, None, MetricType::Counter)?;
    for (RequestLabels { route, by, outcome, cause }, count) in &totals.requests {
        let labels = [("route", route.as_str()), ("by", by.as_str()), ("outcome", *outcome), ("cause", *cause)];
        count_of(&labels, *count, &mut family)?;
    }
    let help = "Time from a request's complete head to its answer's last byte.";
    durations("countersign_request_duration", help, "route", &totals.durations, encoder)
}

fn encode_upstreams(totals: &Totals, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let requests = ("countersign_upstream_requests", "Requests sent to upstreams.", &totals.upstream_requests);
    let connects = ("countersign_upstream_connects", "Attempts to connect to upstreams.", &totals.upstream_connects);
    for (name, help, counts) in [requests, connects] {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for ((upstream, outcome), count) in counts {
            count_of(&[("upstream", upstream.as_str()), ("outcome", *outcome)], *count, &mut family)?;
        }
    }
    let help = "Requests sent once more because their kept connection had ended.";
    let mut family = encoder.encode_descriptor("countersign_upstream_retries", help, None, MetricType::Counter)?;
    for (upstream, count) in &totals.upstream_retries {
        count_of(&[("upstream", upstream.as_str())], *count, &mut family)?;
    }
    let help = "Time from a request to an upstream to its answer's head.";
    durations("countersign_upstream_duration", help, "upstream", &totals.upstream_durations, encoder)
}

fn encode_keys(totals: &Totals, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let help = "Signatures that verified, by key source and which of its id's secrets they were made with.";
    let mut family = encoder.encode_descriptor("countersign_key_uses", help, None, MetricType::Counter)?;
    for ((keys, secret), uses) in &totals.keys {
        count_of(&[("keys", keys.as_str()), ("secret", secret.as_str())], uses.count, &mut family)?;
    }
    let help = "When one of them last verified.";
    let name = "countersign_key_last_use_timestamp";
    let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
    for ((keys, secret), uses) in &totals.keys {
        let seconds = uses.last_unix_millis as f64 / 1e3;
        family.encode_family(&[("keys", keys.as_str()), ("secret", secret.as_str())])?.encode_gauge(&seconds)?;
    }
    Ok(())
}

fn encode_limits(totals: &Totals, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let help = "Requests refused by limits of rate.";
    let mut family = encoder.encode_descriptor("countersign_rate_limited", help, None, MetricType::Counter)?;
    for (limit, count) in &totals.rate_limited {
        count_of(&[("limit", limit.as_str())], *count, &mut family)?;
    }
    let help = "Connections closed before anything was read of them.";
    let mut family = encoder.encode_descriptor("countersign_connections_refused", help, None, MetricType::Counter)?;
    for (reason, count) in &totals.turned_away {
        count_of(&[("reason", *reason)], *count, &mut family)?;
    }
    let help = "Clients' TLS handshakes that came to nothing.";
    let mut family = encoder.encode_descriptor("countersign_tls_handshakes_failed", help, None, MetricType::Counter)?;
    for (reason, count) in &totals.handshakes_failed {
        count_of(&[("reason", *reason)], *count, &mut family)?;
    }
    let help = "Addresses that spent the last of their failures.";
    counter("countersign_lockouts", help, totals.lockouts, encoder)
}

const NO_EXEMPLAR: Option<&Exemplar<[(&str, &str); 0], u64>> = None;

pub(super) fn count_of(
    labels: &impl EncodeLabelSet,
    count: u64,
    family: &mut MetricEncoder<'_>,
) -> Result<(), fmt::Error> {
    family.encode_family(labels)?.encode_counter(&count, NO_EXEMPLAR)
}

fn durations(
    name: &str,
    help: &str,
    label: &str,
    histograms: &BTreeMap<String, HistogramTotals>,
    encoder: &mut DescriptorEncoder<'_>,
) -> Result<(), fmt::Error> {
    let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    for (value, histogram) in histograms {
        let (sum, count, buckets) = (histogram.sum_seconds(), histogram.count(), histogram.buckets());
        let labels = [(label, value.as_str())];
        family.encode_family(&labels)?.encode_histogram::<[(&str, &str); 0]>(sum, count, &buckets, None)?;
    }
    Ok(())
}

pub(super) fn counter(
    name: &str,
    help: &str,
    count: u64,
    encoder: &mut DescriptorEncoder<'_>,
) -> Result<(), fmt::Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Counter)?.encode_counter(&count, NO_EXEMPLAR)
}

pub(super) fn gauge(name: &str, help: &str, value: i64, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}

fn time(name: &str, help: &str, unix_millis: i64, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let seconds = unix_millis as f64 / 1e3;
    encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?.encode_gauge(&seconds)
}

pub(super) fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
