//! Rate counters in Redis: GCRA over all limits of a request, in one script.
//!
//! The server's clock decides, not the gateways': they count together, and clocks that differ by a second would give one
//! of them a second's worth of requests more.

use std::fmt;

use super::script::Script;
use crate::redis_link::{Health, Link, LinkError, Place};

/// For each key its theoretical arrival time (TAT), in microseconds. All of the limits must have room, or nothing is spent.
/// Numbers go back as text: a whole number above 2^31 is no safe one to convert, and `tostring` would round it.
const SPEND: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local spent, waits, tats = 1, {}, {}
for i = 1, #KEYS do
  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local tat = tonumber(redis.call('GET', KEYS[i]) or now)
  if tat < now then tat = now end
  if tat > now + interval * burst then tat = now + interval * burst end
  local wait = tat + interval - now - interval * burst
  if wait > 0 then spent = 0 else wait = 0 end
  tats[i], waits[i] = tat, wait
end
local answer = { spent }
for i = 1, #KEYS do
  if spent == 1 then
    tats[i] = tats[i] + tonumber(ARGV[2 * i - 1])
    redis.call('SET', KEYS[i], string.format('%.0f', tats[i]), 'PX', math.ceil((tats[i] - now) / 1000) + 1000)
  end
  answer[2 * i] = string.format('%.0f', waits[i])
  answer[2 * i + 1] = string.format('%.0f', tats[i] - now)
end
return answer";

/// One request to spend from one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spend<'k> {
    /// Whose limit: unique among all limits and all that they are counted by.
    pub key: &'k [u8],
    /// One request every so many microseconds; at least 1.
    pub interval_micros: u64,
    /// Requests that may come at once; at least 1.
    pub burst: u64,
}

/// What came of it, for one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// How long until this limit has room for one request, in microseconds: 0 where it had.
    pub wait_micros: u64,
    /// How far in the future its theoretical arrival time lies after this, in microseconds. `burst - used / interval`
    /// requests are left, rounded down; when it has passed, all are.
    pub used_micros: u64,
}

/// Counters that gateways share.
pub struct RedisCounters {
    link: Link,
    prefix: String,
    spend: Script,
}

impl RedisCounters {
    /// Counters whose keys begin with `prefix`.
    pub fn new(link: Link, prefix: &str) -> RedisCounters {
        // The keys of one script must be in one slot of a cluster: what stands in braces decides it.
        let tag = if matches!(link.settings().place, Place::Cluster(_)) { "{rate}:" } else { "rate:" };
        RedisCounters { link, prefix: format!("{prefix}{tag}"), spend: Script::new(SPEND) }
    }

    /// How the way there is.
    pub fn health(&self) -> &Health {
        self.link.health()
    }

    /// Spends one request from each of `limits`, or from none. Whether it was spent, and each limit's state in their order.
    ///
    /// # Errors
    /// [`LinkError`]: it is not known whether anything was spent.
    pub async fn spend(&self, limits: &[Spend<'_>]) -> Result<(bool, Vec<Spent>), LinkError> {
        let keys: Vec<Vec<u8>> = limits.iter().map(|limit| [self.prefix.as_bytes(), limit.key].concat()).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let arguments: Vec<String> = limits
            .iter()
            .flat_map(|limit| [limit.interval_micros.max(1), limit.burst.max(1)])
            .map(|n| n.to_string())
            .collect();
        let arguments: Vec<&[u8]> = arguments.iter().map(String::as_bytes).collect();
        let answer: Vec<u64> = self.spend.run(&self.link, &keys, &arguments).await?;
        read(&answer, limits.len()).ok_or(LinkError::Unexpected)
    }
}

fn read(answer: &[u64], limits: usize) -> Option<(bool, Vec<Spent>)> {
    let (spent, rest) = answer.split_first()?;
    let (pairs, []) = rest.as_chunks::<2>() else { return None };
    let each = pairs.iter().map(|&[wait_micros, used_micros]| Spent { wait_micros, used_micros });
    (pairs.len() == limits).then(|| (*spent == 1, each.collect()))
}

impl fmt::Debug for RedisCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCounters").field("link", &self.link).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
