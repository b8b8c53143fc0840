//! Several credentials on one route: which are present, which are tried, and whose refusal is told.
//!
//! DESIGN "Several credentials": a leg is present when its carrier is. Carriers that no alternative wants together are
//! refused; legs on one carrier are tried in file order; when all fail, the first present leg's refusal is told.

use std::{rc::Rc, sync::Arc};

use smallvec::{SmallVec, smallvec};

use super::{Denied, Desk, Leg, Reason, SignatureRule, Verified, denied::Challenge, held::view, signature, token};
use crate::{
    message::{Body, Carrier, HoldLimits, Identity, Request, hold},
    scheme::{BodyNeed, Claimed, Failure, Presence},
};

/// Tries the alternatives whose carriers are present, in file order.
pub(super) async fn try_each<'c>(
    alternatives: &'c [Vec<Leg>],
    request: Request,
    desk: &Desk<'_>,
) -> Result<Verified<'c>, Box<Denied>> {
    let mut legs = Legs { alternatives, request, desk, attempts: Vec::new() };
    if let [alternative] = alternatives
        && let [Leg::Signature(rule)] = alternative.as_slice()
        && rule.carrier != Carrier::Body
    {
        return legs.only(alternative, rule).await;
    }
    if alternatives.iter().flatten().any(|leg| *leg.carrier() == Carrier::Body) {
        legs.hold_body(BodyNeed::Parsed).await?;
    }
    let candidates = legs.candidates()?;
    let opened = legs.open_each(&candidates)?;
    let need = opened.iter().flat_map(|(legs, _)| legs.iter()).map(need).max().unwrap_or(BodyNeed::Unneeded);
    if need > BodyNeed::Unneeded {
        legs.hold_body(need).await?;
    }
    for (alternative, claims) in opened {
        if let Some((identity, replays)) = legs.verify_all(alternative, claims).await {
            return Ok(Verified::new(legs.request, identity, replays));
        }
    }
    Err(legs.denied())
}

type Opened<'a> = SmallVec<[(&'a [Leg], SmallVec<[Option<Claimed>; 1]>); 2]>;
type Proven<'a> = (Identity<'a>, SmallVec<[super::Replay; 1]>);

struct Legs<'a, 'd> {
    alternatives: &'a [Vec<Leg>],
    request: Request,
    desk: &'d Desk<'d>,
    attempts: Vec<(Arc<str>, Reason)>,
}

impl<'a> Legs<'a, '_> {
    /// The usual route: one scheme, and nothing that its signature could be confused with.
    async fn only(mut self, alternative: &'a [Leg], rule: &SignatureRule) -> Result<Verified<'a>, Box<Denied>> {
        let Request { head, body } = &self.request;
        let now_millis = self.desk.clock.unix_millis();
        let claimed = match signature::open(rule, &view(head, body, self.desk.origin), now_millis) {
            Ok(claimed) => claimed,
            Err(Reason::Signature(Failure::MissingSignature)) => return Err(self.nothing_present()),
            Err(reason) => return Err(Denied::one(rule.name.clone(), reason)),
        };
        if rule.scheme.body_need() > BodyNeed::Unneeded {
            self.hold_body(rule.scheme.body_need()).await?;
        }
        match self.verify_all(alternative, smallvec![Some(claimed)]).await {
            Some((identity, replays)) => Ok(Verified::new(self.request, identity, replays)),
            None => Err(self.denied()),
        }
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
        let takes_token = self.alternatives.iter().flatten().any(|leg| matches!(leg, Leg::Token(_)));
        let (cause, missing) = match leg {
            Some(Leg::Token(_)) => (Cause::MissingToken, None),
            Some(Leg::Signature(rule)) => (Cause::MissingSignature, header_of(&rule.carrier)),
            None => (Cause::MissingSignature, None),
        };
        if let Some(leg) = leg {
            attempts.push((leg.name().clone(), Reason::Absent));
        }
        Box::new(Denied { cause, missing, challenge: takes_token.then_some(Challenge::Bearer), attempts })
    }

    /// Checks the heads of each candidate; those that fail are out before a byte of the body is read.
    fn open_each(&mut self, candidates: &[&'a [Leg]]) -> Result<Opened<'a>, Box<Denied>> {
        let now_millis = self.desk.clock.unix_millis();
        let mut opened = Opened::new();
        for legs in candidates {
            let mut claims = SmallVec::new();
            for leg in *legs {
                let claim = match leg {
                    Leg::Token(_) => Ok(None),
                    Leg::Signature(rule) => {
                        let Request { head, body } = &self.request;
                        signature::open(rule, &view(head, body, self.desk.origin), now_millis).map(Some)
                    }
                };
                match claim {
                    Ok(claim) => claims.push(claim),
                    Err(reason) => {
                        self.attempts.push((leg.name().clone(), reason));
                        break;
                    }
                }
            }
            if claims.len() == legs.len() {
                opened.push((*legs, claims));
            }
        }
        if opened.is_empty() { Err(self.take_denied()) } else { Ok(opened) }
    }

    async fn verify_all(&mut self, legs: &'a [Leg], claims: SmallVec<[Option<Claimed>; 1]>) -> Option<Proven<'a>> {
        let (mut identity, mut replays) = (Identity::default(), SmallVec::new());
        for (leg, claim) in legs.iter().zip(claims) {
            if let Err(reason) = self.verify(leg, claim, &mut identity, &mut replays).await {
                self.attempts.push((leg.name().clone(), reason));
                return None;
            }
        }
        Some((identity, replays))
    }

    async fn verify(
        &self,
        leg: &'a Leg,
        claim: Option<Claimed>,
        identity: &mut Identity<'a>,
        replays: &mut SmallVec<[super::Replay; 1]>,
    ) -> Result<(), Reason> {
        let Request { head, body } = &self.request;
        match leg {
            Leg::Signature(rule) => {
                let claim = claim.ok_or(Reason::Absent)?;
                let accepted = signature::verify(rule, claim, head, body, self.desk).await?;
                replays.extend(accepted.replay);
                identity.subject = identity.subject.take().or_else(|| accepted.key_id.clone());
                identity.key_id = identity.key_id.take().or(accepted.key_id);
            }
            Leg::Token(rule) => {
                let token = token::verify(rule, head, self.desk)?;
                replays.extend(token::replay(rule, &token)?);
                identity.subject = identity.subject.take().or_else(|| token.subject().map(Rc::from));
                identity.key_id = identity.key_id.take().or_else(|| token.kid().map(Rc::from));
                identity.claims.get_or_insert(token);
            }
        }
        identity.by.get_or_insert(leg.name());
        identity.add_carrier(leg.carrier());
        Ok(())
    }

    async fn hold_body(&mut self, need: BodyNeed) -> Result<(), Box<Denied>> {
        let limits = HoldLimits { may_spool: need < BodyNeed::Parsed, ..self.desk.limits };
        let body = std::mem::replace(&mut self.request.body, Body::Empty);
        match hold(body, limits, self.desk.budgets).await {
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

    /// The first present leg's refusal; the log has each.
    fn take_denied(&mut self) -> Box<Denied> {
        let attempts = std::mem::take(&mut self.attempts);
        let Some((_, first)) = attempts.first() else { return self.nothing_present() };
        if let Reason::Absent | Reason::Signature(Failure::MissingSignature) = first {
            let leg = self.alternatives.iter().flatten().find(|leg| leg.name() == &attempts[0].0);
            return self.missing(leg, attempts);
        }
        let cause = first.cause();
        let token = attempts.iter().any(|(_, reason)| matches!(reason, Reason::Token(_)));
        Box::new(Denied { cause, missing: None, challenge: token.then_some(Challenge::InvalidToken), attempts })
    }
}

fn need(leg: &Leg) -> BodyNeed {
    match leg {
        Leg::Signature(rule) => rule.scheme.body_need(),
        Leg::Token(_) => BodyNeed::Unneeded,
    }
}

fn header_of(carrier: &Carrier) -> Option<Arc<str>> {
    match carrier {
        Carrier::Header(name) => Some(name.clone()),
        Carrier::Cookie(_) | Carrier::Query(_) | Carrier::Body => None,
    }
}

fn several(present: &[&Carrier]) -> Box<Denied> {
    let places: Vec<String> = present.iter().map(|carrier| format!("{carrier:?}")).collect();
    Denied::one("credentials".into(), Reason::SeveralCarriers(places.join(" and ")))
}
