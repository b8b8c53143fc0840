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
    /// How many there may be. Default 1,000,000.
    pub capacity: usize,
}

/// Where revocations are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevocationsPlace {
    /// In a file, for this gateway alone.
    File(PathBuf),
    /// In the store, for all gateways on it; and what becomes of requests while it is away.
    Redis(OnStoreFailure),
}
