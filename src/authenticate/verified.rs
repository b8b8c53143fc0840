//! The proof that a request was authenticated. It cannot be made anywhere else, and the next step consumes it.

use std::rc::Rc;

use smallvec::SmallVec;

use crate::message::{Identity, Request};

/// A request whose sender is proven (or that needs no proof), with all its bytes.
#[derive(Debug)]
pub struct Verified<'c> {
    request: Request,
    identity: Rc<Identity<'c>>,
    replays: SmallVec<[Replay; 1]>,
}

/// What must not be accepted a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    /// SHA-256 over scheme, key id and the signed values that make the request one of a kind.
    pub digest: [u8; 32],
    /// Until when it must be remembered, in milliseconds since 1970.
    pub until_millis: i64,
    /// When it can have been accepted first, in milliseconds since 1970; the beginning of time where that is not known.
    pub since_millis: i64,
    /// Whether the request may go on where the store cannot tell (`on_store_failure: allow`).
    pub may_go_unchecked: bool,
}

impl<'c> Verified<'c> {
    /// A request on a public route.
    pub(super) fn anonymous(request: Request) -> Verified<'c> {
        Verified { request, identity: Rc::default(), replays: SmallVec::new() }
    }

    pub(super) fn new(request: Request, identity: Rc<Identity<'c>>, replays: SmallVec<[Replay; 1]>) -> Verified<'c> {
        Verified { request, identity, replays }
    }

    /// Who sent it.
    pub fn identity(&self) -> &Rc<Identity<'c>> {
        &self.identity
    }

    /// Hands everything on.
    pub fn into_parts(self) -> (Request, Rc<Identity<'c>>, SmallVec<[Replay; 1]>) {
        (self.request, self.identity, self.replays)
    }
}
