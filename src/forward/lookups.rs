//! Looking up the addresses of servers that are given by name, a few at once.
//!
//! The system's resolver keeps a thread for as long as it takes, also for one who waits no more. Without a bound a name server
//! that hangs would keep all of a worker's threads from bodies and keys. Other names wait behind it all the same: an upstream
//! whose connections must not depend on a name server is given by address.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use tokio::{net::lookup_host, sync::Semaphore};

/// Look-ups that a worker has at once: half of its threads that may block.
const AT_ONCE: usize = 8;

/// The look-ups of one worker.
pub struct Lookups(Arc<Semaphore>);

impl Default for Lookups {
    fn default() -> Lookups {
        Lookups(Arc::new(Semaphore::new(AT_ONCE)))
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
        let place = self.0.clone().acquire_owned().await.map_err(io::Error::other)?;
        let host = host.to_owned();
        // On its own, so that the place is taken for as long as the thread is, whether or not somebody still waits.
        let looking = tokio::spawn(async move {
            let found = lookup_host((host.as_str(), port)).await.map(Iterator::collect);
            drop(place);
            found
        });
        looking.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn addresses_need_no_place_and_names_wait_for_one() {
        let lookups = Lookups::default();
        let places = lookups.0.clone().acquire_many_owned(AT_ONCE as u32).await.unwrap();
        assert_eq!(lookups.addresses("127.0.0.1", 80).await.unwrap(), [([127, 0, 0, 1], 80).into()]);
        assert_eq!(lookups.addresses("::1", 80).await.unwrap().len(), 1);
        let named = tokio::time::timeout(Duration::from_millis(100), lookups.addresses("localhost", 80));
        assert!(named.await.is_err(), "there is no place");
        drop(places);
        assert!(lookups.addresses("localhost", 80).await.unwrap().iter().all(|address| address.ip().is_loopback()));
        assert_eq!(lookups.0.available_permits(), AT_ONCE);
    }
}
