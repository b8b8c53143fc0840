//! Whether what a verified request shows was revoked: asked first of all in admission, and anew for each request, for a
//! token that was verified a moment ago may be revoked by now.

use smallvec::SmallVec;

use super::Admission;
use crate::{
    message::{Evidence, Identity},
    scheme::Known,
    store::revocations::{Question, Revoked, SharedRevocations, Shown, ShownToken, Unknown},
};

/// What of a request is revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Withdrawn {
    /// The key that signed it, or whoever it is of.
    #[error("revoked: {0}")]
    Key(Revoked),
    /// Its token, or whoever it is of.
    #[error("revoked: {0}")]
    Token(Revoked),
}

/// Lets through what is not revoked here. Where nothing is it costs one load.
///
/// # Errors
/// [`Withdrawn`]
pub(super) fn check(identity: &Identity<'_>, admission: &Admission<'_>) -> Result<(), Withdrawn> {
    if admission.revocations.is_empty() {
        return Ok(());
    }
    let now_unix = admission.clock.unix();
    legs(identity).try_for_each(|leg| {
        let found = leg.with_shown(|shown| admission.revocations.find(shown, now_unix));
        found.map_or(Ok(()), |revoked| Err(leg.kind().withdrawn(revoked)))
    })
}

/// What a store that gateways share has to be asked about a request; nothing where nothing of it can be revoked.
#[derive(Debug)]
pub(super) struct Open(SmallVec<[(Kind, Question); 1]>);

impl Open {
    pub(super) fn of(identity: &Identity<'_>) -> Option<Open> {
        let each = legs(identity).filter_map(|leg| Some((leg.kind(), leg.with_shown(Question::of)?)));
        let open: SmallVec<_> = each.collect();
        (!open.is_empty()).then_some(Open(open))
    }

    /// Asks: what is revoked of it, if anything is.
    ///
    /// # Errors
    /// [`Unknown`]
    pub(super) async fn ask(&self, shared: &SharedRevocations, now_unix: i64) -> Result<Option<Withdrawn>, Unknown> {
        let found = shared.find(self.0.iter().map(|(_, question)| question), now_unix).await?;
        let mut withdrawn = self.0.iter().zip(found).filter_map(|((kind, _), found)| Some(kind.withdrawn(found?)));
        Ok(withdrawn.next())
    }
}

/// What a leg shows.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Key,
    Token,
}

impl Kind {
    fn withdrawn(self, revoked: Revoked) -> Withdrawn {
        match self {
            Kind::Key => Withdrawn::Key(revoked),
            Kind::Token => Withdrawn::Token(revoked),
        }
    }
}

struct Leg<'a> {
    by: Option<&'a str>,
    key_id: Option<&'a str>,
    subject: Option<&'a str>,
    claims: Option<&'a dyn Known>,
}

fn legs<'i>(identity: &'i Identity<'_>) -> impl Iterator<Item = Leg<'i>> {
    let naming = Leg {
        by: identity.by,
        key_id: identity.key_id.as_deref(),
        subject: identity.subject.as_deref(),
        claims: identity.evidence().and_then(Evidence::token),
    };
    let others = identity.others().iter().map(|other| Leg {
        by: Some(other.by),
        key_id: other.key_id.as_deref(),
        subject: other.subject.as_deref(),
        claims: other.evidence.token(),
    });
    std::iter::once(naming).chain(others)
}

impl Leg<'_> {
    fn kind(&self) -> Kind {
        if self.claims.is_some() { Kind::Token } else { Kind::Key }
    }

    fn with_shown<T>(&self, ask: impl FnOnce(&Shown<'_>) -> T) -> T {
        let claim = |name: &str| self.claims.and_then(|claims| claims.claim(name));
        let (jti, sub, iat) = (claim("jti"), claim("sub"), claim("iat"));
        let token = self.claims.map(|_| ShownToken {
            tokens: self.by,
            jti: jti.as_deref(),
            subject: sub.as_deref(),
            // As it was verified: a number, in range.
            issued_unix: iat.and_then(|iat| iat.parse().ok()),
        });
        ask(&Shown { key_id: self.key_id, subject: self.subject, token })
    }
}
