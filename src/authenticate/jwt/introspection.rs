//! The interface of whoever can be asked what an opaque token is (RFC 7662). Remembering, time-outs and how it is reached are its
//! own business; what is asked here is a question a request, and the answer is judged by the rules that a signed token has.

use std::{fmt, pin::Pin, sync::Arc};

/// SHA-256 of a token: what is remembered of it in its place.
pub type TokenDigest = [u8; 32];

/// The server's answer, a JSON object that says `active: true`; or `None`, where the token is not active.
pub type Introspected = Result<Option<Arc<[u8]>>, IntrospectionAway>;

/// Whoever is asked. Shared by all workers.
pub trait Introspection: fmt::Debug + Send + Sync {
    /// What is remembered of the token of that digest; `None` where it has to be asked for.
    fn recall(&self, digest: &TokenDigest) -> Option<Introspected>;

    /// What is said of `token`: at once, where that is remembered by `digest`, or else when it was asked.
    fn look_up(&self, digest: &TokenDigest, token: &[u8]) -> Lookout<'_>;
}

/// An answer, or what will come to one.
pub enum Lookout<'s> {
    /// It is known without asking.
    Now(Introspected),
    /// It has to be waited for.
    Later(Pin<Box<dyn Future<Output = Introspected> + Send + 's>>),
}

/// The server does not say what the token is. That is no word against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntrospectionAway {
    /// It did not answer in time.
    #[error("the introspection server did not answer in time")]
    TimedOut,
    /// More is asked of it at once than it may be.
    #[error("too many questions at once to the introspection server")]
    Busy,
    /// It cannot be reached, or fails.
    #[error("the introspection server is away")]
    Away,
    /// It answers, and will not say: perhaps it does not know the gateway.
    #[error("the introspection server refuses to say")]
    Refused,
    /// It answered what cannot be read.
    #[error("the introspection server's answer cannot be read")]
    Unreadable,
}
