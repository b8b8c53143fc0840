//! Holding a body that a scheme covers: first in memory, then in a temporary file, never beyond the limits.
//!
//! Two budgets of the whole process bound what all requests hold together; beyond them a request is refused, so that
//! unverified traffic cannot fill memory or disk.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::{Bytes, BytesMut};

use super::{Body, BodyError, body::Spool};

/// A number of bytes that all requests share.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Account>);

#[derive(Debug)]
struct Account {
    limit: AtomicU64,
    used: AtomicU64,
}

/// The part of a [`Budget`] that one body has taken; given back on drop.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    taken: u64,
}

/// Where bodies are held and how much of it there is.
#[derive(Clone, Debug)]
pub struct Budgets {
    /// Memory.
    pub memory: Budget,
    /// Temporary files.
    pub spool: Budget,
    /// Their directory; the system's where absent.
    pub directory: Option<PathBuf>,
}

impl Budgets {
    /// A file such as a body is held in; it goes with its handle.
    ///
    /// # Errors
    /// Why none can be made there.
    pub fn temporary_file(&self) -> io::Result<File> {
        temporary_file(self.directory.as_deref())
    }
}

/// The bounds of one request.
#[derive(Clone, Copy, Debug)]
pub struct HoldLimits {
    /// Bytes in all.
    pub body: u64,
    /// Bytes in memory; more goes to a file.
    pub memory: u64,
    /// Whether a file will do. JSON and form sources need memory.
    pub may_spool: bool,
}

/// Why a body is not held.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// Larger than the limit.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Larger than what is held in memory of one, where a scheme reads values out of it.
    #[error("the body is larger than the {limit} bytes that a scheme may read values out of (`limits.body_memory`)")]
    TooLargeToRead {
        /// The limit in bytes.
        limit: u64,
    },
    /// The process's budget is used up.
    #[error("no room for the body: the {0} budget is used up")]
    NoRoom(&'static str),
    /// The temporary file failed.
    #[error("temporary file: {0}")]
    Spool(#[source] io::Error),
    /// The sender failed.
    #[error(transparent)]
    Sender(#[from] BodyError),
}

/// Reads `body` to its end and returns it held.
///
/// # Errors
/// [`HoldError`]; nothing stays reserved then.
pub async fn hold(body: Body, limits: HoldLimits, budgets: &Budgets) -> Result<Body, HoldError> {
    let Body::Stream(_) = &body else { return within(body, limits) };
    let ceiling = if limits.may_spool { limits.body } else { limits.body.min(limits.memory) };
    if body.length().is_some_and(|length| length > ceiling) {
        return Err(limits.too_large());
    }
    Holding { body, limits, ceiling, budgets, share: budgets.memory.share() }.run().await
}

impl HoldLimits {
    /// Why a body is refused that is larger than may be held, and by which limit.
    fn too_large(self) -> HoldError {
        match self.may_spool || self.body <= self.memory {
            true => HoldError::TooLarge { limit: self.body },
            false => HoldError::TooLargeToRead { limit: self.memory },
        }
    }
}

fn within(body: Body, limits: HoldLimits) -> Result<Body, HoldError> {
    match body.length() {
        Some(length) if length > limits.body => Err(HoldError::TooLarge { limit: limits.body }),
        _ => Ok(body),
    }
}

struct Holding<'b> {
    body: Body,
    limits: HoldLimits,
    ceiling: u64,
    budgets: &'b Budgets,
    share: Share,
}

impl Holding<'_> {
    async fn run(mut self) -> Result<Body, HoldError> {
        let Some(first) = self.body.next().await.transpose()? else { return Ok(Body::Empty) };
        self.count(first.len())?;
        let Some(second) = self.body.next().await.transpose()? else {
            return Ok(Body::Bytes(first, Some(self.share)));
        };
        let mut gathered = BytesMut::with_capacity(self.expected(first.len() + second.len()));
        gathered.extend_from_slice(&first);
        let mut piece = second;
        loop {
            if size(gathered.len()) + size(piece.len()) > self.limits.memory {
                return self.spool(gathered.freeze(), piece).await;
            }
            self.count(piece.len())?;
            gathered.extend_from_slice(&piece);
            match self.body.next().await.transpose()? {
                Some(next) => piece = next,
                None => return Ok(Body::Bytes(gathered.freeze(), Some(self.share))),
            }
        }
    }

    /// Room to gather in: what was announced, but not much more than has come, for only that is in the budget.
    fn expected(&self, seen: usize) -> usize {
        let said = self.body.length().unwrap_or(0).min(self.limits.memory);
        usize::try_from(said).unwrap_or(0).clamp(seen, seen.saturating_mul(8))
    }

    fn count(&mut self, bytes: usize) -> Result<(), HoldError> {
        if self.share.taken + size(bytes) > self.ceiling {
            return Err(self.limits.too_large());
        }
        self.share.grow(size(bytes)).then_some(()).ok_or(HoldError::NoRoom("memory"))
    }

    async fn spool(mut self, head: Bytes, piece: Bytes) -> Result<Body, HoldError> {
        if !self.limits.may_spool {
            return Err(self.limits.too_large());
        }
        let mut spooling = Spooling::open(self.budgets, self.ceiling).await?;
        spooling.append(head).await?;
        self.share = self.budgets.memory.share();
        let mut gathered = BytesMut::from(&*piece);
        while let Some(next) = self.body.next().await.transpose()? {
            if gathered.len() + next.len() > GATHERED {
                spooling.append(gathered.split().freeze()).await?;
            }
            gathered.extend_from_slice(&next);
        }
        spooling.append(gathered.freeze()).await?;
        Ok(Body::Spooled(spooling.finish()))
    }
}

/// Pieces are gathered up to this size before they are written: not every byte that a client sends in a chunk of its own is
/// worth a call and a change of threads.
const GATHERED: usize = 64 * 1024;

fn temporary_file(directory: Option<&Path>) -> io::Result<File> {
    match directory {
        Some(directory) => tempfile::tempfile_in(directory),
        None => tempfile::tempfile(),
    }
}

struct Spooling {
    file: Arc<File>,
    share: Share,
    ceiling: u64,
}

impl Spooling {
    async fn open(budgets: &Budgets, ceiling: u64) -> Result<Spooling, HoldError> {
        let directory = budgets.directory.clone();
        let file = off_thread(move || temporary_file(directory.as_deref())).await?;
        Ok(Spooling { file: Arc::new(file), share: budgets.spool.share(), ceiling })
    }

    async fn append(&mut self, piece: Bytes) -> Result<(), HoldError> {
        let offset = self.share.taken;
        if offset + size(piece.len()) > self.ceiling {
            return Err(HoldError::TooLarge { limit: self.ceiling });
        }
        if !self.share.grow(size(piece.len())) {
            return Err(HoldError::NoRoom("spool"));
        }
        let file = self.file.clone();
        off_thread(move || file.write_all_at(&piece, offset)).await
    }

    fn finish(self) -> Spool {
        Spool { file: self.file, length: self.share.taken, _share: Arc::new(self.share) }
    }
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, HoldError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|stopped| Err(io::Error::other(stopped))).map_err(HoldError::Spool)
}

fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

impl Budget {
    /// A budget of that many bytes.
    pub fn new(limit: u64) -> Budget {
        Budget(Arc::new(Account { limit: AtomicU64::new(limit), used: AtomicU64::new(0) }))
    }

    /// Makes it `limit` bytes from now on. What is taken stays taken, and counts.
    pub fn resize(&self, limit: u64) {
        self.0.limit.store(limit, Ordering::Relaxed);
    }

    /// Bytes taken right now.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    fn share(&self) -> Share {
        Share { budget: self.clone(), taken: 0 }
    }
}

impl Share {
    fn grow(&mut self, bytes: u64) -> bool {
        let account = &self.budget.0;
        let limit = account.limit.load(Ordering::Relaxed);
        let granted = account.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|sum| *sum <= limit)
        });
        if granted.is_ok() {
            self.taken += bytes;
        }
        granted.is_ok()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.used.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[path = "hold_tests.rs"]
mod tests;
