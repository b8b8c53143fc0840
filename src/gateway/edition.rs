//! A loaded config as one worker has it. A request keeps the edition that it began with; a connection takes the newest with
//! each request, and keeps none but, until the first, the one under which it was accepted, and the one under which a head began that
//! has not come whole.

use std::sync::Arc;

use super::{
    doors::{DoorId, Doors},
    snapshot::Snapshot,
};
use crate::{
    observe::{Caller, WorkerMetrics},
    policy::Edge,
};

/// The snapshot that all workers share, the listeners, and this worker's counters by the snapshot's indices.
pub(super) struct Edition {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) doors: Arc<Doors>,
    pub(super) metrics: WorkerMetrics,
}

impl Edition {
    /// What is known of a listener, unless it is closed.
    pub(super) fn edge(&self, door: DoorId) -> Option<&Edge> {
        self.snapshot.edges.get(self.doors.place(door)?)
    }

    /// The metrics' index of a scheme or token rule.
    pub(super) fn caller(&self, name: &str) -> Caller {
        match self.snapshot.labels.callers.iter().position(|caller| caller == name) {
            Some(index) => Caller::Named(index),
            None => Caller::Unknown,
        }
    }
}
