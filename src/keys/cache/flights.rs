//! Look-ups that are under way: whoever asks for the same id waits for the same look-up, on whichever worker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// All look-ups that are under way, so many at most. Of the places a quarter is for ids that are remembered: whoever floods
/// with invented ones must not keep those from being asked for again.
pub(super) struct Flights {
    open: Mutex<Open>,
    most: usize,
    most_of_strangers: usize,
}

#[derive(Default)]
struct Open {
    flights: HashMap<Box<[u8]>, Flight, RandomState>,
    /// How many of them are of strangers.
    of_strangers: usize,
}

/// Whose id it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// It was known, and is to be asked for again.
    Remembered,
    /// Nothing is remembered of it. Anyone can invent one.
    Stranger,
}

/// A seat in a look-up.
#[derive(Clone)]
pub(super) struct Flight(watch::Receiver<Option<Landed>>);

/// What the one who looks up holds: dropped, it sends all away who wait.
pub(super) struct Pilot {
    id: Box<[u8]>,
    whose: Whose,
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
    /// None may begin now.
    Grounded,
    /// It has become known meanwhile.
    NotNeeded(Answer),
}

impl Flights {
    pub(super) fn new(most: usize) -> Arc<Flights> {
        let most_of_strangers = most.saturating_sub(most.div_ceil(4)).max(1);
        Arc::new(Flights { open: Mutex::default(), most, most_of_strangers })
    }

    /// A seat in the look-up of `id`. `known` is asked again once nobody else can begin one: a look-up may have ended since
    /// the caller asked. Last of all `may_begin` is asked: nobody may take a seat in one that will not take off.
    pub(super) fn board(
        self: &Arc<Flights>,
        id: &[u8],
        whose: Whose,
        known: impl FnOnce() -> Option<Answer>,
        may_begin: impl FnOnce() -> bool,
    ) -> Boarding {
        let mut open = self.open();
        if let Some(flight) = open.flights.get(id) {
            return Boarding::Joined(flight.clone());
        }
        if let Some(answer) = known() {
            return Boarding::NotNeeded(answer);
        }
        let is_stranger = whose == Whose::Stranger;
        if open.flights.len() >= self.most || is_stranger && open.of_strangers >= self.most_of_strangers {
            return Boarding::Full;
        }
        if !may_begin() {
            return Boarding::Grounded;
        }
        let (land, seat) = watch::channel(None);
        let flight = Flight(seat);
        open.flights.insert(id.into(), flight.clone());
        open.of_strangers += usize::from(is_stranger);
        Boarding::Started(Pilot { id: id.into(), whose, flights: self.clone(), land }, flight)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut open = self.flights.open();
        open.flights.remove(&*self.id);
        open.of_strangers -= usize::from(self.whose == Whose::Stranger);
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        if self.land.borrow().is_none() {
            self.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(flights: &Arc<Flights>, id: &str, whose: Whose) -> Boarding {
        flights.board(id.as_bytes(), whose, || None, || true)
    }

    #[test]
    fn nobody_takes_a_seat_in_a_look_up_that_may_not_begin() {
        let flights = Flights::new(8);
        let grounded = flights.board(b"a", Whose::Remembered, || None, || false);
        assert!(matches!(grounded, Boarding::Grounded));
        assert!(matches!(board(&flights, "a", Whose::Remembered), Boarding::Started(..)));
    }

    #[test]
    fn strangers_leave_places_for_those_who_are_remembered_and_give_theirs_back() {
        for (most, of_strangers) in [(1, 1), (2, 1), (3, 2), (4, 3), (8, 6), (64, 48)] {
            let flights = Flights::new(most);
            let begun = |whose| {
                let all = (0..100).map(|number| board(&flights, &format!("{whose:?}{number}"), whose));
                all.filter(|boarding| matches!(boarding, Boarding::Started(..))).collect::<Vec<_>>()
            };
            for _ in 0..2 {
                let strangers = begun(Whose::Stranger);
                assert_eq!(strangers.len(), of_strangers, "of {most}");
                assert_eq!(begun(Whose::Remembered).len(), most - of_strangers);
            }
            assert_eq!(begun(Whose::Remembered).len(), most);
        }
    }
}
