//! Several credentials on one route: which are present, which are tried, and whose refusal is told.
//!
//! A leg is present when its carrier is. Carriers that no alternative wants together are refused; legs on one carrier are
//! tried in file order; when all fail, the first present leg's refusal is told, of several issuers that of the token's own.

use std::{rc::Rc, sync::Arc};

use smallvec::SmallVec;

use super::{
    Denied, Desk, Leg, Reason, Verified,
    denied::{Challenge, Missing, Schemes},
    held::view,
    signature,
    signature::{Accepted, Opened},
    token,
};
use crate::{
    message::{Body, BodyError, Carrier, Credential, Evidence, HoldLimits, Identity, Request, hold},
    scheme::{BodyNeed, Failure, Presence},
    soon::{Soon, Wait},
};

/// Tries the alternatives whose carriers are present, in file order.
pub(super) fn try_each<'r, 'c: 'r>(
    alternatives: &'c [Vec<Leg>],
    request: Request,
    desk: &'r Desk<'r>,
) -> Soon<'r, Result<Verified<'c>, Box<Denied>>> {
    // On the heap, for it is handed on often.
    let legs = Box::new(Legs { alternatives, request, desk, waited: false, attempts: Vec::new() });
    if let [alternative] = alternatives
        && let [leg] = alternative.as_slice()
        && !matches!(leg.carrier(), Carrier::Body(_))
    {
        return legs.only(leg);
    }
    Soon::later(several_legs(legs))
}

async fn several_legs<'c>(mut legs: Box<Legs<'c, '_>>) -> Result<Verified<'c>, Box<Denied>> {
    let alternatives = legs.alternatives;
    if alternatives.iter().flatten().any(|leg| matches!(leg.carrier(), Carrier::Body(_))) {
        legs.refuse_by_head().await?;
        legs.hold_body(BodyNeed::Parsed).await?;
    }
    let candidates = legs.candidates()?;
    let opened = legs.open_each(&candidates).await?;
    let need = opened.iter().flat_map(|(_, legs, _)| legs.iter()).map(need).max().unwrap_or(BodyNeed::Unneeded);
    if need > BodyNeed::Unneeded {
        legs.hold_body(need).await?;
    }
    for (order, alternative, shown) in opened {
        if let Some((identity, replays)) = legs.verify_all(order, alternative, shown).await {
            return Ok(Verified::new(legs.request, identity, replays));
        }
    }
    Err(legs.denied())
}

/// What a leg's head shows, as far as it was found good.
#[allow(clippy::large_enum_variant, reason = "most are signatures, and each request would pay for the box")]
enum Shown<'a> {
    /// A signature that the body may still belie.
    Signature(Opened<'a>),
    /// A token that is verified.
    Token(token::Shown),
}

/// What the legs of one alternative show.
type AllShown<'a> = SmallVec<[Shown<'a>; 1]>;
/// Alternatives that are still possible, each with its place in the file.
type Possible<'a> = SmallVec<[(usize, &'a [Leg], AllShown<'a>); 2]>;
type Proven<'a> = (Rc<Identity<'a>>, SmallVec<[super::Replay; 1]>);

/// What a leg was shown to be.
enum Proof<'a> {
    Signature(Accepted<'a>),
    Token(token::Shown),
}

struct Legs<'a, 'd> {
    alternatives: &'a [Vec<Leg>],
    request: Request,
    desk: &'d Desk<'d>,
    /// Whether the body was waited for: then the time is another.
    waited: bool,
    /// What failed: the place of its alternative, its name, and why.
    attempts: Vec<(usize, Arc<str>, Reason)>,
}

impl<'a, 'd> Legs<'a, 'd> {
    /// The usual route: one credential, and nothing that it could be confused with.
    fn only<'r>(self: Box<Self>, leg: &'a Leg) -> Soon<'r, Result<Verified<'a>, Box<Denied>>>
    where
        'a: 'r,
        'd: 'r,
    {
        match self.open(leg).at_once() {
            Ok(shown) => self.only_shown(leg, shown),
            Err(wait) => Soon::later(self.only_looked_up(leg, wait)),
        }
    }

    fn only_shown<'r>(
        self: Box<Self>,
        leg: &'a Leg,
        shown: Result<Shown<'a>, Reason>,
    ) -> Soon<'r, Result<Verified<'a>, Box<Denied>>>
    where
        'a: 'r,
        'd: 'r,
    {
        let shown = match shown {
            Ok(shown) => shown,
            Err(reason) => return Soon::now(Err(self.refused(leg, reason))),
        };
        if need(leg) > BodyNeed::Unneeded {
            return Soon::later(self.only_with_body(leg, shown));
        }
        let proof = self.verify(leg, shown);
        Soon::now(self.concluded(leg, proof))
    }

    async fn only_looked_up(
        self: Box<Self>,
        leg: &'a Leg,
        wait: Wait<'a, Result<Shown<'a>, Reason>>,
    ) -> Result<Verified<'a>, Box<Denied>> {
        let shown = wait.await;
        self.only_shown(leg, shown).await
    }

    async fn only_with_body(mut self: Box<Self>, leg: &'a Leg, shown: Shown<'a>) -> Result<Verified<'a>, Box<Denied>> {
        self.hold_body(need(leg)).await?;
        let proof = self.prove(leg, shown).await;
        self.concluded(leg, proof)
    }

    #[allow(clippy::boxed_local, reason = "out of its box it would be copied once more")]
    fn concluded(self: Box<Self>, leg: &'a Leg, proof: Result<Proof<'a>, Reason>) -> Result<Verified<'a>, Box<Denied>> {
        let mut proven = Proven::default();
        match proof.and_then(|proof| accept(leg, true, proof, &mut proven)) {
            Ok(()) => Ok(Verified::new(self.request, proven.0, proven.1)),
            Err(reason) => Err(self.refused(leg, reason)),
        }
    }

    fn refused(&self, leg: &Leg, reason: Reason) -> Box<Denied> {
        match reason {
            Reason::Absent | Reason::Signature(Failure::MissingSignature) => self.nothing_present(),
            reason => Box::new(Denied { schemes: self.schemes(), ..*Denied::one(leg.name().clone(), reason) }),
        }
    }

    /// Refuses before the body is read where a credential in the head is there and fails, whatever the body may hold: with
    /// another one in it there would be two.
    async fn refuse_by_head(&mut self) -> Result<(), Box<Denied>> {
        let is_in_body = |leg: &Leg| matches!(leg.carrier(), Carrier::Body(_));
        let in_head = |legs: &&Vec<Leg>| !legs.iter().any(is_in_body);
        if self.alternatives.iter().any(|legs| legs.iter().any(is_in_body) && !legs.iter().all(is_in_body)) {
            // Where one credential of each is wanted together, only the body can tell.
            return Ok(());
        }
        let there = |legs: &&Vec<Leg>| legs.iter().all(|leg| self.is_present(leg));
        let candidates: SmallVec<[&[Leg]; 2]> =
            self.alternatives.iter().filter(in_head).filter(there).map(Vec::as_slice).collect();
        if !candidates.is_empty() {
            self.open_each(&candidates).await?;
            self.attempts.clear();
        }
        Ok(())
    }

    /// The alternatives all of whose carriers are there.
    fn candidates(&self) -> Result<SmallVec<[&'a [Leg]; 2]>, Box<Denied>> {
        let mut present: SmallVec<[&Carrier; 4]> = SmallVec::new();
        for leg in self.alternatives.iter().flatten() {
            if !present.contains(&leg.carrier()) && self.is_present(leg) {
                present.push(leg.carrier());
            }
        }
        if present.is_empty() {
            return Err(self.nothing_present());
        }
        let wants_all =
            |legs: &&Vec<Leg>| present.iter().all(|carrier| legs.iter().any(|leg| leg.carrier() == *carrier));
        let mut fitting = self.alternatives.iter().filter(wants_all).peekable();
        if fitting.peek().is_none() {
            return Err(several(&present));
        }
        let complete = |legs: &&Vec<Leg>| legs.iter().all(|leg| present.contains(&leg.carrier()));
        let first = fitting.peek().copied();
        let candidates: SmallVec<[&[Leg]; 2]> = fitting.filter(complete).map(Vec::as_slice).collect();
        match (candidates.is_empty(), first) {
            (true, Some(legs)) => {
                Err(self.missing(legs.iter().find(|leg| !present.contains(&leg.carrier())), Vec::new()))
            }
            _ => Ok(candidates),
        }
    }

    /// A carrier that is there but malformed is present: refusing it is the leg's business, never a laxer leg's.
    fn is_present(&self, leg: &Leg) -> bool {
        let Request { head, body } = &self.request;
        match leg {
            Leg::Signature(rule) => rule.scheme.is_present(&view(head, body, self.desk.origin)) == Presence::Yes,
            Leg::Token(rule) => !matches!(token::find(rule, head), Ok(None)),
        }
    }

    fn nothing_present(&self) -> Box<Denied> {
        self.missing(self.alternatives.iter().flatten().next(), Vec::new())
    }

    /// The refusal of a leg whose credential is absent, with a challenge where any leg would take a token.
    fn missing(&self, leg: Option<&Leg>, mut attempts: Vec<(Arc<str>, Reason)>) -> Box<Denied> {
        use crate::refusal::Cause;
        let schemes = self.schemes();
        let missing = leg.map(|leg| match leg {
            Leg::Signature(rule) => Missing::Signature(rule.scheme.carrier().clone()),
            Leg::Token(rule) => Missing::Token(rule.place.clone()),
        });
        let cause = missing.as_ref().map_or(Cause::MissingSignature, Missing::cause);
        if let (Some(leg), Some(missing)) = (leg, &missing) {
            // What follows says it better.
            attempts.retain(|(name, reason)| name != leg.name() || !matches!(reason, Reason::Absent));
            attempts.push((leg.name().clone(), self.why_missing(missing)));
        }
        let challenge = schemes.any().then_some(Challenge::Bare);
        Box::new(Denied { cause, missing, challenge, schemes, attempts })
    }

    fn why_missing(&self, missing: &Missing) -> Reason {
        let mut there = missing.header().into_iter().flat_map(|name| self.request.head.values(name));
        match there.any(|value| !value.is_empty()) {
            true => Reason::OtherThan(Box::new(missing.clone())),
            false => Reason::Missing(Box::new(missing.clone())),
        }
    }

    /// The schemes in which a token would be taken.
    fn schemes(&self) -> Schemes {
        let mut schemes = Schemes::default();
        for leg in self.alternatives.iter().flatten() {
            if let Leg::Token(rule) = leg {
                schemes.bearer |= rule.dpop.is_none_or(|dpop| !dpop.required);
                schemes.dpop |= rule.dpop.is_some();
            }
        }
        schemes
    }

    /// Checks what the head shows of each candidate; those that fail are out before a byte of the body is read.
    async fn open_each(&mut self, candidates: &[&'a [Leg]]) -> Result<Possible<'a>, Box<Denied>> {
        let mut possible = Possible::new();
        for (order, legs) in candidates.iter().enumerate() {
            match self.open_all(legs).await {
                Ok(shown) => {
                    let is_certain = is_certain(legs, &shown);
                    possible.push((order, *legs, shown));
                    // What comes behind it in the file is not needed, and some of it would be asked for elsewhere.
                    if is_certain {
                        break;
                    }
                }
                Err((leg, reason)) => {
                    let is_of_another = reason.is_of_another();
                    self.attempts.push((order, leg.name().clone(), reason));
                    if is_of_another {
                        break;
                    }
                }
            }
        }
        if possible.is_empty() { Err(self.take_denied()) } else { Ok(possible) }
    }

    async fn open_all(&self, legs: &'a [Leg]) -> Result<AllShown<'a>, (&'a Leg, Reason)> {
        let mut all = AllShown::new();
        for leg in legs {
            all.push(self.open(leg).await.map_err(|reason| (leg, reason))?);
        }
        Ok(all)
    }

    /// Whoever holds back the end of a body must not hold the time back with it.
    fn now_millis(&self) -> i64 {
        if self.waited { self.desk.clock.unix_millis() } else { self.desk.now_millis }
    }

    fn open(&self, leg: &'a Leg) -> Soon<'a, Result<Shown<'a>, Reason>> {
        let now_millis = self.now_millis();
        let Request { head, body } = &self.request;
        let origin = self.desk.origin;
        match leg {
            Leg::Token(rule) => match rule.verifier.introspection() {
                None => Soon::now(token::verify(rule, head, self.desk, now_millis).map(Shown::Token)),
                Some(server) => told(token::ask(rule, server, head, (origin.site(), self.desk.clock), now_millis)),
            },
            Leg::Signature(rule) => shown(signature::open(rule, &view(head, body, origin), origin, now_millis)),
        }
    }

    async fn verify_all(&mut self, order: usize, legs: &'a [Leg], shown: AllShown<'a>) -> Option<Proven<'a>> {
        let mut proven = Proven::default();
        let naming = Leg::naming(legs);
        for (place, (leg, shown)) in legs.iter().zip(shown).enumerate() {
            let proof = self.prove(leg, shown).await;
            if let Err(reason) = proof.and_then(|proof| accept(leg, place == naming, proof, &mut proven)) {
                self.attempts.push((order, leg.name().clone(), reason));
                return None;
            }
        }
        Some(proven)
    }

    /// As `verify`, where the body may have been waited for, and may lie on a disk.
    async fn prove(&self, leg: &'a Leg, shown: Shown<'a>) -> Result<Proof<'a>, Reason> {
        let Request { head, body } = &self.request;
        match (leg, shown, body) {
            (Leg::Signature(rule), Shown::Signature(opened), Body::Spooled(spool)) => {
                signature::verify_spooled(rule, opened, head, spool, self.desk).await.map(Proof::Signature)
            }
            (leg, shown, _) if self.waited => {
                let shown = self.reopen(leg, shown).await?;
                self.verify(leg, shown)
            }
            (leg, shown, _) => self.verify(leg, shown),
        }
    }

    /// What is shown once the body was waited for: the time is another then.
    fn reopen(&self, leg: &'a Leg, before: Shown<'a>) -> Soon<'a, Result<Shown<'a>, Reason>> {
        let Request { head, body } = &self.request;
        match (leg, before) {
            (Leg::Signature(rule), Shown::Signature(opened)) => {
                let view = view(head, body, self.desk.origin);
                shown(signature::reopen(rule, opened, &view, self.now_millis()))
            }
            (leg, _) => self.open(leg),
        }
    }

    fn verify(&self, leg: &'a Leg, shown: Shown<'a>) -> Result<Proof<'a>, Reason> {
        let Request { head, body } = &self.request;
        match (leg, shown) {
            (Leg::Signature(rule), Shown::Signature(opened)) => {
                let view = view(head, body, self.desk.origin);
                signature::verify(rule, opened, &view, self.now_millis()).map(Proof::Signature)
            }
            (Leg::Token(_), Shown::Token(token)) => Ok(Proof::Token(token)),
            // Each leg was opened as what it is; anything else is refused rather than guessed at.
            (Leg::Signature(_), Shown::Token(_)) | (Leg::Token(_), Shown::Signature(_)) => Err(Reason::Absent),
        }
    }

    async fn hold_body(&mut self, need: BodyNeed) -> Result<(), Box<Denied>> {
        let limits = HoldLimits { may_spool: need < BodyNeed::Parsed, ..self.desk.limits };
        let body = std::mem::replace(&mut self.request.body, Body::Empty);
        // Each piece has its time and so has the whole: what is not verified yet may not pin the budgets with a trickle.
        let holding = hold(body, limits, self.desk.budgets);
        let held = self.desk.deadlines.within(self.desk.patience, holding).await;
        self.waited = true;
        match held.unwrap_or(Err(BodyError::Stalled.into())) {
            Ok(held) => {
                self.request.body = held;
                Ok(())
            }
            Err(error) => Err(Denied::one("body".into(), error.into())),
        }
    }

    fn denied(mut self) -> Box<Denied> {
        self.take_denied()
    }

    /// The first present leg's refusal, in file order; the log has each.
    fn take_denied(&mut self) -> Box<Denied> {
        let mut attempts = std::mem::take(&mut self.attempts);
        attempts.sort_by_key(|(order, _, reason)| (weight(reason), *order));
        let attempts: Vec<_> = attempts.into_iter().map(|(_, name, reason)| (name, reason)).collect();
        match attempts.first() {
            None => self.nothing_present(),
            Some((name, Reason::Absent | Reason::Signature(Failure::MissingSignature))) => {
                let leg = self.alternatives.iter().flatten().find(|leg| leg.name() == name);
                self.missing(leg, attempts)
            }
            Some((_, first)) => {
                let cause = first.cause();
                let token = attempts.iter().any(|(_, reason)| matches!(reason, Reason::Token(_)));
                // A token that nobody could judge is not called invalid, or its client would throw it away.
                let invalid = token && !first.is_unjudged();
                let challenge = first.challenge().or_else(|| invalid.then_some(Challenge::InvalidToken));
                Box::new(Denied { cause, missing: None, challenge, schemes: self.schemes(), attempts })
            }
        }
    }
}

/// Notes what must be accepted once only. Where two legs are met by one credential it is claimed once, or it would be its own
/// replay.
fn claim_once(replays: &mut SmallVec<[super::Replay; 1]>, more: impl IntoIterator<Item = super::Replay>) {
    for replay in more {
        if !replays.iter().any(|claimed| claimed.digest == replay.digest) {
            replays.push(replay);
        }
    }
}

/// Adds what one leg proved. The one that is to name the caller gives all that is said of the caller.
fn accept<'a>(leg: &'a Leg, names: bool, proof: Proof<'a>, (identity, replays): &mut Proven<'a>) -> Result<(), Reason> {
    // Where it will stay: nobody shares it yet.
    let identity = Rc::make_mut(identity);
    let (subject, key_id, evidence) = match (leg, proof) {
        (_, Proof::Signature(accepted)) => {
            claim_once(replays, accepted.replay);
            (accepted.key_id.clone(), accepted.key_id, Evidence::Key(accepted.key))
        }
        (Leg::Token(rule), Proof::Token(shown)) => {
            claim_once(replays, token::replays(rule, &shown)?);
            let token = shown.token;
            (token.subject().map(Rc::from), token.kid().map(Rc::from), Evidence::Token(token))
        }
        (Leg::Signature(_), Proof::Token(_)) => return Err(Reason::Absent),
    };
    let credential = Credential { by: leg.name(), subject, key_id, evidence };
    if names {
        identity.name_by(credential)
    } else {
        identity.add_other(credential)
    }
    identity.add_carrier(leg.carrier());
    if let Some(beside) = leg.beside() {
        identity.add_carrier(beside);
    }
    Ok(())
}

/// Whose refusal is told before another's: that of a leg that could not be judged, for it might have let the request in.
/// Then, where two kinds of credentials share a carrier, that of the one that came; and where several issuers do, that of the
/// one that it is from.
fn weight(reason: &Reason) -> u8 {
    match reason {
        reason if reason.is_unjudged() => 0,
        Reason::Token(error) if error.is_foreign() => 2,
        Reason::Absent | Reason::Signature(Failure::MissingSignature) => 3,
        _ => 1,
    }
}

fn shown<'a>(opened: Soon<'a, Result<Opened<'a>, Reason>>) -> Soon<'a, Result<Shown<'a>, Reason>> {
    match opened.at_once() {
        Ok(opened) => Soon::now(opened.map(Shown::Signature)),
        Err(wait) => Soon::later(async { wait.await.map(Shown::Signature) }),
    }
}

fn told<'a>(asked: Soon<'a, Result<token::Shown, Reason>>) -> Soon<'a, Result<Shown<'a>, Reason>> {
    match asked.at_once() {
        Ok(token) => Soon::now(token.map(Shown::Token)),
        Err(wait) => Soon::later(async { wait.await.map(Shown::Token) }),
    }
}

/// Whether nothing can come between what these legs show and their proof: they are tokens, and each has what a replay memory
/// wants to know of it.
fn is_certain(legs: &[Leg], shown: &AllShown<'_>) -> bool {
    legs.iter().zip(shown).all(|pair| match pair {
        (Leg::Token(rule), Shown::Token(shown)) => token::replays(rule, shown).is_ok(),
        _ => false,
    })
}

fn need(leg: &Leg) -> BodyNeed {
    match leg {
        Leg::Signature(rule) => rule.scheme.body_need(),
        Leg::Token(_) => BodyNeed::Unneeded,
    }
}

fn several(present: &[&Carrier]) -> Box<Denied> {
    let places: Vec<String> = present.iter().map(|carrier| format!("{carrier:?}")).collect();
    Denied::one("credentials".into(), Reason::SeveralCarriers(places.join(" and ")))
}
