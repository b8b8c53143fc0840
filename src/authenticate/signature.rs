//! One signature leg: what its head shows, and then the MAC.

use std::{rc::Rc, sync::Arc};

use super::{Desk, Origin, Reason, Replay, SignatureRule, held::view};
use crate::{
    http1::RequestHead,
    message::{Body, Spool},
    scheme::{Claimed, View},
};

/// A signature that verified.
pub(super) struct Accepted {
    pub(super) key_id: Option<Rc<str>>,
    /// Which of the id's secrets it was made with.
    pub(super) secret: usize,
    pub(super) replay: Option<Replay>,
}

/// Checks what can be checked before the body is read: the carrier, the key id, the time, and that the host that was
/// asked is the one that clients sign.
pub(super) fn open(
    rule: &SignatureRule,
    view: &View<'_>,
    origin: Origin<'_>,
    now_millis: i64,
) -> Result<Claimed, Reason> {
    let claimed = rule.scheme.read(view, now_millis)?;
    if let Some(id) = claimed.key_id() {
        rule.keys.find(Some(id)).ok_or(Reason::UnknownKey)?;
    }
    if rule.binds_authority && !origin.is_public_host {
        return Err(Reason::OtherHost);
    }
    Ok(claimed)
}

/// When a signature is judged.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// In milliseconds since 1970.
    pub(super) now_millis: i64,
    /// Whether the body was waited for since the head was judged: then what the request claims is judged again.
    pub(super) waited: bool,
}

/// The rest, with the body in memory where the scheme needs it.
pub(super) fn verify(
    rule: &SignatureRule,
    claimed: Claimed,
    view: &View<'_>,
    moment: Moment,
) -> Result<Accepted, Reason> {
    check(rule, claimed, view, moment).map(Accepted::from)
}

/// The same over a spooled body, which is read on a thread that may block.
pub(super) async fn verify_spooled(
    rule: &Arc<SignatureRule>,
    claimed: Claimed,
    head: &RequestHead,
    spool: &Spool,
    desk: &Desk<'_>,
) -> Result<Accepted, Reason> {
    let (rule, head, spool) = (rule.clone(), head.clone(), spool.clone());
    let (scheme, authority) = (desk.origin.scheme.to_owned(), desk.origin.authority.to_owned());
    let (is_public_host, clock) = (desk.origin.is_public_host, desk.clock.clone());
    let work = move || {
        let origin = super::Origin { scheme: &scheme, authority: &authority, is_public_host };
        let moment = Moment { now_millis: clock.unix_millis(), waited: true };
        check(&rule, claimed, &view(&head, &Body::Spooled(spool), origin), moment)
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| Reason::Stopped)?.map(Accepted::from)
}

/// What `check` found, in a form that may cross threads.
struct Found {
    claimed: Claimed,
    secret: usize,
    replay: Option<Replay>,
}

impl From<Found> for Accepted {
    fn from(found: Found) -> Accepted {
        // A key id is visible ASCII: reading it as text loses nothing.
        let key_id = found.claimed.key_id().map(|id| Rc::from(std::str::from_utf8(id).unwrap_or_default()));
        Accepted { key_id, secret: found.secret, replay: found.replay }
    }
}

fn check(rule: &SignatureRule, claimed: Claimed, view: &View<'_>, moment: Moment) -> Result<Found, Reason> {
    let Moment { now_millis, waited } = moment;
    let claimed = if claimed.is_complete() && !waited { claimed } else { rule.scheme.read(view, now_millis)? };
    let key = rule.keys.find(claimed.key_id()).ok_or(Reason::UnknownKey)?;
    let secret = rule.scheme.verify(&claimed, view, &key.prepared())?;
    let replay = rule.scheme.replay_key(&claimed, view, now_millis)?;
    let replay = replay.map(|key| Replay {
        digest: key.digest,
        until_millis: key.until_millis,
        may_go_unchecked: rule.may_go_unchecked,
    });
    Ok(Found { claimed, secret, replay })
}
