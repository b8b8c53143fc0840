//! Where Redis is, and how it is spoken to.

use std::{fmt, path::PathBuf, time::Duration};

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

impl Place {
    /// The address that the config names; of several another one with each attempt.
    pub(super) fn named(&self, attempt: usize) -> Option<&Address> {
        match self {
            Place::Server(address) => Some(address),
            Place::Sentinel { sentinels: several, .. } | Place::Cluster(several) => {
                several.iter().cycle().nth(attempt % several.len().max(1))
            }
        }
    }
}

/// As whoever looks for it in the config would write it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Server(address) => write!(f, "{address}"),
            Place::Sentinel { service, sentinels } => {
                write!(f, "the master of {service} by the sentinels ")?;
                each(sentinels, f)
            }
            Place::Cluster(addresses) => {
                f.write_str("the cluster of ")?;
                each(addresses, f)
            }
        }
    }
}

fn each(addresses: &[Address], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (number, address) in addresses.iter().enumerate() {
        let before = if number == 0 { "" } else { ", " };
        write!(f, "{before}{address}")?;
    }
    Ok(())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_as_a_person_would_write_it() {
        let address = |host: &str| Address { host: host.to_owned(), port: 6379 };
        assert_eq!(Place::Server(address("::1")).to_string(), "[::1]:6379");
        let sentinels = vec![address("a"), address("10.0.0.1")];
        let place = Place::Sentinel { service: "main".to_owned(), sentinels };
        assert_eq!(place.to_string(), "the master of main by the sentinels a:6379, 10.0.0.1:6379");
        assert_eq!(Place::Cluster(vec![address("a")]).to_string(), "the cluster of a:6379");
    }
}
