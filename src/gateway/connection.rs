//! One client connection, one task: read a head, answer it, and again; nothing unread is ever taken for a request.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    task::Poll,
    time::Duration,
};

use tokio::task::coop::consume_budget;

use super::{
    answer,
    client_body::{ClientBody, Progress},
    doors::DoorId,
    edition::Edition,
    pace::Pace,
    refusals::Refusal,
    tls::{Secured, Trust},
    trail::Trail,
    wire::Wire,
    worker::Worker,
};
use crate::{
    deadline::{Deadlines, Elapsed},
    http1::{BodyDecoder, Framing, Known, RequestHead, Version},
    jose::certificate_thumbprint,
    message::{Body, Request},
    observe::Open,
    policy::{Peer, Whence},
};

mod tunnel;
mod writing;

/// A connection and what its requests have in common.
pub(super) struct Connection {
    pub(super) wire: Wire,
    pub(super) worker: Rc<Worker>,
    pub(super) door: DoorId,
    pub(super) peer: Peer,
    output: Vec<u8>,
    /// How fast the client takes the answer at hand.
    pace: Pace,
    requests: u64,
    /// By what the client's certificate was believed.
    trust: Trust,
    /// The config that the next request began under, where it has begun; of the first it is the one that the connection was
    /// accepted under.
    began_under: Option<Rc<Edition>>,
}

/// What the next request's head came to.
enum Next {
    Head(Rc<RequestHead>),
    /// Nothing came, or the connection ended between requests.
    Closed,
    Refused(Refusal),
}

/// Whether another request may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    KeepAlive,
    Close,
    /// The answer broke off: without a reset its end could be taken for a whole one's.
    Reset,
}

impl Connection {
    pub(super) fn new(
        Secured { transport, trust }: Secured,
        worker: Rc<Worker>,
        door: DoorId,
        peer: Whence,
        accepted_by: Rc<Edition>,
    ) -> Connection {
        let certificate = transport.peer_certificate().map(certificate_thumbprint);
        let wire = Wire::new(transport, worker.forwarder.buffers.clone());
        Connection {
            wire,
            worker,
            door,
            peer: Peer::of(peer).with_certificate(certificate),
            output: Vec::new(),
            pace: Pace::default(),
            requests: 0,
            trust,
            began_under: Some(accepted_by),
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn serve(mut self, _open: Open) {
        loop {
            let after = match self.next_head().await {
                Next::Closed => return self.wire.take_leave(),
                Next::Refused(refusal) => {
                    self.refuse_head(refusal).await;
                    After::Close
                }
                // On the heap, and only while there is a request: an idle connection then holds next to nothing, and the
                // few places in use are used again while they are still in the cache.
                // Allocated first, so that it is made where it stays.
                Next::Head(head) => Box::into_pin(Box::write(Box::new_uninit(), self.exchange(head))).await,
            };
            match after {
                // Of requests that were sent ahead the next is there at once: others are to have their turn before.
                After::KeepAlive => consume_budget().await,
                After::Close => return self.linger().await,
                After::Reset => return self.wire.reset_on_close(),
            }
        }
    }

    async fn next_head(&mut self) -> Next {
        let is_first = self.requests == 0;
        let mut wait = self.worker.forwarder.deadlines.wait();
        let mut begun = false;
        self.requests += 1;
        let (wire, worker, door, trust) = (&self.wire, &self.worker, self.door, self.trust);
        let began_under = &mut self.began_under;
        poll_fn(move |context| {
            // Not kept while nothing comes: a connection may idle through many configs.
            let edition = worker.edition();
            let (limits, timeouts) = (edition.snapshot.head_limits, &edition.snapshot.timeouts);
            // A connection that never sent anything gets no longer than a head does.
            let idle = if is_first { timeouts.head } else { timeouts.idle };
            loop {
                match wire.with_input(|input| (RequestHead::parse(input, &limits), !input.is_empty())) {
                    (Ok(Some(head)), _) => {
                        wire.rest();
                        return Poll::Ready(Next::Head(head));
                    }
                    (Err(error), _) => return Poll::Ready(Next::Refused(error.into())),
                    (Ok(None), some) if some && !begun => {
                        begun = true;
                        began_under.get_or_insert_with(|| edition.clone());
                        wait.clear();
                    }
                    (Ok(None), _) => {}
                }
                match wire.poll_fill(context) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Next::Closed),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending if begun => {
                        return wait.poll_elapsed(context, timeouts.head).map(|Elapsed| Next::Refused(Refusal::Slow));
                    }
                    Poll::Pending if edition.doors.trust(door) != Some(trust) => return Poll::Ready(Next::Closed),
                    Poll::Pending => return wait.poll_idle(context, idle).map(|Elapsed| Next::Closed),
                }
            }
        })
        .await
    }

    async fn exchange(&mut self, head: Rc<RequestHead>) -> After {
        let _in_flight = self.worker.gauges.in_flight();
        // By this one the request is judged to its end, whatever comes meanwhile.
        let edition = self.edition();
        let (body, progress) = self.body(&head, &edition);
        // What follows a request to change protocols may not be meant as HTTP: it is never read as a request.
        let keeps = head.keep_alive() && !head.has(Known::Upgrade);
        let request = Request { head: head.clone(), body };
        let (worker, shared) = (self.worker.clone(), &*edition.snapshot);
        let Some(edge) = edition.edge(self.door) else { return After::Close };
        let mut trail = Trail::new(worker.request_id(), shared.clock.unix_millis(), head.clone());
        let answered = {
            // Pinned where it is made: this future is the largest there is, and moving it would cost more than the rest.
            let answering = pin!(answer::answer(&worker, shared, edge, &self.peer, request, &mut trail));
            present(&self.wire, &worker.forwarder.deadlines, &progress, answering).await
        };
        let after = match answered {
            Err(gone) => {
                trail.broken = Some(gone.to_string());
                trail.received = progress.received();
                let (status, after) = match gone {
                    Gone::Client => (499, After::Close),
                    // There is no time left to linger.
                    Gone::Gateway => (503, After::Reset),
                };
                // First of all: a store may take longer than a gateway that stops has left.
                answer::record(&worker, &edition, edge, &self.peer, &trail, status);
                trail.release_unsent().await;
                return after;
            }
            Ok(mut response) if response.tunnel.is_some() => {
                let Some(upstream) = response.tunnel.take() else { return After::Close };
                let after = Box::pin(self.hand_over(&response, upstream, &mut trail)).await;
                answer::record(&worker, &edition, edge, &self.peer, &trail, response.status);
                after
            }
            Ok(response) => {
                let status = response.status;
                // Who is refused before the request has come whole is told to stop sending it (RFC 9112 section 9.6).
                let keeps = keeps && self.is_reusable(&progress) && (status < 400 || progress.is_complete());
                let after = self.write(response, &mut trail, keeps, &progress).await;
                trail.received = progress.received();
                answer::record(&worker, &edition, edge, &self.peer, &trail, status);
                after
            }
        };
        if after == After::KeepAlive && !progress.is_complete() { After::Close } else { after }
    }

    /// The newest config. A request that had come when its listener was closed is not left without an answer: it has the
    /// one that it began under, or, where it came at one go, the one before.
    fn edition(&mut self) -> Rc<Edition> {
        let (newest, before) = (self.worker.edition(), self.began_under.take());
        if newest.doors.place(self.door).is_some() {
            return newest;
        }
        before.or_else(|| self.worker.before()).unwrap_or(newest)
    }

    /// A body that the stages left unread: what has already come of it is thrown away; for more nobody waits.
    fn is_reusable(&self, progress: &Progress) -> bool {
        !self.worker.forwarder.deadlines.is_draining()
            && self.worker.keeps(self.door, self.trust)
            && (progress.is_complete() || progress.is_being_read() || progress.discard_arrived(&self.wire))
    }

    fn body(&self, head: &RequestHead, edition: &Edition) -> (Body, Progress) {
        let snapshot = &edition.snapshot;
        let framing = head.framing();
        if framing == Framing::None {
            return (Body::Empty, Progress::none());
        }
        let progress = Progress::of(BodyDecoder::new(framing, &snapshot.head_limits));
        let timing = (snapshot.timeouts.body, self.worker.forwarder.deadlines.wait());
        // Which route's limit holds is not known yet: the widest of all bounds what may arrive.
        let limit = snapshot.largest_body;
        let invite = head.expects_continue() && head.version() == Version::Http11;
        let body = ClientBody::new(self.wire.clone(), progress.clone(), framing, limit, timing, invite);
        (Body::Stream(Box::new(body)), progress)
    }

    async fn refuse_head(&mut self, refusal: Refusal) {
        let edition = self.worker.edition();
        let response = refusal.response(&edition.snapshot.shape);
        let request_id = self.worker.request_id();
        let place = (edition.edge(self.door), &self.peer);
        answer::record_head_refusal((&self.worker, &edition), place, request_id, &refusal, response.status);
        self.write_refusal(response, request_id).await;
    }

    /// Lets the client read the last answer before the connection goes (RFC 9112 section 9.6): what it still sends is thrown
    /// away, for as long as it comes, or many a client would never read why its upload was refused.
    async fn linger(&mut self) {
        const MOST: usize = 16 * 1024 * 1024;
        const LONGEST: Duration = Duration::from_secs(10);
        const SILENCE: Duration = Duration::from_secs(1);
        let (wire, deadlines) = (&self.wire, &self.worker.forwarder.deadlines);
        let mut wait = deadlines.wait();
        let mut thrown = 0;
        let thrown_away = poll_fn(|context| {
            loop {
                thrown += wire.with_input(|input| std::mem::take(input).len());
                match wire.poll_fill(context) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                    Poll::Ready(Ok(_)) if thrown > MOST => return Poll::Ready(()),
                    Poll::Ready(Ok(_)) => wait.clear(),
                    Poll::Pending => return wait.poll_elapsed(context, SILENCE).map(|Elapsed| ()),
                }
            }
        });
        let closed = async {
            wire.close_writing().await;
            thrown_away.await;
        };
        let longest = if deadlines.is_draining() { SILENCE } else { LONGEST };
        let _ = deadlines.within(longest, closed).await;
    }
}

/// Who is not there any more, so that nothing more is done for a request.
#[derive(Debug, thiserror::Error)]
enum Gone {
    #[error("the client left")]
    Client,
    /// The time to drain is up.
    #[error("the gateway stopped")]
    Gateway,
}

/// Runs `future` for as long as the client and the gateway are there. Only once its request has come whole can a client's
/// silence be told from leaving; until then the body's reader finds out.
async fn present<F: Future>(
    wire: &Wire,
    deadlines: &Deadlines,
    progress: &Progress,
    mut future: Pin<&mut F>,
) -> Result<F::Output, Gone> {
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending if deadlines.is_given_up() => Poll::Ready(Err(Gone::Gateway)),
        Poll::Pending if progress.is_complete() => wire.poll_gone(context).map(|()| Err(Gone::Client)),
        Poll::Pending => Poll::Pending,
    })
    .await
}
