//! Limits of rate on what was verified: whom each counts, and asking all of a route's at once.
//!
//! They come last in admission, so that only requests that would otherwise go on are counted. How the numbers are kept is
//! `store`'s, what is too much `rate`'s; unverified requests are counted apart, in [`guard`](super::guard).

use std::{fmt, net::IpAddr, sync::Arc};

use smallvec::SmallVec;

use super::{Naming, Whence, known::Shown, told::LimitFields};
use crate::{
    rate::{self, Quota},
    scheme::{Escape, Failure, Template},
    store::{Draw, Drawn, StoreError},
};

/// One limit of a route.
#[derive(Debug)]
pub struct RateLimit {
    /// Its name, which no other limit has: what is spent is kept under it, over reloads too.
    pub name: Arc<str>,
    /// Its place among the metrics' limits.
    pub index: usize,
    /// Whom it counts.
    pub per: Per,
    /// How much each of them has.
    pub quota: Quota,
    /// Whether it is counted in this gateway alone while a shared store cannot be asked; if not, requests are refused then.
    pub may_count_alone: bool,
    /// Whether clients are told how it stands when they are within it.
    pub headers: bool,
}

/// Whom a limit counts.
#[derive(Debug)]
pub enum Per {
    /// Networks of that size: the client's address without its last bits.
    Network(Prefixes),
    /// Whatever a template makes of a request, and whose the names in it are.
    Template(Template, Naming),
}

/// How many bits of an address make a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefixes {
    /// Of 32.
    pub ipv4: u8,
    /// Of 128. A single customer has 2^64 addresses and more, so 64 is one of them.
    pub ipv6: u8,
}

/// A request beyond a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// The limit.
    pub limit: Arc<str>,
    /// Its place among the metrics' limits.
    pub index: usize,
    /// What it is.
    pub quota: Quota,
    /// How long until there is one, in nanoseconds.
    pub wait: i64,
}

/// Marks the proxy of a client that cannot be told apart from a client at that address.
const UNKNOWN: u8 = 0x80;

/// Why a request is not within its route's limits.
#[derive(Debug)]
pub(super) enum NotWithin {
    Beyond(Beyond),
    /// What a limit counts by is not there.
    Uncounted(Failure),
    Store(StoreError),
}

impl Prefixes {
    /// The network of a client, as bytes that no other network has. All who cannot be told behind one proxy are one.
    pub fn network(self, client: Whence) -> [u8; 17] {
        let (address, known) = match client {
            Whence::At(address) => (address, 0),
            Whence::Behind(proxy) => (proxy, UNKNOWN),
        };
        let mut bytes = [0; 17];
        let [family, bits @ ..] = &mut bytes;
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                *family = 4 | known;
                let kept = u32::MAX.checked_shl(32_u32.saturating_sub(self.ipv4.into())).unwrap_or(0);
                let (first, _) = bits.split_at_mut(4);
                first.copy_from_slice(&(v4.to_bits() & kept).to_be_bytes());
            }
            IpAddr::V6(v6) => {
                *family = 6 | known;
                let kept = u128::MAX.checked_shl(128_u32.saturating_sub(self.ipv6.into())).unwrap_or(0);
                *bits = (v6.to_bits() & kept).to_be_bytes();
            }
        }
        bytes
    }
}

/// What counts a request: a network, or what a template gave.
enum Whom {
    Network([u8; 17]),
    Text(Vec<u8>),
}

impl Whom {
    fn bytes(&self) -> &[u8] {
        match self {
            Whom::Network(bytes) => bytes,
            Whom::Text(bytes) => bytes,
        }
    }
}

impl Per {
    fn whom(&self, shown: &Shown<'_, '_>) -> Result<Whom, Failure> {
        match self {
            Per::Network(prefixes) => Ok(Whom::Network(prefixes.network(shown.client.whence))),
            Per::Template(template, naming) => {
                let mut text = Vec::new();
                naming.write(shown.identity, &mut text);
                shown.render(template, Escape::None, &mut text)?;
                Ok(Whom::Text(text))
            }
        }
    }
}

/// Asks for one of each limit; all are spent, or none. What the client is told of it, where it is to be told.
///
/// # Errors
/// [`NotWithin`]; nothing is spent then.
pub(super) async fn draw(shown: &Shown<'_, '_>, now_nanos: i64) -> Result<Option<Box<LimitFields>>, NotWithin> {
    let asked = Asked::of(shown)?;
    let (counters, draws) = (shown.admission.counters, asked.draws());
    let drawn = match counters.draw(&draws, now_nanos).await {
        Err(_) if asked.limits.iter().all(|limit| limit.may_count_alone) => counters.draw_alone(&draws, now_nanos),
        drawn => drawn.map_err(NotWithin::Store)?,
    };
    asked.judged(drawn)
}

/// The same where nothing has to be waited for: the counters are in memory. `None` where they are not.
pub(super) fn draw_at_once(
    shown: &Shown<'_, '_>,
    now_nanos: i64,
) -> Option<Result<Option<Box<LimitFields>>, NotWithin>> {
    let counters = shown.admission.counters.in_memory()?;
    let ask = |asked: Asked<'_>| asked.judged(counters.draw(&asked.draws(), now_nanos));
    Some(Asked::of(shown).and_then(ask))
}

/// A route's limits, and whom each counts in one request.
struct Asked<'a> {
    limits: &'a [RateLimit],
    whom: SmallVec<[Whom; 2]>,
}

impl<'a> Asked<'a> {
    fn of(shown: &Shown<'_, 'a>) -> Result<Asked<'a>, NotWithin> {
        let limits = shown.admission.limits;
        let whom: Result<_, Failure> = limits.iter().map(|limit| limit.per.whom(shown)).collect();
        Ok(Asked { limits, whom: whom.map_err(NotWithin::Uncounted)? })
    }

    fn draws(&self) -> SmallVec<[Draw<'_>; 2]> {
        let draw = |(limit, whom): (&'a RateLimit, _)| Draw {
            limit: &limit.name,
            whom: Whom::bytes(whom),
            quota: limit.quota,
        };
        self.limits.iter().zip(&self.whom).map(draw).collect()
    }

    fn judged(&self, drawn: Drawn) -> Result<Option<Box<LimitFields>>, NotWithin> {
        match drawn {
            Drawn::Within(standings) => Ok(LimitFields::of(self.limits, &standings).map(Box::new)),
            Drawn::Beyond { draw, wait } => match self.limits.get(draw) {
                Some(limit) => Err(NotWithin::Beyond(limit.beyond(wait))),
                // There is a draw for each limit and no other.
                None => Err(NotWithin::Store(StoreError::Unexpected)),
            },
        }
    }
}

impl RateLimit {
    fn beyond(&self, wait: i64) -> Beyond {
        Beyond { limit: self.name.clone(), index: self.index, quota: self.quota, wait }
    }
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "beyond the limit {} for another {} s", self.limit, rate::seconds(self.wait))
    }
}

impl std::error::Error for Beyond {}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(prefixes: Prefixes, address: &str) -> [u8; 17] {
        prefixes.network(Whence::At(address.parse().unwrap()))
    }

    #[test]
    fn a_client_that_cannot_be_told_is_not_counted_as_its_proxy() {
        let usual = Prefixes { ipv4: 32, ipv6: 64 };
        let proxy = "192.0.2.1".parse().unwrap();
        assert_ne!(usual.network(Whence::Behind(proxy)), usual.network(Whence::At(proxy)));
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let usual = Prefixes { ipv4: 32, ipv6: 64 };
        assert_eq!(network(usual, "2001:db8::1"), network(usual, "2001:db8::ffff:1"));
        assert_ne!(network(usual, "2001:db8::1"), network(usual, "2001:db8:0:1::1"));
        assert_ne!(network(usual, "192.0.2.1"), network(usual, "192.0.2.2"));
        let wide = Prefixes { ipv4: 24, ipv6: 48 };
        assert_eq!(network(wide, "192.0.2.1"), network(wide, "192.0.2.255"));
        assert_ne!(network(wide, "192.0.2.1"), network(wide, "192.0.3.1"));
    }

    #[test]
    fn a_mapped_address_is_counted_as_the_one_it_maps() {
        let usual = Prefixes { ipv4: 32, ipv6: 64 };
        assert_eq!(network(usual, "::ffff:192.0.2.1"), network(usual, "192.0.2.1"));
        assert_ne!(network(usual, "::ffff:192.0.2.1"), network(usual, "::ffff:192.0.2.2"));
    }

    #[test]
    fn a_prefix_of_nothing_is_everybody_of_a_family() {
        let all = Prefixes { ipv4: 0, ipv6: 0 };
        assert_eq!(network(all, "192.0.2.1"), network(all, "10.0.0.1"));
        assert_ne!(network(all, "192.0.2.1"), network(all, "2001:db8::1"));
    }
}
