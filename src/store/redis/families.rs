//! Families of refresh tokens in Redis: a hash each, changed by scripts alone, so that of any number of gateways one takes
//! a token for its successor. Beside them stands, for each holder, which he has: a sorted set by when they are over.
//!
//! The server's clock decides, not the gateways': a token that comes twice within its grace may come to two of them. What
//! is over goes by its time to live.

use std::{fmt, time::Duration};

use super::{
    super::families::{Beginning, FamilyId, OF_HOLDER, ShownToken, TokenHash, Verdict},
    script::Script,
};
use crate::redis_link::{Link, LinkError};

/// A family that was used lately is over late, so the first of the holder's set is the one that was used longest ago. Its key is
/// in the slot of the new one's. What needs memory comes first: a script that has written may go on where there is none.
const BEGIN: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'issuer', ARGV[2], 'grant', ARGV[3], 'lifetime', ARGV[4],
  'absolute', ARGV[5], 'grace', ARGV[6], 'begun', string.format('%.0f', now), 'renewed', string.format('%.0f', now))
local left = math.min(tonumber(ARGV[4]), tonumber(ARGV[5]))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', left))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))
local over = math.min(redis.call('ZCARD', KEYS[2]) + 1 - tonumber(ARGV[8]), 1000)
if over > 0 then
  local stem = string.sub(KEYS[1], 1, -1 - string.len(ARGV[7]))
  for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, over - 1)) do
    redis.call('DEL', stem .. member)
    redis.call('ZREM', KEYS[2], member)
  end
end
redis.call('ZADD', KEYS[2], string.format('%.0f', now + left), ARGV[7])
if redis.call('PTTL', KEYS[2]) < left then redis.call('PEXPIRE', KEYS[2], string.format('%.0f', left)) end
return 'done'";

/// Whoever knows a family's id has seen one of its tokens; if it is not the good one, it is a spent one. Lua keeps each text
/// once, so that no time tells where two hashes differ.
const JUDGE: &str = "\
local held = redis.call('HMGET', KEYS[1], 'hash', 'issuer', 'grant', 'lifetime', 'absolute', 'grace', 'begun', 'renewed', 'spent')
if not held[1] then
  redis.call('ZREM', KEYS[3], ARGV[4])
  return { 'unknown', '' }
end
if held[2] ~= ARGV[2] then return { 'other issuer', '' } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lifetime, absolute, grace = tonumber(held[4]), tonumber(held[5]), tonumber(held[6])
local begun, renewed = tonumber(held[7]), tonumber(held[8])
if now >= renewed + lifetime or now >= begun + absolute then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[3], ARGV[4])
  return { 'expired', '' }
end
if held[1] ~= ARGV[1] then
  if held[9] == ARGV[1] and now < renewed + grace then return { 'crossed', '' } end
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[3], ARGV[4])
  return { 'reused', '' }
end
if ARGV[3] == '' then return { 'good', held[3] } end
if redis.call('EXISTS', KEYS[2]) == 1 then return { 'withdrawn', '' } end
redis.call('HSET', KEYS[1], 'hash', ARGV[3], 'renewed', string.format('%.0f', now), 'before', held[8],
  'spent', held[1])
local left = math.min(lifetime, begun + absolute - now)
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', left))
redis.call('ZADD', KEYS[3], string.format('%.0f', now + left), ARGV[4])
if redis.call('PTTL', KEYS[3]) < left then redis.call('PEXPIRE', KEYS[3], string.format('%.0f', left)) end
return { 'good', held[3] }";

/// Takes a renewal back, or keeps it from being done: it may still be on its way, on a connection that was given up.
const RESTORE: &str = "\
redis.call('SET', KEYS[2], '', 'PX', ARGV[3])
if redis.call('HGET', KEYS[1], 'hash') ~= ARGV[2] then return 'nothing' end
redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'renewed', redis.call('HGET', KEYS[1], 'before'))
redis.call('HDEL', KEYS[1], 'spent')
return 'done'";

const END: &str = "\
if redis.call('HGET', KEYS[1], 'issuer') == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[2])
end
return 'done'";

/// The longest that Redis is told to keep a family: ten years.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);
/// How long it is remembered that a renewal was taken back: longer than one can be on its way.
const WITHDRAWN_FOR: Duration = Duration::from_secs(600);

/// Families that gateways share.
pub struct RedisFamilies {
    link: Link,
    prefix: String,
    begin: Script,
    judge: Script,
    restore: Script,
    end: Script,
}

impl RedisFamilies {
    /// Families in keys that begin with `prefix`.
    pub fn new(link: Link, prefix: &str) -> RedisFamilies {
        let [begin, judge, restore, end] = [BEGIN, JUDGE, RESTORE, END].map(Script::new);
        RedisFamilies { link, prefix: format!("{prefix}refresh:"), begin, judge, restore, end }
    }

    /// Begins a family.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn begin(&self, beginning: &Beginning<'_>) -> Result<(), LinkError> {
        let Beginning { id, hash, issuer, subject: _, holder: _, grant, lifetime, absolute, grace, most } = beginning;
        let times = [lifetime, absolute, grace].map(|time| millis(*time));
        let [lifetime, absolute, grace] = times.each_ref().map(String::as_bytes);
        let (rest, most) = (rest(id), most.to_string());
        let texts = [hash.as_slice(), issuer.as_bytes(), grant.as_bytes()];
        let arguments = [&texts[..], &[lifetime, absolute, grace, rest.as_bytes(), most.as_bytes()]].concat();
        let keys = [self.key(id), self.of_holder(id)];
        done(self.begin.run(&self.link, &keys.each_ref().map(String::as_bytes), &arguments).await?)
    }

    /// What there is to say of `shown`, in whose place `successor` is put if it is good.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn judge(&self, shown: &ShownToken<'_>, successor: Option<&TokenHash>) -> Result<Verdict, LinkError> {
        let successor = successor.map_or([].as_slice(), TokenHash::as_slice);
        let keys = [self.key(shown.id), self.withdrawn(shown.id, successor), self.of_holder(shown.id)];
        let rest = rest(shown.id);
        let arguments = [shown.hash.as_slice(), shown.issuer.as_bytes(), successor, rest.as_bytes()];
        let answer: (String, String) =
            self.judge.run(&self.link, &keys.each_ref().map(String::as_bytes), &arguments).await?;
        match answer.0.as_str() {
            "good" => Ok(Verdict::Good(answer.1)),
            "unknown" => Ok(Verdict::Unknown),
            "other issuer" => Ok(Verdict::OtherIssuer),
            "expired" => Ok(Verdict::Expired),
            "crossed" => Ok(Verdict::Crossed),
            "reused" => Ok(Verdict::Reused),
            // Nobody waits for this answer any more.
            "withdrawn" => Err(LinkError::TimedOut),
            _ => Err(LinkError::Unexpected),
        }
    }

    /// Makes `spent` the good one again, if `successor` took its place, which it never will from now on.
    ///
    /// # Errors
    /// [`LinkError`]: it is not known whether that was done.
    pub async fn restore(&self, id: &FamilyId, spent: &TokenHash, successor: &TokenHash) -> Result<(), LinkError> {
        let keys = [self.key(id), self.withdrawn(id, successor)];
        let remembered = millis(WITHDRAWN_FOR);
        let arguments = [spent.as_slice(), successor.as_slice(), remembered.as_bytes()];
        let answer: String = self.restore.run(&self.link, &keys.each_ref().map(String::as_bytes), &arguments).await?;
        if matches!(answer.as_str(), "done" | "nothing") { Ok(()) } else { Err(LinkError::Unexpected) }
    }

    /// Ends the family of `shown`, if it is of that issuer.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn end(&self, shown: &ShownToken<'_>) -> Result<(), LinkError> {
        let (keys, rest) = ([self.key(shown.id), self.of_holder(shown.id)], rest(shown.id));
        let arguments = [shown.issuer.as_bytes(), rest.as_bytes()];
        done(self.end.run(&self.link, &keys.each_ref().map(String::as_bytes), &arguments).await?)
    }

    /// What stands in braces decides the slot of a cluster, and all keys of a script must be in one: it is what all families of
    /// a holder have in common.
    fn key(&self, id: &FamilyId) -> String {
        let (common, _) = id.split_at(OF_HOLDER);
        format!("{}{{{}}}{}", self.prefix, hex::encode(common), rest(id))
    }

    /// Which families the holder of `id` has.
    fn of_holder(&self, id: &FamilyId) -> String {
        let (common, _) = id.split_at(OF_HOLDER);
        format!("{}{{{}}}:logins", self.prefix, hex::encode(common))
    }

    fn withdrawn(&self, id: &FamilyId, successor: &[u8]) -> String {
        format!("{}:withdrawn:{}", self.key(id), hex::encode(successor))
    }
}

/// What tells a family from the others of its holder.
fn rest(id: &FamilyId) -> String {
    let (_, own) = id.split_at(OF_HOLDER);
    hex::encode(own)
}

fn done(answer: String) -> Result<(), LinkError> {
    if answer == "done" { Ok(()) } else { Err(LinkError::Unexpected) }
}

fn millis(time: Duration) -> String {
    time.min(LONGEST).as_millis().to_string()
}

impl fmt::Debug for RedisFamilies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisFamilies").field("link", &self.link).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
