//! What is revoked for all gateways on one store: asked anew for each request, and nothing of it is remembered here, so
//! that what one gateway revoked holds at the next request of any other.

use std::collections::BTreeMap;

use super::{
    NotLifted, NotRevoked, Standing,
    entry::{BadRevocation, Revocation, Revoked, Whose},
    list::Shown,
};
use crate::{
    redis_link::LinkError,
    store::redis::{Document, Put, RedisRevocations, Taken},
};

/// How long one that is over is kept, in seconds: a gateway whose clock is behind believes tokens for longer.
const SLACK: i64 = 10;
/// How often it is tried to put one where others put theirs on the same name at the same time.
const TRIES: usize = 16;

/// Revocations in Redis.
#[derive(Debug)]
pub struct SharedRevocations {
    redis: RedisRevocations,
    capacity: usize,
    may_go_unasked: bool,
}

/// What is asked about one credential.
#[derive(Clone, Debug)]
pub struct Question {
    names: Vec<Revoked>,
    issued_unix: Option<f64>,
}

/// It cannot be known whether something is revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("whether it was revoked is not known: {0}")]
pub struct Unknown(#[source] LinkError);

impl Question {
    /// Whether any of `shown` is revoked; `None` where nothing of it can be.
    pub fn of(shown: &Shown<'_>) -> Option<Question> {
        let names: Vec<Revoked> = shown.names().collect();
        let issued_unix = shown.token.and_then(|token| token.issued_unix);
        (!names.is_empty()).then_some(Question { names, issued_unix })
    }
}

impl SharedRevocations {
    /// Those in `redis`, at most `capacity`. `may_go_unasked`: whether requests go on while it is away.
    pub fn new(redis: RedisRevocations, capacity: usize, may_go_unasked: bool) -> SharedRevocations {
        SharedRevocations { redis, capacity, may_go_unasked }
    }

    /// What is revoked of each of `questions`, in one round trip.
    ///
    /// # Errors
    /// [`Unknown`]: refuse in doubt.
    pub async fn find<'q>(
        &self,
        questions: impl Iterator<Item = &'q Question> + Clone,
        now_unix: i64,
    ) -> Result<Vec<Option<Revoked>>, Unknown> {
        let names: Vec<String> = questions.clone().flat_map(|question| &question.names).map(field).collect();
        let documents = match self.redis.get(&names).await {
            Ok(documents) => documents,
            // What cannot be read may be a revocation.
            Err(error) if self.may_go_unasked && error != LinkError::Unexpected => {
                tracing::debug!(%error, "a request goes on though nobody can say whether it was revoked");
                return Ok(questions.map(|_| None).collect());
            }
            Err(error) => return Err(Unknown(error)),
        };
        let mut documents = documents.into_iter();
        let each = questions.map(|question| question.answer(&mut documents, now_unix));
        each.collect::<Result<_, _>>().map_err(Unknown)
    }

    /// Revokes; on return it is in the store and holds for every gateway. Of two on the same
    /// thing both hold.
    ///
    /// # Errors
    /// [`NotRevoked`]
    pub async fn revoke(&self, revocation: &Revocation, now_unix: i64) -> Result<Standing, NotRevoked> {
        if revocation.is_over(now_unix) {
            return Err(BadRevocation::Over.into());
        }
        let (name, over_unix) = (field(&revocation.revoked), now_unix.saturating_sub(SLACK));
        let mut known = Vec::new();
        for _ in 0..TRIES {
            let held = match known.as_slice() {
                [] => None,
                held => Some(read(held, &revocation.revoked)?).filter(|held| !held.is_over(now_unix)),
            };
            let joined = match held {
                None => revocation.clone(),
                Some(held) if held.covers(revocation) => return Ok(Standing::Before(held)),
                Some(held) => held.joined(revocation),
            };
            let text = joined.to_json().to_string();
            let document = Document { name: &name, text: &text, end_unix: joined.until_unix };
            match self.redis.put(&document, &known, over_unix, self.capacity).await? {
                Put::Done => return Ok(Standing::New(joined)),
                Put::Full => return Err(NotRevoked::Full),
                Put::Other(held) => known = held,
            }
        }
        Err(NotRevoked::Store(LinkError::Busy))
    }

    /// Lifts what the operator revoked under that name, the whole of it; on return it is out of the store, and no gateway refuses for it.
    /// What stood is told.
    ///
    /// # Errors
    /// [`NotLifted`]
    pub async fn lift(&self, revoked: &Revoked, now_unix: i64) -> Result<Revocation, NotLifted> {
        let name = field(revoked);
        let found = self.redis.get(std::slice::from_ref(&name)).await?;
        let mut held = found.into_iter().next().flatten().unwrap_or_default();
        for _ in 0..TRIES {
            if held.is_empty() {
                return Err(NotLifted::Nothing);
            }
            let standing = read(&held, revoked)?.liftable(now_unix)?;
            match self.redis.take_out(&name, &held).await? {
                Taken::Out => return Ok(standing),
                Taken::Other(other) => held = other,
            }
        }
        Err(NotLifted::Store(LinkError::Busy))
    }

    /// All that stand, in the order of what they name.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn all(&self, now_unix: i64) -> Result<Vec<Revocation>, LinkError> {
        let documents = self.redis.all().await?;
        let parsed = documents.iter().map(|document| parse(document));
        let by_name = parsed.map(|read| read.map(|revocation| (revocation.revoked.clone(), revocation)));
        let all: BTreeMap<_, _> = by_name.collect::<Result<_, _>>()?;
        Ok(all.into_values().filter(|revocation| !revocation.is_over(now_unix)).collect())
    }
}

impl Question {
    /// What of it is revoked, by the next of `documents`, one for each name.
    fn answer(
        &self,
        documents: &mut impl Iterator<Item = Option<Vec<u8>>>,
        now_unix: i64,
    ) -> Result<Option<Revoked>, LinkError> {
        let mut found = None;
        for (name, document) in self.names.iter().zip(documents) {
            let Some(document) = document else { continue };
            let holds = read(&document, name)?.holds_for(self.issued_unix, now_unix);
            found = found.or_else(|| holds.then(|| name.clone()));
        }
        Ok(found)
    }
}

/// The name of a document: no two that name different things have the same.
fn field(revoked: &Revoked) -> String {
    match revoked {
        Revoked::Jti(jti) => format!("jti:{jti}"),
        Revoked::Subject(subject) => format!("subject:{subject}"),
        Revoked::KeyId(key_id) => format!("key_id:{key_id}"),
        Revoked::IssuedBefore(Whose::All) => "issued_before".to_owned(),
        Revoked::IssuedBefore(Whose::Subject(subject)) => format!("issued_before:subject:{subject}"),
        Revoked::IssuedBefore(Whose::Tokens(tokens)) => format!("issued_before:tokens:{tokens}"),
    }
}

/// The document that stands under the name of `revoked`.
fn read(document: &[u8], revoked: &Revoked) -> Result<Revocation, LinkError> {
    let revocation = parse(document)?;
    if revocation.revoked == *revoked { Ok(revocation) } else { Err(LinkError::Unexpected) }
}

fn parse(document: &[u8]) -> Result<Revocation, LinkError> {
    Revocation::parse(document, 0).map_err(|_| LinkError::Unexpected)
}
