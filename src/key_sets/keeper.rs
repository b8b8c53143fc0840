//! The task that keeps one issuer's set fresh.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    Fetched, Known, cache,
    fetch::{self, FetchError, Published},
};
use crate::outcall::Client;

/// When what is to be done.
struct Plan {
    /// The last fetch began.
    last: Instant,
    /// The next is due, if nobody asks for it earlier.
    due: Instant,
    /// What the set was made of that serves.
    text: Vec<u8>,
}

/// Fetches when it is due or wanted, until nobody reads the set any more.
pub(super) async fn keep(issuer: Weak<Known>, wanted: Arc<Notify>, client: Client) {
    let now = Instant::now();
    let mut plan = Plan { last: now, due: now, text: Vec::new() };
    loop {
        // Nothing is held while it waits, so that the set can end.
        let Some((wake, cooldown)) = issuer.upgrade().map(|known| (plan.wake(&known), known.settings.cooldown)) else {
            return;
        };
        tokio::select! {
            () = sleep_until(wake) => {
                let Some(known) = issuer.upgrade() else { return };
                plan.act(&known, &client).await;
            }
            () = wanted.notified() => plan.due = plan.due.min(plan.last + cooldown),
        }
    }
}

impl Plan {
    /// The next fetch, or the end of the set's time.
    fn wake(&self, known: &Known) -> Instant {
        match known.keys.current() {
            Some(_) => self.due.min(Instant::now() + known.time_left()),
            None => self.due,
        }
    }

    async fn act(&mut self, known: &Arc<Known>, client: &Client) {
        if known.keys.current().is_some() && known.time_left().is_zero() {
            tracing::error!(tokens = known.name, "the key set is too old to be used, and no newer one can be had");
            known.let_go();
            self.text.clear();
        }
        if Instant::now() < self.due {
            return;
        }
        self.last = Instant::now();
        let wait = match fetch::fetch(client, &known.settings).await {
            Ok(published) => {
                self.take(known, published).await;
                known.settings.refresh.max(known.settings.cooldown)
            }
            Err(error) => {
                failed(known, &error);
                known.settings.cooldown
            }
        };
        self.due = self.last + wait.max(Duration::from_millis(1));
    }

    /// A set that did not change keeps what was verified with it.
    async fn take(&mut self, known: &Arc<Known>, published: Published) {
        let at_millis = known.clock.unix_millis();
        let keys = match known.keys.current() {
            Some(current) if self.text == published.text => current,
            _ => {
                let kids: Vec<&str> = published.keys.kids().map(|kid| kid.unwrap_or("")).take(100).collect();
                tracing::info!(tokens = known.name, ?kids, "a key set was fetched");
                for skipped in &published.skipped {
                    tracing::warn!(tokens = known.name, skipped, "a key of the set is not used");
                }
                published.keys.clone()
            }
        };
        known.take_over(&Fetched { keys, at_millis });
        known.standing.fetched.fetch_add(1, Ordering::Relaxed);
        self.text = published.text;
        let (writer, text) = (known.clone(), self.text.clone());
        // A slow disk must not hold up the other errands.
        let written = tokio::task::spawn_blocking(move || cache::write(&writer, &text, at_millis)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(tokens = known.name, %error, "the key set cannot be written to the cache's file");
        }
    }
}

fn failed(known: &Known, error: &FetchError) {
    known.standing.failed.fetch_add(1, Ordering::Relaxed);
    let serves = known.keys.current().is_some();
    tracing::warn!(tokens = known.name, %error, serves, "the key set cannot be fetched");
}
