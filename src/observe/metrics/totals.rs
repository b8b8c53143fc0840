//! Workers' counters added up by name. By name, because an index means something else after each reload.

use std::collections::BTreeMap;

use super::{
    histogram::HistogramTotals,
    keys::{self, KeyTotals},
    worker::{HandshakeFailure, Levels, Tables},
};

/// The labels of a request counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RequestLabels {
    pub(super) route: String,
    pub(super) by: String,
    pub(super) outcome: &'static str,
    pub(super) cause: &'static str,
}

/// Sums over workers.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) requests: BTreeMap<RequestLabels, u64>,
    /// By route.
    pub(super) durations: BTreeMap<String, HistogramTotals>,
    /// By upstream and outcome.
    pub(super) upstream_requests: BTreeMap<(String, &'static str), u64>,
    /// By upstream and outcome.
    pub(super) upstream_connects: BTreeMap<(String, &'static str), u64>,
    /// By upstream.
    pub(super) upstream_retries: BTreeMap<String, u64>,
    /// By upstream.
    pub(super) upstream_durations: BTreeMap<String, HistogramTotals>,
    pub(super) keys: KeyTotals,
    /// By limit.
    pub(super) rate_limited: BTreeMap<String, u64>,
    pub(super) lockouts: u64,
    /// By reason.
    pub(super) turned_away: BTreeMap<&'static str, u64>,
    /// By reason.
    pub(super) handshakes_failed: BTreeMap<&'static str, u64>,
    pub(super) connections: i64,
    pub(super) in_flight: i64,
}

impl Totals {
    /// Adds one worker's counts.
    pub(super) fn add(&mut self, tables: &Tables) {
        self.add_requests(tables);
        for (route, durations) in tables.durations.iter().enumerate() {
            if let Some(durations) = durations.get() {
                self.durations.entry(route_name(tables, route)).or_default().add(durations);
            }
        }
        for (name, row) in tables.labels.upstreams.iter().zip(&tables.upstreams) {
            for (outcome, count) in row.requests() {
                *self.upstream_requests.entry((name.clone(), outcome)).or_default() += count;
            }
            for (outcome, count) in row.connects() {
                *self.upstream_connects.entry((name.clone(), outcome)).or_default() += count;
            }
            *self.upstream_retries.entry(name.clone()).or_default() += row.retries();
            self.upstream_durations.entry(name.clone()).or_default().add(&row.durations);
        }
        keys::add(&tables.labels, &tables.keys, &mut self.keys);
        for (name, count) in tables.labels.limits.iter().zip(&tables.rate_limited) {
            *self.rate_limited.entry(name.clone()).or_default() += count.read();
        }
    }

    /// Adds what a worker counts whatever its config.
    pub(super) fn add_levels(&mut self, levels: &Levels) {
        self.lockouts += levels.lockouts.read();
        for (reason, count) in ["proxy-protocol", "per-address"].into_iter().zip(&levels.turned_away) {
            *self.turned_away.entry(reason).or_default() += count.read();
        }
        for (reason, count) in HandshakeFailure::NAMES.into_iter().zip(&levels.handshakes_failed) {
            *self.handshakes_failed.entry(reason).or_default() += count.read();
        }
        self.connections = self.connections.wrapping_add(levels.connections.read().cast_signed());
        self.in_flight = self.in_flight.wrapping_add(levels.in_flight.read().cast_signed());
    }

    fn add_requests(&mut self, tables: &Tables) {
        let columns = tables.labels.caller_columns();
        for (index, row) in tables.requests.iter().enumerate() {
            let Some(row) = row.get() else { continue };
            let (route, column) = (index / columns, index % columns);
            for (outcome, cause, count) in row.counts().filter(|(.., count)| *count > 0) {
                let by = tables.labels.caller_name(column).to_owned();
                let labels = RequestLabels { route: route_name(tables, route), by, outcome, cause };
                *self.requests.entry(labels).or_default() += count;
            }
        }
    }
}

/// Nothing for the row of requests that found no route.
fn route_name(tables: &Tables, route: usize) -> String {
    tables.labels.routes.get(route).cloned().unwrap_or_default()
}
