//! The link itself: what stores and key sources ask through.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use redis::{Cmd, FromRedisValue, Pipeline, Value};
use tokio::sync::Notify;

use super::{Health, LinkError, Settings, connect::Connection, keeper};

/// Questions open at once. At a time-out of 250 ms that is 16,000 a second to a server that answers nothing.
const MOST_OPEN: usize = 4_096;

/// A way to one Redis. It is connected to in the background; dropping the last clone ends that.
#[derive(Clone)]
pub struct Link {
    shared: Arc<Shared>,
    /// Its end is how the keeper learns that nobody asks any more.
    _alive: Arc<tokio::sync::oneshot::Sender<()>>,
}

/// What the link and its keeper share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    /// The connection, while there is one.
    pub(super) live: ArcSwapOption<Connection>,
    pub(super) health: Health,
    /// Somebody has reason to think that the connection is no good.
    pub(super) doubt: Notify,
    open: AtomicUsize,
}

impl Link {
    /// Starts to connect, in the background: whether somebody is there is for [`health`](Link::health) to tell.
    ///
    /// # Errors
    /// No thread or runtime can be had.
    pub fn open(settings: Settings) -> Result<Link, LinkError> {
        let shared = Arc::new(Shared {
            settings,
            live: ArcSwapOption::empty(),
            health: Health::default(),
            doubt: Notify::new(),
            open: AtomicUsize::new(0),
        });
        let alive = keeper::start(shared.clone())?;
        Ok(Link { shared, _alive: Arc::new(alive) })
    }

    /// What it was made of.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Whether somebody is there, and the counts of what went wrong.
    pub fn health(&self) -> &Health {
        &self.shared.health
    }

    /// Asks one thing, within the settings' time-out.
    ///
    /// # Errors
    /// [`LinkError`]. After [`LinkError::TimedOut`] and [`LinkError::Broken`] what was asked may have been done.
    pub async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, LinkError> {
        let asked = self.within(async |mut connection| connection.ask(command).await).await;
        asked.and_then(read)
    }

    /// Asks several things in one go; in a cluster all of them must be about keys of one slot.
    ///
    /// # Errors
    /// [`LinkError`] of the first that failed.
    pub async fn ask_all(&self, commands: &Pipeline) -> Result<Vec<Value>, LinkError> {
        self.within(async |mut connection| connection.ask_all(commands).await).await
    }

    /// Waits until somebody is there, at most `patience`. For starts and tests; requests do not wait.
    pub async fn ready_within(&self, patience: Duration) -> bool {
        let connected = async {
            while !self.health().is_up() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(patience, connected).await.is_ok()
    }

    async fn within<T>(&self, ask: impl AsyncFnOnce(Connection) -> Result<T, LinkError>) -> Result<T, LinkError> {
        let shared = &self.shared;
        let answer = match (shared.live.load_full(), Open::of(shared)) {
            (None, _) => Err(LinkError::Away),
            (Some(_), None) => Err(LinkError::Busy),
            (Some(live), Some(_open)) => {
                let asked = tokio::time::timeout(shared.settings.timeout, ask(Connection::clone(&live)));
                asked.await.unwrap_or(Err(LinkError::TimedOut))
            }
        };
        answer.inspect_err(|error| {
            shared.health.count(error);
            if error.is_about_connection() {
                shared.doubt.notify_one();
            }
        })
    }
}

/// Takes an answer for what was to be expected.
///
/// # Errors
/// [`LinkError::Unexpected`]
pub(super) fn read<T: FromRedisValue>(value: Value) -> Result<T, LinkError> {
    T::from_redis_value(value).map_err(|_| LinkError::Unexpected)
}

/// A question that is open, in the count of all.
struct Open<'s>(&'s AtomicUsize);

impl Open<'_> {
    fn of(shared: &Shared) -> Option<Open<'_>> {
        let open = Open(&shared.open);
        (shared.open.fetch_add(1, Ordering::Relaxed) < MOST_OPEN).then_some(open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({:?}, up: {})", self.shared.settings.place, self.health().is_up())
    }
}
