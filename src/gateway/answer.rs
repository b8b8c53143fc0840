//! Around the story: whatever happens in it, the client gets an answer, the log a line and the metrics their counts.

use std::{sync::Arc, time::Duration};

use super::{
    edition::Edition,
    refusals::Refusal,
    snapshot::Snapshot,
    story::story,
    trail::Trail,
    worker::{RequestId, Worker},
};
use crate::{
    forward::AnswerSigning,
    keys::Matched,
    message::{Request, Response},
    observe::{AccessLine, Caller, Outcome, UpstreamOutcome, Verdict},
    policy::{Edge, Peer},
    refusal::Cause,
};

/// The answer to `request`: the story's, or why there is none, in the shape of its route.
pub(super) async fn answer<'s>(
    worker: &Worker,
    snapshot: &'s Snapshot,
    edge: &Edge,
    peer: &Peer,
    request: Request,
    trail: &mut Trail<'s>,
) -> Box<Response> {
    let mut response = match story(worker, snapshot, edge, peer, request, trail).await {
        Ok(response) => response,
        Err(refusal) => refused(refusal, snapshot, trail).await,
    };
    if let Some(told) = trail.told.take() {
        response.set("RateLimit-Policy".to_owned(), told.policy.into_bytes());
        response.set("RateLimit".to_owned(), told.standing.into_bytes());
    }
    let signing = trail.route.and_then(|route| route.sign_response.as_ref());
    match signing {
        None => response,
        // Whoever asks chooses what stands in it: signed it would be genuine.
        Some(_) if trail.handshake => response,
        // On the heap: most routes sign nothing.
        Some(signing) => Box::pin(signed(response, signing, snapshot, edge, trail)).await,
    }
}

async fn refused(refusal: Refusal, snapshot: &Snapshot, trail: &mut Trail<'_>) -> Box<Response> {
    let response = shaped(&refusal, snapshot, trail);
    trail.release_unsent().await;
    trail.refusal = Some(refusal);
    response
}

fn shaped(refusal: &Refusal, snapshot: &Snapshot, trail: &Trail<'_>) -> Box<Response> {
    Box::new(refusal.response(trail.route.map_or(&snapshot.shape, |route| &route.shape)))
}

/// The answer with its signature, or a signed refusal that says why there is none. A refusal that cannot be signed itself
/// goes as it is.
async fn signed(
    response: Box<Response>,
    signing: &Arc<AnswerSigning>,
    snapshot: &Snapshot,
    edge: &Edge,
    trail: &mut Trail<'_>,
) -> Box<Response> {
    let failure = match signing.sign(response, trail.answered(edge)).await {
        Ok(response) => return response,
        Err(failure) => failure,
    };
    if let Some(refusal) = &trail.refusal {
        return shaped(refusal, snapshot, trail);
    }
    let refusal = refused(failure.into(), snapshot, trail).await;
    match (signing.sign(refusal, trail.answered(edge)).await, &trail.refusal) {
        (Ok(response), _) => response,
        (Err(_), Some(refusal)) => shaped(refusal, snapshot, trail),
        (Err(failure), None) => shaped(&failure.into(), snapshot, trail),
    }
}

/// Writes the access line and counts.
pub(super) fn record(worker: &Worker, edition: &Edition, edge: &Edge, peer: &Peer, trail: &Trail<'_>, status: u16) {
    let duration_micros = micros(trail.started.elapsed());
    let upstream_micros = trail.report.waited.map(micros);
    let identity = trail.identity.as_ref();
    let (verdict, by) = (verdict(trail), by(trail));
    worker.log(&AccessLine {
        unix_millis: trail.unix_millis,
        request_id: trail.request_id.as_bytes(),
        client: trail.client.as_deref().unwrap_or(peer.text()),
        listener: &edge.name,
        method: trail.head.method(),
        path: trail.head.path(),
        route: trail.route.map(|route| &*route.name),
        status,
        verdict,
        by,
        key_id: identity.and_then(|identity| identity.key_id.as_deref()),
        secret: identity.and_then(|identity| identity.key()).and_then(Matched::told),
        subject: identity.and_then(|identity| identity.subject.as_deref()),
        unchecked: trail.unchecked,
        duration_micros,
        upstream_micros,
        bytes_in: trail.received,
        bytes_out: trail.sent,
    });
    // A tunnel's life is no request's duration: what counts is how long it took to begin.
    let counted_micros = if status == 101 { upstream_micros.unwrap_or(duration_micros) } else { duration_micros };
    count(edition, trail, (verdict, by), counted_micros, upstream_micros);
}

/// The same for bytes that never became a request.
pub(super) fn record_head_refusal(
    (worker, edition): (&Worker, &Edition),
    (edge, peer): (Option<&Edge>, &Peer),
    request_id: RequestId,
    refusal: &Refusal,
    status: u16,
) {
    worker.log(&AccessLine {
        unix_millis: worker.clock.unix_millis(),
        request_id: request_id.as_bytes(),
        client: peer.text(),
        listener: edge.map_or("", |edge| &edge.name),
        method: "",
        path: "",
        route: None,
        status,
        verdict: Verdict::Refused { cause: refusal.cause(), why: Some(refusal) },
        by: None,
        key_id: None,
        secret: None,
        subject: None,
        unchecked: false,
        duration_micros: 0,
        upstream_micros: None,
        bytes_in: 0,
        bytes_out: 0,
    });
    edition.metrics.request(None, Caller::Unknown, Outcome::Refused(refusal.cause()), 0);
}

fn verdict<'t>(trail: &'t Trail<'_>) -> Verdict<'t> {
    match (&trail.refusal, &trail.broken) {
        (Some(refusal @ Refusal::Failed(_)), _) => Verdict::Failed { cause: Some(refusal.cause()), why: Some(refusal) },
        (Some(refusal), _) => Verdict::Refused { cause: refusal.cause(), why: Some(refusal) },
        (None, Some(broken)) => Verdict::Failed { cause: None, why: Some(broken) },
        (None, None) => Verdict::Allowed,
    }
}

/// Whose rules let the request in, or refused it.
fn by<'t>(trail: &'t Trail<'_>) -> Option<&'t str> {
    match (&trail.identity, &trail.refusal) {
        (Some(identity), _) => Some(identity.by.unwrap_or("public")),
        (None, Some(Refusal::Denied(denied))) => denied.rule(),
        (None, None) if trail.handshake => Some("handshake"),
        (None, _) => None,
    }
}

fn count(
    edition: &Edition,
    trail: &Trail<'_>,
    (verdict, by): (Verdict<'_>, Option<&str>),
    duration_micros: u64,
    upstream_micros: Option<u64>,
) {
    let outcome = match verdict {
        Verdict::Allowed => Outcome::Allowed,
        Verdict::Refused { cause, .. } => Outcome::Refused(cause),
        Verdict::Failed { cause, .. } => Outcome::Failed(cause),
    };
    let is_public = trail.identity.as_ref().is_some_and(|identity| identity.by.is_none());
    let caller = match by {
        Some(_) if is_public => Caller::Public,
        Some(rule) => edition.caller(rule),
        None => Caller::Unknown,
    };
    let keys = trail.identity.iter().flat_map(|identity| identity.keys());
    keys.for_each(|key| edition.metrics.key_used(key.source().0, key.place(), trail.unix_millis));
    let route = trail.route;
    if let Some(beyond) = trail.refusal.as_ref().and_then(Refusal::beyond) {
        edition.metrics.rate_limited(beyond.index);
    }
    edition.metrics.request(route.map(|route| route.index), caller, outcome, duration_micros);
    if let Some(route) = route {
        let report = &trail.report;
        (0..report.connects).for_each(|_| edition.metrics.upstream_connect(route.upstream, true));
        (0..report.retries).for_each(|_| edition.metrics.upstream_retry(route.upstream));
        (0..report.failed_connects).for_each(|_| edition.metrics.upstream_connect(route.upstream, false));
    }
    if let (Some(micros), Some(route)) = (upstream_micros, route) {
        let outcome = match &trail.refusal {
            None => UpstreamOutcome::Answered,
            Some(refusal) if refusal.cause() == Cause::UpstreamTimeout => UpstreamOutcome::TimedOut,
            Some(Refusal::Failed(failure)) if failure.blames_upstream() => UpstreamOutcome::Failed,
            Some(_) => return,
        };
        edition.metrics.upstream_request(route.upstream, outcome, micros);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
