//! Replay keys: what makes two requests the same one, and how long that must be known.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{
    Dialect, Failure, ReplayDefinition, Template, View,
    claimed::Claims,
    evaluate::Evaluation,
    timestamp::{Timestamp, millis},
};

/// How a second use is recognised.
#[derive(Debug)]
pub(super) struct Replay {
    /// `None`: the message.
    pub(super) key: Option<Template>,
    remember: Option<Duration>,
    beginning: Beginning,
}

/// Where the digests of a scheme begin: behind its name, which fills whole blocks of SHA-256 and so is hashed once.
#[derive(Debug)]
pub(super) struct Beginning(Sha256);

/// What to claim after verification, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayKey {
    /// SHA-256 over scheme, key id and replay template.
    pub digest: [u8; 32],
    /// Milliseconds since 1970; from then on the request is refused as stale anyway, or forgotten on purpose.
    pub until_millis: i64,
    /// Milliseconds since 1970: nothing that this claim must tell from a second use was accepted before. The beginning of
    /// time where the request does not say.
    pub since_millis: i64,
}

impl Replay {
    pub(super) fn new(scheme: &str, key: Option<Template>, definition: &ReplayDefinition) -> Replay {
        Replay { key, remember: definition.remember, beginning: Beginning::of(scheme) }
    }

    pub(super) fn at_most(&self, timestamp: Option<&Timestamp>) -> Duration {
        let window = timestamp.and_then(Timestamp::longest).unwrap_or_default();
        window.max(self.remember.unwrap_or_default())
    }

    /// Before its window began it was refused. Where the window does not end, what was accepted longer ago than it is
    /// remembered is forgotten on purpose.
    fn since(&self, claimed: &Claims, timestamp: Option<&Timestamp>, now_millis: i64) -> i64 {
        let began = timestamp.zip(claimed.time_millis()).and_then(|(timestamp, time)| timestamp.admitted_from(time));
        let began = began.unwrap_or(i64::MIN);
        match (claimed.admitted_until, self.remember) {
            (None, Some(remember)) => began.max(now_millis.saturating_sub(millis(remember))),
            (Some(_), _) | (None, None) => began,
        }
    }

    /// The later of both: forgotten before the window ends, a request could be used again.
    fn until(&self, claimed: &Claims, now_millis: i64) -> i64 {
        let remembered = now_millis.saturating_add(self.remember.map_or(0, millis));
        // The last millisecond of the window still counts.
        claimed.admitted_until.map_or(remembered, |end| end.saturating_add(1).max(remembered))
    }
}

impl Dialect {
    /// The replay key of a verified request; `None` if the scheme recognises no second use.
    ///
    /// The signature is no part of it: a sender with two live secrets can sign one request twice.
    pub(super) fn replay_key(
        &self,
        claimed: &Claims,
        view: &View<'_>,
        now_millis: i64,
    ) -> Result<Option<ReplayKey>, Failure> {
        let Some(replay) = &self.replay else { return Ok(None) };
        claimed.ready()?;
        let mut digest = replay.beginning.with(claimed.key_id().unwrap_or_default());
        let evaluation = Evaluation::of(self, *view, claimed.key_id());
        evaluation.feed(replay.key.as_ref().unwrap_or(&self.message), &mut |piece| digest.update(piece))?;
        let until_millis = replay.until(claimed, now_millis);
        let since_millis = replay.since(claimed, self.timestamp.as_ref(), now_millis);
        Ok(Some(ReplayKey { digest: digest.finalize().into(), until_millis, since_millis }))
    }
}

impl Beginning {
    pub(super) fn of(scheme: &str) -> Beginning {
        const BLOCK: usize = 64;
        let mut name = Sha256::new();
        prefixed(&mut name, scheme.as_bytes());
        // Zeros say nothing: how long the name is stands before it.
        let over = (size_of::<u64>() + scheme.len()) % BLOCK;
        name.update(&[0; BLOCK][over..]);
        Beginning(name)
    }

    /// With the key id, and ready for what makes a request one of a kind. That is the last, so its length need not be
    /// known, as that of a streamed message is not: where it ends the digest does.
    pub(super) fn with(&self, key_id: &[u8]) -> Sha256 {
        let mut digest = self.0.clone();
        prefixed(&mut digest, key_id);
        digest
    }
}

fn prefixed(hasher: &mut Sha256, bytes: &[u8]) {
    // A length fits in 64 bits on every machine there is; saturating keeps the conversion total.
    hasher.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    hasher.update(bytes);
}
