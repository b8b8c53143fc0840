//! Who a verified request is from: data for logs, headers and answers. It proves nothing; the proof is the type that
//! carries it (`authenticate::Verified`, `policy::Admitted`).

use std::{borrow::Cow, rc::Rc, sync::Arc};

use crate::{
    keys::Matched,
    scheme::{Fact, Known},
};

/// What is known of a caller.
#[derive(Clone, Default)]
pub struct Identity<'c> {
    /// Who it is: `sub` of a token, or the key id where the signature binds it.
    pub subject: Option<Rc<str>>,
    /// The key id or `kid` that verified.
    pub key_id: Option<Rc<str>>,
    /// The scheme's or tokens' name in the config; none on a public route.
    pub by: Option<&'c str>,
    /// The token's claims.
    pub claims: Option<Arc<dyn Known>>,
    /// The key that verified, where `by` is a scheme.
    key: Option<Matched<'c>>,
    /// The keys of further credentials.
    other_keys: Vec<Matched<'c>>,
    /// Where the first credential stood; nearly always the only one.
    carrier: Option<&'c Carrier>,
    /// Where the others did.
    more: Vec<&'c Carrier>,
    /// What the credentials behind the first show.
    others: Vec<Other<'c>>,
}

impl<'c> Identity<'c> {
    /// Notes where a credential stood, so that it goes no further.
    pub fn add_carrier(&mut self, carrier: &'c Carrier) {
        match self.carrier {
            None => self.carrier = Some(carrier),
            Some(_) => self.more.push(carrier),
        }
    }

    /// Notes a key that verified. To be called before `by` is set.
    pub fn add_key(&mut self, key: Matched<'c>) {
        match (self.by, &self.key) {
            (None, None) => self.key = Some(key),
            (Some(_), _) | (_, Some(_)) => self.other_keys.push(key),
        }
    }

    /// The key of the first credential, where that is a signature.
    pub fn key(&self) -> Option<&Matched<'c>> {
        self.key.as_ref()
    }

    /// All keys that verified, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Matched<'c>> {
        self.key.iter().chain(&self.other_keys)
    }

    /// An attribute of the first key that has it.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.keys().find_map(|key| key.attributes()?.text(name))
    }

    /// Whether each key may be used on the route of that name.
    pub fn may_use(&self, route: &str) -> bool {
        self.keys().filter_map(Matched::attributes).all(|attributes| attributes.may_use(route))
    }

    /// Notes what a credential shows that stands behind the first: it names nobody, but it can be revoked.
    pub fn add_other(&mut self, other: Other<'c>) {
        self.others.push(other);
    }

    /// What the credentials behind the first show, where several were wanted.
    pub fn others(&self) -> &[Other<'c>] {
        &self.others
    }

    /// Where the credentials stood.
    pub fn carriers(&self) -> impl Iterator<Item = &'c Carrier> {
        self.carrier.into_iter().chain(self.more.iter().copied())
    }
}

/// A credential that was wanted besides the first.
#[derive(Clone)]
pub struct Other<'c> {
    /// The scheme's or tokens' name in the config.
    pub by: &'c str,
    /// Its key id or `kid`.
    pub key_id: Option<Rc<str>>,
    /// Its token's claims.
    pub claims: Option<Arc<dyn Known>>,
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

    fn attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        self.identity.attribute(name).map(Cow::Borrowed)
    }

    fn fact(&self, fact: Fact) -> Option<Cow<'_, str>> {
        match fact {
            Fact::Subject => self.identity.subject.as_deref().map(Cow::Borrowed),
            Fact::KeyId => self.identity.key_id.as_deref().map(Cow::Borrowed),
            Fact::Scheme => self.identity.by.map(Cow::Borrowed),
            Fact::Route => Some(Cow::Borrowed(self.route)),
            Fact::RequestId => Some(String::from_utf8_lossy(self.request_id)),
            Fact::ClientAddress => Some(Cow::Borrowed(self.client)),
            // Only who issued it knows.
            Fact::Token | Fact::ExpiresIn | Fact::RefreshToken | Fact::CsrfToken => None,
        }
    }
}

impl std::fmt::Debug for Identity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("subject", &self.subject).field("by", &self.by).finish_non_exhaustive()
    }
}
