//! What operators change while a gateway runs: `admin:` and `revocations:`.

use std::{net::SocketAddr, path::PathBuf};

use super::OnStoreFailure;
use crate::secret::Secret;

/// `admin:`
#[derive(Debug, Clone)]
pub struct Admin {
    /// Where to bind.
    pub address: SocketAddr,
    /// What a caller must show who changes anything; without it nobody can.
    pub token: Option<Secret>,
}

/// `revocations:`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocations {
    /// Where they are kept.
    pub place: RevocationsPlace,
    /// How many there may be. Default [`USUAL_CAPACITY`](Revocations::USUAL_CAPACITY).
    pub capacity: usize,
}

impl Revocations {
    /// How many there may be where nothing else is said.
    pub const USUAL_CAPACITY: usize = 1_000_000;
}

/// Where revocations are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevocationsPlace {
    /// In a file, for this gateway alone.
    File(PathBuf),
    /// In the store, for all gateways on it; and what becomes of requests while it is away.
    Redis(OnStoreFailure),
}
