//! Serving an admitted request: to an upstream, or with an answer of the gateway's own.
//!
//! Only an [`Admitted`] request gets here; who sent it and what they had to show is no longer a question.

mod answer_body;
mod answers;
mod assertion;
mod connect;
mod echo;
mod exchange;
mod head;
mod headers;
mod lookups;
mod pool;
mod pump;
mod respond;
mod settings;
mod signing;
mod upgrade;

use std::{
    cell::RefCell,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

pub use answers::{AnswerKeys, AnswerSigning, Answered, CallerKeys};
pub use assertion::{Assertion, Assertions};
pub use headers::NEVER_PASSED;
pub use lookups::Lookups;
pub use pool::Pools;
pub use settings::{Dress, HostPolicy, ReadSet, Respond, Server, Servers, StripSet, Target, Timeouts, client_tls};
pub use signing::{Holding, OwnKey, Signing};

use crate::{
    buffers::{Buffers, Outputs},
    deadline::Deadlines,
    message::{BodyError, HoldError, Response},
    policy::Admitted,
    soon::Soon,
};

/// What forwarding needs of its worker.
pub struct Forwarder {
    /// The worker's waits.
    pub deadlines: Deadlines,
    /// The worker's kept connections.
    pub pools: Pools,
    /// The worker's read buffers.
    pub buffers: Buffers,
    /// The worker's write buffers.
    pub outputs: Outputs,
    /// The worker's look-ups of names.
    pub lookups: Lookups,
    /// The worker's assertions that are to be sent again.
    pub assertions: RefCell<Assertions>,
}

/// What is said of one forwarded request, for the log and the metrics.
#[derive(Debug, Clone, Copy, Default)]
pub struct Report {
    /// From the request to the upstream's answer head.
    pub waited: Option<Duration>,
    /// Whether any byte of the request may have reached the upstream.
    pub sent: bool,
    /// Connections that were made for it.
    pub connects: u32,
    /// Times it was sent again after a kept connection had ended.
    pub retries: u32,
    /// Connections that could not be made.
    pub failed_connects: u32,
}

/// Why an admitted request got no answer from its upstream.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No connection.
    #[error("connect to {server}: {source}")]
    Connect {
        /// The server's address as configured.
        server: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// No connection in time.
    #[error("connect to {0}: timed out")]
    ConnectTimeout(String),
    /// The worker has as many requests at this upstream as it may.
    #[error("{0} requests are at this upstream already")]
    Busy(usize),
    /// The connection broke before an answer.
    #[error("upstream: {0}")]
    Broken(#[source] std::io::Error),
    /// The answer is not HTTP as it must be.
    #[error("upstream's answer: {0}")]
    Answer(#[from] crate::http1::BadResponse),
    /// The upstream changed protocols unasked, or to another one than asked.
    #[error("upstream answered with a 101 that was not asked for")]
    Upgrade,
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The client's body did not arrive whole, so nothing whole was forwarded.
    #[error(transparent)]
    Client(#[from] crate::message::BodyError),
    /// A header or answer template could not be filled in.
    #[error("template for {0}: {1}")]
    Template(String, #[source] crate::scheme::Failure),
    /// The body could not be held, and without it the request not signed.
    #[error("the request is to be signed: {0}")]
    Held(#[source] crate::message::HoldError),
    /// The request could not be signed for its upstream, or could not have a signed answer.
    #[error("the request could not be signed: {0}")]
    Unsigned(#[source] crate::scheme::Failure),
    /// The upstream could not be told who sent the request.
    #[error("the assertion: {0}")]
    Assertion(#[from] crate::minting::MintingFault),
    /// The system has no random bytes for a nonce.
    #[error("no random bytes to be had")]
    NoRandomness,
    /// The answer's body could not be held, and without it the answer not signed.
    #[error("the answer is to be signed: {0}")]
    AnswerHeld(#[source] crate::message::HoldError),
    /// The answer could not be signed.
    #[error("the answer could not be signed: {0}")]
    AnswerUnsigned(#[source] crate::scheme::Failure),
    /// A header's value would not arrive as it is.
    #[error("the value for {0} cannot stand in a header as it is")]
    Unwritable(String),
}

impl Failure {
    /// Whether it says something of the upstream, and not of the client or of the gateway's own bounds.
    pub fn blames_upstream(&self) -> bool {
        match self {
            Failure::Connect { .. }
            | Failure::ConnectTimeout(_)
            | Failure::Broken(_)
            | Failure::Answer(_)
            | Failure::Upgrade
            | Failure::Timeout => true,
            Failure::AnswerHeld(error) => match error {
                HoldError::TooLarge { .. } | HoldError::TooLargeToRead { .. } => true,
                HoldError::Sender(error) => !matches!(error, BodyError::Upload(_)),
                HoldError::NoRoom(_) | HoldError::Spool(_) => false,
            },
            Failure::Busy(_)
            | Failure::Client(_)
            | Failure::Template(..)
            | Failure::Held(_)
            | Failure::Unsigned(_)
            | Failure::Assertion(_)
            | Failure::NoRandomness
            | Failure::AnswerUnsigned(_)
            | Failure::Unwritable(_) => false,
        }
    }
}

/// Serves `permit` and reports how it went, in failure too.
pub fn serve<'f>(
    target: &'f Target,
    dress: &'f Dress,
    forwarder: &'f Forwarder,
    permit: Admitted<'f>,
    report: &'f mut Report,
) -> impl Future<Output = Result<Box<Response>, Failure>> {
    match target {
        Target::Servers(servers) => Serving::Forwarding(exchange::exchange(servers, dress, forwarder, permit, report)),
        Target::Echo => Serving::Own(Soon::later(echo::answer(dress, forwarder, permit))),
        Target::Respond(respond) => Serving::Own(Soon::now(respond::answer(respond, permit))),
    }
}

/// The ways to serve.
enum Serving<'f> {
    Forwarding(exchange::Forwarding<'f>),
    Own(Soon<'f, Result<Box<Response>, Failure>>),
}

impl Future for Serving<'_> {
    type Output = Result<Box<Response>, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Box<Response>, Failure>> {
        match &mut *self {
            Serving::Forwarding(forwarding) => Pin::new(forwarding).poll(context),
            Serving::Own(answer) => Pin::new(answer).poll(context),
        }
    }
}
