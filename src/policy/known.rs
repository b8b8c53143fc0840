//! What is known of a verified request, for templates that speak of it.

use super::{Admission, Client};
use crate::{
    message::{Facts, Identity, Request},
    scheme::{self, Escape, Known, Template, View},
};

/// A verified request as templates see it.
#[derive(Clone, Copy)]
pub(super) struct Shown<'r, 'a> {
    pub(super) request: &'r Request,
    pub(super) identity: &'r Identity<'a>,
    pub(super) client: &'r Client<'a>,
    pub(super) admission: &'r Admission<'a>,
}

impl Shown<'_, '_> {
    /// Fills in a template.
    ///
    /// # Errors
    /// A value is absent or cannot stand there.
    pub(super) fn render(&self, template: &Template, escape: Escape, out: &mut Vec<u8>) -> Result<(), scheme::Failure> {
        if let Some(literal) = template.literal() {
            out.extend_from_slice(literal.as_bytes());
            return Ok(());
        }
        let client = self.client.text();
        let facts = Facts {
            identity: self.identity,
            route: self.admission.route,
            request_id: self.admission.request_id,
            client: &client,
        };
        template.render(&self.view(&facts), escape, out)
    }
}

impl<'r> Shown<'r, '_> {
    /// The request without its body, and what is `known` of it.
    pub(super) fn view(&self, known: &'r dyn Known) -> View<'r> {
        View {
            method: self.request.head.method(),
            target: self.request.head.origin_form(),
            scheme: self.admission.origin.0,
            authority: self.admission.origin.1,
            headers: &*self.request.head,
            body: scheme::Body::Unread,
            known,
        }
    }
}
