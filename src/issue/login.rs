//! `login`: a name and a password for a token.

use std::{rc::Rc, sync::Arc};

use serde_json::Value;

use super::{
    Desk, Failure, Issuer, PasswordChecks, Report, Session, Throttle, UserSource, answer::Told, desk, users::Known,
};
use crate::{deadline::Deadlines, message::Response, policy::Admitted, scheme::Template};

/// How one login is served.
#[derive(Debug)]
pub struct Login {
    /// Mints.
    pub issuer: Arc<Issuer>,
    /// Who may log in.
    pub who: Who,
    /// Where the name is.
    pub username: Template,
    /// What is answered.
    pub answer: Template,
    /// How often it may fail.
    pub throttle: Throttle,
    /// Whether anything that is read stands in the body.
    pub reads_body: bool,
    /// How requests are read.
    pub desk: Desk,
}

/// Who may log in.
#[derive(Debug)]
pub enum Who {
    /// Users who know their password.
    Users {
        /// They.
        users: Arc<UserSource>,
        /// Where the password is.
        password: Template,
        /// Checks it.
        checks: PasswordChecks,
    },
    /// Whoever says any name.
    Anyone,
}

impl Login {
    pub(super) async fn serve(
        &self,
        deadlines: &Deadlines,
        mut permit: Admitted<'_>,
        report: &mut Report,
    ) -> Result<Response, Failure> {
        if self.issuer.session.is_some() {
            Session::check_page(&permit)?;
        }
        if self.reads_body {
            self.desk.hold(&mut permit, deadlines).await?;
        }
        let name = desk::name(&self.username, &permit)?;
        let now_millis = self.desk.clock.unix_millis();
        let attempt = self.throttle.attempt(&name, permit.client().whence, now_millis)?;
        let checked = self.who.check(&name, &permit).await;
        if !checked.as_ref().is_err_and(Failure::is_attempt) {
            attempt.give_back(now_millis);
        }
        let known = checked?;
        let name = known.subject.unwrap_or(name);
        let told = Told { permit: &permit, subject: &name, claims: &known.claims, minted: None };
        // As old as the look at the password: what is revoked meanwhile, with all from before, is this too.
        let mut minted = self.issuer.mint(&told, now_millis.div_euclid(1000)).await?;
        self.issuer.check_answer(&told, &minted, &self.answer)?;
        minted.refresh = self.issuer.begin(&told, now_millis).await?;
        let answer = told.with(&minted).answer(&self.answer)?;
        report.subject = Some(Rc::from(name));
        Ok(self.issuer.in_session(answer, &minted))
    }
}

impl Who {
    /// What is known of who is called `name` and knows the password.
    async fn check(&self, name: &str, permit: &Admitted<'_>) -> Result<Known, Failure> {
        match self {
            Who::Anyone => Ok(Known { subject: None, claims: Value::Null }),
            Who::Users { users, password, checks } => {
                let password = desk::read(password, permit)?;
                users.check(name, password, checks).await
            }
        }
    }
}
