//! Looking up the addresses of servers that are given by name, a few at once, and each name once at a time.
//!
//! The system's resolver keeps a thread for as long as it takes, also for one who waits no more. Without a bound a name server
//! that hangs would keep all of a worker's threads from bodies and keys. One name that hangs has one place, however many want
//! it. Where all names hang, others wait behind them all the same: an upstream whose connections must not depend on a name
//! server is given by address.

use std::{
    cell::RefCell,
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use tokio::{
    net::lookup_host,
    sync::{Semaphore, watch},
};

/// Look-ups that a worker has at once: half of its threads that may block.
const AT_ONCE: usize = 8;

/// The look-ups of one worker.
pub struct Lookups {
    places: Arc<Semaphore>,
    /// By name, what is under way. What has ended stays until the next begins: no more than there are upstreams.
    under_way: RefCell<HashMap<String, Answer>>,
}

/// Where an answer will be: nothing yet, or what all who wait are told.
type Answer = watch::Receiver<Option<Found>>;

/// The addresses, whatever the port.
type Found = Result<Arc<[SocketAddr]>, Arc<io::Error>>;

impl Default for Lookups {
    fn default() -> Lookups {
        Lookups { places: Arc::new(Semaphore::new(AT_ONCE)), under_way: RefCell::default() }
    }
}

impl Lookups {
    /// The addresses of `host`, a name or an address, in the order in which they are to be tried.
    ///
    /// # Errors
    /// What the resolver says. The time-out is the caller's.
    pub(super) async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![(address, port).into()]);
        }
        let found = self.look_up(host, resolved).await?;
        let with_port = |mut address: SocketAddr| {
            address.set_port(port);
            address
        };
        Ok(found.iter().copied().map(with_port).collect())
    }

    /// What `resolve` says of `name`, or has been asked already.
    async fn look_up<F>(&self, name: &str, resolve: impl FnOnce(String) -> F) -> io::Result<Arc<[SocketAddr]>>
    where
        F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        let mut answer = self.answer(name, resolve);
        let found = answer.wait_for(Option::is_some).await.map_err(io::Error::other)?.clone();
        let found = found.unwrap_or_else(|| Err(Arc::new(io::ErrorKind::Interrupted.into())));
        found.map_err(|error| io::Error::new(error.kind(), error))
    }

    fn answer<F>(&self, name: &str, resolve: impl FnOnce(String) -> F) -> Answer
    where
        F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        let mut under_way = self.under_way.borrow_mut();
        if let Some(answer) = under_way.get(name).filter(|answer| is_awaited(answer)) {
            return answer.clone();
        }
        under_way.retain(|_, answer| is_awaited(answer));
        let answer = self.begin(resolve(name.to_owned()));
        under_way.insert(name.to_owned(), answer.clone());
        answer
    }

    /// On its own, so that the place is taken for as long as the thread is, whether or not somebody still waits.
    fn begin(&self, resolving: impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static) -> Answer {
        let (tell, answer) = watch::channel(None);
        let places = self.places.clone();
        tokio::spawn(async move {
            let _place = places.acquire_owned().await;
            let found = resolving.await.map(Arc::from).map_err(Arc::new);
            tell.send_replace(Some(found));
        });
        answer
    }
}

/// Whether an answer is still to come: there is none, and somebody who will tell it.
fn is_awaited(answer: &Answer) -> bool {
    answer.borrow().is_none() && answer.has_changed().is_ok()
}

async fn resolved(name: String) -> io::Result<Vec<SocketAddr>> {
    Ok(lookup_host((name, 0)).await?.collect())
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use tokio::{task::yield_now, time::timeout};

    use super::*;

    const A_WHILE: Duration = Duration::from_secs(3600);

    fn here() -> Vec<SocketAddr> {
        vec![([127, 0, 0, 1], 0).into()]
    }

    async fn hangs(_: String) -> io::Result<Vec<SocketAddr>> {
        pending().await
    }

    async fn answers(_: String) -> io::Result<Vec<SocketAddr>> {
        Ok(here())
    }

    #[tokio::test]
    async fn addresses_need_no_place_and_names_wait_for_one() {
        let lookups = Lookups::default();
        let places = lookups.places.clone().acquire_many_owned(AT_ONCE as u32).await.unwrap();
        assert_eq!(lookups.addresses("127.0.0.1", 80).await.unwrap(), [([127, 0, 0, 1], 80).into()]);
        assert_eq!(lookups.addresses("::1", 80).await.unwrap().len(), 1);
        let named = timeout(Duration::from_millis(100), lookups.addresses("localhost", 80));
        assert!(named.await.is_err(), "there is no place");
        drop(places);
        let found = lookups.addresses("localhost", 80).await.unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
        yield_now().await;
        assert_eq!(lookups.places.available_permits(), AT_ONCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_hangs_has_one_place_however_many_want_it_and_others_go_on() {
        let lookups = Lookups::default();
        for _ in 0..10 * AT_ONCE {
            assert!(timeout(A_WHILE, lookups.look_up("hangs", hangs)).await.is_err());
        }
        assert_eq!(lookups.places.available_permits(), AT_ONCE - 1);
        assert_eq!(timeout(A_WHILE, lookups.look_up("answers", answers)).await.unwrap().unwrap().to_vec(), here());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_wants_a_name_that_is_being_looked_up_gets_that_answer_and_the_next_asks_anew() {
        let lookups = Lookups::default();
        let slow = |found: fn() -> io::Result<Vec<SocketAddr>>| {
            move |_| async move {
                tokio::time::sleep(A_WHILE).await;
                found()
            }
        };
        let never = |_| async { panic!("it is asked already") };
        let (one, other) = tokio::join!(lookups.look_up("a", slow(|| Ok(here()))), lookups.look_up("a", never));
        assert_eq!((one.unwrap().to_vec(), other.unwrap().to_vec()), (here(), here()));
        let refused = slow(|| Err(io::ErrorKind::ConnectionRefused.into()));
        let (one, other) = tokio::join!(lookups.look_up("a", refused), lookups.look_up("a", never));
        for failed in [one, other] {
            assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        }
        assert!(lookups.look_up("a", answers).await.is_ok(), "a failure is not remembered");
    }

    #[tokio::test(start_paused = true)]
    async fn of_those_that_have_ended_none_is_kept_for_long() {
        let lookups = Lookups::default();
        for number in 0..100 {
            lookups.look_up(&number.to_string(), answers).await.unwrap();
        }
        assert_eq!(lookups.under_way.borrow().len(), 1);
    }
}
