//! Identity to the upstream: a short-lived token of the gateway's own, in a header, that says who a request is from.
//!
//! An upstream that checks it need not trust the network between. Signing costs, so a token is sent again with requests that
//! would have the very same one, for a part of its life; each worker remembers its own, a bounded number of them.

use std::{
    cell::RefCell,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hashbrown::HashMap;

use super::{Failure, StripSet};
use crate::{clock::Clock, http1::encode, message::Facts, minting::Minter, policy::Admitted};

/// What an upstream is told of each caller.
pub struct Assertion {
    id: u64,
    minter: Minter,
    header: String,
    /// A client's own header of that name, in whatever spelling.
    pub(super) replaces: StripSet,
    /// How long one is sent again, in seconds.
    reuse: i64,
    clock: Clock,
}

impl Assertion {
    /// Tokens of `minter` in `header`, each sent again for `reuse`. In `Authorization` it is a bearer token.
    pub fn new(minter: Minter, header: String, reuse: Duration, clock: Clock) -> Assertion {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Assertion {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            minter,
            replaces: StripSet::new([header.as_str()]),
            header,
            reuse: i64::try_from(reuse.as_secs()).unwrap_or(i64::MAX),
            clock,
        }
    }

    /// The token for the sender of `permit`; none where nobody had to show who they are.
    pub(super) async fn token(
        &self,
        permit: &Admitted<'_>,
        sent: &RefCell<Assertions>,
    ) -> Result<Option<Arc<str>>, Failure> {
        let identity = permit.identity();
        if identity.by.is_none() {
            return Ok(None);
        }
        let client = permit.client().text();
        let facts = Facts { identity, route: permit.route(), request_id: permit.request_id(), client: &client };
        let claims = self.minter.claims(serde_json::Map::new(), identity.subject.as_deref(), &permit.view(&facts))?;
        let now_unix = self.clock.unix();
        if self.reuse == 0 {
            return Ok(Some(self.minter.mint(claims, now_unix).await?.token.into()));
        }
        let key = format!("{} {}", self.id, claims.text());
        let known = sent.borrow_mut().find(&key, now_unix);
        if known.is_some() {
            return Ok(known);
        }
        let token: Arc<str> = self.minter.mint(claims, now_unix).await?.token.into();
        let until = now_unix.saturating_add(self.reuse);
        sent.borrow_mut().keep(key, Sent { token: token.clone(), from: now_unix, until });
        Ok(Some(token))
    }

    /// Writes the header.
    pub(super) fn write(&self, token: &str, out: &mut Vec<u8>) {
        let scheme = if self.header.eq_ignore_ascii_case("authorization") { "Bearer " } else { "" };
        encode::line(out, self.header.as_bytes(), format!("{scheme}{token}").as_bytes());
    }
}

/// A worker's tokens that are to be sent again, by who minted them and all that they say.
///
/// Two generations: when the young one is full it becomes the old one, and what was old is dropped.
#[derive(Default)]
pub struct Assertions {
    young: Generation,
    old: Generation,
}

#[derive(Default)]
struct Generation {
    sent: HashMap<String, Sent, foldhash::quality::RandomState>,
    bytes: usize,
}

#[derive(Clone)]
struct Sent {
    token: Arc<str>,
    from: i64,
    until: i64,
}

/// Tokens of one generation, and their bytes.
const MOST: usize = 4096;
const MOST_BYTES: usize = 4 * 1024 * 1024;

impl Assertions {
    fn find(&mut self, key: &str, now_unix: i64) -> Option<Arc<str>> {
        if let Some(sent) = self.young.sent.get(key) {
            return sent.at(now_unix);
        }
        let (key, sent) = self.old.sent.remove_entry(key)?;
        let token = sent.at(now_unix);
        if token.is_some() {
            self.keep(key, sent);
        }
        token
    }

    fn keep(&mut self, key: String, sent: Sent) {
        let bytes = size_of::<(String, Sent)>() + key.len() + sent.token.len();
        if bytes > MOST_BYTES {
            return;
        }
        if self.young.sent.len() >= MOST || self.young.bytes + bytes > MOST_BYTES {
            self.old = std::mem::take(&mut self.young);
        }
        // One that is replaced is counted until its generation goes: too much rather than too little.
        self.young.bytes += bytes;
        self.young.sent.insert(key, sent);
    }
}

impl Sent {
    /// The token, unless it is too old by now, or the clock was set back.
    fn at(&self, now_unix: i64) -> Option<Arc<str>> {
        (self.from <= now_unix && now_unix < self.until).then(|| self.token.clone())
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assertion").field("header", &self.header).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(token: &str, from: i64) -> Sent {
        Sent { token: token.into(), from, until: from + 30 }
    }

    #[test]
    fn a_token_is_sent_again_for_a_while_and_never_before_it_was_made() {
        let mut assertions = Assertions::default();
        assertions.keep("alice".to_owned(), sent("a", 1000));
        let found = |assertions: &mut Assertions, now| assertions.find("alice", now).as_deref().map(str::to_owned);
        assert_eq!(found(&mut assertions, 1029).as_deref(), Some("a"));
        assert_eq!(found(&mut assertions, 1030), None);
        assert_eq!(found(&mut assertions, 999), None);
        assert_eq!(assertions.find("bob", 1000), None);
    }

    #[test]
    fn however_many_callers_there_are_only_so_many_are_remembered_and_those_in_use_stay() {
        let mut assertions = Assertions::default();
        assertions.keep("alice".to_owned(), sent("a", 0));
        for number in 0..5 * MOST {
            assertions.keep(number.to_string(), sent("t", 0));
            if number % 1000 == 0 {
                assert!(assertions.find("alice", 1).is_some(), "{number}");
            }
        }
        assert!(assertions.young.sent.len() + assertions.old.sent.len() <= 2 * MOST);
        let large = "x".repeat(MOST_BYTES / 4);
        (0..20).for_each(|number| assertions.keep(format!("{large}{number}"), sent("t", 0)));
        assert!(
            assertions.young.sent.keys().chain(assertions.old.sent.keys()).map(String::len).sum::<usize>()
                <= 2 * MOST_BYTES
        );
    }
}
