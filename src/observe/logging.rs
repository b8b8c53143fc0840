//! The gateway's own events (not requests) on standard error, through `tracing`.
//!
//! `COUNTERSIGN_LOG` filters them: a level (`debug`) or directives (`info,countersign::forward=trace`).

use std::io::{self, IsTerminal};

use thiserror::Error;
use tracing_subscriber::{
    EnvFilter,
    filter::{LevelFilter, ParseError},
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
    /// A word in it that is no level. Taken for the name of a module it would silence all others, and what is wrong at a start
    /// would be told to nobody. Events are logged as if there were none.
    #[error(
        "{FILTER_VARIABLE} is not a log filter (a word in it is no level: off, error, warn, info, debug, trace); events from \
         `{DEFAULT_FILTER}` up are logged"
    )]
    NoLevel,
    /// Something else in this process logs already.
    #[error("events are already logged elsewhere")]
    Taken(#[source] TryInitError),
}

/// Starts logging events, once a process. Without a format: pretty on a terminal, JSON otherwise.
///
/// # Errors
/// [`LoggingError`]; after [`Filter`](LoggingError::Filter) and [`NoLevel`](LoggingError::NoLevel) events are logged all the same.
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
    let is_level = |word: &str| word.parse::<LevelFilter>().is_ok() || word == env!("CARGO_CRATE_NAME");
    let words = directives.split(',').map(str::trim).filter(|word| !word.is_empty() && !word.contains(['=', ':', '[']));
    match words.into_iter().all(is_level) {
        true => EnvFilter::builder().parse(directives).map_err(LoggingError::Filter),
        false => Err(LoggingError::NoLevel),
    }
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

    #[test]
    fn a_word_that_is_no_level_is_an_error_not_silence() {
        for directives in ["verbose", "info,verbose", "json"] {
            assert!(matches!(filter(Some(directives)), Err(LoggingError::NoLevel)), "{directives}");
        }
        for directives in ["DEBUG", "off", "warn, countersign::forward", "info,hyper=debug"] {
            assert!(filter(Some(directives)).is_ok(), "{directives}");
        }
    }
}
