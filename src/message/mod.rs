//! A request and an answer as the stages see them, whichever protocol carried them.
//!
//! Bytes on the wire are `http1`'s business, what a request may do is the stages'; here is only what they hand on:
//! a head, and a [`Body`] that is either already held or still arriving.

mod body;
mod duplex;
mod hold;
mod identity;
mod response;
mod views;

pub use body::{Body, BodyError, BodyStream, Spool};
pub use duplex::Duplex;
pub use hold::{Budget, Budgets, HoldError, HoldLimits, Share, hold};
pub use identity::{Carrier, Credential, Evidence, Facts, Identity};
pub use response::{Fields, Response};

use std::rc::Rc;

use crate::http1::RequestHead;

/// A request whose head is complete and whose body may still be on its way.
#[derive(Debug)]
pub struct Request {
    /// Method, target and fields, exactly as they came. Shared with the log.
    pub head: Rc<RequestHead>,
    /// The body after transfer coding.
    pub body: Body,
}
