//! Limits on what is not verified yet, by address alone: whatever it says of itself is not to be believed.
//!
//! They are counted apart from the limits on verified requests, and always in this process: nobody can spend another's
//! quota with signatures that are not good, and a flood of strangers is no flood of a shared store.

use std::sync::Arc;

use super::{
    Networks, Whence,
    rates::{Beyond, Prefixes},
};
use crate::{
    rate::Quota,
    store::{Draw, MemoryCounters},
};

/// What each address has before anything is verified.
#[derive(Debug)]
pub struct Guard {
    /// Where it is counted.
    pub counters: Arc<MemoryCounters>,
    /// Which addresses are one.
    pub prefixes: Prefixes,
    /// Requests, good and bad.
    pub requests: Option<GuardLimit>,
    /// Credentials that were not good. With none left, nothing of that address is verified any more.
    pub failures: Option<GuardLimit>,
    /// Networks that are not counted.
    pub except: Networks,
}

/// One limit of a [`Guard`].
#[derive(Clone, Debug)]
pub struct GuardLimit {
    /// Its name, for the log, the metrics and the client.
    pub name: Arc<str>,
    /// Its place among the metrics' limits.
    pub index: usize,
    /// How much there is.
    pub quota: Quota,
}

impl Guard {
    /// Lets a request of `client` in to be verified, and counts it.
    ///
    /// # Errors
    /// [`Beyond`]
    pub fn enter(&self, client: Whence, now_nanos: i64) -> Result<(), Beyond> {
        if self.excepts(client) {
            return Ok(());
        }
        let whom = self.prefixes.network(client);
        if let Some(limit) = &self.failures
            && let Some(wait) = self.counters.wait(&limit.draw(&whom), now_nanos)
        {
            return Err(limit.beyond(wait));
        }
        match &self.requests {
            Some(limit) => self.counters.take(&limit.draw(&whom), now_nanos).map_err(|wait| limit.beyond(wait)),
            None => Ok(()),
        }
    }

    /// Notes that a credential of `client` was not good. Whether that was the last that it had.
    pub fn blame(&self, client: Whence, now_nanos: i64) -> bool {
        let Some(limit) = self.failures.as_ref().filter(|_| !self.excepts(client)) else { return false };
        self.counters.spend(&limit.draw(&self.prefixes.network(client)), now_nanos)
    }

    fn excepts(&self, client: Whence) -> bool {
        matches!(client, Whence::At(address) if self.except.contains(address))
    }
}

impl GuardLimit {
    fn draw<'a>(&'a self, whom: &'a [u8]) -> Draw<'a> {
        Draw { limit: &self.name, whom, quota: self.quota }
    }

    fn beyond(&self, wait: i64) -> Beyond {
        Beyond { limit: self.name.clone(), index: self.index, quota: self.quota, wait }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: i64 = 1_790_000_000_000_000_000;

    fn limit(name: &str, burst: u32) -> Option<GuardLimit> {
        let quota = Quota::new(1, Duration::from_secs(60), burst)?;
        Some(GuardLimit { name: name.into(), index: 0, quota })
    }

    fn guard(requests: Option<GuardLimit>, failures: Option<GuardLimit>) -> Guard {
        let except = Networks::new(&["192.0.2.128/25".parse().unwrap()]);
        let counters = Arc::new(MemoryCounters::new(1_000));
        Guard { counters, prefixes: Prefixes { ipv4: 32, ipv6: 64 }, requests, failures, except }
    }

    fn address(text: &str) -> Whence {
        Whence::At(text.parse().unwrap())
    }

    #[test]
    fn an_address_without_failures_left_is_not_let_in_and_others_are() {
        let guard = guard(None, limit("failures", 3));
        let (bad, good) = (address("192.0.2.1"), address("192.0.2.2"));
        let last: Vec<bool> = (0..5).map(|_| guard.blame(bad, NOW)).collect();
        assert_eq!(last, [false, false, true, false, false]);
        assert_eq!(guard.enter(bad, NOW).unwrap_err().retry_after(), 60);
        assert!(guard.enter(good, NOW).is_ok());
        assert!(guard.enter(bad, NOW + 60_000_000_000).is_ok(), "slowed down, not shut out for good");
    }

    #[test]
    fn good_requests_spend_nothing_of_the_failures() {
        let guard = guard(None, limit("failures", 1));
        assert!((0..100).all(|_| guard.enter(address("192.0.2.1"), NOW).is_ok()));
    }

    #[test]
    fn every_request_counts_until_there_are_too_many() {
        let guard = guard(limit("requests", 2), None);
        let asked: Vec<bool> = (0..4).map(|_| guard.enter(address("2001:db8::1"), NOW).is_ok()).collect();
        assert_eq!(asked, [true, true, false, false]);
        assert!(guard.enter(address("2001:db8::2"), NOW).is_err(), "another address of the same network");
        assert!(guard.enter(address("2001:db8:0:1::1"), NOW).is_ok());
    }

    #[test]
    fn networks_that_are_excepted_are_never_counted() {
        let guard = guard(limit("requests", 1), limit("failures", 1));
        let nat = address("192.0.2.200");
        assert!((0..10).all(|_| !guard.blame(nat, NOW) && guard.enter(nat, NOW).is_ok()));
        let behind = Whence::Behind("192.0.2.200".parse().unwrap());
        assert!(guard.enter(behind, NOW).is_ok() && guard.enter(behind, NOW).is_err(), "whoever it is");
    }
}
