//! What issues tokens: the issuers and users of the config, made ready for the upstreams that ask for them.

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use serde_json::json;

use super::{
    super::{family_book::FamilyBook, user_book::UserBook},
    AssembleError, hold, patience,
    tokens::TokenEntry,
};
use crate::{
    config::{self, ClaimValue, Config, GrantTypes, KeptIn, UsersSource, Who},
    forward::{Assertion, Respond, Target},
    gateway::{carried::Carried, snapshot::Service},
    issue::{
        self, Desk, Door, Families, Handout, Issuer, Login, Logout, PasswordChecks, Refresh, RefreshRules, Renewal,
        StandIns, Takeback, Throttle, UserSource, UserTable,
    },
    message::Budgets,
    minting::{self, Minter},
    scheme::Template,
    store::MemoryCounters,
};

/// The issuers and users of a config, each built once.
pub(super) struct Issuing {
    issuers: Vec<Arc<Issuer>>,
    users: Vec<Arc<UserSource>>,
    /// Where anything asks for passwords.
    checks: Option<PasswordChecks>,
    /// Where failures are counted.
    counters: Arc<MemoryCounters>,
    takeback: Takeback,
    /// The tokens entry of each issuer: indices.
    entries: Vec<usize>,
    desk: Desk,
}

impl Issuing {
    pub(super) fn new(
        config: &Config,
        budgets: &Budgets,
        carried: &Carried,
        (book, families): (&UserBook, &FamilyBook),
    ) -> Result<Issuing, AssembleError> {
        let limits = hold(config.limits.body, &config.limits);
        let desk = Desk { clock: carried.clock.clone(), limits, patience: patience(limits), budgets: budgets.clone() };
        let checks = if config.users.is_empty() { None } else { Some(password_checks(&config.limits)?) };
        Ok(Issuing {
            issuers: config
                .issuers
                .iter()
                .map(|entry| issuer(config, entry, carried, families))
                .collect::<Result<_, _>>()?,
            users: config.users.iter().map(|users| source(users, book, &carried.stand_ins)).collect(),
            checks,
            counters: carried.strangers.clone(),
            takeback: takeback(config, carried),
            entries: config.issuers.iter().map(|issuer| issuer.tokens).collect(),
            desk,
        })
    }

    /// A login; `None` only where the config's check has already said what is wrong.
    pub(super) fn login(&self, name: &str, login: &config::Login) -> Option<Service> {
        let who = match &login.who {
            Who::Anyone => issue::Who::Anyone,
            Who::Users { users, password } => issue::Who::Users {
                users: self.users.get(*users)?.clone(),
                password: password.clone(),
                checks: self.checks.clone()?,
            },
        };
        Some(issued(issue::Service::Login(Login {
            issuer: self.issuers.get(login.issuer)?.clone(),
            who,
            username: login.username.clone(),
            answer: login.answer.clone(),
            throttle: Throttle::new(self.counters.clone(), name, login.throttle.0, login.throttle.1),
            reads_body: login.reads_body(),
            desk: self.desk.clone(),
        })))
    }

    /// A refresh, likewise.
    pub(super) fn renewal(&self, renewal: &config::Renewal) -> Option<Service> {
        let users = renewal.users.map(|index| self.users.get(index).cloned());
        Some(issued(issue::Service::Refresh(Renewal {
            issuer: self.issuers.get(renewal.issuer)?.clone(),
            users: users.flatten(),
            token: renewal.token.clone(),
            answer: renewal.answer.clone(),
            desk: self.desk.clone(),
        })))
    }

    /// A logout, likewise.
    pub(super) fn logout(&self, logout: &config::Logout) -> Option<Service> {
        Some(issued(issue::Service::Logout(Logout {
            issuer: self.issuers.get(logout.issuer)?.clone(),
            token: logout.token.clone(),
            takeback: logout.and_token.then(|| self.takeback.clone()),
            desk: self.desk.clone(),
        })))
    }

    /// A token endpoint, likewise.
    pub(super) fn token(&self, name: &str, endpoint: &config::TokenEndpoint) -> Option<Service> {
        let GrantTypes { client_credentials, password, refresh_token } = endpoint.grants;
        Some(issued(issue::Service::Token(issue::TokenEndpoint {
            issuer: self.issuers.get(endpoint.issuer)?.clone(),
            clients: self.door(&format!("clients of {name}"), endpoint.clients)?,
            users: self.door(name, endpoint.users)?,
            grants: issue::GrantTypes { client_credentials, password, refresh_token },
            desk: self.desk.clone(),
        })))
    }

    /// A revocation endpoint, likewise. `tokens` are the entries of the config in its order.
    pub(super) fn revocation(
        &self,
        name: &str,
        endpoint: &config::RevocationEndpoint,
        tokens: &[TokenEntry],
    ) -> Option<Service> {
        Some(issued(issue::Service::Revocation(issue::Revocation {
            issuer: self.issuers.get(endpoint.issuer)?.clone(),
            clients: self.door(&format!("clients of {name}"), endpoint.clients)?,
            reader: tokens.get(*self.entries.get(endpoint.issuer)?)?.reader(),
            takeback: self.takeback.clone(),
            desk: self.desk.clone(),
        })))
    }

    /// Names with secrets, where there are any.
    fn door(&self, service: &str, registered: Option<config::Registered>) -> Option<Option<Door>> {
        let Some(config::Registered { users, throttle: (each, address) }) = registered else { return Some(None) };
        Some(Some(Door {
            users: self.users.get(users)?.clone(),
            checks: self.checks.clone()?,
            throttle: Throttle::new(self.counters.clone(), service, each, address),
        }))
    }

    /// A token for whoever is known by another credential, likewise.
    pub(super) fn handout(&self, handout: &config::Handout) -> Option<Service> {
        let minter = &self.issuers.get(handout.issuer)?.minter;
        Some(issued(issue::Service::Handout(Handout {
            minter: Minter { claims: with_more(minter, &handout.claims), ..minter.clone() },
            answer: handout.answer.clone(),
            clock: self.desk.clock.clone(),
        })))
    }

    /// How an upstream is told who a caller is, if it is.
    pub(super) fn assertion(&self, upstream: &config::Upstream) -> Option<Arc<Assertion>> {
        let assertion = upstream.assertion.as_ref()?;
        let minter = &self.issuers.get(assertion.issuer)?.minter;
        let minter = Minter {
            audience: Some(assertion.audience.clone()),
            lifetime: assertion.lifetime,
            claims: with_more(minter, &assertion.claims),
            ..minter.clone()
        };
        let clock = self.desk.clock.clone();
        Some(Arc::new(Assertion::new(minter, assertion.header.clone(), assertion.reuse, clock)))
    }

    /// The public keys of an issuer: an answer that is always the same.
    pub(super) fn key_set(&self, config: &Config, issuer: usize) -> Option<Service> {
        let tokens = config.tokens.get(config.issuers.get(issuer)?.tokens)?;
        let keys: Vec<_> = tokens.keys.listed().iter().filter_map(|key| key.signing.as_ref()?.public_jwk()).collect();
        let headers = [("Content-Type", "application/jwk-set+json"), ("Cache-Control", "public, max-age=300")];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), Template::verbatim(value)));
        let body = Template::verbatim(&json!({ "keys": keys }).to_string());
        let respond = Respond { status: 200, headers: headers.collect(), body };
        Some(Service::Forward(Target::Respond(Arc::new(respond))))
    }
}

/// Clocks of gateways may differ by this much.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);

fn takeback(config: &Config, carried: &Carried) -> Takeback {
    let leeway = config.tokens.iter().map(|tokens| tokens.leeway).max().unwrap_or_default();
    Takeback { revocations: carried.revocations.clone(), believed_after: leeway.saturating_add(CLOCKS_DIFFER) }
}

fn issued(service: issue::Service) -> Service {
    Service::Issue(Arc::new(service))
}

fn password_checks(limits: &config::Limits) -> Result<PasswordChecks, AssembleError> {
    let cores = available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let at_once = limits.password_checks.unwrap_or(cores / 2);
    PasswordChecks::start(at_once, limits.password_queue).map_err(AssembleError::Passwords)
}

/// The first key of the tokens entry signs: those after it are on their way in or out.
fn issuer(
    config: &Config,
    entry: &config::Issuer,
    carried: &Carried,
    elsewhere: &FamilyBook,
) -> Result<Arc<Issuer>, AssembleError> {
    let tokens = config.tokens.get(entry.tokens);
    let key = tokens.and_then(|tokens| tokens.signing_key().cloned());
    let key = key.ok_or_else(|| AssembleError::Issuer(entry.name.clone()))?;
    Ok(Arc::new(Issuer {
        name: entry.name.clone(),
        minter: Minter {
            key,
            issuer: tokens.and_then(|tokens| tokens.issuer.clone()),
            audience: entry.audience.clone(),
            lifetime: entry.lifetime,
            claims: minted_claims(&entry.claims),
        },
        refresh: entry.refresh.as_ref().map(|settings| Refresh {
            rules: RefreshRules {
                lifetime: settings.lifetime,
                absolute: settings.absolute_lifetime,
                grace: settings.grace,
                per_subject: settings.per_subject,
            },
            families: elsewhere.families(&entry.name).unwrap_or_else(|| families(&settings.kept_in, carried)),
            revocations: carried.revocations.clone(),
            tokens: tokens.map(|tokens| tokens.name.clone()).unwrap_or_default(),
        }),
        session: entry.session.clone().map(|session| issue::Session {
            token: session.token,
            csrf: session.csrf,
            refresh: session.refresh,
            same_site: session.same_site,
        }),
    }))
}

/// Those in a file are read with the config, so that nobody is asked.
fn source(users: &config::Users, book: &UserBook, stand_ins: &StandIns) -> Arc<UserSource> {
    let listed = match &users.source {
        UsersSource::File { users, .. } => users.as_slice(),
        UsersSource::Elsewhere(_) => &[],
    };
    book.source(&users.name).unwrap_or_else(|| Arc::new(UserSource::Table(table(listed, stand_ins))))
}

/// Where the store came with a reload it is not there yet, and families stay where they were.
fn families(kept_in: &KeptIn, carried: &Carried) -> Arc<Families> {
    let shared = carried.stores.families.as_ref().filter(|_| *kept_in == KeptIn::Redis);
    shared.unwrap_or(&carried.families).clone()
}

/// Claims of the config as a minter has them.
pub fn minted_claims(claims: &[(String, ClaimValue)]) -> Vec<(String, minting::ClaimValue)> {
    let claim = |(name, value): &(String, ClaimValue)| {
        let value = match value {
            ClaimValue::Json(value) => minting::ClaimValue::Json(value.clone()),
            ClaimValue::Template(template) => minting::ClaimValue::Template(template.clone()),
        };
        (name.clone(), value)
    };
    claims.iter().map(claim).collect()
}

/// The minter's claims, and what goes before them.
fn with_more(minter: &Minter, more: &[(String, ClaimValue)]) -> Vec<(String, minting::ClaimValue)> {
    [minter.claims.clone(), minted_claims(more)].concat()
}

fn table(users: &[config::User], stand_ins: &StandIns) -> UserTable {
    let user = |user: &config::User| issue::User {
        name: user.name.clone(),
        password: user.password.clone(),
        claims: user.claims.clone(),
        disabled: user.disabled,
    };
    UserTable::new(users.iter().map(user).collect(), stand_ins.clone())
}
