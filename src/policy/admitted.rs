//! The proof that a verified request may go on, and what is taken back when it comes to nothing.

use std::{cell::Cell, rc::Rc, sync::Arc};

use smallvec::SmallVec;

use super::Client;
use crate::{
    authenticate::Verified,
    clock::Clock,
    http1::RequestHead,
    message::{Body, Facts, Identity, Request},
    scheme::{self, Escape, Template, View},
    store::{ClaimKey, Claimed, Claims, Store, StoreError},
};

/// What admission needs besides the request.
pub struct Admission<'a> {
    /// Where claims are kept.
    pub claims: &'a Arc<Claims>,
    /// The time.
    pub clock: &'a Clock,
    /// The route's name, for templates.
    pub route: &'a Arc<str>,
    /// The request's id.
    pub request_id: &'a str,
    /// Public scheme and authority, for templates.
    pub origin: (&'a str, &'a str),
}

/// Why a verified request may not go on.
#[derive(Debug, thiserror::Error)]
pub enum NotAdmitted {
    /// It was accepted once before.
    #[error("this request was accepted before")]
    Replayed,
    /// It cannot be known whether it was.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A request that may go on.
#[derive(Debug)]
pub struct Admitted {
    request: Request,
    identity: Identity,
    client: Client,
    facts: Box<Told>,
    receipt: Receipt,
}

#[derive(Debug)]
struct Told {
    route: Arc<str>,
    request_id: String,
    scheme: String,
    authority: String,
}

/// The claims that a request made, so that they can be given back when nothing of it reached an upstream.
#[derive(Clone, Debug)]
pub struct Receipt {
    keys: SmallVec<[ClaimKey; 1]>,
    claims: Option<Arc<Claims>>,
    settled: Rc<Cell<bool>>,
}

/// Admits `caller`: claims all of its replay keys, or none.
///
/// # Errors
/// [`NotAdmitted`]; no claim of this request stands then.
pub async fn admit(caller: Verified, client: Client, admission: &Admission<'_>) -> Result<Admitted, NotAdmitted> {
    let (request, identity, replays) = caller.into_parts();
    let mut receipt = Receipt { keys: SmallVec::new(), claims: None, settled: Rc::default() };
    for replay in replays {
        let key = ClaimKey(replay.digest);
        let now_millis = admission.clock.unix_millis();
        match admission.claims.claim(&key, replay.until_millis, now_millis).await {
            Ok(Claimed::Fresh) => {
                receipt.claims.get_or_insert_with(|| admission.claims.clone());
                receipt.keys.push(key);
            }
            Ok(Claimed::Seen) => {
                receipt.release().await;
                return Err(NotAdmitted::Replayed);
            }
            Err(error) => {
                receipt.release().await;
                return Err(error.into());
            }
        }
    }
    let facts = Box::new(Told {
        route: admission.route.clone(),
        request_id: admission.request_id.to_owned(),
        scheme: admission.origin.0.to_owned(),
        authority: admission.origin.1.to_owned(),
    });
    Ok(Admitted { request, identity, client, facts, receipt })
}

impl Receipt {
    /// Gives the claims back, once: the request came to nothing and may come again.
    pub async fn release(&self) {
        if let (Some(claims), false) = (&self.claims, self.settled.replace(true)) {
            for key in &self.keys {
                claims.release(key).await;
            }
        }
    }
}

impl Admitted {
    /// The request's head, as it came.
    pub fn head(&self) -> &RequestHead {
        &self.request.head
    }

    /// Its body.
    pub fn body(&self) -> &Body {
        &self.request.body
    }

    /// Its body, to be sent on.
    pub fn into_body(self) -> Body {
        self.request.body
    }

    /// Who sent it.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where it came from.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its id in logs.
    pub fn request_id(&self) -> &str {
        &self.facts.request_id
    }

    /// What to give back if it comes to nothing.
    pub fn receipt(&self) -> Receipt {
        self.receipt.clone()
    }

    /// Fills in an answer or header template with what is known of this request.
    ///
    /// # Errors
    /// A value is absent or cannot stand there.
    pub fn render(&self, template: &Template, escape: Escape, out: &mut Vec<u8>) -> Result<(), scheme::Failure> {
        if let Some(literal) = template.literal() {
            out.extend_from_slice(literal.as_bytes());
            return Ok(());
        }
        let client = self.client.address.to_string();
        let facts = Facts {
            identity: &self.identity,
            route: &self.facts.route,
            request_id: &self.facts.request_id,
            client: &client,
        };
        let view = View {
            method: self.request.head.method(),
            target: self.request.head.origin_form(),
            scheme: &self.facts.scheme,
            authority: &self.facts.authority,
            headers: &self.request.head,
            body: scheme::Body::Unread,
            known: &facts,
        };
        template.render(&view, escape, out)
    }
}
