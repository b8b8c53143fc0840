//! Signing requests for their upstream: last of all, over what the upstream will see.
//!
//! Whose key it is was decided when the config was loaded; here is only the description, the key and a clock.

use std::{fmt, sync::Arc, time::Duration};

use super::{Failure, StripSet};
use crate::{
    clock::Clock,
    deadline::Deadlines,
    message::{Body, BodyError, Budgets, HoldLimits},
    policy::Admitted,
    scheme::{self, BodyNeed, Emitted, Headers, PreparedKey, Scheme, Unknown, View},
};

/// By what, in whose name and with which key requests are signed.
pub struct Signing {
    scheme: Arc<Scheme>,
    key: Arc<dyn OwnKey>,
    key_id: Option<String>,
    /// The headers that it writes: a client's own go no further.
    pub(super) replaces: StripSet,
    holding: Holding,
}

/// A key that the gateway itself signs with.
pub trait OwnKey: Send + Sync {
    /// The secret that signs at that time; `None` where none is good then.
    fn at(&self, now_millis: i64) -> Option<PreparedKey>;
}

/// How a body is held that a signature covers, and what time it is then.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The time.
    pub clock: Clock,
    /// The bounds of one body.
    pub limits: HoldLimits,
    /// How long its sender may take, all in all.
    pub patience: Duration,
    /// The budgets of all.
    pub budgets: Budgets,
}

impl Holding {
    /// The bounds for a scheme that needs that much of the body.
    pub(super) fn limits(&self, need: BodyNeed) -> HoldLimits {
        HoldLimits { may_spool: need < BodyNeed::Parsed, ..self.limits }
    }
}

/// A request as its upstream will see it, but for its body.
pub(super) struct Outgoing {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) scheme: &'static str,
    pub(super) authority: String,
    /// Field lines, each with its end.
    pub(super) lines: Vec<u8>,
}

impl Signing {
    /// `key` must sign, and `scheme` say how its signature is written; otherwise every request fails.
    pub fn new(scheme: Arc<Scheme>, key: Arc<dyn OwnKey>, key_id: Option<String>, holding: Holding) -> Signing {
        let replaces = StripSet::new(scheme.emitted_headers());
        Signing { scheme, key, key_id, replaces, holding }
    }

    /// Holds the body if the signature covers it: its head cannot be sent before.
    pub(super) async fn hold(&self, permit: &mut Admitted<'_>, deadlines: &Deadlines) -> Result<(), Failure> {
        let need = self.scheme.signing_need();
        if need == BodyNeed::Unneeded {
            return Ok(());
        }
        let holding = permit.hold(self.holding.limits(need), &self.holding.budgets);
        let held = deadlines.within(self.holding.patience, holding).await;
        held.unwrap_or(Err(BodyError::Stalled.into())).map_err(Failure::Held)
    }

    /// What the signature adds to `outgoing`, which comes back with it. A body that lies on a disk is read on a thread that
    /// may block.
    pub(super) async fn sign(
        self: &Arc<Signing>,
        outgoing: Outgoing,
        body: &Body,
    ) -> Result<(Outgoing, Emitted), Failure> {
        let Body::Spooled(spool) = body else {
            let emitted = self.emitted(&outgoing, body.view())?;
            return Ok((outgoing, emitted));
        };
        let (signing, spool) = (self.clone(), spool.clone());
        let work = move || {
            let emitted = signing.emitted(&outgoing, scheme::Body::Spooled(&spool))?;
            Ok((outgoing, emitted))
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(Failure::Unsigned(scheme::Failure::Io)))
    }

    fn emitted(&self, outgoing: &Outgoing, body: scheme::Body<'_>) -> Result<Emitted, Failure> {
        let view = View {
            method: &outgoing.method,
            target: &outgoing.target,
            scheme: outgoing.scheme,
            authority: &outgoing.authority,
            headers: &Lines(&outgoing.lines),
            body,
            known: &Unknown,
        };
        let now_millis = self.holding.clock.unix_millis();
        let key = self.key.at(now_millis).ok_or(Failure::Unsigned(scheme::Failure::NotSigning))?;
        let signed = self.scheme.sign(&view, &key, self.key_id.as_deref(), now_millis, &nonce()?);
        signed.map_err(Failure::Unsigned)
    }
}

/// 128 random bits in hex: no two requests share one.
pub(super) fn nonce() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Failure::NoRandomness)?;
    Ok(hex::encode(bytes))
}

/// Field lines as they will be sent.
struct Lines<'l>(&'l [u8]);

impl Lines<'_> {
    fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.split(|byte| *byte == b'\n').filter_map(|line| {
            let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
            Some((name, value.get(1..).unwrap_or_default().trim_ascii()))
        })
    }
}

impl Headers for Lines<'_> {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        let own = self.fields().filter(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()));
        own.for_each(|(_, value)| visit(value));
    }

    fn names(&self, visit: &mut dyn FnMut(&str)) {
        self.fields().filter_map(|(name, _)| std::str::from_utf8(name).ok()).for_each(visit);
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing")
            .field("scheme", &self.scheme.name())
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_will_be_sent() {
        let lines = Lines(b"Host: a:80\r\nX-A: 1\r\nX-AB: 2\r\nx-a:  3 \r\nEmpty:\r\n");
        let values = |name: &str| {
            let mut values = Vec::new();
            lines.each(name, &mut |value| values.push(String::from_utf8(value.to_vec()).unwrap()));
            values
        };
        assert_eq!(values("host"), ["a:80"]);
        assert_eq!(values("X-a"), ["1", "3"]);
        assert_eq!(values("empty"), [""]);
        assert!(values("a").is_empty() && values("x").is_empty());
    }

    #[test]
    fn no_two_nonces_are_the_same() {
        assert_ne!(nonce().unwrap(), nonce().unwrap());
        assert_eq!(nonce().unwrap().len(), 32);
    }
}
