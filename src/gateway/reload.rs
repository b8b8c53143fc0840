//! Taking on a changed config while the gateway runs: read, check, build, swap. One thread, one config at a time.
//!
//! A config that is of no use changes nothing: the one in force stays, every problem is said in the log, and the refusal is
//! counted. Whoever asked is told what came of it.

use std::{
    fmt,
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    crew::{Crew, thread},
    running::StartError,
    source::Source,
};
use crate::{
    admin::Token,
    clock::Clock,
    config::{AdminAddress, Config, Log, Problem, ReplayMemory, Revocations, Severity, Store},
    observe::Metrics,
    watch::{Seen, Watch},
};

/// How often it is looked whether old snapshots can go.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How soon what could not be read is read again.
const READ_AGAIN: Duration = Duration::from_secs(2);

/// Why a config is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// SIGHUP.
    Signal,
    /// The config, or a file that it names, changed.
    File,
    /// Somebody asked on the admin listener.
    Admin,
}

/// What came of a reload.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The config is in force.
    Loaded {
        /// The how manieth config of this process, the first being 1.
        generation: u64,
        /// Its warnings, and what of it needs a restart.
        notes: Vec<String>,
    },
    /// The config before stays in force.
    Refused {
        /// Every problem.
        problems: Vec<String>,
    },
}

/// What the thread is asked.
pub(super) enum Wish {
    Reload(Trigger, Option<oneshot::Sender<Outcome>>),
    End,
}

/// Asks for reloads. Clones ask the same thread.
#[derive(Clone)]
pub struct Reloads(Sender<Wish>);

/// What stays as it was at the start until the gateway starts anew.
pub(super) struct Settled {
    admin: Option<(AdminAddress, Vec<String>)>,
    revocations: Option<Revocations>,
    log: Log,
    replay: ReplayMemory,
    store: Option<Store>,
    rate_counters: usize,
    refresh_families: usize,
}

/// All that a reload needs; the thread's own, once it is [started](Reloader::start).
pub(super) struct Reloader {
    pub(super) crew: Crew,
    /// Where the config came from; none for one that is in memory only.
    pub(super) source: Option<Source>,
    pub(super) settled: Settled,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: Clock,
    /// What callers of the admin listener must show.
    pub(super) token: Token,
}

impl Reloads {
    /// Those who ask, and what the thread hears.
    pub(super) fn new() -> (Reloads, Receiver<Wish>) {
        let (wishes, received) = mpsc::channel();
        (Reloads(wishes), received)
    }

    /// Asks for a reload, and whoever asked waits for nothing.
    pub fn ask(&self, trigger: Trigger) {
        // A thread that is gone is that of a gateway that ends.
        let _ = self.0.send(Wish::Reload(trigger, None));
    }

    /// Asks for a reload; what came of it arrives at the receiver, nothing where the gateway ends.
    pub fn outcome(&self, trigger: Trigger) -> oneshot::Receiver<Outcome> {
        let (answer, outcome) = oneshot::channel();
        let _ = self.0.send(Wish::Reload(trigger, Some(answer)));
        outcome
    }

    pub(super) fn end(&self) {
        let _ = self.0.send(Wish::End);
    }
}

impl Settled {
    pub(super) fn of(config: &Config) -> Settled {
        Settled {
            admin: config.admin.as_ref().map(|admin| (admin.address.clone(), admin.hosts.clone())),
            revocations: config.revocations.clone(),
            log: config.log.clone(),
            replay: config.replay.clone(),
            store: config.store.clone(),
            rate_counters: config.limits.rate_counters,
            refresh_families: config.limits.refresh_families,
        }
    }

    /// What `config` has changed of it, in words.
    fn unmet(&self, config: &Config) -> Vec<String> {
        let Settled { admin, revocations, log, replay, store, rate_counters, refresh_families } = Settled::of(config);
        let changed = [
            ("admin", self.admin != admin),
            ("revocations", self.revocations != revocations),
            ("log", self.log != log),
            ("replay", self.replay != replay),
            ("store", self.store != store),
            ("limits.rate_counters", self.rate_counters != rate_counters),
            ("limits.refresh_families", self.refresh_families != refresh_families),
        ];
        let says = |(key, _)| format!("`{key}` has changed, which needs a restart; it stays as it was");
        changed.into_iter().filter(|(_, has_changed)| *has_changed).map(says).collect()
    }
}

impl Reloader {
    /// Starts the thread, and watches the files.
    ///
    /// # Errors
    /// [`StartError::Thread`]
    pub(super) fn start(self, asks: &Reloads, wishes: Receiver<Wish>) -> Result<JoinHandle<()>, StartError> {
        let asks = asks.clone();
        thread("reload", move || self.run(&asks, &wishes))
    }

    fn run(mut self, asks: &Reloads, wishes: &Receiver<Wish>) {
        let mut watch = self.watch(asks);
        let mut has_old = false;
        loop {
            let is_read = self.source.as_ref().is_none_or(|source| source.seen() == Seen::Read);
            let patience = match (is_read, has_old) {
                (false, _) => READ_AGAIN,
                (true, true) => LOOK_AGAIN,
                (true, false) => Duration::MAX,
            };
            match wishes.recv_timeout(patience) {
                Ok(Wish::Reload(trigger, answer)) => {
                    let outcome = self.reload(trigger);
                    watch = self.watch(asks).or(watch);
                    if let Some(answer) = answer {
                        // Whoever asked may be gone.
                        let _ = answer.send(outcome);
                    }
                }
                Ok(Wish::End) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) if !is_read => {
                    self.reload(Trigger::File);
                    watch = self.watch(asks).or(watch);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            has_old = self.crew.clear();
        }
    }

    fn reload(&mut self, trigger: Trigger) -> Outcome {
        let Some(source) = &mut self.source else {
            return Outcome::Refused { problems: vec!["this config came from no file".to_owned()] };
        };
        tracing::info!(trigger = %trigger, "loading the config again");
        announce_reload();
        let outcome = match source.load() {
            Ok((config, problems)) => self.take_on(config, problems),
            Err(problems) => Err(problems.0.iter().map(ToString::to_string).collect()),
        };
        // Outside a service manager this says nothing to nobody.
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        outcome.unwrap_or_else(|problems| self.refuse(problems))
    }

    fn take_on(&mut self, config: Config, problems: Vec<Problem>) -> Result<Outcome, Vec<String>> {
        let mut notes = self.settled.unmet(&config);
        notes.extend(problems.iter().filter(|problem| problem.severity != Severity::Note).map(ToString::to_string));
        let token = config.admin.as_ref().and_then(|admin| admin.token.clone());
        let next = self.crew.prepare(config).map_err(|error| {
            self.source.iter_mut().filter(|_| error.seen() == Seen::NotRead).for_each(Source::not_read);
            vec![error.to_string()]
        })?;
        if !self.crew.adopt(next) {
            notes.push("a worker is busy and has not taken the config on yet".to_owned());
        }
        self.token.set(token);
        let generation = self.metrics.config_loaded(self.clock.unix_millis());
        notes.iter().for_each(|note| tracing::warn!("{note}"));
        tracing::info!(generation, "the config is in force");
        Ok(Outcome::Loaded { generation, notes })
    }

    fn refuse(&self, problems: Vec<String>) -> Outcome {
        self.metrics.config_refused();
        problems.iter().for_each(|problem| tracing::error!("{problem}"));
        tracing::error!(problems = problems.len(), "the config is refused; the one before stays in force");
        Outcome::Refused { problems }
    }

    /// Watches the files as they were when they were read last. Without a watch a signal or a call still does.
    fn watch(&self, asks: &Reloads) -> Option<Watch> {
        let (files, asks) = (self.source.as_ref()?.files(), asks.clone());
        let watch = Watch::start(files, move || {
            asks.ask(Trigger::File);
            // What becomes of it is the thread's to see to.
            Seen::Read
        });
        watch.inspect_err(|error| tracing::warn!(%error, "the config is not watched")).ok()
    }
}

fn announce_reload() {
    let state = [sd_notify::NotifyState::Reloading];
    let since = sd_notify::NotifyState::monotonic_usec_now().ok();
    let _ = sd_notify::notify(&state.into_iter().chain(since).collect::<Vec<_>>());
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trigger::Signal => "signal",
            Trigger::File => "file",
            Trigger::Admin => "admin",
        })
    }
}
