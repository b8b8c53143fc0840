//! The life of a request, whole: each step hands on what only it can make.

use std::{pin::Pin, rc::Rc};

use super::{
    refusals::Refusal,
    snapshot::{Route, Service, Snapshot},
    trail::Trail,
    worker::Worker,
};
use crate::{
    authenticate::{Desk, Origin, authenticate},
    forward,
    http1::{is_same_host, is_same_server, usual_port},
    issue,
    message::{Identity, Request, Response},
    policy::{self, Admission, Admitted, Client, Edge, Peer},
};

/// Screens, routes, authenticates, admits and serves `request`.
///
/// # Errors
/// The step that refused it.
pub(super) async fn story<'s>(
    worker: &Worker,
    snapshot: &'s Snapshot,
    edge: &Edge,
    peer: &Peer,
    mut request: Request,
    trail: &mut Trail<'s>,
) -> Result<Box<Response>, Refusal> {
    let request_id = trail.request_id;
    let client = policy::screen(edge, peer, &request.head);
    trail.client = client.behind_proxy.then(|| client.whence.to_string());
    edge.addresses.iter().try_for_each(|addresses| addresses.check(client.whence))?;
    let head = request.head.clone();
    let found = snapshot.routes.find(edge.index, head.authority(), head.method(), head.path());
    trail.route = found.as_ref().ok().map(|route| &***route);
    if let Some(addresses) = trail.route.and_then(|route| route.addresses.as_ref()) {
        addresses.check(client.whence)?;
    }
    if let Some(guard) = &snapshot.guard {
        guard.enter(client.whence, nanos(trail.unix_millis))?;
    }
    let route = found?;
    request.body.limit(route.hold.body)?;
    if let Some(handshake) = &route.handshake
        && let Some(answer) = handshake.unsigned(&head).inspect_err(|_| blame(&client, worker, snapshot))?
    {
        trail.handshake = true;
        return Ok(Box::new(answer));
    }

    let origin = origin(edge, &client, route, head.authority());
    let desk = Desk {
        now_millis: trail.unix_millis,
        clock: &snapshot.clock,
        origin,
        certificate: peer.certificate.as_ref(),
        limits: route.hold,
        patience: route.patience,
        deadlines: &worker.forwarder.deadlines,
        budgets: &snapshot.budgets,
        tokens: &worker.tokens,
    };
    let authenticated = match authenticate(&route.requirement, request, &desk).at_once() {
        Ok(authenticated) => authenticated,
        Err(later) => later.await,
    };
    let caller = match authenticated {
        Ok(caller) => caller,
        Err(denied) => {
            if denied.is_forgery() {
                blame(&client, worker, snapshot);
            }
            return Err(denied.into());
        }
    };
    trail.identity = Some(caller.identity().clone());

    let admission = Admission {
        revocations: &snapshot.revocations,
        claims: &snapshot.claims,
        counters: &snapshot.counters,
        limits: &route.limits,
        clock: &snapshot.clock,
        route: &route.name,
        request_id: request_id.as_bytes(),
        origin: (origin.scheme, origin.authority),
        asked: origin.asked,
    };
    let mut permit = match policy::admit(caller, client, &admission).at_once() {
        Ok(admitted) => admitted?,
        Err(later) => later.await?,
    };

    trail.unchecked = permit.is_unchecked();
    trail.receipt = Some(permit.take_receipt());
    trail.told = permit.take_told();
    if let Some(signing) = &route.sign_response {
        signing.check(trail.answered(edge))?;
    }
    if let Some(answer) = route.handshake.as_ref().and_then(|handshake| handshake.signed(&permit)) {
        return Ok(Box::new(answer));
    }
    let target = match &route.service {
        Service::Forward(target) => target,
        Service::Issue(service) => return issued(service, (worker, snapshot), permit, trail).await,
    };
    let served = forward::serve(target, &route.dress, &worker.forwarder, permit, &mut trail.report);
    Ok(served.await?)
}

/// What the token issuer answers; whom it issued to is noted for the log. On the heap: few requests are served so.
fn issued<'r, 's>(
    service: &'r issue::Service,
    (worker, snapshot): (&'r Worker, &'r Snapshot),
    permit: Admitted<'r>,
    trail: &'r mut Trail<'s>,
) -> Pin<Box<dyn Future<Output = Result<Box<Response>, Refusal>> + 'r>> {
    Box::pin(async move {
        let mut report = issue::Report::default();
        let client = *permit.client();
        let served = issue::serve(service, &worker.forwarder.deadlines, permit, &mut report).await;
        if served.as_ref().is_err_and(issue::Failure::is_guess) {
            blame(&client, worker, snapshot);
        }
        if let (Some(subject), Some(identity)) = (report.subject, &trail.identity) {
            let mut identity = Identity::clone(identity);
            identity.subject = Some(subject);
            trail.identity = Some(Rc::new(identity));
        }
        Ok(Box::new(served?))
    })
}

/// Notes against its address that a credential came and was not good.
fn blame(client: &Client<'_>, worker: &Worker, snapshot: &Snapshot) {
    if let Some(guard) = &snapshot.guard
        && guard.blame(client.whence, nanos(snapshot.clock.unix_millis()))
    {
        worker.gauges.lockout();
    }
}

fn nanos(unix_millis: i64) -> i64 {
    unix_millis.saturating_mul(1_000_000)
}

/// The scheme and authority that a client signs: the configured public ones, never what Host says. A request that asks
/// for another host than the public one is not what was signed. A trusted proxy may have written another, but not where that is
/// what led to the route: then it counts as what was asked, or what is signed for one host would be good on another's.
fn origin<'a>(edge: &'a Edge, client: &Client<'_>, route: &Route, authority: &'a str) -> Origin<'a> {
    match &edge.public_origin {
        Some((scheme, public)) => {
            let is_rewritten = client.behind_proxy && !route.names_hosts;
            let is_public_host = is_rewritten || is_public(client, (scheme, public), authority);
            let asked = if is_public_host { public } else { authority };
            Origin { scheme, authority: public, asked, is_public_host }
        }
        None => Origin { scheme: edge.scheme, authority, asked: authority, is_public_host: true },
    }
}

/// Whether `authority` is the public one. The port that a trusted proxy puts there is its own affair, and leads to no other route.
fn is_public(client: &Client<'_>, (scheme, public): (&str, &str), authority: &str) -> bool {
    public.eq_ignore_ascii_case(authority)
        || match client.behind_proxy {
            true => is_same_host(public, authority),
            false => is_same_server(public, authority, usual_port(scheme)),
        }
}
