//! Keys that have to be asked for: asked once, whichever way the request takes, and away is never unknown.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};

use super::{jwt::TokenCache, *};
use crate::{
    http1::{Limits, RequestHead},
    keys::{Answer, KeyRecord, KeyTable, KeysAway, Lookout, Lookup, NoKey},
    message::{Body, BodyError, BodyStream, Budget},
    refusal::Cause,
    scheme::{Algorithm, Definition, Encoding, Scheme, SignatureDefinition},
    secret::Secret,
};

/// Knows `dev-1`, unless it is away, the first times that it is asked; counts how often that is.
#[derive(Default)]
struct Remote {
    away: bool,
    asked: AtomicUsize,
    knows: usize,
}

/// A body whose sender takes so many seconds.
struct Slow(Option<(Bytes, i64)>, Clock);

impl BodyStream for Slow {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let Some((piece, seconds)) = self.0.take() else { return Poll::Ready(None) };
        self.1.set(seconds);
        Poll::Ready(Some(Ok(piece)))
    }

    fn length(&self) -> Option<u64> {
        None
    }
}

impl Lookup for Remote {
    fn look_up(&self, id: &[u8]) -> Lookout<'_> {
        let before = self.asked.fetch_add(1, Ordering::SeqCst);
        let known = || Some(Arc::new(KeyRecord::of([Secret::new(b"secret".to_vec())])));
        let answer: Answer = match (self.away, id) {
            (true, _) => Err(KeysAway::TimedOut),
            (false, b"dev-1") if before < self.knows => Ok(known()),
            (false, _) => Ok(None),
        };
        Lookout::Later(Box::pin(async {
            tokio::task::yield_now().await;
            answer
        }))
    }
}

const PATH: &str = "{key_id}:{path}";
const BODY: &str = "{key_id}:{body}";

fn leg(name: &str, key_id: &str, message: &str, remote: &Arc<Remote>) -> Leg {
    let signature = SignatureDefinition::new("{header:S}", Encoding::Hex, Algorithm::HmacSha256);
    let definition = Definition { key_id: Some(key_id.to_owned()), ..Definition::new(name, message, signature) };
    let scheme = Arc::new(Scheme::compile(&definition).unwrap());
    let of = scheme.clone();
    let keys = KeyTable::asking(remote.clone(), move |secret| of.key_recipe().verifying(secret));
    Leg::Signature(Arc::new(SignatureRule::new(scheme, keys)))
}

fn request(id: &str, signed: &str, body: Body) -> Request {
    let signature = {
        use hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"secret").unwrap();
        mac.update(signed.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    };
    let text = format!("POST /a HTTP/1.1\r\nHost: h\r\nX-Id: {id}\r\nS: {signature}\r\n\r\n");
    let head = RequestHead::parse(&mut BytesMut::from(text.as_bytes()), &Limits::default()).unwrap().unwrap();
    Request { head, body }
}

async fn judged(alternatives: Vec<Vec<Leg>>, request: Request, memory: u64) -> Result<String, Box<Denied>> {
    judged_by(&Clock::fixed(0), alternatives, request, memory).await
}

async fn judged_by(
    clock: &Clock,
    alternatives: Vec<Vec<Leg>>,
    request: Request,
    memory: u64,
) -> Result<String, Box<Denied>> {
    let requirement = Requirement::AnyOf(alternatives);
    let budgets = Budgets { memory: Budget::new(1 << 20), spool: Budget::new(1 << 20), directory: None };
    let desk = Desk {
        now_millis: 0,
        clock,
        origin: Origin { scheme: "http", authority: "h", asked: "h", is_public_host: true },
        certificate: None,
        limits: HoldLimits { body: 1 << 20, memory, may_spool: true },
        patience: Duration::from_secs(10),
        deadlines: &Deadlines::default(),
        budgets: &budgets,
        tokens: &RefCell::new(TokenCache::new(10, 1000)),
    };
    let verified = authenticate(&requirement, request, &desk).await?;
    Ok(verified.identity().key_id.as_deref().unwrap_or_default().to_owned())
}

fn remote(away: bool) -> Arc<Remote> {
    Arc::new(Remote { away, asked: AtomicUsize::new(0), knows: usize::MAX })
}

fn bytes(text: &'static str) -> Body {
    Body::Bytes(Bytes::from_static(text.as_bytes()), None)
}

#[tokio::test]
async fn a_source_is_asked_once_whether_the_head_or_the_body_names_the_id() {
    let json = r#"{"id":"dev-1"}"#;
    for (key_id, message, signed, body, memory) in [
        ("{header:X-Id}", PATH, "dev-1:/a", Body::Empty, 100),
        ("{header:X-Id}", BODY, "dev-1:body", bytes("body"), 100),
        ("{json:/id}", BODY, r#"dev-1:{"id":"dev-1"}"#, bytes(json), 100),
    ] {
        let remote = remote(false);
        let judged = judged(vec![vec![leg("s", key_id, message, &remote)]], request("dev-1", signed, body), memory);
        assert_eq!(judged.await.unwrap(), "dev-1", "{key_id} {message}");
        assert_eq!(remote.asked.load(Ordering::SeqCst), 1, "{key_id} {message}");
    }
}

#[tokio::test]
async fn who_sends_a_body_slowly_does_not_keep_a_key_that_is_shut_out_meanwhile() {
    for (seconds, memory, asked) in [(0, 100, 1), (5, 100, 2), (5, 1, 2), (-5, 100, 2)] {
        let (clock, remote) = (Clock::fixed(0), Arc::new(Remote { knows: 1, ..Remote::default() }));
        let body = Body::Stream(Box::new(Slow(Some((Bytes::from_static(b"body"), seconds)), clock.clone())));
        let legs = vec![vec![leg("s", "{header:X-Id}", BODY, &remote)]];
        let judged = judged_by(&clock, legs, request("dev-1", "dev-1:body", body), memory).await;
        assert_eq!(judged.is_ok(), asked == 1, "{seconds}");
        assert_eq!(remote.asked.load(Ordering::SeqCst), asked, "{seconds}");
    }
}

#[tokio::test]
async fn an_id_that_nobody_knows_is_refused_and_a_source_that_is_away_is_said_to_be() {
    let known = leg("s", "{header:X-Id}", PATH, &remote(false));
    let unknown = judged(vec![vec![known]], request("dev-2", "dev-2:/a", Body::Empty), 100).await.unwrap_err();
    assert_eq!((unknown.cause, unknown.rule()), (Cause::InvalidSignature, Some("s")));
    let away = leg("s", "{header:X-Id}", PATH, &remote(true));
    let away = judged(vec![vec![away]], request("dev-1", "dev-1:/a", Body::Empty), 100).await.unwrap_err();
    assert_eq!(away.cause, Cause::StoreUnavailable);
    assert!(matches!(away.attempts.as_slice(), [(_, Reason::NoKey(NoKey::Away(KeysAway::TimedOut)))]), "{away}");
}

#[tokio::test]
async fn where_one_of_two_legs_could_not_be_judged_nobody_is_told_that_the_signature_is_wrong() {
    let (here, away) = (remote(false), remote(true));
    let legs =
        || vec![vec![leg("here", "{header:X-Id}", BODY, &here)], vec![leg("away", "{header:X-Id}", PATH, &away)]];
    let refused = judged(legs(), request("dev-1", "dev-1:/a", Body::Empty), 100).await.unwrap_err();
    assert_eq!(refused.cause, Cause::StoreUnavailable, "{refused}");
    let let_in = judged(legs(), request("dev-1", "dev-1:", Body::Empty), 100).await;
    assert_eq!(let_in.unwrap(), "dev-1", "a source that is away shuts out nobody whom another leg knows");
}
