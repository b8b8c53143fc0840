//! The socket's side: accepts, bounds and ends connections. One request each, so that nothing idles here.

use std::{convert::Infallible, io, pin::pin, sync::Arc, thread, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    AdminState, answer,
    calls::Workbench,
    door::{Door, Open, Stream},
};

/// Connections at once; others wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 64;
/// Bytes of a request's head, and of what is written ahead; hyper takes no less than 8 KiB.
const MOST_BUFFERED: usize = 16 * 1024;
/// How long to wait when the system has no socket to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a call's work may take. A reload waits for a key set, a database, listeners and workers, each up to some
/// seconds, and for the reload before it.
pub const LONGEST_WORK: Duration = Duration::from_secs(60);

/// Time bounds; tests shorten them.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// To a request's whole head.
    pub(super) head: Duration,
    /// From accepting a connection to its end, or to the work of a call; and again so long after that, at most.
    pub(super) connection: Duration,
    /// For the work of a call.
    pub(super) work: Duration,
    /// For answers under way when the server ends.
    pub(super) end: Duration,
}

impl Patience {
    const USUAL: Patience = Patience {
        head: Duration::from_secs(5),
        connection: Duration::from_secs(15),
        work: LONGEST_WORK,
        end: Duration::from_secs(1),
    };
}

/// Why the admin listener cannot start.
#[derive(Debug, Error)]
#[error("cannot start the admin listener")]
pub struct AdminError(#[source] io::Error);

/// Serves on a thread of its own until `shutdown` completes. The workers' load does not delay a health check there.
pub fn spawn(
    door: Door,
    state: AdminState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<thread::JoinHandle<()>, AdminError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(AdminError)?;
    let door = {
        let _inside = runtime.enter();
        door.open().map_err(AdminError)?
    };
    let run = move || runtime.block_on(serve(Patience::USUAL, door, state, shutdown));
    thread::Builder::new().name("admin".into()).spawn(run).map_err(AdminError)
}

/// Serves health, metrics and calls until `shutdown` completes, on the current runtime.
pub(super) async fn serve(patience: Patience, door: Open, state: AdminState, shutdown: impl Future<Output = ()>) {
    let state = Arc::new(state);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = door.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok(stream) => {
                    connections.spawn(attend(patience, stream, Arc::clone(&state)));
                }
                Err(error) => {
                    tracing::warn!(%error, "the admin listener cannot accept");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(door);
    // What is not answered in time is cut off as the set is dropped.
    let _ = timeout(patience.end, async { while connections.join_next().await.is_some() {} }).await;
}

/// One connection for as long as it may take. Work has its own time: whoever waits for it is not cut off.
async fn attend(patience: Patience, stream: Box<dyn Stream>, state: Arc<AdminState>) {
    let bench = Arc::new(Workbench::new(patience.work));
    let mut conversation = pin!(converse(patience, stream, state, Arc::clone(&bench)));
    while timeout(patience.connection, &mut conversation).await.is_err() && bench.is_busy() {}
}

/// One connection. Its errors are the client's affair.
async fn converse(patience: Patience, stream: Box<dyn Stream>, state: Arc<AdminState>, bench: Arc<Workbench>) {
    let service = service_fn(move |request| {
        let (state, bench) = (Arc::clone(&state), Arc::clone(&bench));
        async move { Ok::<_, Infallible>(answer(&state, &bench, request).await) }
    });
    let served = http1::Builder::new()
        // Without a timer the time-out below would do nothing, silently.
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(MOST_BUFFERED)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "an admin connection ended early");
    }
}
