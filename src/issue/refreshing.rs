//! `refresh` and `logout`: a refresh token for a new pair, and its family's end.

use std::{rc::Rc, sync::Arc};

use zeroize::Zeroizing;

use super::{
    Desk, Failure, Issuer, RefreshFault, Report, Takeback, UserSource, answer::Told, desk, minter::minted_within,
};
use crate::{deadline::Deadlines, message::Response, policy::Admitted, scheme::Template};

/// How refresh tokens are taken.
#[derive(Debug)]
pub struct Renewal {
    /// Mints; it has refresh tokens.
    pub issuer: Arc<Issuer>,
    /// Users who must still be there and whose claims are read anew, where they are said.
    pub users: Option<Arc<UserSource>>,
    /// Where the refresh token is.
    pub token: Template,
    /// What is answered.
    pub answer: Template,
    /// How requests are read.
    pub desk: Desk,
}

/// How a family is ended.
#[derive(Debug)]
pub struct Logout {
    /// Whose families.
    pub issuer: Arc<Issuer>,
    /// Where the refresh token is.
    pub token: Template,
    /// How the token that the request was admitted by is taken back, if it is.
    pub takeback: Option<Takeback>,
    /// How requests are read.
    pub desk: Desk,
}

impl Renewal {
    pub(super) async fn serve(
        &self,
        deadlines: &Deadlines,
        mut permit: Admitted<'_>,
        report: &mut Report,
    ) -> Result<Response, Failure> {
        let shown = match &self.issuer.session {
            Some(session) => {
                session.check(&permit)?;
                let shown = session.refresh_token(&permit)?.ok_or(Failure::NoSession)?;
                Zeroizing::new(shown.to_vec())
            }
            None => {
                self.desk.hold(&mut permit, deadlines).await?;
                desk::read(&self.token, &permit)?
            }
        };
        let refresh = self.issuer.refresh.as_ref().ok_or(RefreshFault::Unknown)?;
        let (issuer, now_millis) = (self.issuer.name.as_str(), self.desk.clock.unix_millis());
        let grant = refresh.look(&shown, issuer, now_millis).await?;
        if grant.client.is_some() {
            // That client would have to authenticate, which nobody does here.
            return Err(RefreshFault::OtherClient.into());
        }
        let anew = match &self.users {
            None => None,
            Some(users) => {
                let claims = users.current(&grant.subject).await;
                // Who is no user any more; where that cannot be known the token stays good.
                if claims.as_ref().is_err_and(Failure::is_gone) {
                    refresh.families.end(&shown, issuer).await?;
                }
                Some(claims?)
            }
        };
        let claims = anew.as_ref().unwrap_or(&grant.claims);
        let told = Told { permit: &permit, subject: &grant.subject, claims, minted: None };
        let (minter, scope) = (&self.issuer.minter, grant.scope.as_deref());
        // As old as the look at its family: what is revoked meanwhile, with all from before, is this too.
        let mut minted = minted_within(minter, &told, scope, now_millis.div_euclid(1000)).await?;
        self.issuer.check_answer(&told, &minted, &self.answer)?;
        // Last of all what cannot be taken back: whatever fails before it leaves the token good.
        minted.refresh = Some(refresh.families.renew(&shown, issuer, now_millis).await?);
        let answer = told.with(&minted).answer(&self.answer)?;
        report.subject = Some(Rc::from(&*grant.subject));
        Ok(self.issuer.in_session(answer, &minted))
    }
}

impl Logout {
    /// Whatever was shown, afterwards it is good for nothing; so says the answer (RFC 7009 section 2.2).
    pub(super) async fn serve(&self, deadlines: &Deadlines, mut permit: Admitted<'_>) -> Result<Response, Failure> {
        let answer = Response::own(200, "application/json", "{}").with("Cache-Control", "no-store");
        let answer = match &self.issuer.session {
            Some(session) => {
                session.check(&permit)?;
                if let Some(shown) = session.refresh_token(&permit)? {
                    self.end(shown).await?;
                }
                session.end(answer)
            }
            None => {
                self.desk.hold(&mut permit, deadlines).await?;
                self.end(&desk::read(&self.token, &permit)?).await?;
                answer
            }
        };
        if let Some(takeback) = &self.takeback {
            self.take_back(takeback, &permit).await?;
        }
        Ok(answer)
    }

    async fn end(&self, shown: &[u8]) -> Result<(), Failure> {
        if let Some(refresh) = &self.issuer.refresh {
            refresh.families.end(shown, &self.issuer.name).await?;
        }
        Ok(())
    }

    /// Of what was verified alone, never of what the body says.
    async fn take_back(&self, takeback: &Takeback, permit: &Admitted<'_>) -> Result<(), Failure> {
        let Some((_, claims)) = permit.identity().token() else { return Ok(()) };
        let jti = claims.claim("jti").ok_or(Failure::Irrevocable)?;
        let expires_unix = claims.claim("exp").and_then(|exp| exp.parse::<f64>().ok()).map(|exp| exp.ceil() as i64);
        takeback.token(&jti, expires_unix, self.desk.clock.unix()).await
    }
}
