//! `countersign run`: read the config, bind, serve until told to stop.

use std::{
    io::{self, IsTerminal},
    num::NonZeroUsize,
};

use clap::Args;

use super::{
    Exit,
    config_file::ConfigFile,
    signals::{Requests, Signals},
    words,
};
use crate::{
    clock::Clock,
    config::{Problem, Severity},
    gateway::{self, Running, Source},
    observe::logging,
};

/// Run the gateway
///
///   API_DB_KEY=secret-key countersign run -c config/device-api.yaml
///   countersign run -c gateway.yaml --workers 2
///
/// SIGTERM or SIGINT: no new connection, requests in flight finish, exit 0.
/// SIGHUP: open the log file again, and load the config again. It is also loaded when
/// it changes, or a file that it names. One that is bad leaves the old one in force.
/// SIGUSR1: open the log file again.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Run {
    #[command(flatten)]
    config: ConfigFile,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,
}

impl Run {
    pub(super) fn execute(self) -> Exit {
        if let Err(error) = logging::init(None) {
            failed(format_args!("{error}"));
        }
        let requests = match Requests::listen() {
            Ok(requests) => requests,
            Err(error) => return unheard(&error),
        };
        let mut source = Source::new(self.config.path);
        let (config, notes) = match source.load() {
            Ok(loaded) => loaded,
            Err(problems) => {
                problems.0.iter().for_each(tell);
                return Exit::Config;
            }
        };
        notes.iter().for_each(tell);
        // Before anything that takes its time: a signal that comes meanwhile is heard then, and does not end the process.
        let signals = match requests.with_endings() {
            Ok(signals) => signals,
            Err(error) => return unheard(&error),
        };
        let workers = self.workers.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        match gateway::start(config, Some(source), workers, Clock::system()) {
            Ok(running) => serve(running, workers, signals),
            Err(error) => {
                failed(format_args!("{error}"));
                if error.is_in_config() { Exit::Config } else { Exit::Runtime }
            }
        }
    }
}

/// What a person reads on a terminal goes into the log as events where that is what standard error is.
fn tell(problem: &Problem) {
    match (io::stderr().is_terminal(), problem.severity) {
        (true, _) => words(format_args!("{problem}")),
        (false, Severity::Error) => tracing::error!("{problem}"),
        (false, Severity::Warning) => tracing::warn!("{problem}"),
        (false, Severity::Note) => tracing::info!("{problem}"),
    }
}

fn failed(why: std::fmt::Arguments<'_>) {
    match io::stderr().is_terminal() {
        true => words(format_args!("countersign: {why}")),
        false => tracing::error!("{why}"),
    }
}

fn unheard(error: &io::Error) -> Exit {
    failed(format_args!("signals: {error}"));
    Exit::Runtime
}

fn serve(running: Running, workers: usize, signals: Signals) -> Exit {
    for address in running.addresses() {
        tracing::info!(%address, workers, "listening");
    }
    // Outside a service manager this says nothing to nobody.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    signals.until_told(&running);
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("stopping: requests in flight may finish");
    if running.stop() {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped; the time to finish was up before all requests were");
    }
    Exit::Ok
}
