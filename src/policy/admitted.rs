//! The proof that a verified request may go on, and what is taken back when it comes to nothing.

use std::{rc::Rc, sync::Arc};

use smallvec::SmallVec;

use super::{
    Client,
    known::Shown,
    rates::{self, Beyond, NotWithin, RateLimit},
    revoked::{self, Withdrawn},
    told::LimitFields,
};
use crate::{
    authenticate::{Replay, Verified},
    clock::Clock,
    http1::RequestHead,
    message::{Body, Budgets, HoldError, HoldLimits, Identity, Request, hold},
    scheme::{self, Escape, Known, Template, View},
    soon::Soon,
    store::{
        ClaimKey, Claims, Counters, Held, StoreError,
        revocations::{Revocations, SharedRevocations, Unknown},
    },
};

/// What admission needs besides the request.
#[derive(Clone, Copy)]
pub struct Admission<'a> {
    /// What is revoked.
    pub revocations: &'a Revocations,
    /// Where claims are kept.
    pub claims: &'a Arc<Claims>,
    /// Where counters are kept.
    pub counters: &'a Counters,
    /// The route's limits.
    pub limits: &'a [RateLimit],
    /// The time.
    pub clock: &'a Clock,
    /// The route's name, for templates.
    pub route: &'a str,
    /// The request's id.
    pub request_id: &'a [u8],
    /// Public scheme and authority, for templates.
    pub origin: (&'a str, &'a str),
    /// The host that was asked.
    pub asked: &'a str,
}

/// Why a verified request may not go on.
#[derive(Debug, thiserror::Error)]
pub enum NotAdmitted {
    /// A key that signed it is not for this route.
    #[error("the key may not be used on this route")]
    NotAllowed,
    /// What it shows is no longer good.
    #[error(transparent)]
    Withdrawn(#[from] Withdrawn),
    /// It cannot be known whether it is.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// It was accepted once before.
    #[error("this request was accepted before")]
    Replayed,
    /// The time until which it was good passed while it was checked.
    #[error("the time ran out while it was checked")]
    Stale,
    /// It may have been accepted before the gateway started, which remembers nothing of that time.
    #[error("it may have been accepted before the gateway started")]
    BeforeStart,
    /// It cannot be known whether it was.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is one too many.
    #[error(transparent)]
    Beyond(#[from] Beyond),
    /// What a limit of its route counts by is not there.
    #[error("a rate limit cannot count it: {0}")]
    Uncounted(#[source] scheme::Failure),
}

impl From<NotWithin> for NotAdmitted {
    fn from(why: NotWithin) -> NotAdmitted {
        match why {
            NotWithin::Beyond(beyond) => NotAdmitted::Beyond(beyond),
            NotWithin::Uncounted(failure) => NotAdmitted::Uncounted(failure),
            NotWithin::Store(error) => NotAdmitted::Store(error),
        }
    }
}

/// A request that may go on. On the heap, for it is large and handed on often.
pub struct Admitted<'a>(Box<Grounds<'a>>);

/// What it goes on with.
struct Grounds<'a> {
    request: Request,
    identity: Rc<Identity<'a>>,
    client: Client<'a>,
    admission: &'a Admission<'a>,
    receipt: Receipt,
    unchecked: bool,
    told: Option<Box<LimitFields>>,
}

/// The claims that a request made, so that they can be given back when nothing of it reached an upstream.
#[derive(Default)]
#[must_use = "claims of a request that came to nothing are to be released"]
pub struct Receipt {
    held: SmallVec<[Held; 1]>,
    claims: Option<Arc<Claims>>,
}

/// Admits `caller`, if what it shows was not revoked and its key is for this route: claims all of its replay keys, or none,
/// and then spends one of each of its route's limits, or none.
///
/// # Errors
/// [`NotAdmitted`]; no claim of this request stands then, and nothing is spent.
pub fn admit<'a>(
    caller: Verified<'a>,
    client: Client<'a>,
    admission: &'a Admission<'a>,
) -> Soon<'a, Result<Admitted<'a>, NotAdmitted>> {
    if let Err(withdrawn) = revoked::check(caller.identity(), admission) {
        return Soon::now(Err(withdrawn.into()));
    }
    if let Some(shared) = admission.revocations.shared()
        && let Some(open) = revoked::Open::of(caller.identity())
    {
        return Soon::later(ask(caller, client, admission, shared, open));
    }
    admit_unrevoked(caller, client, admission)
}

/// Asks the store that gateways share whether what `caller` shows was revoked; the rest is as everywhere.
async fn ask<'a>(
    caller: Verified<'a>,
    client: Client<'a>,
    admission: &'a Admission<'a>,
    shared: &'a SharedRevocations,
    open: revoked::Open,
) -> Result<Admitted<'a>, NotAdmitted> {
    if let Some(withdrawn) = open.ask(shared, admission.clock.unix()).await? {
        return Err(withdrawn.into());
    }
    match admit_unrevoked(caller, client, admission).at_once() {
        Ok(admitted) => admitted,
        Err(later) => later.await,
    }
}

/// Admits `caller`, of whom nothing is revoked.
fn admit_unrevoked<'a>(
    caller: Verified<'a>,
    client: Client<'a>,
    admission: &'a Admission<'a>,
) -> Soon<'a, Result<Admitted<'a>, NotAdmitted>> {
    if !caller.identity().may_use(admission.route) {
        return Soon::now(Err(NotAdmitted::NotAllowed));
    }
    let (request, identity, replays) = caller.into_parts();
    let receipt = Receipt::default();
    let grounds = Grounds { request, identity, client, admission, receipt, unchecked: false, told: None };
    let mut admitted = Admitted(Box::write(Box::new_uninit(), grounds));
    for replay in &replays {
        match admitted.claim_at_once(replay) {
            Some(Ok(())) => {}
            Some(Err(why)) => return refused(admitted, why),
            // Of one store all claims are asked for in one way: none was made yet.
            None => return Soon::later(claim(admitted, replays)),
        }
    }
    if admission.limits.is_empty() { Soon::now(Ok(admitted)) } else { within_limits(admitted) }
}

/// Claims what a store has to be asked for.
async fn claim<'a>(mut admitted: Admitted<'a>, replays: SmallVec<[Replay; 1]>) -> Result<Admitted<'a>, NotAdmitted> {
    for replay in &replays {
        let admission = admitted.0.admission;
        let claimed = match in_time(admission, replay) {
            Ok(now_millis) => {
                let key = ClaimKey(replay.digest);
                let claimed = admission.claims.claim(&key, replay.until_millis, now_millis).await;
                admitted.note(replay, claimed)
            }
            Err(why) => Err(why),
        };
        if let Err(why) = claimed {
            return refused(admitted, why).await;
        }
    }
    within_limits(admitted).await
}

/// The time, where a claim can still be made.
fn in_time(admission: &Admission<'_>, replay: &Replay) -> Result<i64, NotAdmitted> {
    let now_millis = admission.clock.unix_millis();
    if now_millis > replay.until_millis {
        return Err(NotAdmitted::Stale);
    }
    if admission.claims.may_have_forgotten(replay.since_millis) {
        return Err(NotAdmitted::BeforeStart);
    }
    Ok(now_millis)
}

/// Gives back what was claimed, where anything was.
fn refused<'a>(mut admitted: Admitted<'a>, why: NotAdmitted) -> Soon<'a, Result<Admitted<'a>, NotAdmitted>> {
    let receipt = admitted.take_receipt();
    if receipt.claims.is_none() {
        return Soon::now(Err(why));
    }
    Soon::later(async move {
        receipt.release().await;
        Err(why)
    })
}

/// Within the limits of its route, or not; at once where there are none, or they are counted here.
fn within_limits<'a>(mut admitted: Admitted<'a>) -> Soon<'a, Result<Admitted<'a>, NotAdmitted>> {
    if admitted.0.admission.limits.is_empty() {
        return Soon::now(Ok(admitted));
    }
    match rates::draw_at_once(&admitted.shown(), now_nanos(admitted.0.admission.clock)) {
        Some(Ok(told)) => {
            admitted.0.told = told;
            Soon::now(Ok(admitted))
        }
        Some(Err(why)) => refused(admitted, why.into()),
        None => Soon::later(limited(admitted)),
    }
}

/// Within limits that a store has to be asked for, or not: then its claims are given back.
async fn limited(mut admitted: Admitted<'_>) -> Result<Admitted<'_>, NotAdmitted> {
    match rates::draw(&admitted.shown(), now_nanos(admitted.0.admission.clock)).await {
        Ok(told) => {
            admitted.0.told = told;
            Ok(admitted)
        }
        Err(why) => {
            admitted.take_receipt().release().await;
            Err(why.into())
        }
    }
}

fn now_nanos(clock: &Clock) -> i64 {
    clock.unix_millis().saturating_mul(1_000_000)
}

impl Receipt {
    /// Gives the claims back: the request came to nothing and may come again.
    pub async fn release(self) {
        if let Some(claims) = self.claims {
            // On the heap: it is rare, and a store that has to be asked needs much room.
            let each = async move {
                for claim in &self.held {
                    claims.release(claim).await;
                }
            };
            Box::pin(each).await;
        }
    }
}

impl<'a> Admitted<'a> {
    /// The request's head, as it came.
    pub fn head(&self) -> &RequestHead {
        &self.0.request.head
    }

    /// Its body.
    pub fn body(&self) -> &Body {
        &self.0.request.body
    }

    /// Holds the body, if it is still arriving: the same bytes, all there.
    ///
    /// # Errors
    /// [`HoldError`]; the body is gone then.
    pub async fn hold(&mut self, limits: HoldLimits, budgets: &Budgets) -> Result<(), HoldError> {
        self.0.request.body = hold(std::mem::take(&mut self.0.request.body), limits, budgets).await?;
        Ok(())
    }

    /// Its body, to be sent on.
    pub fn into_body(self) -> Body {
        self.0.request.body
    }

    /// Who sent it.
    pub fn identity(&self) -> &Identity<'a> {
        &self.0.identity
    }

    /// Where it came from.
    pub fn client(&self) -> &Client<'a> {
        &self.0.client
    }

    /// Its id in logs.
    pub fn request_id(&self) -> &[u8] {
        self.0.admission.request_id
    }

    /// Whether it was let in although no store could tell whether it was before.
    pub fn is_unchecked(&self) -> bool {
        self.0.unchecked
    }

    /// Claims what `replay` says, where that can be known without a wait.
    fn claim_at_once(&mut self, replay: &Replay) -> Option<Result<(), NotAdmitted>> {
        let admission = self.0.admission;
        let now_millis = match in_time(admission, replay) {
            Ok(now_millis) => now_millis,
            Err(why) => return Some(Err(why)),
        };
        let key = ClaimKey(replay.digest);
        let claimed = admission.claims.claim_at_once(&key, replay.until_millis, now_millis)?;
        Some(self.note(replay, claimed))
    }

    /// Notes what a claim came to.
    fn note(&mut self, replay: &Replay, claimed: Result<Option<Held>, StoreError>) -> Result<(), NotAdmitted> {
        let claims = self.0.admission.claims;
        match claimed {
            Ok(Some(held)) => {
                self.0.receipt.claims.get_or_insert_with(|| claims.clone());
                self.0.receipt.held.push(held);
                Ok(())
            }
            Ok(None) => Err(NotAdmitted::Replayed),
            Err(StoreError::Unavailable(error)) if replay.may_go_unchecked => {
                tracing::debug!(%error, "a request goes on unchecked");
                claims.note_unchecked();
                self.0.unchecked = true;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes out what to give back if it comes to nothing.
    pub fn take_receipt(&mut self) -> Receipt {
        std::mem::take(&mut self.0.receipt)
    }

    /// Takes out what the client is told of its limits.
    pub fn take_told(&mut self) -> Option<Box<LimitFields>> {
        self.0.told.take()
    }

    /// Fills in an answer or header template with what is known of this request.
    ///
    /// # Errors
    /// A value is absent or cannot stand there.
    pub fn render(&self, template: &Template, escape: Escape, out: &mut Vec<u8>) -> Result<(), scheme::Failure> {
        self.shown().render(template, escape, out)
    }

    /// The request as templates see it, and what is `known` of it by now.
    pub fn view<'v>(&'v self, known: &'v dyn Known) -> View<'v> {
        View { body: self.0.request.body.view(), ..self.shown().view(known) }
    }

    /// The host that was asked, which may be another than the public one.
    pub fn asked(&self) -> &'a str {
        self.0.admission.asked
    }

    /// The name of its route.
    pub fn route(&self) -> &'a str {
        self.0.admission.route
    }

    fn shown(&self) -> Shown<'_, 'a> {
        Shown {
            request: &self.0.request,
            identity: &self.0.identity,
            client: &self.0.client,
            admission: self.0.admission,
        }
    }
}
