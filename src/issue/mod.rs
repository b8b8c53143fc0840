//! Issuing tokens: what a route answers whose requests go to no upstream but to the gateway's own token issuer.
//!
//! Only an [`Admitted`] request gets here. What is issued is verified elsewhere, by the same keys; whether a token was
//! taken back is the business of admission.

mod answer;
mod desk;
mod failure;
mod handout;
mod login;
mod minter;
mod oauth;
mod passwords;
mod refresh;
mod refreshing;
mod session;
mod takeback;
mod throttle;
pub mod users;

pub use desk::Desk;
pub use failure::Failure;
pub use handout::Handout;
pub use login::{Login, Who};
pub use minter::Issuer;
pub use oauth::{
    AccessToken, ClientFault, Door, Form, FormFault, GrantTypes, Presented, ProtocolRefusal, Revocation, TokenEndpoint,
    TokenReader,
};
pub use passwords::PasswordChecks;
pub use refresh::{Families, Grant, MemoryFamilies, Refresh, RefreshFault, RefreshRules};
pub use refreshing::{Logout, Renewal};
pub use session::Session;
pub use takeback::Takeback;
pub use throttle::Throttle;
pub use users::{RowFault, StandIns, User, UserSource, UserTable, UsersAway};

use std::{pin::Pin, rc::Rc};

use crate::{deadline::Deadlines, message::Response, policy::Admitted};

/// What a route asks of the issuer.
#[derive(Debug)]
pub enum Service {
    /// A name and a password for a token.
    Login(Login),
    /// A refresh token for a new pair.
    Refresh(Renewal),
    /// The end of a refresh token and all that came of it.
    Logout(Logout),
    /// A token for whoever is known by another credential.
    Handout(Handout),
    /// A token for what OAuth 2.0 takes for one.
    Token(TokenEndpoint),
    /// The end of a token.
    Revocation(Revocation),
}

/// What is said of one request, for the log.
#[derive(Debug, Default)]
pub struct Report {
    /// Whom a token was issued to.
    pub subject: Option<Rc<str>>,
}

/// An answer on its way. On the heap, so that no other route's requests are larger for it.
pub type Serving<'s> = Pin<Box<dyn Future<Output = Result<Response, Failure>> + 's>>;

/// Serves `permit`, and reports of it.
pub fn serve<'s>(
    service: &'s Service,
    deadlines: &'s Deadlines,
    permit: Admitted<'s>,
    report: &'s mut Report,
) -> Serving<'s> {
    match service {
        Service::Login(login) => Box::pin(login.serve(deadlines, permit, report)),
        Service::Refresh(renewal) => Box::pin(renewal.serve(deadlines, permit, report)),
        Service::Token(endpoint) => Box::pin(endpoint.serve(deadlines, permit, report)),
        Service::Revocation(revocation) => Box::pin(revocation.serve(deadlines, permit)),
        Service::Logout(logout) => Box::pin(logout.serve(deadlines, permit)),
        Service::Handout(handout) => Box::pin(handout.serve(permit, report)),
    }
}
