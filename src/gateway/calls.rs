//! What the admin listener can be asked to do, each a few lines over the room that does it.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::json;

use super::reload::{Outcome, Reloads, Trigger};
use crate::{
    admin::{Call, Reply, Work},
    clock::Clock,
    store::revocations::{By, NotRevoked, Revocation, Revocations},
};

/// Every call.
pub(super) fn calls(reloads: &Reloads, revocations: &Arc<Revocations>, clock: &Clock) -> Arc<[Call]> {
    let reloads = reloads.clone();
    let (list, to_list) = (revocations.clone(), clock.clone());
    let (revocations, clock) = (revocations.clone(), clock.clone());
    let reload = move |_: Bytes| -> Work { Box::pin(reload(reloads.clone())) };
    let revoke = move |body: Bytes| -> Work { Box::pin(revoke(revocations.clone(), clock.clone(), body)) };
    let shown = move |_: Bytes| -> Work { Box::pin(listed(list.clone(), to_list.clone())) };
    [
        Call { method: Method::POST, path: "/reload", work: Arc::new(reload) },
        Call { method: Method::POST, path: "/revocations", work: Arc::new(revoke) },
        Call { method: Method::GET, path: "/revocations", work: Arc::new(shown) },
    ]
    .into()
}

async fn reload(reloads: Reloads) -> Reply {
    match reloads.outcome(Trigger::Admin).await {
        Ok(Outcome::Loaded { generation, notes }) => {
            Reply { status: StatusCode::OK, body: json!({ "generation": generation, "notes": notes }) }
        }
        Ok(Outcome::Refused { problems }) => {
            Reply { status: StatusCode::UNPROCESSABLE_ENTITY, body: json!({ "problems": problems }) }
        }
        Err(_) => Reply::error(StatusCode::SERVICE_UNAVAILABLE, "the gateway is ending"),
    }
}

async fn revoke(revocations: Arc<Revocations>, clock: Clock, body: Bytes) -> Reply {
    let now_unix = clock.unix();
    let revocation = match Revocation::parse(&body, now_unix) {
        Ok(revocation) => Revocation { made_unix: now_unix, ..revocation },
        Err(error) => return Reply::error(StatusCode::BAD_REQUEST, error),
    };
    let document = revocation.to_json();
    let written = match revocations.shared() {
        Some(shared) => Ok(shared.revoke(&revocation, now_unix).await),
        // A disk may take its time; health checks must not wait for it.
        None => {
            let revocations = revocations.clone();
            tokio::task::spawn_blocking(move || revocations.revoke(revocation, By::Operator, now_unix)).await
        }
    };
    match written {
        Ok(Ok(())) => {
            tracing::info!(revocation = %document, "revoked");
            Reply { status: StatusCode::OK, body: json!({ "revoked": document }) }
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "a revocation was asked for and is not in force");
            Reply::error(status(&error), error)
        }
        Err(_) => Reply::error(StatusCode::INTERNAL_SERVER_ERROR, "the revocation broke off; ask for the list"),
    }
}

fn status(error: &NotRevoked) -> StatusCode {
    match error {
        NotRevoked::NoPlace => StatusCode::CONFLICT,
        NotRevoked::Bad(_) => StatusCode::BAD_REQUEST,
        NotRevoked::Full => StatusCode::INSUFFICIENT_STORAGE,
        NotRevoked::Write(_) => StatusCode::INTERNAL_SERVER_ERROR,
        NotRevoked::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn listed(revocations: Arc<Revocations>, clock: Clock) -> Reply {
    let all = match revocations.shared() {
        Some(shared) => shared.all(clock.unix()).await,
        None => Ok(revocations.all(clock.unix())),
    };
    match all {
        Ok(all) => {
            let all: Vec<_> = all.iter().map(Revocation::to_json).collect();
            Reply { status: StatusCode::OK, body: json!({ "revocations": all }) }
        }
        Err(error) => Reply::error(StatusCode::SERVICE_UNAVAILABLE, error),
    }
}
