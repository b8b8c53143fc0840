//! What is remembered, and where: `store:` and `replay:`.

use std::{path::PathBuf, time::Duration};

use crate::{
    redis_link::{Address, Place, Settings, Tls},
    secret::Secret,
};

/// `store:`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// `redis:`
    pub redis: RedisServer,
    /// What every key begins with. Default `countersign:`.
    pub prefix: String,
}

/// A Redis, of a store or of a key source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisServer {
    /// Where.
    pub place: RedisPlace,
    /// The user of an ACL.
    pub username: Option<String>,
    /// Its password; text.
    pub password: Option<Secret>,
    /// The number of the database.
    pub database: u32,
    /// TLS, where the URLs say `rediss://`.
    pub tls: Option<RedisTls>,
    /// The longest that a question may take. Default 250 ms.
    pub timeout: Duration,
    /// The longest that an attempt to connect may take. Default 1 s.
    pub connect_timeout: Duration,
}

impl RedisServer {
    /// A link's own settings. `must_keep`: whether it is said where the server may evict what is kept there.
    pub fn link_settings(&self, must_keep: bool) -> Settings {
        let address = |(host, port): &(String, u16)| Address { host: host.clone(), port: *port };
        let place = match &self.place {
            RedisPlace::Server(host, port) => Place::Server(Address { host: host.clone(), port: *port }),
            RedisPlace::Sentinel { service, servers } => {
                Place::Sentinel { service: service.clone(), sentinels: servers.iter().map(address).collect() }
            }
            RedisPlace::Cluster(nodes) => Place::Cluster(nodes.iter().map(address).collect()),
        };
        Settings {
            place,
            username: self.username.clone(),
            password: self.password.clone(),
            database: i64::from(self.database),
            tls: self.tls.as_ref().map(|tls| Tls { roots: tls.ca.clone() }),
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
            must_keep,
        }
    }
}

/// Where a Redis is: hosts and ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisPlace {
    /// One server.
    Server(String, u16),
    /// The master of a service that sentinels watch.
    Sentinel {
        /// The service.
        service: String,
        /// The sentinels; at least one.
        servers: Vec<(String, u16)>,
    },
    /// A cluster, by some of its nodes; at least one.
    Cluster(Vec<(String, u16)>),
}

/// Whom a Redis is believed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisTls {
    /// PEM file of roots; the system's where absent.
    pub ca: Option<PathBuf>,
}

/// What becomes of a request whose claim the store cannot decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnStoreFailure {
    /// It is refused with 503 (the default).
    #[default]
    Refuse,
    /// It goes on, and is counted.
    Allow,
}

/// What becomes of requests that can have been accepted before the start, of which nothing is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterStart {
    /// They are accepted (the default).
    #[default]
    Accept,
    /// They are refused as stale.
    Refuse,
}

/// `replay:` of the whole config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayMemory {
    /// Claims remembered at once; when full, requests that need one are refused with 503. Default 1,000,000.
    pub capacity: usize,
    /// What becomes of requests that may have been accepted before the start. Default: they are accepted.
    pub after_start: AfterStart,
    /// The directory of the journal; `None`: what is claimed is forgotten when the process ends.
    pub journal: Option<PathBuf>,
}
