//! Questions that are under way: whoever asks the same waits for the same answer, on whichever worker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use hashbrown::HashMap;
use tokio::sync::watch;

/// All questions that are under way, so many at most. What they come to is a `T`. Of the places a quarter is for what is
/// remembered: whoever floods with inventions must not keep that from being asked for again.
pub struct Flights<T> {
    open: Mutex<Open<T>>,
    most: usize,
    most_of_strangers: usize,
}

struct Open<T> {
    flights: HashMap<Box<[u8]>, Flight<T>, RandomState>,
    /// How many of them are of strangers.
    of_strangers: usize,
}

/// Whose id it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// It was known, and is to be asked for again.
    Remembered,
    /// Nothing is remembered of it. Anyone can invent one.
    Stranger,
}

/// A seat in a question.
pub struct Flight<T>(watch::Receiver<Option<T>>);

/// What the one who asks holds: dropped, it sends all away who wait.
pub struct Pilot<T> {
    id: Box<[u8]>,
    whose: Whose,
    flights: Arc<Flights<T>>,
    land: watch::Sender<Option<T>>,
}

/// How one comes to a seat, or to an answer of type `A` without one.
pub enum Boarding<T, A> {
    /// Somebody asks already.
    Joined(Flight<T>),
    /// The caller must ask.
    Started(Pilot<T>, Flight<T>),
    /// Too much is asked.
    Full,
    /// None may begin now.
    Grounded,
    /// It has become known meanwhile.
    NotNeeded(A),
}

impl<T: Clone> Flights<T> {
    /// Room for so many.
    pub fn new(most: usize) -> Arc<Flights<T>> {
        let most_of_strangers = most.saturating_sub(most.div_ceil(4)).max(1);
        let open = Open { flights: HashMap::default(), of_strangers: 0 };
        Arc::new(Flights { open: Mutex::new(open), most, most_of_strangers })
    }

    /// A seat in the question about `id`. `known` is asked again once nobody else can begin one: a question may have been
    /// answered since the caller looked. Last of all `may_begin` is asked: nobody may take a seat in one that will not take off.
    pub fn board<A>(
        self: &Arc<Flights<T>>,
        id: &[u8],
        whose: Whose,
        known: impl FnOnce() -> Option<A>,
        may_begin: impl FnOnce() -> bool,
    ) -> Boarding<T, A> {
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
}

impl<T> Flights<T> {
    fn open(&self) -> MutexGuard<'_, Open<T>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Flight<T> {
    /// Waits for what the question comes to; `None` where it was broken off.
    pub async fn landed(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|landed| landed.clone())
    }
}

impl<T> Clone for Flight<T> {
    fn clone(&self) -> Flight<T> {
        Flight(self.0.clone())
    }
}

impl<T> Pilot<T> {
    /// What is asked about.
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// Tells all who wait. What was learned must be in memory by then.
    pub fn land(self, landed: T) {
        self.leave();
        self.land.send_replace(Some(landed));
    }

    fn leave(&self) {
        let mut open = self.flights.open();
        open.flights.remove(&*self.id);
        open.of_strangers -= usize::from(self.whose == Whose::Stranger);
    }
}

impl<T> Drop for Pilot<T> {
    fn drop(&mut self) {
        if self.land.borrow().is_none() {
            self.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(flights: &Arc<Flights<()>>, id: &str, whose: Whose) -> Boarding<(), ()> {
        flights.board(id.as_bytes(), whose, || None, || true)
    }

    #[test]
    fn nobody_takes_a_seat_in_a_look_up_that_may_not_begin() {
        let flights = Flights::new(8);
        let grounded = flights.board(b"a", Whose::Remembered, || None::<()>, || false);
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
