//! Where Redis is, and how it is spoken to.

use std::{path::PathBuf, time::Duration};

use crate::secret::Secret;

/// One Redis, whatever it is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where.
    pub place: Place,
    /// The user of an ACL; `None`: the default user.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// The number of the database; 0 in a cluster.
    pub database: i64,
    /// TLS to every server, sentinels too.
    pub tls: Option<Tls>,
    /// The longest that a question may take.
    pub timeout: Duration,
    /// The longest that an attempt to connect may take, greetings included.
    pub connect_timeout: Duration,
    /// Whether what is kept there must not be evicted. If the server might do so, that is said when it is connected to.
    pub must_keep: bool,
}

/// Where Redis is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// One server.
    Server(Address),
    /// Whichever server the sentinels call the master of a service.
    Sentinel {
        /// The service's name.
        service: String,
        /// The sentinels; at least one.
        sentinels: Vec<Address>,
    },
    /// A cluster, found through any of these.
    Cluster(Vec<Address>),
}

/// Host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name or an address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Whom a server is believed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// PEM file of roots, read at each connect; the system's where absent.
    pub roots: Option<PathBuf>,
}

impl Settings {
    /// Whether a link made of the one is as good as a link made of the other.
    pub fn is_same(&self, other: &Settings) -> bool {
        let password = |settings: &Settings| settings.password.as_ref().map(|secret| secret.expose().to_vec());
        let Settings { place, username, password: _, database, tls, timeout, connect_timeout, must_keep } = self;
        place == &other.place
            && username == &other.username
            && password(self).map(zeroize::Zeroizing::new) == password(other).map(zeroize::Zeroizing::new)
            && database == &other.database
            && tls == &other.tls
            && timeout == &other.timeout
            && connect_timeout == &other.connect_timeout
            && must_keep == &other.must_keep
    }
}
