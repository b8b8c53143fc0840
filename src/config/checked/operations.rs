//! What operators change while a gateway runs: `admin:` and `revocations:`.

use std::{fmt, net::SocketAddr, path::PathBuf};

use super::OnStoreFailure;
use crate::secret::Secret;

/// `admin:`
#[derive(Debug, Clone)]
pub struct Admin {
    /// Where to bind.
    pub address: AdminAddress,
    /// What a caller must show who changes anything; without it nobody can.
    pub token: Option<Secret>,
    /// Names, in lower case, by which it may be asked beside IP addresses and `localhost`.
    pub hosts: Vec<String>,
}

/// Where the admin listener is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminAddress {
    /// At an address.
    Tcp(SocketAddr),
    /// At a Unix socket that its owner alone may open.
    Unix(PathBuf),
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AdminAddress::Tcp(address) => write!(f, "{address}"),
            AdminAddress::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

/// What the path of a Unix socket has before it.
pub const UNIX: &str = "unix:";

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
