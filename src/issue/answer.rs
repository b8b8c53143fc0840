//! What is told of an issued token: facts for the templates of claims and answers, and the answer itself.

use std::borrow::Cow;

use serde_json::Value;

use super::{Failure, minter::Minted};
use crate::{
    cookies,
    message::Response,
    policy::Admitted,
    scheme::{Escape, Fact, Known, Template, View},
};

/// What is known of a request whose sender is to have a token.
pub(super) struct Told<'t> {
    pub(super) permit: &'t Admitted<'t>,
    /// Whom the token is for.
    pub(super) subject: &'t str,
    /// What is known of them: an object, or null where their credential says it all.
    pub(super) claims: &'t Value,
    /// The token, once it is there.
    pub(super) minted: Option<&'t Minted>,
}

impl Told<'_> {
    /// The same, and the token.
    pub(super) fn with<'m>(&'m self, minted: &'m Minted) -> Told<'m> {
        Told { permit: self.permit, subject: self.subject, claims: self.claims, minted: Some(minted) }
    }

    /// The request, with all this.
    pub(super) fn view(&self) -> View<'_> {
        self.permit.view(self)
    }

    /// The answer that `template` makes of it. It is for its client alone and nobody may keep it.
    pub(super) fn answer(&self, template: &Template) -> Result<Response, Failure> {
        let mut body = Vec::new();
        template.render(&self.view(), Escape::Json, &mut body).map_err(Failure::Answer)?;
        Ok(Response::own(200, "application/json", body).with("Cache-Control", "no-store"))
    }
}

impl Known for Told<'_> {
    fn claim(&self, name: &str) -> Option<Cow<'_, str>> {
        if self.claims.is_null() {
            // Nothing of their own: what the credential says that they showed.
            return self.permit.identity().token()?.1.claim(name);
        }
        let value = if name.starts_with('/') { self.claims.pointer(name) } else { self.claims.get(name) };
        match value? {
            Value::Null => None,
            Value::String(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(other.to_string())),
        }
    }

    fn attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        self.permit.identity().attribute(name).map(Cow::Borrowed)
    }

    fn fact(&self, fact: Fact) -> Option<Cow<'_, str>> {
        let identity = self.permit.identity();
        match fact {
            Fact::Subject => Some(Cow::Borrowed(self.subject)),
            Fact::KeyId => identity.key_id.as_deref().map(Cow::Borrowed),
            Fact::Scheme => identity.by.map(Cow::Borrowed),
            Fact::Route => Some(Cow::Borrowed(self.permit.route())),
            Fact::RequestId => Some(String::from_utf8_lossy(self.permit.request_id())),
            Fact::ClientAddress => Some(self.permit.client().text()),
            Fact::Token => self.minted.map(|minted| Cow::Borrowed(minted.token.as_str())),
            Fact::RefreshToken => self.minted.and_then(|minted| minted.refresh.as_deref().map(Cow::Borrowed)),
            Fact::CsrfToken => self.minted.map(|minted| Cow::Owned(cookies::csrf_token(minted.token.as_bytes()))),
            Fact::ExpiresIn => self.minted.map(|minted| Cow::Owned(minted.lifetime.to_string())),
        }
    }
}
