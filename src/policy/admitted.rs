//! The proof that a verified request may go on, and what is taken back when it comes to nothing.

use std::{rc::Rc, sync::Arc};

use smallvec::SmallVec;

use super::Client;
use crate::{
    authenticate::Verified,
    clock::Clock,
    http1::RequestHead,
    message::{Body, Budgets, Facts, HoldError, HoldLimits, Identity, Request, hold},
    scheme::{self, Escape, Template, View},
    soon::Soon,
    store::{ClaimKey, Claimed, Claims, Store, StoreError},
};

/// What admission needs besides the request.
#[derive(Clone, Copy)]
pub struct Admission<'a> {
    /// Where claims are kept.
    pub claims: &'a Arc<Claims>,
    /// The time.
    pub clock: &'a Clock,
    /// The route's name, for templates.
    pub route: &'a str,
    /// The request's id.
    pub request_id: &'a str,
    /// Public scheme and authority, for templates.
    pub origin: (&'a str, &'a str),
}

/// Why a verified request may not go on.
#[derive(Debug, thiserror::Error)]
pub enum NotAdmitted {
    /// A key that signed it is not for this route.
    #[error("the key may not be used on this route")]
    NotAllowed,
    /// It was accepted once before.
    #[error("this request was accepted before")]
    Replayed,
    /// The time until which it was good passed while it was checked.
    #[error("the time ran out while it was checked")]
    Stale,
    /// It cannot be known whether it was.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A request that may go on.
pub struct Admitted<'a> {
    request: Request,
    identity: Rc<Identity<'a>>,
    client: Client<'a>,
    admission: Admission<'a>,
    receipt: Receipt,
}

/// The claims that a request made, so that they can be given back when nothing of it reached an upstream.
#[derive(Default)]
#[must_use = "claims of a request that came to nothing are to be released"]
pub struct Receipt {
    keys: SmallVec<[ClaimKey; 1]>,
    claims: Option<Arc<Claims>>,
}

/// Admits `caller`, if its key is for this route: claims all of its replay keys, or none.
///
/// # Errors
/// [`NotAdmitted`]; no claim of this request stands then.
pub fn admit<'a>(
    caller: Verified<'a>,
    client: Client<'a>,
    admission: Admission<'a>,
) -> Soon<'a, Result<Admitted<'a>, NotAdmitted>> {
    if !caller.identity().may_use(admission.route) {
        return Soon::now(Err(NotAdmitted::NotAllowed));
    }
    match caller.is_repeatable() {
        true => {
            let (request, identity, _) = caller.into_parts();
            Soon::now(Ok(Admitted { request, identity, client, admission, receipt: Receipt::default() }))
        }
        false => Soon::later(claim(caller, client, admission)),
    }
}

async fn claim<'a>(
    caller: Verified<'a>,
    client: Client<'a>,
    admission: Admission<'a>,
) -> Result<Admitted<'a>, NotAdmitted> {
    let (request, identity, replays) = caller.into_parts();
    let mut receipt = Receipt::default();
    for replay in replays {
        let key = ClaimKey(replay.digest);
        let now_millis = admission.clock.unix_millis();
        if now_millis > replay.until_millis {
            receipt.release().await;
            return Err(NotAdmitted::Stale);
        }
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
    Ok(Admitted { request, identity, client, admission, receipt })
}

impl Receipt {
    /// Gives the claims back: the request came to nothing and may come again.
    pub async fn release(self) {
        if let Some(claims) = self.claims {
            for key in &self.keys {
                claims.release(key).await;
            }
        }
    }
}

impl<'a> Admitted<'a> {
    /// The request's head, as it came.
    pub fn head(&self) -> &RequestHead {
        &self.request.head
    }

    /// Its body.
    pub fn body(&self) -> &Body {
        &self.request.body
    }

    /// Holds the body, if it is still arriving: the same bytes, all there.
    ///
    /// # Errors
    /// [`HoldError`]; the body is gone then.
    pub async fn hold(&mut self, limits: HoldLimits, budgets: &Budgets) -> Result<(), HoldError> {
        self.request.body = hold(std::mem::take(&mut self.request.body), limits, budgets).await?;
        Ok(())
    }

    /// Its body, to be sent on.
    pub fn into_body(self) -> Body {
        self.request.body
    }

    /// Who sent it.
    pub fn identity(&self) -> &Identity<'a> {
        &self.identity
    }

    /// Where it came from.
    pub fn client(&self) -> &Client<'a> {
        &self.client
    }

    /// Its id in logs.
    pub fn request_id(&self) -> &str {
        self.admission.request_id
    }

    /// Takes out what to give back if it comes to nothing.
    pub fn take_receipt(&mut self) -> Receipt {
        std::mem::take(&mut self.receipt)
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
        let client = self.client.text();
        let facts = Facts {
            identity: &self.identity,
            route: self.admission.route,
            request_id: self.admission.request_id,
            client: &client,
        };
        let view = View {
            method: self.request.head.method(),
            target: self.request.head.origin_form(),
            scheme: self.admission.origin.0,
            authority: self.admission.origin.1,
            headers: &*self.request.head,
            body: scheme::Body::Unread,
            known: &facts,
        };
        template.render(&view, escape, out)
    }
}
