//! One attempt to connect: to a server, to the master that a sentinel names, or to a cluster.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, IntoConnectionInfo, Pipeline, RedisConnectionInfo,
    RedisError, RedisResult, TlsCertificates, TlsMode, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo},
    sentinel::{SentinelClientBuilder, SentinelServerType},
};

use super::{Address, LinkError, Place, Settings};

/// Questions that may wait to be written. More wait their turn, within their time.
const WRITE_QUEUE: usize = 1_024;
/// How often a cluster's connection asks again where a slot has moved to.
const CLUSTER_RETRIES: u32 = 2;

/// An open connection. Clones share it.
#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Connects. `attempt` counts attempts: each begins with another sentinel, so that one that is silent does not use up all
/// of the time every time.
///
/// # Errors
/// [`LinkError`]
pub(super) async fn connect(settings: &Settings, attempt: usize) -> Result<Connection, LinkError> {
    // A cluster's servers are each given the time of one, first those that were named and then those that they name.
    let within = match &settings.place {
        Place::Cluster(_) => settings.connect_timeout.saturating_mul(3),
        Place::Server(_) | Place::Sentinel { .. } => settings.connect_timeout,
    };
    match tokio::time::timeout(within, open(settings, attempt)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(LinkError::Refused(code))) if code == "NOAUTH" => {
            Err(LinkError::Unusable("it wants a password, and none is configured".to_owned()))
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Err(LinkError::TimedOut),
    }
}

async fn open(settings: &Settings, attempt: usize) -> Result<Connection, LinkError> {
    let certificates = certificates(settings)?;
    let mut connection = match &settings.place {
        Place::Server(address) => {
            let client = server(address, settings, certificates);
            Connection::Server(multiplexed(client.map_err(|error| LinkError::of(&error))?, settings).await?)
        }
        Place::Sentinel { service, sentinels } => {
            let mut order = sentinels.clone();
            order.rotate_left(attempt % sentinels.len().max(1));
            Connection::Server(multiplexed(master(service, &order, settings, certificates).await?, settings).await?)
        }
        Place::Cluster(nodes) => Connection::Cluster(cluster(nodes, settings, certificates).await?),
    };
    connection.ping().await?;
    Ok(connection)
}

fn certificates(settings: &Settings) -> Result<Option<TlsCertificates>, LinkError> {
    let Some(roots) = settings.tls.as_ref().and_then(|tls| tls.roots.as_ref()) else { return Ok(None) };
    let read = std::fs::read(roots);
    let pem = read.map_err(|error| LinkError::Unusable(format!("its roots cannot be read: {error}")))?;
    Ok(Some(TlsCertificates { client_tls: None, root_cert: Some(pem) }))
}

fn server(address: &Address, settings: &Settings, certificates: Option<TlsCertificates>) -> RedisResult<Client> {
    let info = address.to_redis(settings).into_connection_info()?.set_redis_settings(greeting(settings));
    match certificates {
        Some(certificates) => Client::build_with_tls(info, certificates),
        None => Client::open(info),
    }
}

async fn master(
    service: &str,
    sentinels: &[Address],
    settings: &Settings,
    certificates: Option<TlsCertificates>,
) -> Result<Client, LinkError> {
    let addresses = sentinels.iter().map(|address| address.to_redis(settings));
    let build = || {
        let mut builder = SentinelClientBuilder::new(addresses, service, SentinelServerType::Master)?
            .set_client_to_redis_db(settings.database);
        if let Some(username) = &settings.username {
            builder = builder.set_client_to_redis_username(username);
        }
        if let Some(password) = password(settings) {
            builder = builder.set_client_to_redis_password(&password);
        }
        if settings.tls.is_some() {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
        }
        if let Some(certificates) = certificates {
            builder = builder
                .set_client_to_redis_certificates(certificates.clone())
                .set_client_to_sentinel_certificates(certificates);
        }
        builder.build()
    };
    let mut sentinel = build().map_err(|error| LinkError::of(&error))?;
    sentinel.async_get_client().await.map_err(|error| LinkError::of(&error))
}

async fn multiplexed(client: Client, settings: &Settings) -> Result<MultiplexedConnection, LinkError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connect_timeout))
        // Who asks sets the time.
        .set_response_timeout(None)
        .set_pipeline_buffer_size(WRITE_QUEUE);
    client.get_multiplexed_async_connection_with_config(&config).await.map_err(|error| unconnected(&error))
}

/// Of a connection that did not come about the system says why, and what it says repeats nothing that was sent.
fn unconnected(error: &RedisError) -> LinkError {
    match error.kind() {
        ErrorKind::Io if !error.is_timeout() => LinkError::Unusable(error.to_string().chars().take(200).collect()),
        _ => LinkError::of(error),
    }
}

async fn cluster(
    nodes: &[Address],
    settings: &Settings,
    certificates: Option<TlsCertificates>,
) -> Result<ClusterConnection, LinkError> {
    let nodes: Vec<ConnectionAddr> = nodes.iter().map(|address| address.to_redis(settings)).collect();
    let mut builder = ClusterClientBuilder::new(nodes)
        .retries(CLUSTER_RETRIES)
        .min_retry_wait(1)
        .max_retry_wait(20)
        .connection_timeout(settings.connect_timeout)
        .response_timeout(settings.timeout)
        .overall_response_timeout(Some(settings.timeout));
    if let Some(username) = &settings.username {
        builder = builder.username(username);
    }
    if let Some(password) = password(settings) {
        builder = builder.password(&password);
    }
    if settings.tls.is_some() {
        builder = builder.tls(TlsMode::Secure);
    }
    if let Some(certificates) = certificates {
        builder = builder.certs(certificates);
    }
    let client = builder.build().map_err(|error| LinkError::of(&error))?;
    client.get_async_connection().await.map_err(|error| LinkError::of(&error))
}

fn greeting(settings: &Settings) -> RedisConnectionInfo {
    let mut greeting = RedisConnectionInfo::default().set_db(settings.database);
    if let Some(username) = &settings.username {
        greeting = greeting.set_username(username);
    }
    match password(settings) {
        Some(password) => greeting.set_password(&password),
        None => greeting,
    }
}

/// The config takes only passwords that are text.
fn password(settings: &Settings) -> Option<zeroize::Zeroizing<String>> {
    let secret = settings.password.as_ref()?;
    Some(zeroize::Zeroizing::new(String::from_utf8_lossy(secret.expose()).into_owned()))
}

impl Address {
    fn to_redis(&self, settings: &Settings) -> ConnectionAddr {
        let (host, port) = (self.host.clone(), self.port);
        match settings.tls {
            None => ConnectionAddr::Tcp(host, port),
            Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
        }
    }
}

impl Connection {
    /// Asks `command`, for as long as it takes.
    pub(super) async fn ask(&mut self, command: &Cmd) -> Result<Value, LinkError> {
        let asked = match self {
            Connection::Server(server) => server.req_packed_command(command).await,
            Connection::Cluster(cluster) => cluster.req_packed_command(command).await,
        };
        answered(asked)
    }

    /// Asks all of `commands` in one go: their answers, in that order.
    pub(super) async fn ask_all(&mut self, commands: &Pipeline) -> Result<Vec<Value>, LinkError> {
        let count = commands.len();
        let asked = match self {
            Connection::Server(server) => server.req_packed_commands(commands, 0, count).await,
            Connection::Cluster(cluster) => cluster.req_packed_commands(commands, 0, count).await,
        };
        let values = asked.map_err(|error| LinkError::of(&error))?;
        values.into_iter().map(|value| answered(Ok(value))).collect()
    }

    /// Whether it is there; of a cluster, whether any of its servers is: each has keys of its own, and one that is away takes
    /// no other's with it.
    pub(super) async fn ping(&mut self) -> Result<(), LinkError> {
        let command = redis::cmd("PING");
        match self {
            Connection::Server(_) => self.ask(&command).await.map(|_| ()),
            Connection::Cluster(cluster) => {
                let any = (MultipleNodeRoutingInfo::AllMasters, Some(ResponsePolicy::OneSucceeded));
                answered(cluster.route_command(command, RoutingInfo::MultiNode(any)).await).map(|_| ())
            }
        }
    }

    /// Whether every server of a cluster is there that it knows of. Another's connection is whole where it is there at all.
    pub(super) async fn is_whole_within(&mut self, timeout: Duration) -> bool {
        let Connection::Cluster(_) = self else { return true };
        // Sent to all masters, and good where all answer.
        let command = redis::cmd("PING");
        matches!(tokio::time::timeout(timeout, self.ask(&command)).await, Ok(Ok(_)))
    }

    /// The same within `timeout`.
    pub(super) async fn ping_within(&mut self, timeout: Duration) -> Result<(), LinkError> {
        tokio::time::timeout(timeout, self.ping()).await.unwrap_or(Err(LinkError::TimedOut))
    }
}

/// An error may come as an answer.
fn answered(asked: RedisResult<Value>) -> Result<Value, LinkError> {
    asked.and_then(Value::extract_error).map_err(|error| LinkError::of(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn why_nobody_could_be_reached_is_told_as_the_system_says_it() {
        // Nobody listens at a port that was given back just now.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = Settings {
            place: Place::Server(Address { host: "127.0.0.1".to_owned(), port }),
            username: None,
            password: None,
            database: 0,
            tls: None,
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(5),
            must_keep: false,
        };
        let error = connect(&settings, 0).await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with("Redis cannot be connected to: Connection refused"), "{error}");
    }
}
