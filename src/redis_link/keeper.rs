//! Who keeps the connection: a thread of its own with a small runtime, where the connection's driver lives.
//!
//! A worker's runtime would be no good place for it: workers come and go with their gateway, and a driver on one of
//! them would make every other wait for that one's requests.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
};

use super::{
    LinkError, Settings,
    connect::{Connection, connect},
    link::{Shared, read},
    probe::explained,
};

/// How long it waits after a first failure, and at most. With the time of an attempt (`connect_timeout`, 1 s) this bounds
/// how long after its return a server stays unused.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How often a connection that nobody doubts is tried.
const EVERY: Duration = Duration::from_secs(1);

/// Starts the keeper. It ends when what is returned is dropped.
pub(super) fn start(shared: Arc<Shared>) -> Result<oneshot::Sender<()>, LinkError> {
    let failed = |error: std::io::Error| LinkError::Unusable(format!("no thread for it: {error}"));
    let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (alive, ended) = oneshot::channel();
    let work = move || run(&runtime, &shared, ended);
    std::thread::Builder::new().name("redis".to_owned()).spawn(work).map_err(failed)?;
    Ok(alive)
}

fn run(runtime: &Runtime, shared: &Shared, ended: oneshot::Receiver<()>) {
    runtime.block_on(async {
        tokio::select! {
            () = keep(shared) => {}
            _ = ended => {}
        }
    });
}

async fn keep(shared: &Shared) {
    let (mut attempt, mut pause) = (0_usize, SHORTEST_PAUSE);
    let (mut told, place) = (Told::default(), &shared.settings.place);
    loop {
        match connect(&shared.settings, attempt).await {
            Ok(connection) => {
                tracing::info!(%place, "connected to Redis");
                (pause, told) = (SHORTEST_PAUSE, Told::default());
                hold(shared, connection).await;
            }
            Err(error) if told.is_news(&error) => {
                let error = explained(error, &shared.settings, attempt).await;
                tracing::warn!(%error, %place, "Redis cannot be reached; trying again and again");
            }
            Err(_) => {}
        }
        attempt = attempt.wrapping_add(1);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Why it could not be connected to in this outage. Each cause is told once: the log is not for counting, and a server that comes and
/// goes may have two by turns.
#[derive(Default)]
struct Told(Vec<LinkError>);

/// Causes that are told an outage, at most.
const MOST_TOLD: usize = 8;

impl Told {
    fn is_news(&mut self, error: &LinkError) -> bool {
        let is_news = !self.0.contains(error) && self.0.len() < MOST_TOLD;
        if is_news {
            self.0.push(error.clone());
        }
        is_news
    }
}

/// Lets everybody use `connection` until it is found to be no good.
async fn hold(shared: &Shared, mut connection: Connection) {
    if shared.settings.must_keep {
        warn_of_eviction(&mut connection, shared.settings.timeout).await;
    }
    shared.live.store(Some(Arc::new(connection.clone())));
    shared.health.connected();
    let error = loop {
        let _ = tokio::time::timeout(EVERY, shared.doubt.notified()).await;
        if let Err(error) = still_there(&mut connection, &shared.settings).await {
            break error;
        }
        if let Err(error) = still_writable(&mut connection, shared.settings.timeout).await {
            break error;
        }
        if !connection.is_whole_within(shared.settings.timeout).await {
            // Its keys may have another server by now, and what does not answer says nothing of it. Where they have not,
            // the old connection is the better one: a new one makes all wait while it looks for the server that is away.
            if let Ok(mut newer) = connect(&shared.settings, 0).await
                && newer.is_whole_within(shared.settings.timeout).await
            {
                shared.live.store(Some(Arc::new(newer.clone())));
                connection = newer;
            }
        }
    };
    shared.live.store(None);
    shared.health.lost();
    tracing::warn!(%error, place = %shared.settings.place, "the connection to Redis is given up");
}

/// Whether anybody answers. A cluster is given longer: everybody waits while its client looks for a server that is away, and
/// who asks meanwhile waits no longer than he may.
async fn still_there(connection: &mut Connection, settings: &Settings) -> Result<(), LinkError> {
    let patience = match connection {
        Connection::Server(_) => Duration::ZERO,
        Connection::Cluster(_) => settings.connect_timeout.saturating_mul(2),
    };
    let start = Instant::now();
    loop {
        match connection.ping_within(settings.timeout).await {
            Err(_) if start.elapsed() < patience => tokio::time::sleep(SHORTEST_PAUSE).await,
            answered => return answered,
        }
    }
}

/// A server that became a replica answers pings, and takes no writes.
async fn still_writable(connection: &mut Connection, timeout: Duration) -> Result<(), LinkError> {
    let Connection::Server(_) = connection else { return Ok(()) };
    let command = redis::cmd("ROLE");
    let asked = tokio::time::timeout(timeout, connection.ask(&command)).await;
    match asked.unwrap_or(Err(LinkError::TimedOut)) {
        Ok(redis::Value::Array(parts)) => match parts.into_iter().next().map(read::<String>) {
            Some(Ok(role)) if role == "slave" => Err(LinkError::Refused("READONLY".to_owned())),
            _ => Ok(()),
        },
        // A user without the right to ask.
        Ok(_) | Err(LinkError::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What the server evicts when its memory is full is forgotten before its time.
async fn warn_of_eviction(connection: &mut Connection, timeout: Duration) {
    // A cluster's servers may differ; it is asked of none.
    let Connection::Server(_) = connection else { return };
    let command = redis::cmd("INFO").arg("memory").clone();
    let Ok(Ok(answer)) = tokio::time::timeout(timeout, connection.ask(&command)).await else { return };
    let Ok(text) = read::<String>(answer) else { return };
    let field = |name: &str| text.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'));
    if let (Some(policy), Some(limit)) = (field("maxmemory_policy"), field("maxmemory"))
        && policy != "noeviction"
    {
        tracing::warn!(
            policy,
            maxmemory = limit,
            "Redis may evict what must be remembered: a request whose claim it evicts can be accepted again; set maxmemory-policy noeviction"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_of_an_outage_is_told_once() {
        let mut told = Told::default();
        let refused = |code: &str| LinkError::Refused(code.to_owned());
        let causes =
            [LinkError::Broken, LinkError::Broken, refused("WRONGPASS"), LinkError::Broken, refused("LOADING")];
        assert_eq!(causes.map(|cause| told.is_news(&cause)), [true, false, true, false, true]);
        let news = (0..20).filter(|number| told.is_news(&refused(&number.to_string()))).count();
        assert_eq!(news, MOST_TOLD - 3);
    }
}
