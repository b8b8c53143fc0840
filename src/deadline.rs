//! Coarse time-outs, one set a worker: hundreds of thousands of waits cost one tick, not a timer each.
//!
//! A wait ends up to one [tick](TICK) late. That is right for heads that drip, clients that vanish and upstreams that
//! hang; it is not for measuring.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use slab::Slab;

/// How often waits are looked at.
pub const TICK: Duration = Duration::from_millis(100);

/// A second.
const PRESSED_TICKS: u64 = 10;

/// The waits of one worker. Clones share them.
#[derive(Clone, Default)]
pub struct Deadlines(Rc<Shared>);

#[derive(Default)]
struct Shared {
    now: Cell<u64>,
    draining: Cell<bool>,
    given_up: Cell<bool>,
    pressed: Cell<bool>,
    waits: RefCell<Slab<Waiting>>,
    attending: RefCell<Slab<Waker>>,
}

struct Waiting {
    due: u64,
    /// Since when it is a wait that nobody minds being cut short.
    idle_since: Option<u64>,
    waker: Option<Waker>,
}

impl Shared {
    /// A wait of at least a tick.
    fn begin(&self, context: &Context<'_>, limit: Duration) -> Entry {
        let (since, waker) = (self.now.get(), Some(context.waker().clone()));
        let ticks = limit.as_millis().div_ceil(TICK.as_millis()).saturating_add(1);
        let due = since.saturating_add(u64::try_from(ticks).unwrap_or(u64::MAX));
        let key = self.waits.borrow_mut().insert(Waiting { due, idle_since: None, waker });
        Entry { key, since, due }
    }
}

/// The time was up first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("timed out")]
pub struct Elapsed;

impl Deadlines {
    /// Runs the clock of this worker; ends only when it is dropped.
    pub async fn run(self) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let start = tokio::time::Instant::now();
        loop {
            ticks.tick().await;
            // Time is measured, not counted, so that a stalled worker does not stretch every wait.
            let passed = start.elapsed().as_millis() / TICK.as_millis();
            self.advance(u64::try_from(passed).unwrap_or(u64::MAX));
        }
    }

    /// Waits for `future`, at most `limit` (rounded up to whole ticks).
    ///
    /// # Errors
    /// [`Elapsed`] when the time was up first; the future is dropped then.
    pub async fn within<F: Future>(&self, limit: Duration, future: F) -> Result<F::Output, Elapsed> {
        let mut future = pin!(future);
        let mut wait = self.wait();
        poll_fn(move |context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => wait.poll_elapsed(context, limit).map(Err),
        })
        .await
    }

    /// A wait for those who poll by hand.
    pub fn wait(&self) -> Wait {
        Wait { deadlines: self.clone(), entry: None }
    }

    /// The time that this worker knows, in whole ticks since it began.
    pub fn ticks(&self) -> u64 {
        self.0.now.get()
    }

    /// Ends every [idle](Wait::poll_idle) wait, now and from now on: this worker takes no new request.
    pub fn drain(&self) {
        self.0.draining.set(true);
        self.wake_all();
    }

    /// Wakes whoever waits, to look again at what they wait for.
    pub fn stir(&self) {
        self.wake_all();
    }

    /// Whether [`drain`](Deadlines::drain) was called.
    pub fn is_draining(&self) -> bool {
        self.0.draining.get()
    }

    /// Draining took too long: whoever waits is woken to see that it [is so](Deadlines::is_given_up).
    pub fn give_up(&self) {
        self.0.given_up.set(true);
        self.wake_all();
        self.0.attending.borrow().iter().for_each(|(_, waker)| waker.wake_by_ref());
    }

    /// For as long as the result lives, whoever has this waker is woken to see that draining [took too
    /// long](Deadlines::give_up), also where they wait for something that keeps its own time.
    pub fn attend(&self, waker: &Waker) -> Attending {
        Attending { key: self.0.attending.borrow_mut().insert(waker.clone()), deadlines: self.clone() }
    }

    /// Whether [`give_up`](Deadlines::give_up) was called: what has no end of its own must end now.
    pub fn is_given_up(&self) -> bool {
        self.0.given_up.get()
    }

    /// While connections are short, an [idle](Wait::poll_idle) wait ends after a second.
    pub fn press(&self, pressed: bool) {
        self.0.pressed.set(pressed);
    }

    fn wake_all(&self) {
        let wakers: Vec<Waker> =
            self.0.waits.borrow_mut().iter_mut().filter_map(|(_, wait)| wait.waker.take()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn cuts_short(&self, idle_since: Option<u64>) -> bool {
        self.0.pressed.get() && idle_since.is_some_and(|since| self.ticks().saturating_sub(since) >= PRESSED_TICKS)
    }

    /// It is that many ticks since the worker began: whose time is up is woken.
    pub(crate) fn advance(&self, now: u64) {
        self.0.now.set(now);
        let mut due = Vec::new();
        for (_, wait) in self.0.waits.borrow_mut().iter_mut() {
            if wait.due <= now || self.cuts_short(wait.idle_since) {
                due.extend(wait.waker.take());
            }
        }
        due.into_iter().for_each(Waker::wake);
    }
}

/// Somebody who is to be woken at the very end.
pub struct Attending {
    key: usize,
    deadlines: Deadlines,
}

impl Drop for Attending {
    fn drop(&mut self) {
        self.deadlines.0.attending.borrow_mut().try_remove(self.key);
    }
}

/// One wait at a time, begun by the first pending poll and ended by [`clear`](Wait::clear) or drop.
///
/// Most waits never pend twice, and many never at all: only then is there an entry in the table.
pub struct Wait {
    deadlines: Deadlines,
    entry: Option<Entry>,
}

struct Entry {
    key: usize,
    since: u64,
    due: u64,
}

impl Wait {
    /// Ready when `limit` has passed since the first such call after the last [`clear`](Wait::clear).
    pub fn poll_elapsed(&mut self, context: &Context<'_>, limit: Duration) -> Poll<Elapsed> {
        let shared = &self.deadlines.0;
        let Some(entry) = &self.entry else {
            self.entry = Some(shared.begin(context, limit));
            return Poll::Pending;
        };
        if shared.now.get() >= entry.due {
            return Poll::Ready(Elapsed);
        }
        if let Some(waiting) = shared.waits.borrow_mut().get_mut(entry.key) {
            match &mut waiting.waker {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
        }
        Poll::Pending
    }

    /// As [`poll_elapsed`](Wait::poll_elapsed), for a wait that nobody minds being cut short: when the worker drains, or
    /// connections are [short](Deadlines::press).
    pub fn poll_idle(&mut self, context: &Context<'_>, limit: Duration) -> Poll<Elapsed> {
        let elapsed = self.poll_elapsed(context, limit);
        let Some(entry) = &self.entry else { return elapsed };
        if self.deadlines.is_draining() || self.deadlines.cuts_short(Some(entry.since)) {
            return Poll::Ready(Elapsed);
        }
        if let Some(waiting) = self.deadlines.0.waits.borrow_mut().get_mut(entry.key) {
            waiting.idle_since = Some(entry.since);
        }
        elapsed
    }

    /// Whether the whole limit has passed: an [idle](Wait::poll_idle) wait may have ended before.
    pub fn is_over(&self) -> bool {
        self.entry.as_ref().is_some_and(|entry| self.ticks() >= entry.due)
    }

    /// The worker's time, as [`Deadlines::ticks`].
    pub fn ticks(&self) -> u64 {
        self.deadlines.ticks()
    }

    /// What was waited for came: the next pending poll begins anew.
    pub fn clear(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.deadlines.0.waits.borrow_mut().try_remove(entry.key);
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use super::*;

    async fn with_clock<T>(test: impl AsyncFnOnce(Deadlines) -> T) -> T {
        let deadlines = Deadlines::default();
        tokio::select! {
            () = deadlines.clone().run() => unreachable!(),
            output = test(deadlines) => output,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_never_ends_times_out_within_two_ticks() {
        with_clock(async |deadlines| {
            let start = tokio::time::Instant::now();
            assert_eq!(deadlines.within(Duration::from_secs(1), pending::<()>()).await, Err(Elapsed));
            assert!(start.elapsed() >= Duration::from_secs(1) && start.elapsed() <= Duration::from_millis(1300));
            assert!(deadlines.0.waits.borrow().is_empty());
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn where_connections_are_short_idle_waits_end_that_had_begun_before() {
        with_clock(async |deadlines| {
            let start = tokio::time::Instant::now();
            let mut wait = deadlines.wait();
            let idle = poll_fn(|context| wait.poll_idle(context, Duration::from_secs(60)));
            let press = async {
                tokio::time::sleep(Duration::from_secs(5)).await;
                deadlines.press(true);
                pending::<()>().await
            };
            tokio::select! { Elapsed = idle => {}, () = press => unreachable!() }
            assert!(start.elapsed() >= Duration::from_secs(5) && start.elapsed() <= Duration::from_millis(5300));
            assert!(!wait.is_over());
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_leaves_no_entry() {
        with_clock(async |deadlines| {
            assert_eq!(deadlines.within(Duration::from_secs(1), async { 7 }).await, Ok(7));
            assert!(deadlines.0.waits.borrow().is_empty());
        })
        .await;
    }
}
