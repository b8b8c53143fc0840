//! Who a verified request is from: data for logs, headers and answers. It proves nothing; the proof is the type that
//! carries it (`authenticate::Verified`, `policy::Admitted`).

use std::{borrow::Cow, rc::Rc, sync::Arc};

use crate::scheme::{Fact, Known};

/// What is known of a caller.
#[derive(Clone, Default)]
pub struct Identity<'c> {
    /// Who it is: `sub` of a token, or the key id where the signature binds it.
    pub subject: Option<Rc<str>>,
    /// The key id or `kid` that verified.
    pub key_id: Option<Rc<str>>,
    /// The scheme's or tokens' name in the config; none on a public route.
    pub by: Option<&'c str>,
    /// Which of the key's live secrets verified, where `by` is a scheme.
    pub secret: Option<usize>,
    /// The token's claims.
    pub claims: Option<Arc<dyn Known>>,
    /// Where the first credential stood; nearly always the only one.
    carrier: Option<&'c Carrier>,
    /// Where the others did.
    more: Vec<&'c Carrier>,
}

impl<'c> Identity<'c> {
    /// Notes where a credential stood, so that it goes no further.
    pub fn add_carrier(&mut self, carrier: &'c Carrier) {
        match self.carrier {
            None => self.carrier = Some(carrier),
            Some(_) => self.more.push(carrier),
        }
    }

    /// Where the credentials stood.
    pub fn carriers(&self) -> impl Iterator<Item = &'c Carrier> {
        self.carrier.into_iter().chain(self.more.iter().copied())
    }
}

/// Where a credential stood in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A header of that name, all of it.
    Header(Arc<str>),
    /// One cookie.
    Cookie(Arc<str>),
    /// One query parameter.
    Query(Arc<str>),
    /// A field of the body, which goes on as it is: nothing can be taken out of signed bytes.
    Body(Arc<str>),
}

impl Carrier {
    /// A header, whose name has one spelling here.
    pub fn header(name: &str) -> Carrier {
        Carrier::Header(name.to_ascii_lowercase().into())
    }
}

/// Everything that answer and header templates may name.
pub struct Facts<'a> {
    /// The caller.
    pub identity: &'a Identity<'a>,
    /// The route's name.
    pub route: &'a str,
    /// The request's id.
    pub request_id: &'a [u8],
    /// The client's address, as text.
    pub client: &'a str,
}

impl Known for Facts<'_> {
    fn claim(&self, name: &str) -> Option<Cow<'_, str>> {
        self.identity.claims.as_ref().and_then(|claims| claims.claim(name))
    }

    fn fact(&self, fact: Fact) -> Option<Cow<'_, str>> {
        match fact {
            Fact::Subject => self.identity.subject.as_deref().map(Cow::Borrowed),
            Fact::KeyId => self.identity.key_id.as_deref().map(Cow::Borrowed),
            Fact::Scheme => self.identity.by.map(Cow::Borrowed),
            Fact::Route => Some(Cow::Borrowed(self.route)),
            Fact::RequestId => Some(String::from_utf8_lossy(self.request_id)),
            Fact::ClientAddress => Some(Cow::Borrowed(self.client)),
        }
    }
}

impl std::fmt::Debug for Identity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("subject", &self.subject).field("by", &self.by).finish_non_exhaustive()
    }
}
