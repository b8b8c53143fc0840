//! What the gateway tells its operators: an access line per request, counters, and its own events.
//!
//! It records what it is told and decides nothing; it knows no stage. A request is never held up by it: lines are
//! handed over in batches and dropped when nobody takes them, counters belong to one worker each.

pub mod access;
mod escape;
pub mod logging;
pub mod metrics;
mod pretty;
pub mod sink;
mod stamp;

pub use access::{AccessLine, Format, Verdict};
pub use metrics::{
    Caller, FamilyCounts, Gauges, HandshakeFailure, IntrospectionCounts, IssuerCounts, KeyCounts, KeyFileCounts,
    KeyLabels, KeySetCounts, KeySourceCounts, Labels, Metrics, Open, Outcome, ReplayFigures, Sources, StoreFigures,
    TurnedAway, UpstreamOutcome, WorkerMetrics,
};
pub use sink::{Destination, Sink, SinkError, WorkerLog};
