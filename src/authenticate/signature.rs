//! One signature leg: what its head shows and whose key that names, and then the MAC.

use std::{rc::Rc, sync::Arc};

use super::{Desk, Origin, Reason, Replay, SignatureRule, held::view, in_force::Successor};
use crate::{
    http1::RequestHead,
    keys::{Found, Matched, NoKey},
    message::{Body, Spool},
    scheme::{Claimed, View},
    soon::Soon,
};

/// What a request shows of a signature before it is verified.
pub(super) struct Opened<'c> {
    claimed: Claimed,
    /// The key of the id that it names; none yet where the body names it.
    key: Option<Found<'c>>,
    /// When it was looked up.
    found_millis: i64,
}

/// So long after it was looked up a key is believed to be what it was, in milliseconds. Whoever sends a body slowly must not keep
/// the use of a key that is shut out meanwhile.
const BELIEVED_MILLIS: i64 = 1000;

/// A signature that verified.
pub(super) struct Accepted<'c> {
    pub(super) key_id: Option<Rc<str>>,
    /// The secret it was made with.
    pub(super) key: Matched<'c>,
    pub(super) replay: Option<Replay>,
}

/// Checks what can be checked before the body is read: the carrier, the time, that the host that was asked is the one that
/// clients sign, and that there is a key. Only a key source that has to be asked makes this wait.
pub(super) fn open<'c>(
    rule: &'c SignatureRule,
    view: &View<'_>,
    origin: Origin<'_>,
    now_millis: i64,
) -> Soon<'c, Result<Opened<'c>, Reason>> {
    let claimed = match rule.scheme.read(view, now_millis) {
        Ok(claimed) => claimed,
        Err(failure) => return Soon::now(Err(failure.into())),
    };
    if rule.binds_authority && !origin.is_public_host {
        return Soon::now(Err(Reason::OtherHost(origin.to_string().into())));
    }
    if rule.scheme.has_key_id() && claimed.key_id().is_none() {
        return Soon::now(Ok(Opened { claimed, key: None, found_millis: now_millis }));
    }
    with_key(rule, claimed, now_millis)
}

/// The same once more with the body at hand, at the time that it is then. The key is looked up again only where that took long.
pub(super) fn reopen<'c>(
    rule: &'c SignatureRule,
    opened: Opened<'c>,
    view: &View<'_>,
    now_millis: i64,
) -> Soon<'c, Result<Opened<'c>, Reason>> {
    match rule.scheme.read(view, now_millis) {
        Ok(claimed) => opened.claiming(rule, claimed, now_millis),
        Err(failure) => Soon::now(Err(failure.into())),
    }
}

fn with_key<'c>(rule: &'c SignatureRule, claimed: Claimed, now_millis: i64) -> Soon<'c, Result<Opened<'c>, Reason>> {
    let opened = move |claimed, found: Result<Found<'c>, NoKey>| {
        let key = found?;
        key.key().check(now_millis)?;
        Ok(Opened { claimed, key: Some(key), found_millis: now_millis })
    };
    match rule.keys.find(claimed.key_id()).at_once() {
        Ok(found) => Soon::now(opened(claimed, found)),
        Err(wait) => Soon::later(async move { opened(claimed, wait.await) }),
    }
}

impl<'c> Opened<'c> {
    /// What is claimed now that the body is there, and the key that was found before, if it is of the same id and was found just now.
    fn claiming(
        self,
        rule: &'c SignatureRule,
        claimed: Claimed,
        now_millis: i64,
    ) -> Soon<'c, Result<Opened<'c>, Reason>> {
        let Opened { claimed: before, key, found_millis } = self;
        let is_recent = (0..BELIEVED_MILLIS).contains(&now_millis.saturating_sub(found_millis));
        match key {
            Some(key) if is_recent && claimed.key_id() == before.key_id() => {
                Soon::now(Ok(Opened { claimed, key: Some(key), found_millis }))
            }
            Some(_) | None => with_key_in_force(rule, claimed, now_millis),
        }
    }
}

/// The same with the key that the config in force has for it, where that is another than the request began with.
fn with_key_in_force<'c>(
    rule: &'c SignatureRule,
    claimed: Claimed,
    now_millis: i64,
) -> Soon<'c, Result<Opened<'c>, Reason>> {
    match rule.in_force.as_ref().map(|in_force| in_force.successor(rule)) {
        None | Some(Successor::Itself) => with_key(rule, claimed, now_millis),
        Some(Successor::Gone) => Soon::now(Err(NoKey::Unknown.into())),
        Some(Successor::Other(newest)) => Soon::later(async move {
            let found = newest.keys.find(claimed.key_id()).await?;
            found.key().check(now_millis)?;
            let key = Some(rule.keys.adopted(&found));
            Ok(Opened { claimed, key, found_millis: now_millis })
        }),
    }
}

/// The signature itself, with the body in memory where the scheme needs it.
pub(super) fn verify<'c>(
    rule: &SignatureRule,
    opened: Opened<'c>,
    view: &View<'_>,
    now_millis: i64,
) -> Result<Accepted<'c>, Reason> {
    let Opened { claimed, key, .. } = opened;
    let key = key.ok_or(NoKey::Unknown)?;
    let (place, replay) = check(rule, &claimed, &key, view, now_millis)?;
    Ok(accepted(&claimed, key.matched(place), replay))
}

/// The same over a spooled body, which is read on a thread that may block.
pub(super) async fn verify_spooled<'c>(
    rule: &'c Arc<SignatureRule>,
    opened: Opened<'c>,
    head: &RequestHead,
    spool: &Spool,
    desk: &Desk<'_>,
) -> Result<Accepted<'c>, Reason> {
    let of = rule.clone();
    let read = move |view: &View<'_>, now_millis| Ok((of.scheme.read(view, now_millis)?, now_millis));
    let (claimed, now_millis) = over_spool(head, spool, desk, read).await?;
    let Opened { claimed, key, .. } = opened.claiming(rule, claimed, now_millis).await?;
    let key = key.ok_or(NoKey::Unknown)?;
    let (of, own) = (rule.clone(), key.to_owned());
    let work = move |view: &View<'_>, now_millis| {
        let (place, replay) = check(&of, &claimed, &own, view, now_millis)?;
        Ok((claimed, place, replay))
    };
    let (claimed, place, replay) = over_spool(head, spool, desk, work).await?;
    Ok(accepted(&claimed, key.matched(place), replay))
}

/// What `work` makes of a request whose body lies on a disk, at the time when a thread has time for it.
async fn over_spool<T: Send + 'static>(
    head: &RequestHead,
    spool: &Spool,
    desk: &Desk<'_>,
    work: impl FnOnce(&View<'_>, i64) -> Result<T, Reason> + Send + 'static,
) -> Result<T, Reason> {
    let (head, spool) = (head.clone(), spool.clone());
    let (scheme, authority) = (desk.origin.scheme.to_owned(), desk.origin.authority.to_owned());
    let (is_public_host, clock) = (desk.origin.is_public_host, desk.clock.clone());
    let work = move || {
        let origin = Origin { scheme: &scheme, authority: &authority, asked: &authority, is_public_host };
        work(&view(&head, &Body::Spooled(spool), origin), clock.unix_millis())
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| Reason::Stopped)?
}

/// Which secret of the id the signature was made with, and what would make a second request the same one.
fn check(
    rule: &SignatureRule,
    claimed: &Claimed,
    key: &Found<'_>,
    view: &View<'_>,
    now_millis: i64,
) -> Result<(usize, Option<Replay>), Reason> {
    let live = key.key().live(now_millis)?;
    let index = rule.scheme.verify(claimed, view, live.prepared())?;
    let is_over = |signed| rule.narrowed.iter().any(|narrowed| narrowed.is_over(signed, now_millis));
    if claimed.signed_millis().is_some_and(is_over) {
        return Err(Reason::BeforeWidening);
    }
    let replay = rule.scheme.replay_key(claimed, view, now_millis)?;
    let replay = replay.map(|key| Replay {
        digest: key.digest,
        until_millis: key.until_millis,
        since_millis: key.since_millis,
        may_go_unchecked: rule.may_go_unchecked,
    });
    Ok((live.place(index), replay))
}

fn accepted<'c>(claimed: &Claimed, key: Matched<'c>, replay: Option<Replay>) -> Accepted<'c> {
    // A key id is visible ASCII: reading it as text loses nothing.
    let key_id = claimed.key_id().map(|id| Rc::from(std::str::from_utf8(id).unwrap_or_default()));
    Accepted { key_id, key, replay }
}
