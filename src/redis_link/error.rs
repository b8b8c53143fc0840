//! Why Redis gave no answer that can be used.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why Redis gave no answer that can be used. No case says anything about what was asked for: refuse in doubt.
///
/// The texts are for logs. None repeats what was asked, or what the server said beyond the name of its error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nobody is there, so far as is known; it was not asked.
    #[error("Redis is away")]
    Away,
    /// It did not answer in time. What was asked may yet be done.
    #[error("Redis did not answer in time")]
    TimedOut,
    /// As many questions as may be are open already.
    #[error("too many questions to Redis are open")]
    Busy,
    /// The connection broke while it was asked. What was asked may have been done.
    #[error("the connection to Redis broke")]
    Broken,
    /// Its memory is used up (`maxmemory` with `noeviction`). Nothing was written.
    #[error("Redis is full")]
    Full,
    /// The script is not known to it. Nothing was done.
    #[error("Redis does not know the script")]
    NoScript,
    /// It answered with an error: its code.
    #[error("Redis answered with an error: {0}")]
    Refused(String),
    /// It answered something else than was to be expected.
    #[error("Redis gave an answer of another kind than expected")]
    Unexpected,
    /// The settings cannot be used on this machine.
    #[error("Redis cannot be connected to: {0}")]
    Unusable(String),
}

impl LinkError {
    /// What the crate's error comes to. Only codes and kinds are kept, for its texts may repeat what was sent.
    pub(super) fn of(error: &RedisError) -> LinkError {
        if error.is_timeout() {
            return LinkError::TimedOut;
        }
        match error.kind() {
            ErrorKind::Io | ErrorKind::Parse | ErrorKind::ClusterConnectionNotFound => LinkError::Broken,
            ErrorKind::Server(ServerErrorKind::NoScript) => LinkError::NoScript,
            ErrorKind::UnexpectedReturnType => LinkError::Unexpected,
            ErrorKind::InvalidClientConfig => LinkError::Unusable("the settings do not fit together".to_owned()),
            ErrorKind::AuthenticationFailed => LinkError::Refused("the password or user is not accepted".to_owned()),
            ErrorKind::MasterNameNotFoundBySentinel => {
                LinkError::Refused("the sentinels know no such service".to_owned())
            }
            kind => match error.code() {
                Some("OOM") => LinkError::Full,
                Some(code) => LinkError::Refused(code.chars().take(32).collect()),
                None => LinkError::Refused(format!("{kind:?}").chars().take(32).collect()),
            },
        }
    }

    /// Whether it says something about the connection rather than about the question.
    pub(super) fn is_about_connection(&self) -> bool {
        match self {
            LinkError::TimedOut | LinkError::Broken => true,
            // A server that was a master and is none any more, or is starting, or has lost its own.
            LinkError::Refused(code) => {
                matches!(code.as_str(), "READONLY" | "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "NOAUTH")
            }
            LinkError::Away
            | LinkError::Busy
            | LinkError::Full
            | LinkError::NoScript
            | LinkError::Unexpected
            | LinkError::Unusable(_) => false,
        }
    }
}
