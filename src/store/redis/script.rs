//! A script that Redis runs in one step, by its hash where the server knows it.

use redis::FromRedisValue;

use crate::redis_link::{Link, LinkError};

/// A Lua script. Its keys must all be given as such, or it cannot run in a cluster.
pub(super) struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    pub(super) fn new(text: &'static str) -> Script {
        Script { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }

    /// Runs it. The first time on a server, and after that has forgotten it, the text is sent along.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        link: &Link,
        keys: &[&[u8]],
        arguments: &[&[u8]],
    ) -> Result<T, LinkError> {
        let command = |by: &str, what: &str| {
            let mut command = redis::cmd(by);
            command.arg(what).arg(keys.len()).arg(keys).arg(arguments);
            command
        };
        match link.ask(&command("EVALSHA", &self.hash)).await {
            Err(LinkError::NoScript) => link.ask(&command("EVAL", self.text)).await,
            answered => answered,
        }
    }
}
