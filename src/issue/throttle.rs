//! How often a name may be guessed at: failures are counted by name and by address, whether the name exists or not.
//!
//! What is counted are failures alone. Whoever knows the password spends nothing, and with none left a right password is
//! refused like a wrong one, so that guessing on tells nothing.

use std::{net::IpAddr, sync::Arc};

use super::Failure;
use crate::{
    rate::Quota,
    store::{Draw, MemoryCounters},
};

/// What each name and each address has.
#[derive(Clone, Debug)]
pub struct Throttle {
    /// Where it is counted.
    pub counters: Arc<MemoryCounters>,
    /// Of one name, from wherever.
    pub user: Quota,
    /// Of one address, whatever the names.
    pub address: Quota,
}

/// One attempt.
pub(super) struct Attempt<'a> {
    throttle: &'a Throttle,
    /// In one case and without space around it: whoever is asked may take many spellings for one name.
    name: String,
    network: Vec<u8>,
}

impl Throttle {
    /// An attempt of `client` at `name`.
    ///
    /// # Errors
    /// Too many have failed: [`Failure::Throttled`].
    pub(super) fn attempt<'a>(&'a self, name: &str, client: IpAddr, now_millis: i64) -> Result<Attempt<'a>, Failure> {
        let attempt = Attempt { throttle: self, name: name.trim().to_lowercase(), network: network(client) };
        let waits = attempt.draws().map(|draw| self.counters.wait(&draw, nanos(now_millis)));
        match waits.into_iter().flatten().max() {
            Some(wait) => Err(Failure::Throttled { seconds: crate::rate::seconds(wait) }),
            None => Ok(attempt),
        }
    }
}

impl Attempt<'_> {
    /// Notes that it failed.
    pub(super) fn failed(&self, now_millis: i64) {
        for draw in self.draws() {
            self.throttle.counters.spend(&draw, nanos(now_millis));
        }
    }

    fn draws(&self) -> [Draw<'_>; 2] {
        [
            Draw { limit: "login-user", whom: self.name.as_bytes(), quota: self.throttle.user },
            Draw { limit: "login-address", whom: &self.network, quota: self.throttle.address },
        ]
    }
}

/// A single address of IPv4; of IPv6 the network that one customer has.
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().into_iter().take(8).collect(),
    }
}

fn nanos(millis: i64) -> i64 {
    millis.saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn throttle(user: u32, address: u32) -> Throttle {
        let quota = |burst| Quota::new(1, Duration::from_secs(60), burst).unwrap();
        Throttle { counters: Arc::new(MemoryCounters::new(1000)), user: quota(user), address: quota(address) }
    }

    fn fail(throttle: &Throttle, name: &str, address: &str, now_millis: i64) -> bool {
        let attempt = throttle.attempt(name, address.parse().unwrap(), now_millis);
        attempt.map(|attempt| attempt.failed(now_millis)).is_ok()
    }

    #[test]
    fn a_name_has_so_many_failures_from_wherever_they_come_and_then_one_at_a_time() {
        let throttle = throttle(3, 1000);
        let tried: Vec<bool> = (0..5).map(|n| fail(&throttle, "alice", &format!("192.0.2.{n}"), 0)).collect();
        assert_eq!(tried, [true, true, true, false, false]);
        assert!(!fail(&throttle, " ALICE", "192.0.2.9", 0), "it is the same name to some who are asked");
        assert!(fail(&throttle, "bob", "192.0.2.9", 0), "another name is another's");
        assert!(fail(&throttle, "alice", "192.0.2.9", 60_000), "one came back");
        assert!(!fail(&throttle, "alice", "192.0.2.9", 60_000));
    }

    #[test]
    fn an_address_has_so_many_failures_whatever_the_names() {
        let throttle = throttle(1000, 3);
        let tried: Vec<bool> = (0..5).map(|n| fail(&throttle, &format!("user-{n}"), "192.0.2.1", 0)).collect();
        assert_eq!(tried, [true, true, true, false, false]);
        assert!(fail(&throttle, "alice", "192.0.2.2", 0));
    }

    #[test]
    fn the_addresses_of_one_network_of_ipv6_count_as_one_and_a_mapped_one_is_itself() {
        let throttle = throttle(1000, 1);
        assert!(fail(&throttle, "a", "2001:db8::1", 0) && !fail(&throttle, "b", "2001:db8::2:1", 0));
        assert!(fail(&throttle, "c", "192.0.2.1", 0) && !fail(&throttle, "d", "::ffff:192.0.2.1", 0));
    }

    #[test]
    fn what_succeeds_spends_nothing() {
        let throttle = throttle(1, 1);
        for _ in 0..10 {
            assert!(throttle.attempt("alice", "192.0.2.1".parse().unwrap(), 0).is_ok());
        }
    }
}
