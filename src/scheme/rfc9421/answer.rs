//! An answer as a signer sees it: borrowed, like the [`View`](crate::scheme::View) of a request.

use std::fmt;

use crate::scheme::{Body, Headers};

/// The parts of one answer.
#[derive(Clone, Copy)]
pub(in crate::scheme) struct Answer<'a> {
    /// The status code.
    pub(in crate::scheme) status: u16,
    /// The header fields as they go out.
    pub(in crate::scheme) headers: &'a dyn Headers,
    /// The body, as far as it is there.
    pub(in crate::scheme) body: Body<'a>,
}

impl fmt::Debug for Answer<'_> {
    /// Neither headers nor body: they may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}
