//! What is known of a request by the time it is over, gathered along its way for the log and the metrics.

use std::{cell::Cell, net::IpAddr, rc::Rc, sync::Arc, time::Instant};

use super::{refusals::Refusal, snapshot::Route};
use crate::{forward::Report, http1::RequestHead, message::Identity};

/// The trail of one request.
pub(super) struct Trail {
    pub(super) request_id: String,
    pub(super) unix_millis: i64,
    pub(super) started: Instant,
    pub(super) head: RequestHead,
    pub(super) client: Option<IpAddr>,
    pub(super) route: Option<Arc<Route>>,
    pub(super) identity: Option<Identity>,
    pub(super) admitted: bool,
    pub(super) report: Report,
    pub(super) refusal: Option<Refusal>,
    /// Body bytes received, counted by whoever reads them.
    pub(super) received: Rc<Cell<u64>>,
    pub(super) sent: u64,
    /// Why the answer did not get to its end, where it did not.
    pub(super) broken: Option<String>,
}

impl Trail {
    pub(super) fn new(request_id: String, unix_millis: i64, head: RequestHead, received: Rc<Cell<u64>>) -> Trail {
        Trail {
            request_id,
            unix_millis,
            started: Instant::now(),
            head,
            client: None,
            route: None,
            identity: None,
            admitted: false,
            report: Report::default(),
            refusal: None,
            received,
            sent: 0,
            broken: None,
        }
    }
}
