//! What is revoked: held in memory, with a file behind it that outlives the process; or in a store that gateways share.
//!
//! A revocation is on the disk, or in the store, before it holds, and holds before anybody is told so. What is revoked in a request is
//! admission's to ask; what became of it is not known here.

mod entry;
mod list;
mod log;
mod shared;

use std::{
    io,
    path::Path,
    sync::{Mutex, PoisonError},
};

pub use self::{
    entry::{BadRevocation, By, Line, Revocation, Revoked, Whose},
    list::{Shown, ShownToken},
    log::{Fault, LogError, read},
    shared::{Question, SharedRevocations, Unknown},
};
use self::{list::List, log::Log};
use crate::redis_link::LinkError;

/// Everything that is revoked, shared by all workers.
#[derive(Debug)]
pub struct Revocations {
    list: List,
    /// `None`: there is no file, so nothing can be revoked. Locked for as long as a line takes to get to the disk, or now and then
    /// all that stands, and while all that stands is copied to be listed; never for a request.
    log: Option<Mutex<Log>>,
    /// Where gateways share them: then nothing is in the list.
    shared: Option<SharedRevocations>,
}

/// Why something is not revoked.
#[derive(Debug, thiserror::Error)]
pub enum NotRevoked {
    /// Nothing would keep it.
    #[error("no place for revocations is configured: `revocations: {{ file: … }}`, or `redis: true`")]
    NoPlace,
    /// It is no revocation.
    #[error(transparent)]
    Bad(#[from] BadRevocation),
    /// There are as many as there may be, of whoever asks.
    #[error("there are as many revocations as there may be")]
    Full,
    /// It could not be written.
    #[error("it could not be written: {0}")]
    Write(#[source] io::Error),
    /// The store did not say that it has it. It may have it nevertheless.
    #[error("whether it is in force is not known: {0}")]
    Store(#[from] LinkError),
}

/// What is in force once something was revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// What was asked for, joined with what stood under the same name and was not over.
    New(Revocation),
    /// What was revoked before: it said all that already, and nothing has changed.
    Before(Revocation),
}

/// Why a revocation is not lifted.
#[derive(Debug, thiserror::Error)]
pub enum NotLifted {
    /// There is no list.
    #[error("no place for revocations is configured, so nothing is revoked")]
    NoPlace,
    /// It does not stand there.
    #[error("nothing is revoked under that name; `countersign revocations` lists what is")]
    Nothing,
    /// It was not the operator who revoked it.
    #[error("whoever has that token gave it back, with a logout or by revoking it: it stays revoked")]
    Holders,
    /// It could not be written.
    #[error("it could not be written, and stays revoked: {0}")]
    Write(#[source] io::Error),
    /// The store did not say that it did it. It may have nevertheless.
    #[error("whether it is lifted is not known: {0}")]
    Store(#[from] LinkError),
}

impl Revocations {
    /// Nothing is revoked, and nothing can be.
    pub fn none() -> Revocations {
        Revocations { list: List::new(0), log: None, shared: None }
    }

    /// Those that gateways share.
    pub fn shared_with(shared: SharedRevocations) -> Revocations {
        Revocations { shared: Some(shared), ..Revocations::none() }
    }

    /// Those that gateways share, where they do: only they know what is revoked.
    pub fn shared(&self) -> Option<&SharedRevocations> {
        self.shared.as_ref()
    }

    /// Those of a file, which is made if it is not there; at most `capacity`. What is over is left out, also of the file.
    ///
    /// # Errors
    /// [`LogError`]
    pub fn open(path: &Path, capacity: usize, now_unix: i64) -> Result<Revocations, LogError> {
        let list = List::new(capacity);
        let mut lines = 0_usize;
        let mut log = Log::open(path, now_unix, capacity, |line| {
            lines += 1;
            list.take(line, now_unix)
        })?;
        if list.len() < lines {
            tidy(&mut log, &list, now_unix);
        }
        Ok(Revocations { list, log: Some(Mutex::new(log)), shared: None })
    }

    /// What stands in a file that nobody has open, in the order of what is named, at most `most`. Nothing is made or changed.
    ///
    /// # Errors
    /// [`LogError`]
    pub fn in_file(path: &Path, most: usize, now_unix: i64) -> Result<Vec<Revocation>, LogError> {
        let list = List::new(most);
        log::look(path, now_unix, most, |line| list.take(line, now_unix))?;
        Ok(in_order(list.standing(now_unix)))
    }

    /// Whether nothing is revoked here: one load, for the path of every request.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many revocations are held.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// What of `shown` is revoked, if anything is, wherever that is kept.
    ///
    /// # Errors
    /// [`Unknown`]: refuse in doubt.
    pub async fn ask(&self, shown: &Shown<'_>, now_unix: i64) -> Result<Option<Revoked>, Unknown> {
        match (&self.shared, Question::of(shown)) {
            (Some(shared), Some(question)) => {
                let found = shared.find(std::iter::once(&question), now_unix).await?;
                Ok(found.into_iter().flatten().next())
            }
            (None, _) | (_, None) => Ok(self.find(shown, now_unix)),
        }
    }

    /// What of `shown` is revoked here, if anything is.
    pub fn find(&self, shown: &Shown<'_>, now_unix: i64) -> Option<Revoked> {
        if self.is_empty() { None } else { self.list.find(shown, now_unix) }
    }

    /// Revokes in the file, where it has room for whoever wants it; on return it is on the disk and holds. One that says nothing new
    /// changes nothing.
    ///
    /// # Errors
    /// [`NotRevoked`]; nothing has changed then.
    pub fn revoke(&self, revocation: Revocation, now_unix: i64) -> Result<Standing, NotRevoked> {
        let log = self.log.as_ref().ok_or(NotRevoked::NoPlace)?;
        if revocation.is_over(now_unix) {
            return Err(BadRevocation::Over.into());
        }
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.list.entry(&revocation.revoked, now_unix);
        if let Some(known) = known.as_ref().filter(|known| known.covers(&revocation)) {
            return Ok(Standing::Before(known.clone()));
        }
        if !self.list.has_room(&revocation, revocation.by, now_unix) {
            return Err(NotRevoked::Full);
        }
        // What stands is written, so that the file says after a restart what is said now.
        let standing = known.map_or_else(|| revocation.clone(), |known| known.joined(&revocation));
        log.append(&standing.to_json()).map_err(NotRevoked::Write)?;
        self.list.put(standing.clone());
        if log.is_overgrown() {
            tidy(&mut log, &self.list, now_unix);
        }
        Ok(Standing::New(standing))
    }

    /// Lifts what the operator revoked under that name, the whole of it; on return that is on the disk and holds. What stood is told.
    ///
    /// # Errors
    /// [`NotLifted`]; nothing has changed then.
    pub fn lift(&self, revoked: &Revoked, now_unix: i64) -> Result<Revocation, NotLifted> {
        let log = self.log.as_ref().ok_or(NotLifted::NoPlace)?;
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = self.list.entry(revoked, now_unix).ok_or(NotLifted::Nothing)?.liftable(now_unix)?;
        log.append(&standing.lifted_json(now_unix)).map_err(NotLifted::Write)?;
        self.list.remove(revoked);
        if log.is_overgrown() {
            tidy(&mut log, &self.list, now_unix);
        }
        Ok(standing)
    }

    /// All that stand, in the order of what they name.
    pub fn all(&self, now_unix: i64) -> Vec<Revocation> {
        in_order(self.standing(now_unix))
    }

    /// Copies them while nobody revokes: whoever waited for the list, to add to it, would have all requests wait behind him.
    fn standing(&self, now_unix: i64) -> Vec<Revocation> {
        let _none_is_added = self.log.as_ref().map(|log| log.lock().unwrap_or_else(PoisonError::into_inner));
        self.list.standing(now_unix)
    }
}

impl Revocation {
    /// Itself, where it stands and is the operator's.
    fn liftable(self, now_unix: i64) -> Result<Revocation, NotLifted> {
        match self.by {
            _ if self.is_over(now_unix) => Err(NotLifted::Nothing),
            By::Holder => Err(NotLifted::Holders),
            By::Operator => Ok(self),
        }
    }
}

/// Writes the file anew. Where that fails everything holds all the same; the file is only larger than it need be.
fn tidy(log: &mut Log, list: &List, now_unix: i64) {
    if let Err(error) = log.rewrite(&in_order(list.standing(now_unix))) {
        tracing::warn!(%error, "the file of revocations could not be written anew");
    }
}

fn in_order(mut revocations: Vec<Revocation>) -> Vec<Revocation> {
    revocations.sort_by(|one, other| one.revoked.cmp(&other.revoked));
    revocations
}

#[cfg(test)]
mod tests;
