//! The gateway's own errands: one thread beside the workers, for what no single worker may own.
//!
//! A worker is a runtime on one thread that ends when it drains. What requests on several workers wait for together (the
//! look-up of a key, say), and the connections such calls keep, live here instead: they are made once for the process, and
//! a client that leaves does not break off what others wait for. Handing an errand over wakes another thread, so nothing
//! comes here that a request could do at once.

use std::{future::Future, io, sync::Arc, thread, time::Duration};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// Threads for what blocks, such as asking the system for a host's address.
const BLOCKING_THREADS: usize = 4;

/// The thread, shared by all who have errands. It ends with the last of them.
#[derive(Clone, Debug)]
pub struct Errands(Arc<Home>);

#[derive(Debug)]
struct Home {
    handle: Handle,
    /// Its end, on drop, is the word to stop.
    _stay: oneshot::Sender<()>,
}

/// The errand's thread has ended, or the errand itself broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway is ending")]
pub struct Stopped;

impl Errands {
    /// Starts the thread.
    ///
    /// # Errors
    /// What the system says.
    pub fn start() -> io::Result<Errands> {
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build()?;
        let handle = runtime.handle().clone();
        let (stay, leave) = oneshot::channel::<()>();
        thread::Builder::new().name("errands".to_owned()).spawn(move || {
            // An error is the word: nobody is left who could send one.
            let _ = runtime.block_on(leave);
            runtime.shutdown_background();
        })?;
        Ok(Errands(Arc::new(Home { handle, _stay: stay })))
    }

    /// The thread in `place`, which is started where there is none yet.
    ///
    /// # Errors
    /// What the system says.
    pub fn running(place: &mut Option<Errands>) -> io::Result<&Errands> {
        let running = match place.take() {
            Some(running) => running,
            None => Errands::start()?,
        };
        Ok(place.insert(running))
    }

    /// Runs `errand` to its end, whether or not somebody still waits for it.
    ///
    /// # Errors
    /// [`Stopped`]
    pub async fn run<T: Send + 'static>(&self, errand: impl Future<Output = T> + Send + 'static) -> Result<T, Stopped> {
        self.0.handle.spawn(errand).await.map_err(|_| Stopped)
    }

    /// Sets `errand` going and does not wait.
    pub fn send(&self, errand: impl Future<Output = ()> + Send + 'static) {
        drop(self.0.handle.spawn(errand));
    }

    /// Calls `make` as if on the thread, so that what it makes has its tasks there.
    pub fn within<T>(&self, make: impl FnOnce() -> T) -> T {
        let _here = self.0.handle.enter();
        make()
    }

    /// Waits for `errand` on a thread that may block: before the workers start, or in a command.
    ///
    /// # Errors
    /// [`Stopped`], also where the errand takes longer than `patience`.
    pub fn wait<T: Send + 'static>(
        &self,
        patience: Duration,
        errand: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Stopped> {
        let (done, result) = std::sync::mpsc::sync_channel(1);
        self.send(async move {
            let _ = done.send(errand.await);
        });
        result.recv_timeout(patience).map_err(|_| Stopped)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn an_errand_runs_on_the_thread_of_its_own() {
        let errands = Errands::start().unwrap();
        let name = errands.run(async { thread::current().name().map(str::to_owned) }).await;
        assert_eq!(name, Ok(Some("errands".to_owned())));
    }

    #[tokio::test]
    async fn an_errand_goes_on_when_nobody_waits_any_more() {
        let errands = Errands::start().unwrap();
        let (done, told) = mpsc::channel();
        let errand = errands.run(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            done.send(()).unwrap();
        });
        assert!(tokio::time::timeout(Duration::from_millis(1), errand).await.is_err());
        assert!(told.recv_timeout(Duration::from_secs(5)).is_ok());
    }

    #[test]
    fn the_thread_ends_with_the_last_who_has_errands() {
        let errands = Errands::start().unwrap();
        let (kept, dropped) = mpsc::channel::<()>();
        errands.send(async move {
            let _kept = kept;
            std::future::pending::<()>().await;
        });
        assert_eq!(errands.wait(Duration::from_secs(5), async { 1 }), Ok(1));
        drop(errands);
        assert_eq!(dropped.recv_timeout(Duration::from_secs(5)), Err(mpsc::RecvTimeoutError::Disconnected));
    }

    #[test]
    fn a_command_does_not_wait_for_ever() {
        let errands = Errands::start().unwrap();
        assert_eq!(errands.wait(Duration::from_millis(10), std::future::pending::<()>()), Err(Stopped));
    }
}
