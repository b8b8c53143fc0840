//! The endpoints that OAuth 2.0 clients know: `token` (RFC 6749) and `revoke` (RFC 7009), asked with forms and answered in
//! the very words of those documents.
//!
//! Who may have a token, and what it says, is as everywhere in this room; here are its forms.

mod client;
mod form;
mod refusal;
mod revocation;
mod token;

pub use client::{ClientFault, Presented};
pub use form::{Form, FormFault};
pub use refusal::ProtocolRefusal;
pub use revocation::{AccessToken, Revocation, TokenReader};
pub use token::{Door, GrantTypes, TokenEndpoint};

use super::{Desk, Failure};
use crate::{deadline::Deadlines, policy::Admitted};

/// The request's form, whole.
async fn form(desk: &Desk, permit: &mut Admitted<'_>, deadlines: &Deadlines) -> Result<Form, Failure> {
    let mut types = permit.head().values("content-type");
    let is_form = matches!((types.next(), types.next()), (Some(only), None) if form::is_media_type(only));
    drop(types);
    if !is_form {
        return Err(FormFault::NoForm.into());
    }
    desk.hold(permit, deadlines).await?;
    match permit.body().view() {
        crate::scheme::Body::Memory(bytes) => Ok(Form::parse(bytes)?),
        // Held bodies are in memory here.
        crate::scheme::Body::Unread | crate::scheme::Body::Spooled(_) => Err(FormFault::NoForm.into()),
    }
}
