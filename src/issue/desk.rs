//! What every service needs to read a request: bounds on its body, and a clock.

use std::time::Duration;

use zeroize::Zeroizing;

use super::Failure;
use crate::{
    clock::Clock,
    deadline::Deadlines,
    message::{BodyError, Budgets, HoldLimits},
    policy::Admitted,
    scheme::{Escape, Template, Unknown},
};

/// How requests are read.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The time.
    pub clock: Clock,
    /// The bounds of one body, all of it in memory.
    pub limits: HoldLimits,
    /// How long its sender may take.
    pub patience: Duration,
    /// The budgets of all bodies.
    pub budgets: Budgets,
}

/// Longest name of a user, in bytes.
const LONGEST_NAME: usize = 256;

impl Desk {
    /// Holds the body: what is asked for may stand in it.
    pub(super) async fn hold(&self, permit: &mut Admitted<'_>, deadlines: &Deadlines) -> Result<(), Failure> {
        let limits = HoldLimits { may_spool: false, ..self.limits };
        let held = deadlines.within(self.patience, permit.hold(limits, &self.budgets)).await;
        held.unwrap_or(Err(BodyError::Stalled.into())).map_err(Failure::Held)
    }
}

/// What `template` finds in the request; its memory is wiped.
pub(super) fn read(template: &Template, permit: &Admitted<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut out = Zeroizing::new(Vec::with_capacity(128));
    template.render(&permit.view(&Unknown), Escape::None, &mut out).map_err(Failure::Unreadable)?;
    Ok(out)
}

/// The same where it is to be a user's name.
pub(super) fn name(template: &Template, permit: &Admitted<'_>) -> Result<String, Failure> {
    let bytes = read(template, permit)?;
    named(std::str::from_utf8(&bytes).map_err(|_| Failure::NoName)?).map(str::to_owned)
}

/// `name`, if a user could be called so.
pub(super) fn named(name: &str) -> Result<&str, Failure> {
    let is_name = !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control);
    is_name.then_some(name).ok_or(Failure::NoName)
}
