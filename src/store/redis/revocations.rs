//! Revocations in Redis: one hash of documents by what they name, so that a request asks one command about one key, and a
//! list is whole, in a cluster too.
//!
//! What a document says is not known here. Beside the hash a sorted set knows when each ends: a hash without a time to
//! live is nothing that a Redis evicts for being about to expire.

use std::fmt;

use super::script::Script;
use crate::redis_link::{Link, LinkError};

/// Puts a document in the place of the one that is known to be there (the empty text: none), once some of those that are
/// over have gone.
const PUT: &str = "\
for _, over in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[5], 'LIMIT', 0, 100)) do
  redis.call('HDEL', KEYS[1], over)
  redis.call('ZREM', KEYS[2], over)
end
local held = redis.call('HGET', KEYS[1], ARGV[1])
if (held or '') ~= ARGV[2] then return { 'other', held or '' } end
if not held and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[6]) then return { 'full', '' } end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] == '' then
  redis.call('ZREM', KEYS[2], ARGV[1])
else
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
end
return { 'done', '' }";

/// Takes the document out that is known to be there.
const TAKE_OUT: &str = "\
local held = redis.call('HGET', KEYS[1], ARGV[1])
if (held or '') ~= ARGV[2] then return { 'other', held or '' } end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return { 'out', '' }";

/// How many of a list are asked for at once.
const PAGE: usize = 1_000;

/// Some of them: names and documents.
type Page = Vec<(Vec<u8>, Vec<u8>)>;

/// Documents that gateways share.
pub struct RedisRevocations {
    link: Link,
    documents: String,
    ends: String,
    put: Script,
    take_out: Script,
}

/// What became of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "one that is not done is not there"]
pub enum Put {
    /// It is there.
    Done,
    /// Another than the known one is there; empty where none is.
    Other(Vec<u8>),
    /// There are as many as there may be.
    Full,
}

/// What became of a document that was to go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "one that is not out is still there"]
pub enum Taken {
    /// It is gone.
    Out,
    /// Another than the known one is there; empty where none is.
    Other(Vec<u8>),
}

/// A document to put.
#[derive(Clone, Copy, Debug)]
pub struct Document<'d> {
    /// What it names.
    pub name: &'d str,
    /// What it says.
    pub text: &'d str,
    /// When it may be forgotten, in seconds since 1970; `None`: never.
    pub end_unix: Option<i64>,
}

impl RedisRevocations {
    /// Documents in keys that begin with `prefix`.
    pub fn new(link: Link, prefix: &str) -> RedisRevocations {
        // The keys of one script must be in one slot of a cluster: what stands in braces decides it.
        let (documents, ends) = (format!("{prefix}{{revoked}}"), format!("{prefix}{{revoked}}:ends"));
        RedisRevocations { link, documents, ends, put: Script::new(PUT), take_out: Script::new(TAKE_OUT) }
    }

    /// The documents of `names`, in their order.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn get(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>, LinkError> {
        let mut command = ::redis::cmd("HMGET");
        command.arg(&self.documents).arg(names);
        let documents: Vec<Option<Vec<u8>>> = self.link.ask(&command).await?;
        if documents.len() == names.len() { Ok(documents) } else { Err(LinkError::Unexpected) }
    }

    /// Puts `document` in the place of `known`. What ended before `over_unix` goes; more than `capacity` are not kept.
    ///
    /// # Errors
    /// [`LinkError`]: it is not known whether it is there.
    pub async fn put(
        &self,
        document: &Document<'_>,
        known: &[u8],
        over_unix: i64,
        capacity: usize,
    ) -> Result<Put, LinkError> {
        let end = document.end_unix.map(|end| end.to_string()).unwrap_or_default();
        let (over, capacity) = (over_unix.to_string(), capacity.to_string());
        let texts = [document.name, document.text, &end, &over, &capacity].map(str::as_bytes);
        let [name, text, end, over, capacity] = texts;
        let keys = [self.documents.as_bytes(), self.ends.as_bytes()];
        let arguments = [name, known, text, end, over, capacity];
        let (what, held): (String, Vec<u8>) = self.put.run(&self.link, &keys, &arguments).await?;
        match what.as_str() {
            "done" => Ok(Put::Done),
            "other" => Ok(Put::Other(held)),
            "full" => Ok(Put::Full),
            _ => Err(LinkError::Unexpected),
        }
    }

    /// Takes out the document of that name, where it is the `known` one.
    ///
    /// # Errors
    /// [`LinkError`]: it is not known whether it is there.
    pub async fn take_out(&self, name: &str, known: &[u8]) -> Result<Taken, LinkError> {
        let keys = [self.documents.as_bytes(), self.ends.as_bytes()];
        let (what, held): (String, Vec<u8>) = self.take_out.run(&self.link, &keys, &[name.as_bytes(), known]).await?;
        match what.as_str() {
            "out" => Ok(Taken::Out),
            "other" => Ok(Taken::Other(held)),
            _ => Err(LinkError::Unexpected),
        }
    }

    /// Every document that is there for as long as this takes; one may come twice.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn all(&self) -> Result<Vec<Vec<u8>>, LinkError> {
        let (mut cursor, mut all) = (0_u64, Vec::new());
        loop {
            let mut command = ::redis::cmd("HSCAN");
            command.arg(&self.documents).arg(cursor).arg("COUNT").arg(PAGE);
            let (next, page): (u64, Page) = self.link.ask(&command).await?;
            all.extend(page.into_iter().map(|(_, document)| document));
            if next == 0 {
                return Ok(all);
            }
            cursor = next;
        }
    }
}

impl fmt::Debug for RedisRevocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRevocations")
            .field("link", &self.link)
            .field("key", &self.documents)
            .finish_non_exhaustive()
    }
}
