//! Header hygiene: which fields an upstream gets, and in whose name.
//!
//! The order is the defence: everything hop-by-hop, spoofable or spent is left out first, then the gateway's own are
//! added, so that no `Connection` field and no spelling of a name can remove or forge them.

use std::borrow::Cow;

use crate::{
    message::{Carrier, is_hop_by_hop},
    policy::Admitted,
    scheme::Escape,
};

use super::{Dress, Failure};

/// Names that are removed on every route whoever sends them, besides those that some route sets.
pub const NEVER_PASSED: [&str; 26] = [
    "proxy-authorization",
    "expect",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-uri",
    "x-forwarded-path",
    "x-forwarded-prefix",
    "x-forwarded-method",
    "x-forwarded-scheme",
    "x-forwarded-ssl",
    "x-forwarded-server",
    "x-real-ip",
    "x-original-url",
    "x-original-uri",
    "x-original-host",
    "x-rewrite-url",
    "x-envoy-original-path",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-countersign-subject",
    "x-countersign-key-id",
    "x-countersign-scheme",
];

/// Calls `pass` with each of the client's fields that the upstream gets, framing fields and Host excepted.
pub(super) fn passed_on(dress: &Dress, permit: &Admitted<'_>, pass: &mut dyn FnMut(&[u8], &[u8])) {
    let head = permit.head();
    let names_some = head.value("connection").is_some();
    for (name, value) in head.lines() {
        if !passes(name, dress, permit) || names_some && head.connection_names(name) {
            continue;
        }
        match cookie_to_remove(name, dress, permit) {
            Some(cookie) => without_cookie(value, cookie).iter().for_each(|rest| pass(name, rest)),
            None => pass(name, value),
        }
    }
}

/// Calls `add` with each field that the gateway adds: after the client's, and in its own name.
pub(super) fn added(dress: &Dress, permit: &Admitted<'_>, add: &mut dyn FnMut(&str, &[u8])) -> Result<(), Failure> {
    permit.client().each_forwarding_field(permit.head(), add);
    identity_fields(permit, add);
    set_fields(dress, permit, add)
}

fn passes(name: &[u8], dress: &Dress, permit: &Admitted<'_>) -> bool {
    !(name.eq_ignore_ascii_case(b"host")
        || is_hop_by_hop(name)
        || dress.strip.contains(name)
        || is_spent(name, dress, permit))
}

/// A verified credential goes no further unless the route says so.
fn is_spent(name: &[u8], dress: &Dress, permit: &Admitted<'_>) -> bool {
    !dress.forward_credentials
        && permit.identity().carriers().any(|carrier| match carrier {
            Carrier::Header(header) => header.as_bytes().eq_ignore_ascii_case(name),
            Carrier::Cookie(_) | Carrier::Query(_) | Carrier::Body => false,
        })
}

fn cookie_to_remove<'p>(name: &[u8], dress: &Dress, permit: &'p Admitted<'_>) -> Option<&'p str> {
    if dress.forward_credentials || !name.eq_ignore_ascii_case(b"cookie") {
        return None;
    }
    permit.identity().carriers().find_map(|carrier| match carrier {
        Carrier::Cookie(cookie) => Some(cookie.as_ref()),
        Carrier::Header(_) | Carrier::Query(_) | Carrier::Body => None,
    })
}

/// The Cookie header's value less one cookie; `None` where nothing is left.
fn without_cookie(value: &[u8], cookie: &str) -> Option<Vec<u8>> {
    let is_it = |pair: &&[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        name.trim_ascii() == cookie.as_bytes()
    };
    let kept: Vec<&[u8]> =
        value.split(|byte| *byte == b';').filter(|pair| !is_it(pair)).map(<[u8]>::trim_ascii).collect();
    let joined = kept.join(&b"; "[..]);
    (!joined.is_empty()).then_some(joined)
}

fn identity_fields(permit: &Admitted<'_>, visit: &mut dyn FnMut(&str, &[u8])) {
    let identity = permit.identity();
    let fields = [
        ("X-Countersign-Subject", identity.subject.as_deref()),
        ("X-Countersign-Key-Id", identity.key_id.as_deref()),
        ("X-Countersign-Scheme", identity.by),
    ];
    for (name, value) in fields {
        // What cannot stand in a header is left out rather than altered.
        if let Some(value) = value.filter(|value| !value.bytes().any(|byte| byte.is_ascii_control())) {
            visit(name, value.as_bytes());
        }
    }
    visit("X-Request-Id", permit.request_id().as_bytes());
}

fn set_fields(dress: &Dress, permit: &Admitted<'_>, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), Failure> {
    let mut value = Vec::new();
    for (name, template) in &dress.set {
        value.clear();
        permit
            .render(template, Escape::Header, &mut value)
            .map_err(|failure| Failure::Template(name.clone(), failure))?;
        visit(name, &value);
    }
    Ok(())
}

/// The request's target for the upstream: path and query as they came, less a token that stood in the query.
pub(super) fn target<'p>(dress: &Dress, permit: &'p Admitted<'_>) -> Cow<'p, str> {
    let target = permit.head().origin_form();
    let spent = permit.identity().carriers().find_map(|carrier| match carrier {
        Carrier::Query(name) => Some(name.as_ref()),
        Carrier::Header(_) | Carrier::Cookie(_) | Carrier::Body => None,
    });
    match (spent, target.split_once('?')) {
        (Some(name), Some((path, query))) if !dress.forward_credentials => {
            let kept: Vec<&str> = query.split('&').filter(|pair| pair.split('=').next() != Some(name)).collect();
            if kept.is_empty() { Cow::Borrowed(path) } else { Cow::Owned(format!("{path}?{}", kept.join("&"))) }
        }
        _ => Cow::Borrowed(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cookie_is_taken_out_and_the_others_stay() {
        assert_eq!(without_cookie(b"a=1; token=x.y.z; b=2", "token").as_deref(), Some(&b"a=1; b=2"[..]));
        assert_eq!(without_cookie(b"token=x.y.z", "token"), None);
    }
}
