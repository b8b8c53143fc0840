//! An issuer: it mints for whoever is told of, and gives them their first refresh token.

use std::sync::Arc;

use super::{Failure, Grant, Refresh, Session, answer::Told, refresh::STAND_IN};
use crate::{
    message::Response,
    minting::{Minter, MintingFault},
    scheme::Template,
};

/// Issues tokens of one kind.
#[derive(Debug)]
pub struct Issuer {
    /// As the config calls it.
    pub name: String,
    /// Mints them. Its claims override those of a user.
    pub minter: Minter,
    /// How refresh tokens come with its tokens, if they do.
    pub refresh: Option<Refresh>,
    /// The cookies that its tokens are kept in, if they are.
    pub session: Option<Session>,
}

/// A token, and what is to be known of it.
#[derive(Clone, Debug)]
pub(super) struct Minted {
    pub(super) token: String,
    pub(super) lifetime: u64,
    /// The refresh token that comes with it.
    pub(super) refresh: Option<String>,
    /// Its scopes, where it has any.
    pub(super) scope: Option<String>,
}

impl Issuer {
    /// A token for the subject that is `told` of, with claims of their own, at `now_unix`, seconds since 1970.
    pub(super) async fn mint(&self, told: &Told<'_>, now_unix: i64) -> Result<Minted, Failure> {
        minted(&self.minter, told, now_unix).await
    }

    /// Whether `minted` can be given: kept where it is to be, and told in an answer of `template`. To be asked before a refresh
    /// token is begun or spent, for the next would have been shown to nobody.
    pub(super) fn check_answer(&self, told: &Told<'_>, minted: &Minted, template: &Template) -> Result<(), Failure> {
        self.session.as_ref().map_or(Ok(()), |session| session.check_length(minted))?;
        if self.refresh.is_none() {
            return Ok(());
        }
        let complete = Minted { refresh: Some(STAND_IN.to_owned()), ..minted.clone() };
        told.with(&complete).answer(template).map(drop)
    }

    /// An answer that gives `minted`, in cookies where that is where tokens are kept.
    pub(super) fn in_session(&self, answer: Response, minted: &Minted) -> Response {
        match &self.session {
            None => answer,
            Some(session) => session.begin(answer, minted, self),
        }
    }

    /// The first refresh token of whoever is `told` of, where this issuer gives any.
    pub(super) async fn begin(&self, told: &Told<'_>, now_millis: i64) -> Result<Option<String>, Failure> {
        let Some(refresh) = &self.refresh else { return Ok(None) };
        let grant = Grant {
            subject: told.subject.into(),
            claims: Arc::new(told.claims.clone()),
            issuer: self.name.as_str().into(),
            client: None,
            scope: None,
            begun_unix: now_millis.div_euclid(1000),
        };
        Ok(Some(refresh.families.begin(refresh.rules, grant, now_millis).await?))
    }
}

/// A token of `minter`, and no refresh token yet.
pub(super) async fn minted(minter: &Minter, told: &Told<'_>, now_unix: i64) -> Result<Minted, Failure> {
    minted_within(minter, told, None, now_unix).await
}

/// The same with no more scopes than are asked for, each of which must be one that it would have.
pub(super) async fn minted_within(
    minter: &Minter,
    told: &Told<'_>,
    asked: Option<&str>,
    now_unix: i64,
) -> Result<Minted, Failure> {
    let own = told.claims.as_object().cloned().unwrap_or_default();
    let mut claims = minter.claims(own, Some(told.subject), &told.view())?;
    if let Some(asked) = asked {
        claims = claims.narrowed(asked).ok_or(Failure::Scope)?;
    }
    let scope = claims.scope().map(str::to_owned);
    let minted = minter.mint(claims, now_unix).await?;
    Ok(Minted { token: minted.token, lifetime: minted.lifetime, refresh: None, scope })
}

impl From<MintingFault> for Failure {
    fn from(fault: MintingFault) -> Failure {
        match fault {
            MintingFault::Claim(name, failure) => Failure::Claim(name, failure),
            MintingFault::Unsigned => Failure::Unsigned,
            MintingFault::NoRandomness => Failure::NoRandomness,
        }
    }
}
