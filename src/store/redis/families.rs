//! Families of refresh tokens in Redis: a hash each, changed by scripts alone, so that of any number of gateways one takes
//! a token for its successor.
//!
//! The server's clock decides, not the gateways': a token that comes twice within its grace may come to two of them. What
//! is over goes by its time to live.

use std::{fmt, time::Duration};

use super::{
    super::families::{Beginning, FamilyId, ShownToken, TokenHash, Verdict},
    script::Script,
};
use crate::redis_link::{Health, Link, LinkError};

const BEGIN: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'issuer', ARGV[2], 'grant', ARGV[3], 'lifetime', ARGV[4],
  'absolute', ARGV[5], 'grace', ARGV[6], 'begun', string.format('%.0f', now), 'renewed', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.min(tonumber(ARGV[4]), tonumber(ARGV[5]))))
return 'done'";

/// Whoever knows a family's id has seen one of its tokens; if it is not the good one, it is a spent one. Lua keeps each text
/// once, so that no time tells where two hashes differ.
const JUDGE: &str = "\
local held = redis.call('HMGET', KEYS[1], 'hash', 'issuer', 'grant', 'lifetime', 'absolute', 'grace', 'begun', 'renewed', 'before')
if not held[1] then return { 'unknown', '' } end
if held[2] ~= ARGV[2] then return { 'other issuer', '' } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lifetime, absolute, grace = tonumber(held[4]), tonumber(held[5]), tonumber(held[6])
local begun, renewed = tonumber(held[7]), tonumber(held[8])
if now >= renewed + lifetime or now >= begun + absolute then
  redis.call('DEL', KEYS[1])
  return { 'expired', '' }
end
if held[1] ~= ARGV[1] then
  if held[9] and now < renewed + grace then return { 'crossed', '' } end
  redis.call('DEL', KEYS[1])
  return { 'reused', '' }
end
if ARGV[3] == '' then return { 'good', held[3] } end
if redis.call('EXISTS', KEYS[2]) == 1 then return { 'withdrawn', '' } end
redis.call('HSET', KEYS[1], 'hash', ARGV[3], 'renewed', string.format('%.0f', now), 'before', held[8])
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.min(lifetime, begun + absolute - now)))
return { 'good', held[3] }";

/// Takes a renewal back, or keeps it from being done: it may still be on its way, on a connection that was given up.
const RESTORE: &str = "\
redis.call('SET', KEYS[2], '', 'PX', ARGV[3])
if redis.call('HGET', KEYS[1], 'hash') ~= ARGV[2] then return 'nothing' end
redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'renewed', redis.call('HGET', KEYS[1], 'before'))
return 'done'";

const END: &str = "\
if redis.call('HGET', KEYS[1], 'issuer') == ARGV[1] then redis.call('DEL', KEYS[1]) end
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

    /// How the way there is.
    pub fn health(&self) -> &Health {
        self.link.health()
    }

    /// Begins a family.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn begin(&self, beginning: &Beginning<'_>) -> Result<(), LinkError> {
        let Beginning { id, hash, issuer, grant, lifetime, absolute, grace } = beginning;
        let times = [lifetime, absolute, grace].map(|time| millis(*time));
        let [lifetime, absolute, grace] = times.each_ref().map(String::as_bytes);
        let arguments = [hash.as_slice(), issuer.as_bytes(), grant.as_bytes(), lifetime, absolute, grace];
        done(self.begin.run(&self.link, &[self.key(id).as_bytes()], &arguments).await?)
    }

    /// What there is to say of `shown`, in whose place `successor` is put if it is good.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn judge(&self, shown: &ShownToken<'_>, successor: Option<&TokenHash>) -> Result<Verdict, LinkError> {
        let successor = successor.map_or([].as_slice(), TokenHash::as_slice);
        let keys = [self.key(shown.id), self.withdrawn(shown.id, successor)];
        let arguments = [shown.hash.as_slice(), shown.issuer.as_bytes(), successor];
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
        done(self.end.run(&self.link, &[self.key(shown.id).as_bytes()], &[shown.issuer.as_bytes()]).await?)
    }

    /// What stands in braces decides the slot of a cluster, and all keys of a script must be in one.
    fn key(&self, id: &FamilyId) -> String {
        format!("{}{{{}}}", self.prefix, hex::encode(id))
    }

    fn withdrawn(&self, id: &FamilyId, successor: &[u8]) -> String {
        format!("{}:withdrawn:{}", self.key(id), hex::encode(successor))
    }
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
