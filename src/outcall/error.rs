//! Why a call came to nothing. No URL, no header and no answer is in any text.

use std::{error::Error, time::Duration};

use http_body_util::LengthLimitError;
use hyper_util::client::legacy;

use crate::{errands::Stopped, roots};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The time is over.
    #[error("no whole answer within {0:?}")]
    TimedOut(Duration),
    /// As many calls are made as may be.
    #[error("as many calls are being made as may be at once")]
    TooMany,
    /// No connection, or no TLS on it.
    #[error("no connection: {}", in_words(.0))]
    NotConnected(#[source] legacy::Error),
    /// What came is not HTTP, or broke off.
    #[error("no whole answer: {}", innermost(.0.as_ref()))]
    Broken(#[source] Box<dyn Error + Send + Sync>),
    /// The answer is larger than it may be.
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    /// No call can be made of it.
    #[error("not a URL that can be called")]
    Uri,
    /// The gateway ends.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl CallError {
    pub(super) fn of_client(error: legacy::Error) -> CallError {
        if error.is_connect() { CallError::NotConnected(error) } else { CallError::Broken(error.into()) }
    }

    pub(super) fn of_body(error: Box<dyn Error + Send + Sync>, largest: usize) -> CallError {
        if error.is::<LengthLimitError>() { CallError::TooLarge(largest) } else { CallError::Broken(error) }
    }
}

/// Why there is no connection.
fn in_words(error: &legacy::Error) -> String {
    let innermost = innermost(error);
    innermost.downcast_ref::<rustls::Error>().map_or_else(|| innermost.to_string(), roots::in_words)
}

/// What it comes down to: "Connection refused" says more than "client error".
fn innermost<'e>(mut error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    while let Some(source) = error.source() {
        error = source;
    }
    error
}
