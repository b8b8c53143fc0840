//! Who a verified request is from: data for logs, headers and answers. It proves nothing; the proof is the type that
//! carries it (`authenticate::Verified`, `policy::Admitted`).

use std::{borrow::Cow, rc::Rc, sync::Arc};

use crate::{
    keys::Matched,
    scheme::{Fact, Known},
};

/// What is known of a caller.
///
/// Of several credentials one names the caller: subject, key id and rules are of that one, never some of one and some of
/// another, or whoever has two could be taken for somebody who is neither.
#[derive(Clone, Default)]
pub struct Identity<'c> {
    /// Who it is: `sub` of a token, or the key id where the signature binds it.
    pub subject: Option<Rc<str>>,
    /// The key id or `kid` that verified.
    pub key_id: Option<Rc<str>>,
    /// The scheme's or tokens' name in the config; none on a public route.
    pub by: Option<&'c str>,
    /// What proved it.
    evidence: Option<Evidence<'c>>,
    /// The credentials that were wanted besides, in order.
    others: Vec<Credential<'c>>,
    /// Where the first credential stood; nearly always the only one.
    carrier: Option<&'c Carrier>,
    /// Where the others did.
    more: Vec<&'c Carrier>,
}

/// A credential that was proven.
#[derive(Clone)]
pub struct Credential<'c> {
    /// The scheme's or tokens' name in the config.
    pub by: &'c str,
    /// Whom it names.
    pub subject: Option<Rc<str>>,
    /// Its key id or `kid`.
    pub key_id: Option<Rc<str>>,
    /// What proved it.
    pub evidence: Evidence<'c>,
}

/// What proves a credential.
#[derive(Clone)]
pub enum Evidence<'c> {
    /// The key that a signature was made with.
    Key(Matched<'c>),
    /// A token, with its claims.
    Token(Arc<dyn Known>),
}

impl<'c> Evidence<'c> {
    /// The key, if it is one.
    pub fn key(&self) -> Option<&Matched<'c>> {
        match self {
            Evidence::Key(key) => Some(key),
            Evidence::Token(_) => None,
        }
    }

    /// The token, if it is one.
    pub fn token(&self) -> Option<&dyn Known> {
        match self {
            Evidence::Key(_) => None,
            Evidence::Token(token) => Some(&**token),
        }
    }
}

impl<'c> Identity<'c> {
    /// Notes where a credential stood, so that it goes no further.
    pub fn add_carrier(&mut self, carrier: &'c Carrier) {
        match self.carrier {
            None => self.carrier = Some(carrier),
            Some(_) => self.more.push(carrier),
        }
    }

    /// Takes the caller's name and all that goes with it from `credential`.
    pub fn name_by(&mut self, credential: Credential<'c>) {
        let Credential { by, subject, key_id, evidence } = credential;
        (self.by, self.subject, self.key_id, self.evidence) = (Some(by), subject, key_id, Some(evidence));
    }

    /// Notes a credential that was wanted besides the one that names the caller.
    pub fn add_other(&mut self, other: Credential<'c>) {
        self.others.push(other);
    }

    /// The credentials that were wanted besides the one that names the caller.
    pub fn others(&self) -> &[Credential<'c>] {
        &self.others
    }

    /// What proved the caller's name; none on a public route.
    pub fn evidence(&self) -> Option<&Evidence<'c>> {
        self.evidence.as_ref()
    }

    /// The key of the credential that names the caller, where that is a signature.
    pub fn key(&self) -> Option<&Matched<'c>> {
        self.evidence.as_ref().and_then(Evidence::key)
    }

    /// All keys that verified: first the caller's, where a key names the caller.
    pub fn keys(&self) -> impl Iterator<Item = &Matched<'c>> {
        self.key().into_iter().chain(self.others.iter().filter_map(|other| other.evidence.key()))
    }

    /// The key, and its id, of the signature by that scheme. No route takes tokens that are called as one of its schemes is:
    /// such a config is refused (`config/names.rs`), so whatever is by that name is by the scheme.
    pub fn key_by(&self, scheme: &str) -> Option<(&Matched<'c>, Option<&str>)> {
        if self.by == Some(scheme) {
            return Some((self.key()?, self.key_id.as_deref()));
        }
        let other = self.others.iter().find(|other| other.by == scheme)?;
        Some((other.evidence.key()?, other.key_id.as_deref()))
    }

    /// The token whose claims are told, and by which rules it was believed: the one that names the caller, or else the first
    /// of the others.
    pub fn token(&self) -> Option<(&str, &dyn Known)> {
        let own = self.by.zip(self.evidence.as_ref().and_then(Evidence::token));
        own.or_else(|| self.others.iter().find_map(|other| Some((other.by, other.evidence.token()?))))
    }

    /// The key whose attributes are told: the one that names the caller, or else the first other with an id, or else the
    /// first.
    pub fn attributed(&self) -> Option<&Matched<'c>> {
        let with_id = || self.others.iter().filter(|other| other.key_id.is_some());
        let others = || with_id().find_map(|other| other.evidence.key());
        self.key().or_else(others).or_else(|| self.keys().next())
    }

    /// An attribute of that key. What it lacks is not looked for at another.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributed()?.attributes()?.text(name)
    }

    /// Whether each key may be used on the route of that name.
    pub fn may_use(&self, route: &str) -> bool {
        self.keys().filter_map(Matched::attributes).all(|attributes| attributes.may_use(route))
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
        self.identity.token().and_then(|(_, token)| token.claim(name))
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
