//! How many connections each address has, where there is a bound on that: no one of them can hold all places.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hashbrown::HashMap;

/// The open connections of each address; of IPv6, of each network of 64 bits. Never more entries than connections.
#[derive(Debug, Default)]
pub(super) struct Guests(Mutex<HashMap<u128, usize>>);

/// A connection that counts for its address until this is dropped.
#[derive(Debug)]
pub(super) struct Guest {
    guests: Arc<Guests>,
    network: u128,
}

impl Guests {
    /// One more of `address`, unless it has `most` already.
    pub(super) fn enter(self: &Arc<Guests>, address: IpAddr, most: usize) -> Option<Guest> {
        let network = network(address);
        let mut counts = self.lock();
        let count = counts.entry(network).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Guest { guests: self.clone(), network })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u128, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut counts = self.guests.lock();
        if let Some(count) = counts.get_mut(&self.network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.network);
            }
        }
    }
}

/// An IPv4 address, or the first half of an IPv6 one: a single customer has all addresses of the other.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_so_many_places_and_gets_them_back() {
        let guests = Arc::new(Guests::default());
        let enter = |text: &str| guests.enter(text.parse().unwrap(), 2);
        let (first, second) = (enter("192.0.2.1"), enter("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some() && enter("192.0.2.1").is_none());
        assert!(enter("192.0.2.2").is_some());
        drop(first);
        let again = enter("192.0.2.1");
        assert!(again.is_some() && enter("192.0.2.1").is_none());
        drop((second, again));
        assert!(guests.lock().is_empty());
    }

    #[test]
    fn addresses_of_one_network_share_their_places() {
        let guests = Arc::new(Guests::default());
        let enter = |text: &str| guests.enter(text.parse().unwrap(), 1);
        let _held = enter("2001:db8::1");
        assert!(_held.is_some() && enter("2001:db8::2").is_none() && enter("2001:db8:0:1::1").is_some());
    }
}
