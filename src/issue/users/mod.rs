//! Who may log in: in a file that is in memory, in a database, or behind another login that has them.
//!
//! Whoever asks is told the same of a wrong password, of a name that is not there and of a user who may not, and after the
//! same work. Why it was is for the log.

mod claims;
mod fault;
pub mod http;
mod row;
mod seen;
pub mod sql;
mod table;

use std::{io, sync::Arc};

use serde_json::Value;
use zeroize::Zeroizing;

pub use self::{
    fault::{RowFault, UsersAway},
    table::{StandIns, User, UserTable},
};
use super::{Failure, PasswordChecks};
use crate::{errands::Errands, outcall::Client};

/// A source of users.
#[derive(Debug)]
pub enum UserSource {
    /// All of them are at hand.
    Table(UserTable),
    /// They are in a database.
    Sql(sql::Users),
    /// Another login knows them.
    Http(Box<http::Users>),
}

/// Who knew the password.
#[derive(Debug)]
pub(super) struct Known {
    /// What they are called, where that is not the name that was typed.
    pub(super) subject: Option<String>,
    /// What is known of them: an object.
    pub(super) claims: Value,
}

/// A source of users that has to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// A database.
    Sql(sql::Settings),
    /// Another login.
    Http(http::Settings),
}

impl Elsewhere {
    /// Gets ready to ask. Nothing is connected to: a source that is away now may be back when it is asked.
    ///
    /// # Errors
    /// What is needed on this machine cannot be had, such as roots.
    pub fn open(&self, errands: &Errands) -> io::Result<UserSource> {
        Ok(match self {
            Elsewhere::Sql(settings) => UserSource::Sql(sql::Users::new(settings, errands)?),
            Elsewhere::Http(settings) => {
                let client = Client::new(errands.clone(), &settings.calls)?;
                UserSource::Http(Box::new(http::Users::new(client, settings.clone())))
            }
        })
    }
}

impl UserSource {
    /// The user of that name, if that is their password.
    pub(super) async fn check(
        &self,
        name: &str,
        password: Zeroizing<Vec<u8>>,
        checks: &PasswordChecks,
    ) -> Result<Known, Failure> {
        match self {
            UserSource::Table(table) => {
                let user = table.check(name, password, checks).await?;
                Ok(Known { subject: None, claims: user.claims.clone() })
            }
            UserSource::Sql(users) => Ok(Known { subject: None, claims: users.check(name, password, checks).await? }),
            UserSource::Http(users) => users.check(name, &password).await,
        }
    }

    /// Whether it can be asked for users without their passwords.
    pub(super) fn knows_who_is_there(&self) -> bool {
        match self {
            UserSource::Table(_) | UserSource::Sql(_) => true,
            UserSource::Http(_) => false,
        }
    }

    /// The claims of the user of that name, who may log in.
    pub(super) async fn current(&self, name: &str) -> Result<Value, Failure> {
        match self {
            UserSource::Table(table) => {
                let user: Option<Arc<User>> = table.current(name);
                user.map(|user| user.claims.clone()).ok_or(Failure::UnknownUser)
            }
            UserSource::Sql(users) => users.current(name).await,
            // A config that asks for it is refused.
            UserSource::Http(_) => Err(Failure::UnknownUser),
        }
    }
}
