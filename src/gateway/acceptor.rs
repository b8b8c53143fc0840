//! Accepting connections and spreading them evenly: each goes to the worker that has the fewest.

use std::{
    io,
    net::TcpListener as StdListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{net::TcpListener, sync::mpsc::UnboundedSender, task::JoinSet};

use super::worker::{Accepted, Order, Place};

/// A worker as the acceptor sees it.
#[derive(Clone)]
pub(super) struct Hand {
    pub(super) orders: UnboundedSender<Order>,
    pub(super) open: Arc<AtomicUsize>,
}

/// All listeners and all workers.
pub(super) struct Acceptor {
    pub(super) listeners: Vec<StdListener>,
    pub(super) hands: Vec<Hand>,
    /// Open connections, over all workers.
    pub(super) open: Arc<AtomicUsize>,
    /// How many there may be.
    pub(super) most: usize,
}

/// How long accepting rests where it cannot go on: at the limit, or out of file descriptors.
const REST: Duration = Duration::from_millis(20);

/// How often it is said that accepting fails: each rest ends in the same failure for as long as the cause lasts.
const SAID_AGAIN: Duration = Duration::from_secs(10);

impl Acceptor {
    /// Accepts until `stop`; the listeners are closed on return.
    pub(super) async fn run(self, stop: impl Future<Output = ()>) {
        let mut accepting = JoinSet::new();
        for (edge, listener) in self.listeners.into_iter().enumerate() {
            match TcpListener::from_std(listener) {
                Ok(listener) => {
                    accepting.spawn_local(accept(listener, edge, self.hands.clone(), self.open.clone(), self.most));
                }
                Err(error) => tracing::error!(%error, "a listener could not be used"),
            }
        }
        stop.await;
        accepting.shutdown().await;
    }
}

async fn accept(listener: TcpListener, edge: usize, mut hands: Vec<Hand>, open: Arc<AtomicUsize>, most: usize) {
    let mut said = None;
    loop {
        // At the limit the system's queue holds whoever comes; the workers meanwhile cut idle connections short.
        if open.load(Ordering::Relaxed) >= most {
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
                let accepted = Accepted { stream, peer: peer.ip(), edge, place };
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
