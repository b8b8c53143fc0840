//! Questions that are under way: whoever asks the same waits for the same answer, on whichever worker.

use std::sync::{Arc, Mutex, PoisonError};

use foldhash::quality::RandomState;
use hashbrown::HashMap;
use tokio::sync::watch;

/// All questions that are under way, so many at most. What they come to is a `T`.
pub struct Flights<T> {
    open: Mutex<HashMap<Box<[u8]>, Flight<T>, RandomState>>,
    most: usize,
}

/// A seat in a question.
pub struct Flight<T>(watch::Receiver<Option<T>>);

/// What the one who asks holds: dropped, it sends all away who wait.
pub struct Pilot<T> {
    id: Box<[u8]>,
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
    /// It has become known meanwhile.
    NotNeeded(A),
}

impl<T: Clone> Flights<T> {
    /// Room for so many.
    pub fn new(most: usize) -> Arc<Flights<T>> {
        Arc::new(Flights { open: Mutex::default(), most })
    }

    /// A seat in the question about `id`. `known` is asked again once nobody else can begin one: a question may have been
    /// answered since the caller looked.
    pub fn board<A>(self: &Arc<Flights<T>>, id: &[u8], known: impl FnOnce() -> Option<A>) -> Boarding<T, A> {
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
        self.flights.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&*self.id);
    }
}

impl<T> Drop for Pilot<T> {
    fn drop(&mut self) {
        if self.land.borrow().is_none() {
            self.leave();
        }
    }
}
