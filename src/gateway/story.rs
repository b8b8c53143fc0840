//! The life of a request, whole: each step hands on what only it can make.

use super::{refusals::Refusal, snapshot::Snapshot, trail::Trail, worker::Worker};
use crate::{
    authenticate::{Desk, Origin, authenticate},
    forward,
    message::{Request, Response},
    policy::{self, Admission, Client, Edge, Peer},
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
    request: Request,
    trail: &mut Trail<'s>,
) -> Result<Response, Refusal> {
    let request_id = trail.request_id;
    let client = policy::screen(edge, peer, &request.head);
    trail.client = client.behind_proxy.then(|| client.address.to_string());
    let head = request.head.clone();
    let route = snapshot.routes.find(edge.index, head.authority(), head.method(), head.path())?;
    trail.route = Some(route);

    let (scheme, authority) = origin(edge, &client, head.authority());
    let desk = Desk {
        clock: &snapshot.clock,
        origin: Origin { scheme, authority },
        limits: route.hold,
        budgets: &snapshot.budgets,
        tokens: &worker.tokens,
    };
    let caller = authenticate(&route.requirement, request, &desk).await?;
    trail.identity = Some(caller.identity().clone());

    let admission = Admission {
        claims: &snapshot.claims,
        clock: &snapshot.clock,
        route: &route.name,
        request_id: request_id.as_str(),
        origin: (scheme, authority),
    };
    let mut permit = policy::admit(caller, client, admission).await?;

    let receipt = permit.take_receipt();
    match forward::serve(&route.target, &route.dress, &worker.forwarder, permit, &mut trail.report).await {
        Ok(response) => Ok(response),
        Err(failure) => {
            // Nothing of it reached an upstream: the same signed request may come again.
            if !trail.report.sent {
                receipt.release().await;
            }
            Err(failure.into())
        }
    }
}

/// The scheme and authority that a client signs. The configured public ones hold for whoever names them and for
/// whatever a trusted proxy sends; another Host stays what it is, so that a signature for one host is none for another.
fn origin<'a>(edge: &'a Edge, client: &Client<'_>, authority: &'a str) -> (&'a str, &'a str) {
    match &edge.public_origin {
        Some((scheme, public)) if client.behind_proxy || public.eq_ignore_ascii_case(authority) => (scheme, public),
        Some((scheme, _)) => (scheme, authority),
        None => (edge.scheme, authority),
    }
}
