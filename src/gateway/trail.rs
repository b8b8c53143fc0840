//! What is known of a request by the time it is over, gathered along its way for the log and the metrics.

use std::{rc::Rc, time::Instant};

use super::{refusals::Refusal, snapshot::Route, worker::RequestId};
use crate::{
    forward::{Answered, Report},
    http1::RequestHead,
    message::Identity,
    policy::{Edge, LimitFields, Receipt},
};

/// The trail of one request.
pub(super) struct Trail<'s> {
    pub(super) request_id: RequestId,
    pub(super) unix_millis: i64,
    pub(super) started: Instant,
    pub(super) head: Rc<RequestHead>,
    /// The client's address as text, where it is not the peer's.
    pub(super) client: Option<String>,
    pub(super) route: Option<&'s Route>,
    pub(super) identity: Option<Rc<Identity<'s>>>,
    /// Whether it went on although no store could decide its claim.
    pub(super) unchecked: bool,
    /// Whether it was one that the gateway answers unsigned.
    pub(super) handshake: bool,
    pub(super) report: Report,
    /// What to give back if nothing of the request reaches an upstream.
    pub(super) receipt: Option<Receipt>,
    pub(super) refusal: Option<Refusal>,
    /// What the client is told of its limits.
    pub(super) told: Option<Box<LimitFields>>,
    /// Body bytes received.
    pub(super) received: u64,
    pub(super) sent: u64,
    /// Why the answer did not get to its end, where it did not.
    pub(super) broken: Option<String>,
}

impl Trail<'_> {
    /// Gives claims back where nothing of the request was sent on: the same signed request may come again.
    pub(super) async fn release_unsent(&mut self) {
        if let Some(receipt) = self.receipt.take()
            && !self.report.sent
        {
            receipt.release().await;
        }
    }
}

impl Trail<'_> {
    /// The request as its answer's signature sees it.
    pub(super) fn answered<'a>(&'a self, edge: &'a Edge) -> Answered<'a> {
        let origin = match &edge.public_origin {
            Some((scheme, authority)) => (scheme.as_str(), authority.as_str()),
            None => (edge.scheme, self.head.authority()),
        };
        Answered { head: &self.head, origin, identity: self.identity.as_deref() }
    }
}

impl<'s> Trail<'s> {
    pub(super) fn new(request_id: RequestId, unix_millis: i64, head: Rc<RequestHead>) -> Trail<'s> {
        Trail {
            request_id,
            unix_millis,
            started: Instant::now(),
            head,
            client: None,
            route: None,
            identity: None,
            unchecked: false,
            handshake: false,
            report: Report::default(),
            receipt: None,
            refusal: None,
            told: None,
            received: 0,
            sent: 0,
            broken: None,
        }
    }
}
