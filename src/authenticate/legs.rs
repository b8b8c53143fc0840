//! Several credentials on one route: which are present, which are tried, and whose refusal is told.
//!
//! A leg is present when its carrier is. Carriers that no alternative wants together are refused; legs on one carrier are
//! tried in file order; when all fail, the first present leg's refusal is told, of several issuers that of the token's own.

use std::{rc::Rc, sync::Arc};

use smallvec::SmallVec;

use super::{
    Denied, Desk, Leg, Reason, Verified,
    denied::Challenge,
    held::view,
    jwt::Token,
    signature,
    signature::{Accepted, Moment},
    token,
};
use crate::{
    message::{Body, BodyError, Carrier, HoldLimits, Identity, Request, hold},
    scheme::{BodyNeed, Claimed, Failure, Presence},
    soon::Soon,
};

/// Tries the alternatives whose carriers are present, in file order.
pub(super) fn try_each<'r, 'c: 'r>(
    alternatives: &'c [Vec<Leg>],
    request: Request,
    desk: &'r Desk<'r>,
) -> Soon<'r, Result<Verified<'c>, Box<Denied>>> {
    let legs = Legs { alternatives, request, desk, waited: false, attempts: Vec::new() };
    if let [alternative] = alternatives
        && let [leg] = alternative.as_slice()
        && !matches!(leg.carrier(), Carrier::Body(_))
    {
        return legs.only(leg);
    }
    Soon::later(several_legs(legs))
}

async fn several_legs<'c>(mut legs: Legs<'c, '_>) -> Result<Verified<'c>, Box<Denied>> {
    let alternatives = legs.alternatives;
    if alternatives.iter().flatten().any(|leg| matches!(leg.carrier(), Carrier::Body(_))) {
        legs.refuse_by_head()?;
        legs.hold_body(BodyNeed::Parsed).await?;
    }
    let candidates = legs.candidates()?;
    let opened = legs.open_each(&candidates)?;
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
enum Shown {
    /// A signature that the body may still belie.
    Signature(Claimed),
    /// A token that is verified.
    Token(Arc<Token>),
}

/// Alternatives that are still possible, each with its place in the file.
type Opened<'a> = SmallVec<[(usize, &'a [Leg], SmallVec<[Shown; 1]>); 2]>;
type Proven<'a> = (Identity<'a>, SmallVec<[super::Replay; 1]>);

/// What a leg was shown to be.
enum Proof {
    Signature(Accepted),
    Token(Arc<Token>),
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
    fn only<'r>(self, leg: &'a Leg) -> Soon<'r, Result<Verified<'a>, Box<Denied>>>
    where
        'a: 'r,
        'd: 'r,
    {
        let shown = match self.open(leg) {
            Ok(shown) => shown,
            Err(reason) => return Soon::now(Err(self.refused(leg, reason))),
        };
        if need(leg) > BodyNeed::Unneeded {
            return Soon::later(self.only_with_body(leg, shown));
        }
        let proof = self.verify(leg, shown);
        Soon::now(self.concluded(leg, proof))
    }

    async fn only_with_body(mut self, leg: &'a Leg, shown: Shown) -> Result<Verified<'a>, Box<Denied>> {
        self.hold_body(need(leg)).await?;
        let proof = match &self.request.body {
            Body::Spooled(_) => self.verify_spooled(leg, shown).await,
            _ => self.verify(leg, shown),
        };
        self.concluded(leg, proof)
    }

    fn concluded(self, leg: &'a Leg, proof: Result<Proof, Reason>) -> Result<Verified<'a>, Box<Denied>> {
        let mut proven = Proven::default();
        match proof.and_then(|proof| accept(leg, proof, &mut proven)) {
            Ok(()) => Ok(Verified::new(self.request, proven.0, proven.1)),
            Err(reason) => Err(self.refused(leg, reason)),
        }
    }

    fn refused(&self, leg: &Leg, reason: Reason) -> Box<Denied> {
        match reason {
            Reason::Absent | Reason::Signature(Failure::MissingSignature) => self.nothing_present(),
            reason => Denied::one(leg.name().clone(), reason),
        }
    }

    /// Refuses before the body is read where a credential in the head is there and fails, whatever the body may hold: with
    /// another one in it there would be two.
    fn refuse_by_head(&mut self) -> Result<(), Box<Denied>> {
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
            self.open_each(&candidates)?;
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
        let takes_token = self.alternatives.iter().flatten().any(|leg| matches!(leg, Leg::Token(_)));
        let (cause, missing) = match leg {
            Some(Leg::Token(_)) => (Cause::MissingToken, None),
            Some(Leg::Signature(rule)) => (Cause::MissingSignature, Some(rule.scheme.carrier().clone())),
            None => (Cause::MissingSignature, None),
        };
        if let Some(leg) = leg {
            attempts.push((leg.name().clone(), Reason::Absent));
        }
        Box::new(Denied { cause, missing, challenge: takes_token.then_some(Challenge::Bearer), attempts })
    }

    /// Checks what the head shows of each candidate; those that fail are out before a byte of the body is read.
    fn open_each(&mut self, candidates: &[&'a [Leg]]) -> Result<Opened<'a>, Box<Denied>> {
        let mut opened = Opened::new();
        for (order, legs) in candidates.iter().enumerate() {
            match legs.iter().map(|leg| self.open(leg).map_err(|why| (leg, why))).collect() {
                Ok(shown) => opened.push((order, *legs, shown)),
                Err((leg, reason)) => self.attempts.push((order, leg.name().clone(), reason)),
            }
        }
        if opened.is_empty() { Err(self.take_denied()) } else { Ok(opened) }
    }

    /// Whoever holds back the end of a body must not hold the time back with it.
    fn now_millis(&self) -> i64 {
        if self.waited { self.desk.clock.unix_millis() } else { self.desk.now_millis }
    }

    fn open(&self, leg: &Leg) -> Result<Shown, Reason> {
        let now_millis = self.now_millis();
        let Request { head, body } = &self.request;
        let origin = self.desk.origin;
        match leg {
            Leg::Token(rule) => token::verify(rule, head, self.desk.tokens, now_millis).map(Shown::Token),
            Leg::Signature(rule) => {
                signature::open(rule, &view(head, body, origin), origin, now_millis).map(Shown::Signature)
            }
        }
    }

    async fn verify_all(&mut self, order: usize, legs: &'a [Leg], shown: SmallVec<[Shown; 1]>) -> Option<Proven<'a>> {
        let mut proven = Proven::default();
        for (leg, shown) in legs.iter().zip(shown) {
            let proof = match &self.request.body {
                Body::Spooled(_) => self.verify_spooled(leg, shown).await,
                _ => self.verify(leg, shown),
            };
            if let Err(reason) = proof.and_then(|proof| accept(leg, proof, &mut proven)) {
                self.attempts.push((order, leg.name().clone(), reason));
                return None;
            }
        }
        Some(proven)
    }

    fn verify(&self, leg: &Leg, shown: Shown) -> Result<Proof, Reason> {
        let Request { head, body } = &self.request;
        match (leg, shown) {
            (Leg::Signature(rule), Shown::Signature(claimed)) => {
                let moment = Moment { now_millis: self.now_millis(), waited: self.waited };
                signature::verify(rule, claimed, &view(head, body, self.desk.origin), moment).map(Proof::Signature)
            }
            (Leg::Token(rule), Shown::Token(_)) if self.waited => {
                token::verify(rule, head, self.desk.tokens, self.now_millis()).map(Proof::Token)
            }
            (Leg::Token(_), Shown::Token(token)) => Ok(Proof::Token(token)),
            // Each leg was opened as what it is; anything else is refused rather than guessed at.
            (Leg::Signature(_), Shown::Token(_)) | (Leg::Token(_), Shown::Signature(_)) => Err(Reason::Absent),
        }
    }

    /// As `verify`, over a body that lies on a disk.
    async fn verify_spooled(&self, leg: &Leg, shown: Shown) -> Result<Proof, Reason> {
        let Request { head, body } = &self.request;
        match (leg, shown, body) {
            (Leg::Signature(rule), Shown::Signature(claimed), Body::Spooled(spool)) => {
                signature::verify_spooled(rule, claimed, head, spool, self.desk).await.map(Proof::Signature)
            }
            (leg, shown, _) => self.verify(leg, shown),
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
        // Where two kinds of credentials share a carrier, the one that came says why it was refused.
        let is_absent =
            |reason: &Reason| matches!(reason, Reason::Absent | Reason::Signature(Failure::MissingSignature));
        // Where several issuers do, the one that it is from says it.
        let is_foreign = |reason: &Reason| matches!(reason, Reason::Token(error) if error.is_foreign());
        attempts.sort_by_key(|(order, _, reason)| (is_absent(reason), is_foreign(reason), *order));
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
                let challenge = first.challenge().or_else(|| token.then_some(Challenge::InvalidToken));
                Box::new(Denied { cause, missing: None, challenge, attempts })
            }
        }
    }
}

/// Adds what one leg proved. The first that names anyone gives the subject: a signature without a key id names nobody.
fn accept<'a>(leg: &'a Leg, proof: Proof, (identity, replays): &mut Proven<'a>) -> Result<(), Reason> {
    match (leg, proof) {
        (_, Proof::Signature(accepted)) => {
            replays.extend(accepted.replay);
            identity.secret = identity.secret.or(identity.by.is_none().then_some(accepted.secret));
            identity.subject = identity.subject.take().or_else(|| accepted.key_id.clone());
            identity.key_id = identity.key_id.take().or(accepted.key_id);
        }
        (Leg::Token(rule), Proof::Token(token)) => {
            replays.extend(token::replay(rule, &token)?);
            identity.subject = identity.subject.take().or_else(|| token.subject().map(Rc::from));
            identity.key_id = identity.key_id.take().or_else(|| token.kid().map(Rc::from));
            identity.claims.get_or_insert(token);
        }
        (Leg::Signature(_), Proof::Token(_)) => return Err(Reason::Absent),
    }
    identity.by.get_or_insert(leg.name());
    identity.add_carrier(leg.carrier());
    if let Leg::Signature(rule) = leg {
        rule.beside.iter().for_each(|beside| identity.add_carrier(beside));
    }
    Ok(())
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
