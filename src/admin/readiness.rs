//! Whether the gateway takes requests, as those who start and stop it say.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// Where the gateway is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not listening yet.
    Starting,
    /// Taking requests.
    Ready,
    /// Finishing what it has; balancers should send no more.
    Draining,
}

/// The stage, shared by all clones.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicU8>);

impl Readiness {
    /// Starting.
    pub fn new() -> Readiness {
        Readiness::default()
    }

    /// Tells the stage to all who ask from now on.
    pub fn set(&self, stage: Stage) {
        let number = match stage {
            Stage::Starting => 0,
            Stage::Ready => 1,
            Stage::Draining => 2,
        };
        self.0.store(number, Ordering::Release);
    }

    /// The stage.
    pub fn stage(&self) -> Stage {
        match self.0.load(Ordering::Acquire) {
            0 => Stage::Starting,
            1 => Stage::Ready,
            // Only `set` writes, so this is two.
            _ => Stage::Draining,
        }
    }
}
