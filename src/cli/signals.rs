//! What the system, or a person at the keyboard, tells a gateway that runs.

use std::io;

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};

use crate::gateway::{Running, Trigger};

/// The signals that are heard. From [`listen`](Signals::listen) on none of them ends the process by itself: one that comes
/// before somebody [waits](Signals::until_told) is heard then.
pub(super) struct Signals {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    user: Signal,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn listen() -> io::Result<Signals> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let within = runtime.enter();
        let [terminate, interrupt, hangup, user] =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup(), SignalKind::user_defined1()]
                .map(signal);
        drop(within);
        Ok(Signals { runtime, terminate: terminate?, interrupt: interrupt?, hangup: hangup?, user: user? })
    }

    /// Waits for SIGTERM or SIGINT. SIGHUP opens the log again and reloads; SIGUSR1, by which log rotation is used to tell
    /// servers, opens the log alone.
    pub(super) fn until_told(self, running: &Running) {
        let Signals { runtime, mut terminate, mut interrupt, mut hangup, mut user } = self;
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = terminate.recv() => return,
                    _ = interrupt.recv() => return,
                    _ = user.recv() => running.reopen_log(),
                    _ = hangup.recv() => {
                        running.reopen_log();
                        running.reload(Trigger::Signal);
                    }
                }
            }
        });
    }
}
