//! Opaque tokens: asking the server that issued one what it is (RFC 7662), and remembering for a short time what it said.
//!
//! Whoever asks for a token that was asked for a moment ago is answered from memory; of several who ask at once one call is
//! made. Tokens are never kept, only their hashes, and answers are good for so long at most: a token that its server took
//! back is refused when that time is over. A server that is away says nothing about a token, so nothing is believed of it,
//! not even what it said before. Whether an answer will do is `authenticate`'s.

mod counts;
mod memory;
mod question;
#[cfg(test)]
mod tests;

use std::{
    fmt, io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::Uri;

pub use self::counts::Reading;
use self::{
    counts::Counts,
    memory::{Memory, Remembered},
    question::{Said, Trouble},
};
use crate::{
    asking::{Boarding, Flights, Health, Pilot, Whose},
    authenticate::jwt::{Introspected, Introspection, IntrospectionAway, Lookout, TokenDigest},
    clock::Clock,
    errands::Errands,
    outcall::{self, Client},
    roots::Roots,
    secret::Secret,
};

/// Largest answer, in bytes. As many as are remembered are kept whole.
const LARGEST_ANSWER: usize = 16 * 1024;

/// Whom to ask, and for how long the answers are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The server's introspection endpoint.
    pub url: Uri,
    /// Who asks.
    pub client_id: String,
    /// And proves it.
    pub client_secret: Secret,
    /// How long an answer about an active token is good.
    pub ttl: Duration,
    /// How long a token counts as not active.
    pub inactive_ttl: Duration,
    /// Answers that are remembered: so many of each kind.
    pub capacity: usize,
    /// How long a call may take, its connection included.
    pub timeout: Duration,
    /// Calls at once.
    pub most_calls: usize,
    /// The roots that the server is believed by; `None`: the system's.
    pub roots: Option<Roots>,
}

/// A server that is asked, and what is remembered of it. Clones are the same.
#[derive(Clone)]
pub struct Introspector(Arc<Inner>);

struct Inner {
    name: String,
    settings: Settings,
    /// How it is called, once the gateway has begun to.
    way: OnceLock<(Client, Errands)>,
    memory: Memory,
    flights: Arc<Flights<Introspected>>,
    health: Health,
    counts: Counts,
    clock: Clock,
}

impl Introspector {
    /// Nobody is called yet. `name` is the tokens entry's, for the log.
    pub fn open(name: &str, settings: Settings, clock: Clock) -> Introspector {
        Introspector(Arc::new(Inner {
            name: name.to_owned(),
            way: OnceLock::new(),
            memory: Memory::new(&settings),
            flights: Flights::new(settings.most_calls),
            health: Health::default(),
            counts: Counts::default(),
            clock,
            settings,
        }))
    }

    /// Makes calls possible; once, however often it is asked.
    ///
    /// # Errors
    /// The roots cannot be read.
    pub fn begin(&self, errands: &Errands) -> io::Result<()> {
        let Inner { settings, way, .. } = &*self.0;
        if way.get().is_some() {
            return Ok(());
        }
        let calls = outcall::Settings {
            tls: settings.url.scheme_str() == Some("https"),
            roots: settings.roots.clone(),
            connect_timeout: settings.timeout,
            timeout: settings.timeout,
            largest_answer: LARGEST_ANSWER,
            most_calls: settings.most_calls,
        };
        // Whoever began meanwhile began the same.
        let _ = way.set((Client::new(errands.clone(), &calls)?, errands.clone()));
        Ok(())
    }

    /// What it was opened with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The counts as they stand.
    pub fn reading(&self) -> Reading {
        let (active, inactive) = self.0.memory.lengths();
        Reading { active, inactive, is_up: self.0.health.is_up(), ..self.0.counts.read() }
    }

    /// A seat in a call, or why there is none.
    fn ask(&self, digest: &TokenDigest, token: &[u8], whose: Whose, now_millis: i64) -> Lookout<'_> {
        let inner = &*self.0;
        let turned_away = |why| {
            Counts::one(&inner.counts.turned_away);
            Lookout::Now(Err(why))
        };
        let Some((client, errands)) = inner.way.get() else { return turned_away(IntrospectionAway::Away) };
        let known = || inner.memory.recall(digest, now_millis).known();
        let may_begin = || inner.health.may_ask(now_millis);
        let flight = match inner.flights.board(digest, whose, known, may_begin) {
            Boarding::NotNeeded(answer) => return Lookout::Now(Ok(answer)),
            Boarding::Full => return turned_away(IntrospectionAway::Busy),
            Boarding::Grounded => return turned_away(IntrospectionAway::Away),
            Boarding::Joined(flight) => {
                Counts::one(&inner.counts.joined);
                flight
            }
            Boarding::Started(pilot, flight) => {
                self.take_off(pilot, (client, errands), token, *digest);
                flight
            }
        };
        Lookout::Later(Box::pin(async move { flight.landed().await.unwrap_or(Err(IntrospectionAway::Away)) }))
    }

    /// The call goes on if whoever wanted it leaves: others may wait for it.
    fn take_off(
        &self,
        pilot: Pilot<Introspected>,
        (client, errands): (&Client, &Errands),
        token: &[u8],
        digest: TokenDigest,
    ) {
        let (inner, client) = (self.0.clone(), client.clone());
        let (uri, headers, body) = question::of(&self.0.settings, token);
        errands.send(async move {
            let asked_millis = inner.clock.unix_millis();
            let said = question::read(client.post(uri, headers, body).await);
            inner.counts.call(&said);
            pilot.land(inner.heard(&digest, said, asked_millis));
        });
    }
}

impl Introspection for Introspector {
    fn recall(&self, digest: &TokenDigest) -> Option<Introspected> {
        self.0.told(self.0.memory.recall(digest, self.0.clock.unix_millis())).ok().map(Ok)
    }

    fn look_up(&self, digest: &TokenDigest, token: &[u8]) -> Lookout<'_> {
        let now_millis = self.0.clock.unix_millis();
        match self.0.told(self.0.memory.recall(digest, now_millis)) {
            Ok(answer) => Lookout::Now(Ok(answer)),
            Err(whose) => self.ask(digest, token, whose, now_millis),
        }
    }
}

impl Inner {
    /// What is remembered, counted as a hit; or whose token is to be asked for.
    fn told(&self, remembered: Remembered) -> Result<Option<Arc<[u8]>>, Whose> {
        match remembered {
            Remembered::Active(answer) => {
                Counts::one(&self.counts.active_hits);
                Ok(Some(answer))
            }
            Remembered::Inactive => {
                Counts::one(&self.counts.inactive_hits);
                Ok(None)
            }
            Remembered::Over => Err(Whose::Remembered),
            Remembered::Nothing => Err(Whose::Stranger),
        }
    }

    /// Remembers what was said.
    fn heard(&self, digest: &TokenDigest, said: Result<Said, Trouble>, asked_millis: i64) -> Introspected {
        match said {
            Ok(said) => {
                self.answered();
                let answer = match said {
                    Said::Active(answer) => Some(answer),
                    Said::Inactive => None,
                };
                self.memory.learn(digest, answer.clone(), asked_millis);
                Ok(answer)
            }
            Err(trouble) => {
                if trouble.is_of_the_way() && self.health.failed(self.clock.unix_millis()) {
                    tracing::warn!(tokens = self.name, %trouble, "the introspection server is away");
                } else if !trouble.is_of_the_way() {
                    tracing::warn!(tokens = self.name, %trouble, "the introspection server does not say what a token is");
                    self.answered();
                }
                Err(trouble.into())
            }
        }
    }

    fn answered(&self) {
        if self.health.answered() {
            tracing::info!(tokens = self.name, "the introspection server is back");
        }
    }
}

impl fmt::Debug for Introspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Introspector({:?})", self.0.name)
    }
}
