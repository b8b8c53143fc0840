//! What operators change while a gateway runs: `admin:` and `revocations:`.

use std::{net::SocketAddr, path::PathBuf};

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
    /// The file that keeps them.
    pub file: PathBuf,
    /// How many there may be. Default 1,000,000.
    pub capacity: usize,
}
