//! Claims in memory that outlive their process: each is in a journal before it is given out.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use super::{
    ClaimKey, Claimed, MemoryStore, Store, StoreError,
    journal::{Journal, JournalError, Record},
};
use crate::clock::Clock;

/// How long it is let be after it could not be written anew.
const PAUSE: Duration = Duration::from_secs(10);

/// Claims in memory with a journal behind them.
#[derive(Debug)]
pub struct JournaledStore {
    shared: Arc<Shared>,
    /// The word to the thread that writes the journal anew. It ends with the last who could say it.
    overgrown: mpsc::SyncSender<()>,
}

#[derive(Debug)]
struct Shared {
    memory: MemoryStore,
    journal: Journal,
    clock: Clock,
    failing: AtomicBool,
}

impl JournaledStore {
    /// Claims in `memory`, which is empty, beside those that the journal in the directory `path` remembers. They are all
    /// kept, even where they are more than the memory's capacity: then new ones are refused.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn open(memory: MemoryStore, path: &Path, clock: Clock) -> Result<JournaledStore, JournalError> {
        let now_millis = clock.unix_millis();
        let journal = Journal::open(path, |record| match record {
            Record::Claim(key, until_millis) if until_millis >= now_millis => memory.restore(&key, until_millis),
            Record::Release(key, until_millis) => memory.take_back(&key, until_millis),
            Record::Claim(..) | Record::Start => {}
        })?;
        let (overgrown, told) = mpsc::sync_channel(1);
        let store = JournaledStore {
            shared: Arc::new(Shared { memory, journal, clock, failing: AtomicBool::new(false) }),
            overgrown,
        };
        let shared = Arc::downgrade(&store.shared);
        let keep = move || {
            while told.recv().is_ok()
                && let Some(written) = shared.upgrade().map(|shared| shared.rewrite())
            {
                if !written {
                    std::thread::sleep(PAUSE);
                }
            }
        };
        let spawned = std::thread::Builder::new().name("journal".to_owned()).spawn(keep);
        spawned.map_err(|source| JournalError::Io { file: path.to_owned(), source })?;
        store.mind_growth(store.shared.journal.bytes());
        Ok(store)
    }

    /// As [`claim`](Store::claim): all that is waited for is the system's word that it has the record.
    ///
    /// # Errors
    /// [`StoreError::Full`] and [`StoreError::Unwritable`]
    pub fn claim_at_once(&self, key: &ClaimKey, until_millis: i64, now_millis: i64) -> Result<Claimed, StoreError> {
        let shared = &self.shared;
        match shared.memory.claim_at_once(key, until_millis, now_millis)? {
            Claimed::Seen => Ok(Claimed::Seen),
            Claimed::Fresh => match shared.noted(shared.journal.claim(key, until_millis)) {
                Ok(bytes) => {
                    self.mind_growth(bytes);
                    Ok(Claimed::Fresh)
                }
                Err(error) => {
                    shared.memory.take_back(key, until_millis);
                    Err(StoreError::Unwritable(error.kind()))
                }
            },
        }
    }

    /// The memory in front of the journal.
    pub fn memory(&self) -> &MemoryStore {
        &self.shared.memory
    }

    #[cfg(test)]
    pub(super) fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    #[cfg(test)]
    pub(super) fn write_anew(&self) {
        assert!(self.shared.rewrite());
    }

    fn mind_growth(&self, bytes: u64) {
        if Journal::is_overgrown(bytes, self.shared.memory.len()) {
            // Full means that it was said already.
            let _ = self.overgrown.try_send(());
        }
    }
}

impl Store for JournaledStore {
    async fn claim(&self, key: &ClaimKey, until_millis: i64, now_millis: i64) -> Result<Claimed, StoreError> {
        self.claim_at_once(key, until_millis, now_millis)
    }

    async fn release(&self, key: &ClaimKey, until_millis: i64) {
        // The journal first: once the memory has let go, the next claim on the key may be written. Where it cannot be
        // written the claim is back after a start; refused in doubt.
        let Shared { memory, journal, .. } = &*self.shared;
        let _ = self.shared.noted(journal.release(key, until_millis, || memory.take_back(key, until_millis)));
    }
}

impl Shared {
    /// Says once when writing begins to fail, and once when it works again.
    fn noted(&self, written: io::Result<u64>) -> io::Result<u64> {
        let fails = written.is_err();
        if self.failing.load(Ordering::Relaxed) != fails && self.failing.swap(fails, Ordering::Relaxed) != fails {
            match &written {
                Err(error) => tracing::error!(%error, "the replay journal cannot be written; requests are refused"),
                Ok(_) => tracing::info!("the replay journal can be written again"),
            }
        }
        written
    }

    /// Whether it could be written anew.
    fn rewrite(&self) -> bool {
        let now_millis = self.clock.unix_millis();
        let written = self.journal.rewrite(|take| self.memory.each_live(now_millis, take));
        let written = written.inspect_err(|error| {
            tracing::error!(%error, "the replay journal cannot be written anew; it goes on growing");
        });
        written.is_ok()
    }
}
