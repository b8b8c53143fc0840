//! A fixed answer with values of the caller in it, so that a demo or a test needs no upstream.

use std::borrow::Cow;

use super::{Failure, Respond};
use crate::{
    message::{Body, Response},
    policy::Admitted,
    scheme::{Escape, Template},
};

/// The answer; the request's body is left unread.
pub(super) fn answer(respond: &Respond, permit: Admitted<'_>) -> Result<Box<Response>, Failure> {
    let mut added = Vec::with_capacity(respond.headers.len() + 1);
    for (name, template) in &respond.headers {
        added.push((Cow::Owned(name.clone()), render(name, template, Escape::Header, &permit)?));
    }
    let body = render("body", &respond.body, Escape::Json, &permit)?;
    if !body.is_empty() && !respond.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        added.push((Cow::Borrowed("Content-Type"), content_type(&body).to_vec()));
    }
    let body = Body::from_bytes(body);
    let status = respond.status;
    Ok(Box::new(Response { status, upstream: None, added, body, declared_length: None, tunnel: None }))
}

fn render(name: &str, template: &Template, escape: Escape, permit: &Admitted<'_>) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    permit.render(template, escape, &mut out).map_err(|failure| Failure::Template(name.to_owned(), failure))?;
    Ok(out)
}

fn content_type(body: &[u8]) -> &'static [u8] {
    match body.first() {
        Some(b'{' | b'[') => b"application/json",
        _ => b"text/plain; charset=utf-8",
    }
}
