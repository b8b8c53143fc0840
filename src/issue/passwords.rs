//! Checking passwords: on a few threads of their own, never on a worker, and with a bound on how many wait.
//!
//! A check takes tens of milliseconds and as many megabytes. The threads give way to workers wherever the system lets
//! them, so that a storm of logins takes no time from other routes.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::Failure;
use crate::password::PasswordHash;

/// The threads that check passwords. They end with the last clone.
#[derive(Clone, Debug)]
pub struct PasswordChecks {
    queue: SyncSender<Check>,
}

struct Check {
    matches: Box<dyn FnOnce() -> bool + Send>,
    answer: oneshot::Sender<bool>,
}

impl PasswordChecks {
    /// `at_once` threads; beside what they check, `waiting` more may wait.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(at_once: usize, waiting: usize) -> io::Result<PasswordChecks> {
        let (queue, checks) = sync_channel(waiting);
        let checks = Arc::new(Mutex::new(checks));
        for _ in 0..at_once.max(1) {
            let checks = checks.clone();
            thread::Builder::new().name("password".to_owned()).spawn(move || work(&checks))?;
        }
        Ok(PasswordChecks { queue })
    }

    /// Whether `password` is the one that `hash` was made of.
    pub(super) async fn matches(&self, hash: PasswordHash, password: Zeroizing<Vec<u8>>) -> Result<bool, Failure> {
        self.judged(move || hash.matches(&password)).await
    }

    async fn judged(&self, matches: impl FnOnce() -> bool + Send + 'static) -> Result<bool, Failure> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Check { matches: Box::new(matches), answer }).map_err(|_| Failure::Busy)?;
        answered.await.map_err(|_| Failure::Busy)
    }
}

fn work(checks: &Mutex<Receiver<Check>>) {
    give_way();
    loop {
        // Held while this thread waits for a check, and not while it works on one.
        let next = checks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Check { matches, answer }) = next else { return };
        // Who has gone needs no answer.
        if !answer.is_closed() {
            // Whatever one password does to the code of a hash, the thread is there for the next, and nobody is let in.
            let _ = answer.send(catch_unwind(AssertUnwindSafe(matches)).unwrap_or(false));
        }
    }
}

/// On Linux a thread has a niceness of its own. Without it the work is as good and only less polite.
fn give_way() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 19);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Method;

    fn hash() -> PasswordHash {
        PasswordHash::make(b"correct horse", Method::Argon2id).unwrap()
    }

    fn typed(password: &str) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(password.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn a_password_is_checked_on_another_thread() {
        let checks = PasswordChecks::start(2, 8).unwrap();
        let hash = hash();
        assert!(checks.matches(hash.clone(), typed("correct horse")).await.unwrap());
        assert!(!checks.matches(hash, typed("correct horsf")).await.unwrap());
    }

    #[tokio::test]
    async fn a_check_that_panics_is_no_match_and_takes_no_thread_with_it() {
        let checks = PasswordChecks::start(1, 8).unwrap();
        for _ in 0..3 {
            assert!(!checks.judged(|| panic!("as a hash might")).await.unwrap());
        }
        assert!(checks.matches(hash(), typed("correct horse")).await.unwrap());
    }

    #[tokio::test]
    async fn only_so_many_wait_and_who_left_is_not_checked() {
        // Nobody works on this queue, so what is put into it stays there.
        let (queue, receiver) = sync_channel(2);
        let checks = PasswordChecks { queue };
        let hash = hash();
        let mut waiting = Vec::new();
        for _ in 0..2 {
            let mut check = Box::pin(checks.matches(hash.clone(), typed("correct horse")));
            assert!(polled(&mut check).is_none());
            waiting.push(check);
        }
        let third = checks.matches(hash.clone(), typed("correct horse")).await;
        assert!(matches!(third, Err(Failure::Busy)), "{third:?}");
        waiting.truncate(1);
        let left: Vec<bool> = receiver.try_iter().map(|check: Check| check.answer.is_closed()).collect();
        assert_eq!(left, [false, true]);
    }

    fn polled<F: Future>(future: &mut std::pin::Pin<Box<F>>) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}
