//! Look-ups that are under way: whoever asks for the same id waits for the same look-up, on whichever worker.

use std::sync::{Arc, Mutex, PoisonError};

use foldhash::quality::RandomState;
use hashbrown::HashMap;
use tokio::sync::watch;

use crate::keys::{Answer, KeysAway};

/// What a look-up came to.
#[derive(Clone, Debug)]
pub(super) struct Landed {
    pub(super) answer: Answer,
    /// Whether the answer is an old record, because the look-up failed.
    pub(super) is_stale: bool,
}

/// All look-ups that are under way, so many at most.
pub(super) struct Flights {
    open: Mutex<HashMap<Box<[u8]>, Flight, RandomState>>,
    most: usize,
}

/// A seat in a look-up.
#[derive(Clone)]
pub(super) struct Flight(watch::Receiver<Option<Landed>>);

/// What the one who looks up holds: dropped, it sends all away who wait.
pub(super) struct Pilot {
    id: Box<[u8]>,
    flights: Arc<Flights>,
    land: watch::Sender<Option<Landed>>,
}

/// How one comes to a seat.
pub(super) enum Boarding {
    /// Somebody looks it up already.
    Joined(Flight),
    /// The caller must look it up.
    Started(Pilot, Flight),
    /// There are too many look-ups.
    Full,
    /// It has become known meanwhile.
    NotNeeded(Answer),
}

impl Flights {
    pub(super) fn new(most: usize) -> Arc<Flights> {
        Arc::new(Flights { open: Mutex::default(), most })
    }

    /// A seat in the look-up of `id`. `known` is asked again once nobody else can begin one: a look-up may have ended since
    /// the caller asked.
    pub(super) fn board(self: &Arc<Flights>, id: &[u8], known: impl FnOnce() -> Option<Answer>) -> Boarding {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = open.get(id) {
            return Boarding::Joined(flight.clone());
        }
        if let Some(answer) = known() {
            return Boarding::NotNeeded(answer);
        }
        if open.len() >= self.most {
            return Boarding::Full;
        }
        let (land, seat) = watch::channel(None);
        let flight = Flight(seat);
        open.insert(id.into(), flight.clone());
        Boarding::Started(Pilot { id: id.into(), flights: self.clone(), land }, flight)
    }
}

impl Flight {
    /// Waits for what the look-up comes to.
    pub(super) async fn landed(mut self) -> Landed {
        let broken = || Landed { answer: Err(KeysAway::Failed("the look-up was broken off".into())), is_stale: false };
        match self.0.wait_for(Option::is_some).await {
            Ok(landed) => landed.clone().unwrap_or_else(broken),
            Err(_) => broken(),
        }
    }
}

impl Pilot {
    pub(super) fn id(&self) -> &[u8] {
        &self.id
    }

    /// Tells all who wait. What was learned must be in memory by then.
    pub(super) fn land(self, landed: Landed) {
        self.leave();
        self.land.send_replace(Some(landed));
    }

    fn leave(&self) {
        self.flights.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&*self.id);
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        if self.land.borrow().is_none() {
            self.leave();
        }
    }
}
