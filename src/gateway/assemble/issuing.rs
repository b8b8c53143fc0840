//! What issues tokens: the issuers and users of the config, made ready for the upstreams that ask for them.

use std::{sync::Arc, thread::available_parallelism};

use super::{AssembleError, hold, patience};
use crate::{
    clock::Clock,
    config::{self, ClaimValue, Config, UsersSource, Who},
    issue::{self, Desk, Issuer, Login, PasswordChecks, UserTable},
    message::Budgets,
};

/// The issuers and users of a config, each built once.
pub(super) struct Issuing {
    issuers: Vec<Arc<Issuer>>,
    users: Vec<Arc<UserTable>>,
    /// Where anything asks for passwords.
    checks: Option<PasswordChecks>,
    desk: Desk,
}

impl Issuing {
    pub(super) fn new(config: &Config, budgets: &Budgets, clock: &Clock) -> Result<Issuing, AssembleError> {
        let limits = hold(config.limits.body, &config.limits);
        let desk = Desk { clock: clock.clone(), limits, patience: patience(limits), budgets: budgets.clone() };
        let checks = if config.users.is_empty() { None } else { Some(password_checks(&config.limits)?) };
        Ok(Issuing {
            issuers: config.issuers.iter().map(|entry| issuer(config, entry)).collect::<Result<_, _>>()?,
            users: config.users.iter().map(|users| Arc::new(table(users))).collect(),
            checks,
            desk,
        })
    }

    /// A login; `None` only where the config's check has already said what is wrong.
    pub(super) fn login(&self, login: &config::Login) -> Option<issue::Service> {
        let who = match &login.who {
            Who::Anyone => issue::Who::Anyone,
            Who::Users { users, password } => issue::Who::Users {
                users: self.users.get(*users)?.clone(),
                password: password.clone(),
                checks: self.checks.clone()?,
            },
        };
        Some(issue::Service::Login(Login {
            issuer: self.issuers.get(login.issuer)?.clone(),
            who,
            username: login.username.clone(),
            answer: login.answer.clone(),
            reads_body: login.reads_body(),
            desk: self.desk.clone(),
        }))
    }
}

fn password_checks(limits: &config::Limits) -> Result<PasswordChecks, AssembleError> {
    let cores = available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let at_once = limits.password_checks.unwrap_or(cores / 2);
    PasswordChecks::start(at_once, limits.password_queue).map_err(AssembleError::Passwords)
}

/// The first key of the tokens entry signs: those after it are on their way in or out.
fn issuer(config: &Config, entry: &config::Issuer) -> Result<Arc<Issuer>, AssembleError> {
    let tokens = config.tokens.get(entry.tokens);
    let key = tokens.and_then(|tokens| tokens.keys.first()?.signing.clone());
    let key = key.ok_or_else(|| AssembleError::Issuer(entry.name.clone()))?;
    let claim = |(name, value): &(String, ClaimValue)| {
        let value = match value {
            ClaimValue::Json(value) => issue::ClaimValue::Json(value.clone()),
            ClaimValue::Template(template) => issue::ClaimValue::Template(template.clone()),
        };
        (name.clone(), value)
    };
    Ok(Arc::new(Issuer {
        name: entry.name.clone(),
        key,
        issuer: tokens.and_then(|tokens| tokens.issuer.clone()),
        audience: entry.audience.clone(),
        lifetime: entry.lifetime,
        claims: entry.claims.iter().map(claim).collect(),
    }))
}

fn table(users: &config::Users) -> UserTable {
    let UsersSource::File { users, .. } = &users.source;
    let user = |user: &config::User| issue::User {
        name: user.name.clone(),
        password: user.password.clone(),
        claims: user.claims.clone(),
        disabled: user.disabled,
    };
    UserTable::new(users.iter().map(user).collect())
}
