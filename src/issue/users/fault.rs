//! Why nothing can be known of users, or of one. No name, no hash and no answer is in any text.

use std::sync::Arc;

use crate::{outcall::CallError, password::HashFault, sql_link::SqlError};

/// Why a source of users cannot say who somebody is, whoever it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsersAway {
    /// Nobody can be reached: no password was looked at.
    #[error("the users cannot be asked for: {0}")]
    Away(Arc<str>),
    /// The time of a database was over, which is asked for no password.
    #[error("the users cannot be asked for: no answer in time")]
    TimedOut,
    /// Another login was asked and did not say.
    #[error("the other login did not say: {0}")]
    Silent(Arc<str>),
    /// Another login was asked and has too many.
    #[error("the other login takes no more for now: it answered with 429")]
    Crowded,
    /// What they said is no answer to such a question.
    #[error("the other login's answer is of no use: {0}")]
    Nonsense(Arc<str>),
}

/// Why what a database says of a user is not believed. Then nobody logs in by that name, and nobody is told why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// There is nowhere to look for a hash.
    #[error("the query has no column `password`")]
    NoPasswordColumn,
    /// Alice is not alice, and the database does not say which it found.
    #[error("the query must select the name as `username`, for MySQL compares text loosely")]
    NoNameColumn,
    /// It cannot be told which is meant.
    #[error("there are several rows for one name")]
    Several,
    /// It is none that passwords are checked against.
    #[error("`password` is no hash: {0}")]
    Hash(HashFault),
    /// A value that is not what its name says.
    #[error("`{name}` is not {wanted}")]
    Value {
        /// The column.
        name: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A column that stands there twice, or also in `claims`.
    #[error("the claim `{0}` stands there twice")]
    Twice(String),
    /// A claim that is not the source's to write.
    #[error("the claim `{0}` is written by the issuer itself")]
    Reserved(String),
    /// Together the claims are too long for a token.
    #[error("the claims are longer than {0} bytes")]
    TooLong(usize),
    /// A column that cannot be read.
    #[error("{0}")]
    Unreadable(Arc<str>),
}

impl UsersAway {
    pub(super) fn away(why: impl std::fmt::Display) -> UsersAway {
        UsersAway::Away(why.to_string().into())
    }

    pub(super) fn silent(why: impl std::fmt::Display) -> UsersAway {
        UsersAway::Silent(why.to_string().into())
    }

    /// Whether somebody's no may be behind it: another login was told the password. It may have failed because of what was
    /// typed, be slow with what is wrong alone, or be brought to fail by whoever guesses.
    pub fn may_be_no(&self) -> bool {
        match self {
            UsersAway::Silent(_) | UsersAway::Crowded | UsersAway::Nonsense(_) => true,
            UsersAway::Away(_) | UsersAway::TimedOut => false,
        }
    }

    pub(super) fn nonsense(why: impl std::fmt::Display) -> UsersAway {
        UsersAway::Nonsense(why.to_string().into())
    }
}

/// What is about one row is that row's fault; the rest would be so whoever is asked for.
pub(super) fn of_sql(error: SqlError) -> Result<RowFault, UsersAway> {
    match error {
        SqlError::Away(why) | SqlError::Refused(why) | SqlError::Raced(why) | SqlError::Held(why) => {
            Err(UsersAway::Away(why))
        }
        SqlError::TimedOut => Err(UsersAway::TimedOut),
        SqlError::Unreadable(why) => Ok(RowFault::Unreadable(why)),
        SqlError::TooMany(_) => Ok(RowFault::Several),
    }
}

/// `None` where it is only that too many are asked for at once.
pub(super) fn of_call(error: CallError) -> Option<UsersAway> {
    match error {
        CallError::TooMany => None,
        CallError::TooLarge(_) => Some(UsersAway::nonsense(error)),
        CallError::TimedOut(_) | CallError::Broken(_) => Some(UsersAway::silent(error)),
        CallError::NotConnected(_) | CallError::Uri | CallError::Stopped(_) => Some(UsersAway::away(error)),
    }
}
