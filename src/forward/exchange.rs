//! One request to one upstream: take or make a connection, write, read the answer's head, hand its body on.

mod place;
mod running;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use crate::{message::Response, policy::Admitted};

use self::{
    place::{Attempts, Place, connected, kept},
    running::Exchange,
};
use super::{Dress, Failure, Forwarder, Report, Servers, head::Recipient, upgrade};

/// Forwards `permit` to one of `servers`. A server that cannot be connected to is passed over for the next. Once a byte may
/// have been sent there is no second try, for a request must not be forwarded twice; but for one that is safe to repeat and
/// met the end of a kept connection (RFC 9112 section 9.3.1).
///
/// What can be done at once is done at once: on a kept connection the first thing that is waited for is the answer.
pub(super) fn exchange<'f>(
    servers: &'f Servers,
    dress: &'f Dress,
    forwarder: &'f Forwarder,
    permit: Admitted<'f>,
    report: &'f mut Report,
) -> Forwarding<'f> {
    let (started, turn) = (Instant::now(), servers.turn());
    let stage = match kept(servers, turn, dress, forwarder, &permit) {
        Some(place) => Stage::of(start(servers, dress, forwarder, permit, place, (None, None))),
        None => Stage::Connecting(Box::pin(connect_and_start(servers, turn, dress, forwarder, permit))),
    };
    Forwarding { stage, dress, report, started }
}

/// A request on its way. A future by hand, for the compiler would keep a second copy of what is moved into one of its own.
pub(super) struct Forwarding<'f> {
    stage: Stage<'f>,
    dress: &'f Dress,
    report: &'f mut Report,
    started: Instant,
}

enum Stage<'f> {
    Connecting(Connecting<'f>),
    Exchanging(Box<Exchange<'f>>),
    Failed(Box<Failure>),
    Over,
}

/// On the heap, for most requests find a kept connection.
type Connecting<'f> = Pin<Box<dyn Future<Output = (Result<Box<Exchange<'f>>, Failure>, Attempts)> + 'f>>;

impl<'f> Stage<'f> {
    fn of(exchange: Result<Box<Exchange<'f>>, Failure>) -> Stage<'f> {
        exchange.map_or_else(|failure| Stage::Failed(Box::new(failure)), Stage::Exchanging)
    }
}

impl Future for Forwarding<'_> {
    type Output = Result<Box<Response>, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Box<Response>, Failure>> {
        let this = &mut *self;
        let answered = loop {
            let (answered, repeats) = match &mut this.stage {
                Stage::Connecting(connecting) => {
                    let (exchange, attempts) = ready!(connecting.as_mut().poll(context));
                    this.report.connects += attempts.connects;
                    this.report.failed_connects += attempts.failed;
                    this.started += attempts.held;
                    this.stage = Stage::of(exchange);
                    continue;
                }
                Stage::Exchanging(exchange) => {
                    let polled = exchange.poll_final_head(context);
                    this.report.sent |= exchange.may_have_sent();
                    let answered = ready!(polled);
                    let repeats = matches!(&answered, Err(Failure::Broken(error)) if exchange.may_repeat(error));
                    (answered, repeats)
                }
                Stage::Failed(_) | Stage::Over => (Err(Failure::Timeout), false),
            };
            match (std::mem::replace(&mut this.stage, Stage::Over), answered) {
                (Stage::Exchanging(exchange), _) if repeats => {
                    this.report.retries += 1;
                    this.stage = Stage::Connecting(Box::pin(exchange.on_a_new_connection(this.dress)));
                }
                (Stage::Exchanging(exchange), Ok(head)) => break Ok(exchange.into_response(head)),
                (Stage::Failed(failure), _) => break Err(*failure),
                (_, Err(failure)) => break Err(failure),
                // Nobody asks a future again that was ready.
                (Stage::Connecting(_) | Stage::Over, Ok(_)) => return Poll::Pending,
            }
        };
        this.report.waited = Some(this.started.elapsed());
        Poll::Ready(answered)
    }
}

async fn connect_and_start<'f>(
    servers: &'f Servers,
    turn: usize,
    dress: &'f Dress,
    forwarder: &'f Forwarder,
    mut permit: Admitted<'f>,
) -> (Result<Box<Exchange<'f>>, Failure>, Attempts) {
    let mut attempts = Attempts::default();
    let started = Instant::now();
    let prepared = prepare(dress, forwarder, &mut permit).await;
    attempts.held = started.elapsed();
    let assertion = match prepared {
        Ok(assertion) => assertion,
        Err(failure) => return (Err(failure), attempts),
    };
    let assertion = assertion.as_deref();
    let protocol = upgrade::asked(dress, permit.head()).map(<[u8]>::to_vec);
    let place = connected(servers, turn, dress, forwarder, protocol.is_none(), &mut attempts).await;
    let exchange = match (place, &dress.sign) {
        (Err(failure), _) => Err(failure),
        (Ok(place), None) => start(servers, dress, forwarder, permit, place, (protocol, assertion)),
        (Ok(place), Some(signing)) => {
            let mut encoded = forwarder.outputs.lend();
            let protocol_name = protocol.as_deref();
            let recipient = Recipient { servers, server: place.server, dress, protocol: protocol_name, assertion };
            let written = recipient.write_signed_head(signing, &permit, &mut encoded).await;
            begin(written, encoded, dress, forwarder, permit, place, protocol)
        }
    };
    (exchange, attempts)
}

/// What has to be there before the head can be written: a body that is signed, and a token for the upstream.
async fn prepare(dress: &Dress, forwarder: &Forwarder, permit: &mut Admitted<'_>) -> Result<Option<Arc<str>>, Failure> {
    if let Some(signing) = &dress.sign {
        signing.hold(permit, &forwarder.deadlines).await?;
    }
    match &dress.assertion {
        Some(assertion) => assertion.token(permit, &forwarder.assertions).await,
        None => Ok(None),
    }
}

fn start<'f>(
    servers: &Servers,
    dress: &Dress,
    forwarder: &'f Forwarder,
    permit: Admitted<'_>,
    place: Place<'f>,
    (protocol, assertion): (Option<Vec<u8>>, Option<&str>),
) -> Result<Box<Exchange<'f>>, Failure> {
    let mut encoded = forwarder.outputs.lend();
    let recipient = Recipient { servers, server: place.server, dress, protocol: protocol.as_deref(), assertion };
    let written = recipient.write_head(&permit, &mut encoded);
    begin(written, encoded, dress, forwarder, permit, place, protocol)
}

/// Begins the exchange with its head in `encoded`. `written` says whether the body goes in chunks, or why there is no head.
fn begin<'f>(
    written: Result<bool, Failure>,
    encoded: Vec<u8>,
    dress: &Dress,
    forwarder: &'f Forwarder,
    permit: Admitted<'_>,
    place: Place<'f>,
    protocol: Option<Vec<u8>>,
) -> Result<Box<Exchange<'f>>, Failure> {
    match written {
        Ok(chunked) => Ok(Exchange::new(place, forwarder, dress.timeouts, permit, encoded, chunked, protocol)),
        Err(failure) => {
            forwarder.pools.put_back(place.server.id, place.connection);
            forwarder.outputs.take_back(encoded);
            Err(failure)
        }
    }
}
