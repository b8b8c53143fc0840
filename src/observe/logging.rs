//! The gateway's own events (not requests) on standard error, through `tracing`.
//!
//! `COUNTERSIGN_LOG` filters them: a level (`debug`) or directives (`info,countersign::forward=trace`).

use std::io::{self, IsTerminal};

use thiserror::Error;
use tracing_subscriber::{
    EnvFilter,
    filter::ParseError,
    util::{SubscriberInitExt, TryInitError},
};

/// The environment variable that holds the filter.
pub const FILTER_VARIABLE: &str = "COUNTERSIGN_LOG";
const DEFAULT_FILTER: &str = "info";

/// How events look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventFormat {
    /// For a person, coloured on a terminal.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Why events cannot be logged.
#[derive(Debug, Error)]
pub enum LoggingError {
    /// The variable does not hold a filter. Events are logged as if there were none.
    #[error("{FILTER_VARIABLE} is not a log filter ({0}); events from `{DEFAULT_FILTER}` up are logged")]
    Filter(#[source] ParseError),
    /// Something else in this process logs already.
    #[error("events are already logged elsewhere")]
    Taken(#[source] TryInitError),
}

/// Starts logging events, once a process. Without a format: pretty on a terminal, JSON otherwise.
///
/// # Errors
/// [`LoggingError`]; after [`Filter`](LoggingError::Filter) events are logged all the same.
pub fn init(format: Option<EventFormat>) -> Result<(), LoggingError> {
    let (filter, fault) = match filter(std::env::var(FILTER_VARIABLE).ok().as_deref()) {
        Ok(filter) => (filter, Ok(())),
        Err(fault) => (EnvFilter::new(DEFAULT_FILTER), Err(fault)),
    };
    let on_terminal = io::stderr().is_terminal();
    // An event that cannot be written is lost. To say so it would be said on standard error once more, by what panics there:
    // a full disk or a reader that went away would end whichever thread had something to say.
    let events = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    match format.unwrap_or(if on_terminal { EventFormat::Pretty } else { EventFormat::Json }) {
        EventFormat::Pretty => events.with_ansi(on_terminal).with_target(false).finish().try_init(),
        EventFormat::Json => events.json().flatten_event(true).finish().try_init(),
    }
    .map_err(LoggingError::Taken)?;
    fault
}

fn filter(directives: Option<&str>) -> Result<EnvFilter, LoggingError> {
    let directives = directives.filter(|text| !text.trim().is_empty()).unwrap_or(DEFAULT_FILTER);
    EnvFilter::builder().parse(directives).map_err(LoggingError::Filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_directives_events_from_info_up_are_logged() {
        for directives in [None, Some(""), Some(" ")] {
            assert_eq!(filter(directives).unwrap().to_string(), "info");
        }
    }

    #[test]
    fn directives_are_taken_as_they_are() {
        assert_eq!(filter(Some("countersign::forward=trace")).unwrap().to_string(), "countersign::forward=trace");
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_an_error_not_silence() {
        assert!(matches!(filter(Some("countersign=loud")), Err(LoggingError::Filter(_))));
    }
}
