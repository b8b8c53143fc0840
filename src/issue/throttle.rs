//! How often a name may be guessed at: failures are counted by name and by address, whether the name exists or not.
//!
//! An attempt is counted before it is made and given back when it turns out to be no failure, so that many at once have no
//! more than one after the other, and whoever hangs up before the answer has had his try. With none left a right password is
//! refused like a wrong one, so that guessing on tells nothing.

use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::Failure;
use crate::{
    policy::{Prefixes, Whence},
    rate::Quota,
    store::{Draw, Drawn, MemoryCounters},
};

/// A single address of IPv4; of IPv6 the network that one customer has.
const NETWORKS: Prefixes = Prefixes { ipv4: 32, ipv6: 64 };

/// What each name and each address has.
#[derive(Clone, Debug)]
pub struct Throttle {
    counters: Arc<MemoryCounters>,
    user: (String, Quota),
    address: (String, Quota),
}

/// One attempt, spent until it is given back.
#[must_use = "an attempt that was no guess is to be given back"]
pub(super) struct Attempt<'a> {
    throttle: &'a Throttle,
    /// As [`spelt_alike`] has it.
    name: String,
    network: [u8; 17],
}

impl Throttle {
    /// For the service called `service`: quotas of others, that may be other ones, are not touched. `user` is what one name
    /// has from wherever, `address` what one address has whatever the names.
    pub fn new(counters: Arc<MemoryCounters>, service: &str, user: Quota, address: Quota) -> Throttle {
        let named = |what: &str, quota| (format!("{service} by {what}"), quota);
        Throttle { counters, user: named("user", user), address: named("address", address) }
    }

    /// An attempt of `client` at `name`.
    ///
    /// # Errors
    /// Too many have failed or are under way: [`Failure::Throttled`].
    pub(super) fn attempt<'a>(&'a self, name: &str, client: Whence, now_millis: i64) -> Result<Attempt<'a>, Failure> {
        let attempt = Attempt { throttle: self, name: spelt_alike(name), network: NETWORKS.network(client) };
        match self.counters.draw(&attempt.draws(), nanos(now_millis)) {
            Drawn::Within(_) => Ok(attempt),
            Drawn::Beyond { wait, .. } => Err(Failure::Throttled { seconds: crate::rate::seconds(wait) }),
        }
    }
}

impl Attempt<'_> {
    /// It was no guess, or a right one.
    pub(super) fn give_back(self, now_millis: i64) {
        for draw in self.draws() {
            self.throttle.counters.give_back(&draw, nanos(now_millis));
        }
    }

    fn draws(&self) -> [Draw<'_>; 2] {
        let Throttle { user, address, .. } = self.throttle;
        [
            Draw { limit: &user.0, whom: self.name.as_bytes(), quota: user.1 },
            Draw { limit: &address.0, whom: &self.network, quota: address.1 },
        ]
    }
}

/// One spelling of many that whoever is asked may take for the same name: databases compare without regard to case, accents
/// and what is not seen. Two names of different people may get one, and then share their failures.
fn spelt_alike(name: &str) -> String {
    // Upper case has one form more of some letters: of ß, and of i without its dot.
    let folded = name.nfkd().collect::<String>().to_lowercase().to_uppercase().to_lowercase();
    let plain: String = folded.nfkd().filter(|c| c.is_ascii() || c.is_alphanumeric() && *c != IOTA_BELOW).collect();
    plain.trim().to_owned()
}

/// The one mark on letters that counts as a letter.
const IOTA_BELOW: char = '\u{345}';

fn nanos(millis: i64) -> i64 {
    millis.saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn throttle(user: u32, address: u32) -> Throttle {
        let quota = |burst| Quota::new(1, Duration::from_secs(60), burst).unwrap();
        Throttle::new(Arc::new(MemoryCounters::new(1000)), "login", quota(user), quota(address))
    }

    fn at(address: &str) -> Whence {
        Whence::At(address.parse().unwrap())
    }

    fn fail(throttle: &Throttle, name: &str, address: &str, now_millis: i64) -> bool {
        throttle.attempt(name, at(address), now_millis).is_ok()
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
    fn what_looks_like_one_name_to_a_database_is_one() {
        for (name, others) in [
            ("alice", &["Alice ", "ＡＬＩＣＥ", "alicé", "a\u{301}lice", "al\u{ad}ice", "\u{200b}alice", "𝓪lice"][..]),
            ("strasse", &["straße", "STRASSE", "straẞe"]),
            ("ilse", &["ılse", "İlse", "ILSE"]),
        ] {
            for other in others {
                assert_eq!(spelt_alike(other), name, "{other}");
            }
        }
        for (one, other) in
            [("alice", "al ice"), ("müller", "mueller"), ("алиса", "алина"), ("愛", "恋"), ("a.b", "ab")]
        {
            assert_ne!(spelt_alike(one), spelt_alike(other));
        }
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
            throttle.attempt("alice", at("192.0.2.1"), 0).unwrap().give_back(0);
        }
    }

    #[test]
    fn of_many_at_once_no_more_are_tried_than_of_many_in_turn() {
        let throttle = throttle(3, 1000);
        let at_once: Vec<_> = (0..10).map(|_| throttle.attempt("alice", at("192.0.2.1"), 0)).collect();
        assert_eq!(at_once.iter().filter(|attempt| attempt.is_ok()).count(), 3);
    }

    #[test]
    fn an_attempt_that_nobody_waits_for_is_spent() {
        let throttle = throttle(1, 1000);
        drop(throttle.attempt("alice", at("192.0.2.1"), 0).unwrap());
        assert!(throttle.attempt("alice", at("192.0.2.2"), 0).is_err());
    }

    #[test]
    fn a_looser_service_gives_nothing_back_to_a_stricter_one() {
        let strict = throttle(3, 1000);
        let loose = Throttle::new(
            strict.counters.clone(),
            "other",
            Quota::new(1000, Duration::from_secs(1), 1).unwrap(),
            strict.address.1,
        );
        for _ in 0..3 {
            assert!(fail(&strict, "alice", "192.0.2.1", 0));
        }
        assert!(fail(&loose, "alice", "192.0.2.1", 0), "it has its own");
        assert!(!fail(&strict, "alice", "192.0.2.1", 1));
    }

    #[test]
    fn an_attempt_beyond_one_quota_spends_nothing_of_the_other() {
        let throttle = throttle(1, 2);
        assert!(fail(&throttle, "alice", "192.0.2.1", 0));
        assert!(!fail(&throttle, "alice", "192.0.2.1", 0), "alice has none");
        assert!(fail(&throttle, "bob", "192.0.2.1", 0), "the address has one still");
    }
}
