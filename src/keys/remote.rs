//! What a key source elsewhere must be able to do: answer about one id. Everything else (remembering, time-outs, who asks at
//! once) is [`cache`](super::cache)'s.

use std::{pin::Pin, sync::Arc};

use super::{KeyRecord, KeysAway};

/// A key source that is reached over a network, or that blocks.
pub trait Remote: Send + Sync {
    /// What it knows of `id`. It runs among the [errands](crate::errands) and is dropped when its time is over.
    fn ask<'r>(&'r self, id: &'r [u8]) -> Asked<'r>;
}

/// What will come to an answer.
pub type Asked<'r> = Pin<Box<dyn Future<Output = Result<Option<KeyRecord>, Trouble>> + Send + 'r>>;

/// Why there is no answer. No id, no secret and no address is in any text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nobody can be reached, whatever the id is.
    #[error("{0}")]
    Away(Arc<str>),
    /// It cannot take more questions at once.
    #[error("as many questions are open as may be")]
    Busy,
    /// It answered, and would not say. It may say more of another id.
    #[error("{0}")]
    Refused(Arc<str>),
    /// It answered that it withholds this id, or does not believe who asks: either may be meant. Where it tells of others, what was
    /// known of this one is not believed any more.
    #[error("{0}")]
    Withheld(Arc<str>),
    /// It answered that it has nothing to say of this id. Then what was known before is not believed any more.
    #[error("{0}")]
    Denied(Arc<str>),
    /// It answered something that is no key. Then what was known before is not believed any more either.
    #[error("{0}")]
    Unreadable(Arc<str>),
    /// The time was over.
    #[error("no answer in time")]
    TimedOut,
}

impl Trouble {
    /// Nobody can be reached, and why.
    pub(super) fn away(why: impl std::fmt::Display) -> Trouble {
        Trouble::Away(why.to_string().into())
    }

    /// It would not say, and why.
    pub(super) fn refused(why: impl std::fmt::Display) -> Trouble {
        Trouble::Refused(why.to_string().into())
    }

    /// It is no key, and why not.
    pub(super) fn unreadable(why: impl std::fmt::Display) -> Trouble {
        Trouble::Unreadable(why.to_string().into())
    }
}

impl From<Trouble> for KeysAway {
    fn from(trouble: Trouble) -> KeysAway {
        match trouble {
            Trouble::Away(why) | Trouble::Refused(why) | Trouble::Withheld(why) | Trouble::Denied(why) => {
                KeysAway::Failed(why)
            }
            Trouble::Busy => KeysAway::Busy,
            Trouble::Unreadable(why) => KeysAway::Unreadable(why),
            Trouble::TimedOut => KeysAway::TimedOut,
        }
    }
}
