//! What the system, or a person at the keyboard, tells a gateway that runs.

use std::io;

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};

use crate::gateway::{Running, Trigger};

/// Those that ask a gateway for something while it goes on. From [`listen`](Requests::listen) on none of them ends the process:
/// log rotation knows its id, and not how far it is.
pub(super) struct Requests {
    runtime: Runtime,
    hangup: Signal,
    user: Signal,
}

/// All that are heard, those too that end it. One that comes before somebody [waits](Signals::until_told) is heard then.
pub(super) struct Signals {
    requests: Requests,
    terminate: Signal,
    interrupt: Signal,
}

impl Requests {
    /// Begins to listen.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn listen() -> io::Result<Requests> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let within = runtime.enter();
        let [hangup, user] = [SignalKind::hangup(), SignalKind::user_defined1()].map(signal);
        drop(within);
        Ok(Requests { runtime, hangup: hangup?, user: user? })
    }

    /// Listens from now on to those as well that end it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn with_endings(self) -> io::Result<Signals> {
        let within = self.runtime.enter();
        let [terminate, interrupt] = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        drop(within);
        Ok(Signals { requests: self, terminate: terminate?, interrupt: interrupt? })
    }
}

impl Signals {
    /// Waits for SIGTERM or SIGINT. SIGHUP opens the log again and reloads; SIGUSR1, by which log rotation is used to tell
    /// servers, opens the log alone.
    pub(super) fn until_told(self, running: &Running) {
        let Signals { requests: Requests { runtime, mut hangup, mut user }, mut terminate, mut interrupt } = self;
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
