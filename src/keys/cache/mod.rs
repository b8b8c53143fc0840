//! In front of a key source elsewhere: what it said is remembered for a time, it is asked once however many want to know, and
//! while it is away what is known goes on to serve, up to a limit. A source that is only asked too much is not away: then who
//! cannot be told is refused, or a flood could keep a key alive that was shut out there.
//!
//! What it answers without telling may be about one id or about whoever asks. It is taken to be about the id where the source tells
//! of another *known* one in the same moment. That it calls strangers unknown says nothing: anyone can invent those, and a broken
//! source may still know what has not the form of an id.
//!
//! An id that is not known while the source is away is not refused as unknown: nobody can tell. What is remembered here is
//! shared by all workers. Whether a secret is good at this time is not decided here; a record comes with its lifetimes.

mod counts;
mod memory;
#[cfg(test)]
mod tests;
mod witnesses;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

pub use counts::{BOUNDS_MICROS, Reading};

use self::{
    counts::Counts,
    memory::{Memory, Remembered},
    witnesses::Witnesses,
};
use super::{Answer, KeyRecord, KeysAway, Lookout, Lookup, Remote, Trouble};
use crate::{
    asking::{Boarding, Flights, Health, PAUSE, Pilot, Whose},
    clock::Clock,
    errands::Errands,
};

/// How a source is asked and its answers are remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a record is good. In its last quarter it is fetched again when it is asked for, without anybody waiting.
    pub ttl: Duration,
    /// How long an id counts as not known.
    pub unknown_ttl: Duration,
    /// How long beyond `ttl` a record serves while the source is away.
    pub stale: Duration,
    /// Ids remembered with a record, about.
    pub capacity: usize,
    /// Ids remembered as not known, about.
    pub unknown_capacity: usize,
    /// How long a look-up may take.
    pub timeout: Duration,
    /// Look-ups at once.
    pub most_look_ups: usize,
}

/// What a look-up came to.
#[derive(Clone, Debug)]
struct Landed {
    answer: Answer,
    /// Whether the answer is an old record, because the look-up failed.
    is_stale: bool,
}

impl Landed {
    fn broken_off() -> Landed {
        Landed { answer: Err(KeysAway::Failed("the look-up was broken off".into())), is_stale: false }
    }
}

/// A source and what is remembered of it. Clones are the same.
#[derive(Clone)]
pub struct Cached(Arc<Inner>);

struct Inner {
    name: String,
    remote: Box<dyn Remote>,
    errands: Errands,
    clock: Clock,
    memory: Memory,
    flights: Arc<Flights<Landed>>,
    health: Health,
    /// How often it told of an id that was remembered.
    told: AtomicU64,
    witnesses: Witnesses,
    counts: Counts,
    timeout: Duration,
}

/// What the source did for other ids while one was asked for.
struct Meanwhile {
    /// It answered, with whatever.
    answered: bool,
    /// It told of one that was remembered.
    told: bool,
}

/// What becomes of an old record when it could not be asked for.
enum Old {
    /// It serves on, up to its limit.
    Serves,
    /// It does not serve while nobody knows whether it is still good; it may be asked for again.
    Waits,
    /// Nothing is believed of it any more.
    Forgotten,
}

impl Cached {
    /// Nothing is known yet and nobody was asked. `name` is the source's, for the log.
    pub fn new(name: &str, remote: Box<dyn Remote>, settings: &Settings, errands: Errands, clock: Clock) -> Cached {
        Cached(Arc::new(Inner {
            name: name.to_owned(),
            remote,
            errands,
            clock,
            memory: Memory::new(settings),
            flights: Flights::new(settings.most_look_ups),
            health: Health::default(),
            told: AtomicU64::new(0),
            witnesses: Witnesses::default(),
            counts: Counts::default(),
            timeout: settings.timeout,
        }))
    }

    /// The counts as they stand.
    pub fn reading(&self) -> Reading {
        let ((hits, unknown_hits), (known, unknown)) = self.0.memory.counts();
        Reading { hits, unknown_hits, known, unknown, is_up: self.0.health.is_up(), ..self.0.counts.read() }
    }

    /// An answer from memory, or a seat in a look-up. `over` is what serves if there can be none because the source is away.
    fn ask(&self, id: &[u8], now_millis: i64, over: Option<Arc<KeyRecord>>) -> Lookout<'_> {
        let inner = &*self.0;
        let whose = if over.is_some() { Whose::Remembered } else { Whose::Stranger };
        let turned_away = |why| match over {
            Some(record) if !inner.health.is_up() => self.stale(record),
            Some(_) | None => {
                Counts::one(&inner.counts.turned_away);
                Lookout::Now(Err(why))
            }
        };
        let known = || inner.known(id, now_millis);
        let flight = match inner.flights.board(id, whose, known, || inner.health.may_ask(now_millis)) {
            Boarding::NotNeeded(answer) => return Lookout::Now(answer),
            Boarding::Full => return turned_away(KeysAway::Busy),
            Boarding::Grounded => return turned_away(KeysAway::Failed("the key source is away".into())),
            Boarding::Joined(flight) => {
                Counts::one(&inner.counts.joined);
                flight
            }
            Boarding::Started(pilot, flight) => {
                self.take_off(pilot, now_millis);
                flight
            }
        };
        Lookout::Later(Box::pin(async move {
            let landed = flight.landed().await.unwrap_or_else(Landed::broken_off);
            if landed.is_stale {
                Counts::one(&inner.counts.stale);
            }
            landed.answer
        }))
    }

    /// Fetches `id` again while nobody waits.
    fn fetch(&self, id: &[u8], now_millis: i64) {
        let may_begin = || self.0.health.may_ask(now_millis);
        match self.0.flights.board(id, Whose::Remembered, || None::<Answer>, may_begin) {
            Boarding::Started(pilot, _) => self.take_off(pilot, now_millis),
            Boarding::Full | Boarding::Grounded => self.0.memory.not_fetched(id),
            Boarding::Joined(_) | Boarding::NotNeeded(_) => {}
        }
    }

    fn take_off(&self, pilot: Pilot<Landed>, now_millis: i64) {
        let inner = self.0.clone();
        self.0.errands.send(async move {
            let landed = inner.look_up(pilot.id(), now_millis).await;
            pilot.land(landed);
        });
    }

    fn stale(&self, record: Arc<KeyRecord>) -> Lookout<'_> {
        Counts::one(&self.0.counts.stale);
        Lookout::Now(Ok(Some(record)))
    }
}

impl Lookup for Cached {
    fn look_up(&self, id: &[u8]) -> Lookout<'_> {
        let now_millis = self.0.clock.unix_millis();
        match self.0.memory.recall(id, now_millis) {
            Remembered::Known { record, fetch } => {
                if fetch {
                    self.fetch(id, now_millis);
                }
                Lookout::Now(Ok(Some(record)))
            }
            Remembered::Unknown => Lookout::Now(Ok(None)),
            Remembered::Over { record, spared: true } => self.stale(record),
            Remembered::Over { record, spared: false } if !self.0.health.is_up() => {
                self.fetch(id, now_millis);
                self.stale(record)
            }
            Remembered::Over { record, spared: false } => self.ask(id, now_millis, Some(record)),
            Remembered::Nothing => self.ask(id, now_millis, None),
        }
    }
}

impl Inner {
    fn known(&self, id: &[u8], now_millis: i64) -> Option<Answer> {
        match self.memory.recall(id, now_millis) {
            Remembered::Known { record, .. } => Some(Ok(Some(record))),
            Remembered::Unknown => Some(Ok(None)),
            Remembered::Over { .. } | Remembered::Nothing => None,
        }
    }

    /// Asks the source, and remembers what it says.
    async fn look_up(&self, id: &[u8], asked_millis: i64) -> Landed {
        let (started, answers, told) = (Instant::now(), self.health.answers(), self.told());
        let trouble = match self.asked(id, asked_millis, self.timeout).await {
            Ok(record) => return Landed { answer: Ok(record), is_stale: false },
            Err(trouble) => trouble,
        };
        let mut meanwhile = Meanwhile { answered: self.health.answers() != answers, told: self.told() != told };
        if !meanwhile.told && matches!(trouble, Trouble::Withheld(_)) && self.memory.has_record(id) {
            meanwhile.told = self.tells_of_another(id, self.timeout.saturating_sub(started.elapsed())).await;
        }
        self.failed(id, trouble, &meanwhile)
    }

    /// What the source tells of `id`.
    async fn told_of(&self, id: &[u8], timeout: Duration) -> Result<Option<Arc<KeyRecord>>, Trouble> {
        let started = Instant::now();
        let asked = tokio::time::timeout(timeout, self.remote.ask(id)).await;
        let asked = asked.unwrap_or(Err(Trouble::TimedOut));
        self.counts.look_up(asked.as_ref().map(Option::is_some), started.elapsed());
        let record = asked?.map(Arc::new);
        self.answered();
        Ok(record)
    }

    /// The same, which is then remembered.
    async fn asked(&self, id: &[u8], asked_millis: i64, timeout: Duration) -> Result<Option<Arc<KeyRecord>>, Trouble> {
        let record = self.told_of(id, timeout).await?;
        match &record {
            Some(record) => {
                let was_known = self.memory.learn(id, record.clone(), asked_millis);
                self.told.fetch_add(u64::from(was_known), Ordering::Relaxed);
                self.witnesses.told(id);
            }
            None => {
                self.memory.learn_unknown(id, asked_millis);
                self.witnesses.forget(id);
            }
        }
        Ok(record)
    }

    /// Whether it tells of another id now. Where no other is remembered nobody can say. What it tells is not remembered: that one
    /// may be asked for by others too, and what was told first must not be believed last.
    async fn tells_of_another(&self, id: &[u8], timeout: Duration) -> bool {
        let Some(other) = self.witnesses.other_than(id) else { return false };
        match self.told_of(&other, timeout).await {
            Ok(Some(_)) => {
                self.told.fetch_add(u64::from(self.memory.has_record(&other)), Ordering::Relaxed);
                true
            }
            Ok(None) => {
                self.witnesses.forget(&other);
                false
            }
            Err(_) => false,
        }
    }

    fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }

    fn answered(&self) {
        if self.health.answered() {
            tracing::info!(keys = self.name, "the key source is back");
        }
    }

    /// Notes that it answered, and with nothing of use.
    fn is_heard_of(&self, trouble: &Trouble) {
        tracing::warn!(keys = self.name, %trouble, "a key cannot be had");
        self.answered();
    }

    /// What a look-up comes to that failed.
    fn failed(&self, id: &[u8], trouble: Trouble, meanwhile: &Meanwhile) -> Landed {
        let now_millis = self.clock.unix_millis();
        let pause = i64::try_from(PAUSE.as_millis()).unwrap_or(i64::MAX);
        let record = match self.judged(&trouble, meanwhile, now_millis) {
            Old::Serves => self.memory.spare(id, now_millis, now_millis.saturating_add(pause)),
            Old::Waits => {
                self.memory.not_fetched(id);
                None
            }
            Old::Forgotten => {
                self.memory.forget(id);
                self.witnesses.forget(id);
                None
            }
        };
        match record {
            Some(record) => Landed { answer: Ok(Some(record)), is_stale: true },
            None => Landed { answer: Err(trouble.into()), is_stale: false },
        }
    }

    /// Notes a trouble, and says what becomes of an old record then.
    fn judged(&self, trouble: &Trouble, meanwhile: &Meanwhile, now_millis: i64) -> Old {
        match trouble {
            Trouble::Away(_) | Trouble::TimedOut => {
                if self.health.failed(now_millis) {
                    tracing::warn!(keys = self.name, %trouble, "the key source is away");
                }
                // While it answers others it is there, and asked too much.
                if meanwhile.answered && self.health.is_up() { Old::Waits } else { Old::Serves }
            }
            Trouble::Refused(_) => {
                self.is_heard_of(trouble);
                // Where it tells of others it is there, and what it does not tell of this one is in doubt.
                if meanwhile.told { Old::Waits } else { Old::Serves }
            }
            Trouble::Withheld(_) => {
                self.is_heard_of(trouble);
                if meanwhile.told { Old::Forgotten } else { Old::Serves }
            }
            // What cannot be read may have been made so to shut the id out.
            Trouble::Denied(_) | Trouble::Unreadable(_) => {
                self.is_heard_of(trouble);
                Old::Forgotten
            }
            Trouble::Busy => {
                if self.health.is_up() {
                    Old::Waits
                } else {
                    Old::Serves
                }
            }
        }
    }
}

impl fmt::Debug for Cached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cached(…)")
    }
}
