//! What the admin listener can be asked to do, each a few lines over the room that does it.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::reload::{Outcome, Reloads, Trigger};
use crate::{
    admin::{Call, Reply, Work},
    clock::Clock,
    store::revocations::{By, NotLifted, NotRevoked, Revocation, Revocations, Standing},
};

/// Every call.
pub(super) fn calls(reloads: &Reloads, revocations: &Arc<Revocations>, clock: &Clock) -> Arc<[Call]> {
    let reloads = reloads.clone();
    let (list, to_list) = (revocations.clone(), clock.clone());
    let (to_lift, lifting) = (revocations.clone(), clock.clone());
    let (revocations, clock) = (revocations.clone(), clock.clone());
    let reload = move |_: Bytes| -> Work { Box::pin(reload(reloads.clone())) };
    let revoke = move |body: Bytes| -> Work { Box::pin(revoke(revocations.clone(), clock.clone(), body)) };
    let lift = move |body: Bytes| -> Work { Box::pin(lift(to_lift.clone(), lifting.clone(), body)) };
    let shown = move |_: Bytes| -> Work { Box::pin(listed(list.clone(), to_list.clone())) };
    [
        Call { method: Method::POST, path: "/reload", work: Arc::new(reload) },
        Call { method: Method::POST, path: "/revocations", work: Arc::new(revoke) },
        Call { method: Method::DELETE, path: "/revocations", work: Arc::new(lift) },
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
        Ok(revocation) => Revocation { made_unix: now_unix, by: By::Operator, ..revocation },
        Err(error) => return Reply::error(StatusCode::BAD_REQUEST, error),
    };
    let document = revocation.to_json();
    let written = match revocations.shared() {
        Some(shared) => Ok(shared.revoke(&revocation, now_unix).await),
        // A disk may take its time; health checks must not wait for it.
        None => {
            let revocations = revocations.clone();
            tokio::task::spawn_blocking(move || revocations.revoke(revocation, now_unix)).await
        }
    };
    match written {
        Ok(Ok(Standing::New(standing))) => {
            let standing = standing.to_json();
            tracing::info!(revocation = %standing, "revoked");
            Reply { status: StatusCode::OK, body: json!({ "revoked": standing }) }
        }
        Ok(Ok(Standing::Before(standing))) => {
            tracing::info!(revocation = %document, "revoked already");
            Reply { status: StatusCode::OK, body: json!({ "already": standing.to_json() }) }
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

/// Lifts the revocation that the document names; what else it says does not matter.
async fn lift(revocations: Arc<Revocations>, clock: Clock, body: Bytes) -> Reply {
    let now_unix = clock.unix();
    let revoked = match Revocation::parse(&body, now_unix) {
        Ok(revocation) => revocation.revoked,
        Err(error) => return Reply::error(StatusCode::BAD_REQUEST, error),
    };
    let lifted = match revocations.shared() {
        Some(shared) => Ok(shared.lift(&revoked, now_unix).await),
        None => {
            let revocations = revocations.clone();
            tokio::task::spawn_blocking(move || revocations.lift(&revoked, now_unix)).await
        }
    };
    match lifted {
        Ok(Ok(lifted)) => {
            let document = lifted.to_json();
            tracing::info!(revocation = %document, "lifted");
            Reply { status: StatusCode::OK, body: json!({ "lifted": document }) }
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "a revocation was to be lifted and is not known to be");
            Reply::error(status_of_lifting(&error), error)
        }
        Err(_) => Reply::error(StatusCode::INTERNAL_SERVER_ERROR, "the lifting broke off; ask for the list"),
    }
}

fn status_of_lifting(error: &NotLifted) -> StatusCode {
    match error {
        NotLifted::Nothing => StatusCode::NOT_FOUND,
        NotLifted::NoPlace | NotLifted::Holders => StatusCode::CONFLICT,
        NotLifted::Write(_) => StatusCode::INTERNAL_SERVER_ERROR,
        NotLifted::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn listed(revocations: Arc<Revocations>, clock: Clock) -> Reply {
    let now_unix = clock.unix();
    let listed = match revocations.shared() {
        Some(shared) => shared.all(now_unix).await.map(|all| Ok(list(&all))),
        // They may be many, and a revocation be on its way to the disk; health checks must wait for neither.
        None => {
            let revocations = revocations.clone();
            Ok(tokio::task::spawn_blocking(move || list(&revocations.all(now_unix))).await)
        }
    };
    match listed {
        Ok(Ok(body)) => Reply { status: StatusCode::OK, body },
        Ok(Err(_)) => Reply::error(StatusCode::INTERNAL_SERVER_ERROR, "the list broke off"),
        Err(error) => Reply::error(StatusCode::SERVICE_UNAVAILABLE, error),
    }
}

fn list(revocations: &[Revocation]) -> Value {
    let documents: Vec<_> = revocations.iter().map(Revocation::to_json).collect();
    json!({ "revocations": documents })
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, sync::mpsc, time::Duration};

    use tokio::{task::spawn_blocking, time::timeout};

    use super::*;

    #[test]
    fn a_list_is_made_on_a_thread_of_its_own() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().max_blocking_threads(1).build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let revocations = Revocations::open(&directory.path().join("revoked"), 10, 1_000).unwrap();
        runtime.block_on(async {
            let (free, occupied) = mpsc::channel::<()>();
            let _other = spawn_blocking(move || occupied.recv());
            let mut listed = pin!(listed(Arc::new(revocations), Clock::system()));
            assert!(timeout(Duration::ZERO, &mut listed).await.is_err(), "the only one is taken");
            drop(free);
            assert_eq!(listed.await.status, StatusCode::OK);
        });
    }
}
