//! `mint`: a token for whoever has shown who they are by another credential, such as a device by its signature.

use std::rc::Rc;

use serde_json::Value;

use super::{Failure, Report, answer::Told, minter::minted};
use crate::{clock::Clock, message::Response, minting::Minter, policy::Admitted, scheme::Template};

/// How tokens are handed out.
#[derive(Debug)]
pub struct Handout {
    /// Mints.
    pub minter: Minter,
    /// What is answered.
    pub answer: Template,
    /// The time.
    pub clock: Clock,
}

impl Handout {
    /// The subject is the one that the request was proven to be from; nothing in it chooses another.
    pub(super) async fn serve(&self, permit: Admitted<'_>, report: &mut Report) -> Result<Response, Failure> {
        let subject = permit.identity().subject.clone().ok_or(Failure::Nameless)?;
        let told = Told { permit: &permit, subject: &subject, claims: &Value::Null, minted: None };
        let minted = minted(&self.minter, &told, self.clock.unix()).await?;
        let answer = told.with(&minted).answer(&self.answer)?;
        report.subject = Some(Rc::clone(&subject));
        Ok(answer)
    }
}
