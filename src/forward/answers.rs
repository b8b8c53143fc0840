//! Signing answers for their client: over what it will see, with the key that it signed with or one of the gateway's own.
//!
//! The gateway's refusals are signed as an upstream's answers are, where the key is known. An answer for whose client
//! there is no key goes as it is.

use std::{borrow::Cow, fmt, sync::Arc};

use super::{
    Failure,
    signing::{Holding, OwnKey, nonce},
};
use crate::{
    http1::RequestHead,
    message::{Body, Fields, Identity, Response, hold},
    scheme::{self, AnswerView, BodyNeed, PreparedKey, Scheme, Unknown, View},
};

/// By what and with whose key answers are signed.
pub struct AnswerSigning {
    scheme: Arc<Scheme>,
    keys: AnswerKeys,
    holding: Holding,
}

/// Whose key signs an answer.
pub enum AnswerKeys {
    /// The one that the request was signed with.
    Callers(Arc<dyn CallerKeys>),
    /// Always this one, of that id.
    Own(Arc<dyn OwnKey>, Option<String>),
}

/// Finds the key that a request was signed with.
pub trait CallerKeys: Send + Sync {
    /// The very secret that verified, and its id; `None` where another credential did.
    fn key_of<'k>(&'k self, identity: &'k Identity<'_>) -> Option<(&'k PreparedKey, Option<&'k str>)>;
}

/// The request that an answer is for.
#[derive(Clone, Copy)]
pub struct Answered<'a> {
    /// Its head.
    pub head: &'a RequestHead,
    /// The public scheme and authority.
    pub origin: (&'a str, &'a str),
    /// Who sent it, once that is proven.
    pub identity: Option<&'a Identity<'a>>,
}

/// Whose key it is, and the id that templates see.
type Signer<'k> = (Cow<'k, PreparedKey>, Option<&'k str>);

impl<'a> Answered<'a> {
    fn view(self) -> View<'a> {
        View {
            method: self.head.method(),
            target: self.head.origin_form(),
            scheme: self.origin.0,
            authority: self.origin.1,
            headers: self.head,
            body: scheme::Body::Unread,
            known: &Unknown,
        }
    }

    /// Whether the answer has no body whatever its fields say (RFC 9110 section 6.4.1).
    fn is_bodiless(self, status: u16) -> bool {
        self.head.method() == "HEAD" || matches!(status, 204 | 304)
    }
}

impl AnswerSigning {
    /// `scheme` must say how answers are signed; otherwise every answer fails.
    pub fn new(scheme: Arc<Scheme>, keys: AnswerKeys, holding: Holding) -> AnswerSigning {
        AnswerSigning { scheme, keys, holding }
    }

    /// Whether the answer to a request can be signed: to be asked before anything is done for it.
    ///
    /// # Errors
    /// The request lacks what the signature of its answer needs.
    pub fn check(&self, answered: Answered<'_>) -> Result<(), Failure> {
        match self.key(answered)? {
            Some(_) => self.scheme.is_answerable(&answered.view()).map_err(Failure::Unsigned),
            None => Ok(()),
        }
    }

    /// The answer with its signature, its body held if that covers it; or the answer as it is, if there is no key for its
    /// client.
    ///
    /// # Errors
    /// The body cannot be held, or a value that is signed is not there.
    pub async fn sign(
        self: &Arc<Self>,
        mut response: Box<Response>,
        answered: Answered<'_>,
    ) -> Result<Box<Response>, Failure> {
        let Some((key, key_id)) = self.key(answered)? else { return Ok(response) };
        let need = self.scheme.answer_need();
        let is_bodiless = answered.is_bodiless(response.status);
        if need > BodyNeed::Unneeded && !is_bodiless {
            let body = std::mem::take(&mut response.body);
            let held = hold(body, self.holding.limits(need), &self.holding.budgets).await;
            response.body = held.map_err(Failure::AnswerHeld)?;
        }
        let fields = match &response.body {
            Body::Spooled(_) if !is_bodiless => self.fields_of_spooled(&response, answered, &key, key_id).await?,
            body => {
                let body = if is_bodiless { scheme::Body::Memory(b"") } else { body.view() };
                let (request, status, headers) = (answered.view(), response.status, &response.fields());
                self.fields(AnswerView { request, status, headers, body }, &key, key_id)?
            }
        };
        fields.into_iter().for_each(|(name, value)| response.set(name, value.into_bytes()));
        Ok(response)
    }

    /// Whose key it is, and the id that templates see.
    fn key<'k>(&'k self, answered: Answered<'k>) -> Result<Option<Signer<'k>>, Failure> {
        match (&self.keys, answered.identity) {
            (AnswerKeys::Own(key, key_id), _) => {
                // No answer goes out unsigned because a key is out of its time.
                let key = key.at(self.holding.clock.unix_millis());
                let key = key.ok_or(Failure::AnswerUnsigned(scheme::Failure::NotSigning))?;
                Ok(Some((Cow::Owned(key), key_id.as_deref())))
            }
            (AnswerKeys::Callers(keys), Some(identity)) => {
                Ok(keys.key_of(identity).map(|(key, key_id)| (Cow::Borrowed(key), key_id)))
            }
            (AnswerKeys::Callers(_), None) => Ok(None),
        }
    }

    fn fields(
        &self,
        answer: AnswerView<'_>,
        key: &PreparedKey,
        key_id: Option<&str>,
    ) -> Result<Vec<(String, String)>, Failure> {
        let now_millis = self.holding.clock.unix_millis();
        self.scheme.sign_answer(&answer, key, key_id, now_millis, &nonce()?).map_err(Failure::AnswerUnsigned)
    }

    /// As `fields`, over a body that lies on a disk, on a thread that may block.
    async fn fields_of_spooled(
        self: &Arc<Self>,
        response: &Response,
        answered: Answered<'_>,
        key: &PreparedKey,
        key_id: Option<&str>,
    ) -> Result<Vec<(String, String)>, Failure> {
        let Body::Spooled(spool) = &response.body else { return Err(Failure::AnswerUnsigned(scheme::Failure::Io)) };
        let (signing, spool, key, key_id) = (self.clone(), spool.clone(), key.clone(), key_id.map(str::to_owned));
        let (status, upstream, added) = (response.status, response.upstream.clone(), response.added.clone());
        let (head, origin) = (answered.head.clone(), answered.origin);
        let (scheme, authority) = (origin.0.to_owned(), origin.1.to_owned());
        let work = move || {
            let request = Answered { head: &head, origin: (&scheme, &authority), identity: None }.view();
            let headers = Fields { upstream: upstream.as_deref(), added: &added };
            let body = scheme::Body::Spooled(&spool);
            signing.fields(AnswerView { request, status, headers: &headers, body }, &key, key_id.as_deref())
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(Failure::AnswerUnsigned(scheme::Failure::Io)))
    }
}

impl fmt::Debug for AnswerSigning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerSigning").field("scheme", &self.scheme.name()).finish_non_exhaustive()
    }
}
