//! Families of refresh tokens in a table: a row each.
//!
//! What there is to say of a token is said of the row as it was read; what follows from it is done only if the row is still
//! the same. Each statement is an errand of its own: where nobody waits any more, none follows it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    Reading, SqlTrouble, Statements,
    asked::Asked,
    row::{Held, written},
    tender,
};
use crate::{
    errands::Errands,
    sql_link::{self, Database, SqlError},
    store::families::{Beginning, FamilyId, ShownToken, TokenHash, Verdict},
};

/// The longest that a family is kept: ten years.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);
/// How often a verdict is sought anew, because the family was changed by others since it was read.
const TURNS: usize = 8;
/// Of so many logins whose holders have too many families afterwards one is told of.
const UNTOLD: u64 = 1_000;

/// Where the table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The database.
    pub database: sql_link::Settings,
    /// The table's name, which needs no quotes.
    pub table: String,
    /// From a question to its answer.
    pub timeout: Duration,
}

/// Families that gateways share. Clones are the same.
#[derive(Clone)]
pub struct SqlFamilies(Arc<Inner>);

pub(super) struct Inner {
    /// Whose they are, for the log.
    pub(super) name: String,
    database: Database,
    /// The same one, for whoever looks after the table: requests that wait for a lock must not hold him up.
    pub(super) tenders: Database,
    pub(super) statements: Statements,
    pub(super) asked: Asked,
    /// Logins after which nobody's oldest family was ended.
    untrimmed: AtomicU64,
}

impl SqlFamilies {
    /// Nothing is connected yet, and nobody looks after the table. `name` is for the log.
    pub fn new(name: &str, settings: &Settings, errands: &Errands) -> SqlFamilies {
        SqlFamilies(Arc::new(Inner {
            name: name.to_owned(),
            database: Database::new(&settings.database, errands),
            tenders: Database::new(&sql_link::Settings { connections: 1, ..settings.database.clone() }, errands),
            statements: Statements::new(settings.database.address.kind(), &settings.table),
            asked: Asked::new(settings.timeout, errands.clone()),
            untrimmed: AtomicU64::default(),
        }))
    }

    /// Begins to look after the table, for as long as there are clones: it is made where it is missing, what is over is
    /// removed, first after `first_sweep`, and it is known whether it can be asked.
    pub fn begin_to_tend(&self, first_sweep: Duration) {
        let tending = tender::tend(Arc::downgrade(&self.0), self.0.asked.doubt.clone(), first_sweep);
        self.0.asked.errands().send(tending);
    }

    /// Whether it is known by now if somebody is there.
    pub fn has_been_heard_of(&self) -> bool {
        self.0.asked.is_known()
    }

    /// What was counted.
    pub fn reading(&self) -> Reading {
        self.0.asked.reading()
    }

    /// Begins a family. Where its holder has as many as may be, the one that was used longest ago ends.
    ///
    /// # Errors
    /// [`SqlTrouble`]
    pub async fn begin(&self, beginning: &Beginning<'_>) -> Result<(), SqlTrouble> {
        let Beginning { id, hash, issuer, subject, holder, grant, lifetime, absolute, grace, most } = beginning;
        let [id, holder] = [hex::encode(id), hex::encode(holder)];
        let texts = [&id, *issuer, *subject, &holder, &written(hash), *grant].map(str::to_owned);
        let times = [*lifetime, *absolute, *grace, (*lifetime).min(*absolute)].map(millis);
        let parameters = texts.into_iter().chain(times).collect();
        self.run(self.0.statements.begin.clone(), parameters).await?;
        // Last, so that a login that fails ends none. Where this fails the next one sees to it.
        if let Err(error) = self.run(self.0.statements.trim(*most), vec![holder]).await {
            self.0.tells_of(&error);
        }
        Ok(())
    }

    /// What there is to say of `shown`, in whose place `successor` is put if it is good.
    ///
    /// # Errors
    /// [`SqlTrouble`]
    pub async fn judge(&self, shown: &ShownToken<'_>, successor: Option<&TokenHash>) -> Result<Verdict, SqlTrouble> {
        for _ in 0..TURNS {
            let Some(held) = self.held(shown.id).await? else { return Ok(Verdict::Unknown) };
            let verdict = held.judge(shown);
            let is_settled = match (&verdict, successor) {
                (Verdict::Good(_), Some(successor)) => self.renew(&held, shown.id, successor).await?,
                (Verdict::Expired | Verdict::Reused, _) => self.forget(&held, shown.id).await?,
                (Verdict::Good(_), None) | (Verdict::Unknown | Verdict::OtherIssuer | Verdict::Crossed, _) => true,
            };
            if is_settled {
                return Ok(verdict);
            }
        }
        Err(SqlTrouble::Raced)
    }

    /// Makes `spent` the good one again, if `successor` took its place, which it never will from now on.
    ///
    /// # Errors
    /// [`SqlTrouble`]: it is not known whether that was done.
    pub async fn restore(&self, id: &FamilyId, spent: &TokenHash, successor: &TokenHash) -> Result<(), SqlTrouble> {
        let [family, spent, successor] = [hex::encode(id), written(spent), written(successor)];
        let parameters = vec![successor.clone(), spent.clone(), spent.clone(), family, spent, successor];
        self.run(self.0.statements.restore.clone(), parameters).await.map(drop)
    }

    /// Ends the family of `shown`, if it is of that issuer.
    ///
    /// # Errors
    /// [`SqlTrouble`]
    pub async fn end(&self, shown: &ShownToken<'_>) -> Result<(), SqlTrouble> {
        let parameters = vec![hex::encode(shown.id), shown.issuer.to_owned()];
        self.run(self.0.statements.end.clone(), parameters).await.map(drop)
    }

    async fn held(&self, id: &FamilyId) -> Result<Option<Held>, SqlTrouble> {
        let (inner, id) = (self.0.clone(), hex::encode(id));
        let found = async move { inner.database.rows(&inner.statements.look, &[&id], 1).await };
        let rows = self.0.asked.to_say(found).await?;
        rows.first().map(Held::read).transpose().map_err(SqlTrouble::Failed)
    }

    async fn renew(&self, held: &Held, id: &FamilyId, successor: &TokenHash) -> Result<bool, SqlTrouble> {
        let parameters = vec![written(successor), hex::encode(id), held.hash.clone(), held.turn.clone()];
        Ok(self.run(self.0.statements.renew.clone(), parameters).await? == 1)
    }

    async fn forget(&self, held: &Held, id: &FamilyId) -> Result<bool, SqlTrouble> {
        let parameters = vec![hex::encode(id), held.hash.clone(), held.turn.clone()];
        Ok(self.run(self.0.statements.forget.clone(), parameters).await? == 1)
    }

    /// How many rows `statement` changed. Where the database gives others at the same rows the precedence, it is asked again.
    async fn run(&self, statement: Arc<str>, parameters: Vec<String>) -> Result<u64, SqlTrouble> {
        let parameters: Arc<[String]> = parameters.into();
        for _ in 0..TURNS {
            let (inner, statement, parameters) = (self.0.clone(), statement.clone(), parameters.clone());
            let done = async move { inner.run(&statement, &parameters).await };
            match self.0.asked.to_do(done).await {
                Err(SqlTrouble::Failed(SqlError::Raced(_))) => {}
                answered => return answered,
            }
        }
        Err(SqlTrouble::Raced)
    }
}

impl Inner {
    async fn run(&self, statement: &Arc<str>, parameters: &[String]) -> Result<u64, SqlError> {
        let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
        self.database.run(statement, &parameters).await
    }

    /// A holder has more families than he may: now and then it is told why.
    fn tells_of(&self, error: &SqlTrouble) {
        if self.untrimmed.fetch_add(1, Ordering::Relaxed).is_multiple_of(UNTOLD) {
            tracing::warn!(issuer = self.name, %error, "one refresh token more than `per_subject` stays good until its subject logs in again");
        }
    }
}

impl Drop for Inner {
    /// Whoever looks after the table finds out that nobody asks any more.
    fn drop(&mut self) {
        self.asked.doubt.notify_one();
    }
}

fn millis(time: Duration) -> String {
    time.min(LONGEST).as_millis().to_string()
}

impl fmt::Debug for SqlFamilies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqlFamilies({}, up: {})", self.0.name, self.0.asked.is_up())
    }
}
