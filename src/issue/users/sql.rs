//! Users in a database: the operator's own query finds them, so that the table which is there already will do.
//!
//! The name goes to the database as a bound text. Nothing is remembered of an answer but what a check costs: a login is rare,
//! and who was locked out a moment ago must not get in.

use std::{io, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::{
    super::{Failure, PasswordChecks},
    fault::{self, RowFault, UsersAway},
    row::{self, Found},
    seen::SeenHashes,
};
use crate::{
    errands::Errands,
    sql_link::{self, Database},
};

/// Rows read of one name. One at most is the user's; a database that compares loosely may find some others.
const MOST_ROWS: usize = 16;

/// Where users are and how they are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The database.
    pub database: sql_link::Settings,
    /// Takes the name as its one parameter. Columns: `password`, `username`, `disabled`, `claims`; any other is a claim.
    pub query: String,
    /// From the question to the answer.
    pub timeout: Duration,
    /// Look-ups at once; one more is refused.
    pub most_look_ups: usize,
}

/// A database that is asked.
#[derive(Debug)]
pub struct Users {
    database: Database,
    query: Arc<str>,
    timeout: Duration,
    places: Arc<Semaphore>,
    errands: Errands,
    stand_ins: SeenHashes,
}

impl Users {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn new(settings: &Settings, errands: &Errands) -> io::Result<Users> {
        Ok(Users {
            database: Database::new(&settings.database, errands),
            query: settings.query.as_str().into(),
            timeout: settings.timeout,
            places: Arc::new(Semaphore::new(settings.most_look_ups)),
            errands: errands.clone(),
            stand_ins: SeenHashes::new().map_err(io::Error::other)?,
        })
    }

    /// The claims of the user of that name, if that is their password. Each way to fail takes one look-up and one check.
    pub(super) async fn check(
        &self,
        name: &str,
        password: Zeroizing<Vec<u8>>,
        checks: &PasswordChecks,
    ) -> Result<Value, Failure> {
        let found = self.find(name).await?;
        let own = found.as_ref().ok().and_then(|user| user.as_ref()?.password.as_ref());
        let hash = match own {
            Some(hash) => {
                self.stand_ins.note(name, hash);
                hash.clone()
            }
            None => self.stand_ins.of(name),
        };
        let matches = checks.matches(hash, password).await?;
        match found.map_err(Failure::UnreadableUser)? {
            None => Err(Failure::UnknownUser),
            Some(user) if user.password.is_none() => Err(Failure::NoPassword),
            Some(_) if !matches => Err(Failure::WrongPassword),
            Some(user) => user.if_they_may(),
        }
    }

    /// The claims of the user of that name, who may log in.
    pub(super) async fn current(&self, name: &str) -> Result<Value, Failure> {
        let user = self.find(name).await?.map_err(Failure::UnreadableHolder)?;
        user.ok_or(Failure::UnknownUser)?.if_they_may()
    }

    /// What the database says: of this name, where it can be read, or nothing at all.
    async fn find(&self, name: &str) -> Result<Result<Option<Found>, RowFault>, Failure> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Failure::Busy)?;
        let (database, query, asked) = (self.database.clone(), self.query.clone(), name.to_owned());
        let timeout = self.timeout;
        let look_up = async move {
            let _place = place;
            tokio::time::timeout(timeout, database.rows(&query, &[&asked], MOST_ROWS)).await
        };
        let answer = self.errands.run(look_up).await.map_err(UsersAway::away)?;
        match answer.map_err(|_| UsersAway::TimedOut)? {
            Ok(rows) => Ok(row::user(name, &rows, self.database.compares_loosely())),
            Err(error) => Ok(Err(fault::of_sql(error)?)),
        }
    }
}

impl Found {
    fn if_they_may(self) -> Result<Value, Failure> {
        if self.disabled { Err(Failure::DisabledUser) } else { Ok(self.claims) }
    }
}
