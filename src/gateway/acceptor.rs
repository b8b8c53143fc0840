//! Accepting connections and spreading them evenly: each goes to the worker that has the fewest.

use std::{
    collections::HashMap,
    io,
    net::TcpListener as StdListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc as std_mpsc,
    },
    time::{Duration, Instant},
};

use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender},
    task::{JoinHandle, spawn_local},
};

use super::{
    doors::DoorId,
    worker::{Accepted, Order, Place},
};

/// What the acceptor is told. When nobody is left who could tell it anything, it ends and closes all.
pub(super) enum Change {
    /// Accept here too.
    Open(DoorId, StdListener),
    /// Accept there no more, and say when the last connection was handed over.
    Close(DoorId, std_mpsc::Sender<()>),
}

/// A worker as the acceptor sees it.
#[derive(Clone)]
pub(super) struct Hand {
    pub(super) orders: UnboundedSender<Order>,
    pub(super) open: Arc<AtomicUsize>,
}

/// All workers, and how many connections they may have.
#[derive(Clone)]
pub(super) struct Acceptor {
    pub(super) hands: Vec<Hand>,
    /// Open connections, over all workers.
    pub(super) open: Arc<AtomicUsize>,
    /// How many there may be.
    pub(super) most: Arc<AtomicUsize>,
}

/// How long accepting rests where it cannot go on: at the limit, or out of file descriptors.
const REST: Duration = Duration::from_millis(20);

/// How often it is said that accepting fails: each rest ends in the same failure for as long as the cause lasts.
const SAID_AGAIN: Duration = Duration::from_secs(10);

impl Acceptor {
    /// Accepts as it is told; all is closed on return.
    pub(super) async fn run(self, mut changes: UnboundedReceiver<Change>) {
        let mut accepting: HashMap<DoorId, JoinHandle<()>> = HashMap::new();
        while let Some(change) = changes.recv().await {
            match change {
                Change::Open(door, listener) => match TcpListener::from_std(listener) {
                    Ok(listener) => {
                        accepting.insert(door, spawn_local(accept(listener, door, self.clone())));
                    }
                    Err(error) => tracing::error!(%error, "a listener could not be used"),
                },
                Change::Close(door, closed) => {
                    end(accepting.remove(&door)).await;
                    // Whoever ordered it may have waited long enough.
                    let _ = closed.send(());
                }
            }
        }
        for (_, task) in accepting {
            end(Some(task)).await;
        }
    }
}

/// Ends a task between two connections, never with one in its hands.
async fn end(task: Option<JoinHandle<()>>) {
    if let Some(task) = task {
        task.abort();
        let _ = task.await;
    }
}

async fn accept(listener: TcpListener, door: DoorId, acceptor: Acceptor) {
    let Acceptor { mut hands, open, most } = acceptor;
    let mut said = None;
    loop {
        // At the limit the system's queue holds whoever comes; the workers meanwhile cut idle connections short.
        if open.load(Ordering::Relaxed) >= most.load(Ordering::Relaxed) {
            tokio::time::sleep(REST).await;
            continue;
        }
        match listener.accept().await {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true);
                let Some(hand) = hands.iter().min_by_key(|hand| hand.open.load(Ordering::Relaxed)) else { return };
                let Ok(stream) = stream.into_std() else { continue };
                open.fetch_add(1, Ordering::Relaxed);
                hand.open.fetch_add(1, Ordering::Relaxed);
                let place = Place(open.clone(), hand.open.clone());
                let accepted = Accepted { stream, peer: peer.ip(), door, place };
                if hand.orders.send(Order::Serve(accepted)).is_err() {
                    // A worker that ended would otherwise be the one with the fewest connections for ever.
                    tracing::error!("a worker is gone; the others take its connections");
                    hands.retain(|hand| !hand.orders.is_closed());
                }
            }
            Err(error) => {
                say(&error, &mut said);
                tokio::time::sleep(REST).await;
            }
        }
    }
}

fn say(error: &io::Error, said: &mut Option<Instant>) {
    if said.is_none_or(|said| said.elapsed() >= SAID_AGAIN) {
        tracing::warn!(%error, "accepting failed");
        *said = Some(Instant::now());
    }
}
