//! Header hygiene: which fields an upstream gets, and in whose name.
//!
//! The order is the defence: everything hop-by-hop, spoofable or spent is left out first, then the gateway's own are
//! added, so that no `Connection` field and no spelling of a name can remove or forge them.

use std::borrow::Cow;

use crate::{
    http1::{FieldName, Known, encode, is_visible},
    message::Carrier,
    percent,
    policy::Admitted,
    scheme::Escape,
};

use super::{Dress, Failure, settings::fold};

/// What the names begin with that gateways and proxies speak in, whoever sends them: who the client is, to whom and by what
/// certificate.
const BEGINNINGS: [&[u8]; 9] = [
    b"x-forwarded-",
    b"x-countersign-",
    // Any part of a certificate, as Apache's `mod_ssl`, HAProxy's manual, Google's and Amazon's balancers and WebLogic name
    // them.
    b"ssl-client-",
    b"x-ssl-",
    b"x-client-cert-",
    b"x-amzn-mtls-",
    b"wl-proxy-",
    // What Next.js tells itself of a request: which middleware it has been through, and which page it is for.
    b"x-middleware-",
    b"x-invoke-",
];

/// Names that are removed on every route whoever sends them, besides those with one of the beginnings above and those that some
/// route sets.
pub const NEVER_PASSED: [&str; 67] = [
    "proxy-authorization",
    "expect",
    "forwarded",
    // Who the client is, as other proxies write it: for some upstreams one of these counts before `X-Forwarded-For`.
    "x-real-ip",
    "x-forwarded",
    "x-original-forwarded-for",
    "client-ip",
    "x-client-ip",
    "http-client-ip",
    "http-x-forwarded-for",
    "true-client-ip",
    "x-true-client-ip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-pseudo-ipv4",
    "fastly-client-ip",
    "fly-client-ip",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-remote-addr",
    "x-remote-ip",
    "proxy-client-ip",
    "forwarded-for",
    "x-originating-ip",
    "x-appengine-user-ip",
    "do-connecting-ip",
    "incap-client-ip",
    // For CGI and its like the environment's `HTTP_PROXY`: where it fetches from (httpoxy).
    "proxy",
    // Another address, host, scheme or method than the one that was verified.
    "x-original-url",
    "x-original-uri",
    "x-original-host",
    "x-original-method",
    "x-host",
    "x-http-host-override",
    "x-scheme",
    "x-url-scheme",
    "front-end-https",
    "x-proxied-https",
    "x-arr-ssl",
    "x-rewrite-url",
    "x-override-url",
    "x-http-path-override",
    "x-envoy-original-path",
    "x-envoy-original-host",
    "x-matched-path",
    "x-now-route-matches",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    // Under which path an application is mounted: it takes that off the path that was matched, and finds another one. gunicorn
    // believes the first of whoever asks from its own machine.
    "script-name",
    "path-info",
    "x-script-name",
    "daphne-root-path",
    // Which files a proxy may be told to send in the answer's stead (Rack, Plack, Symfony).
    "x-sendfile-type",
    "x-accel-mapping",
    "x-request-id",
    // RFC 9440.
    "client-cert",
    "client-cert-chain",
    // What nginx, Apache, IIS and balancers are told to write of a certificate.
    "x-client-cert",
    "x-client-certificate",
    "x-client-verify",
    "x-client-dn",
    "proxy-auth-cert",
    "proxy-ssl-id",
    "x-arr-clientcert",
];

/// Writes those of the client's fields that the upstream gets, framing fields and Host excepted.
pub(super) fn write_passed_on(dress: &Dress, permit: &Admitted<'_>, out: &mut Vec<u8>) {
    let head = permit.head();
    let spends_cookies =
        !dress.withheld_cookies.is_empty() || !dress.forward_credentials && permit.identity().carriers().any(is_cookie);
    let is_changed = |name: &[u8]| spends_cookies && name.eq_ignore_ascii_case(b"cookie");
    head.copy_lines(out, |name| passes(name, dress, permit) && !is_changed(name.bytes));
    if spends_cookies && passes(FieldName::new(b"cookie"), dress, permit) {
        for rest in head.values("cookie").filter_map(|value| without_spent_cookies(value, dress, permit)) {
            encode::line(out, b"Cookie", &rest);
        }
    }
}

/// Writes the fields that the gateway adds: after the client's, and in its own name. What is added was looked at where it
/// was made: nothing in it could end a line.
pub(super) fn write_added(dress: &Dress, permit: &Admitted<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
    permit.client().write_forwarding_fields(permit.head(), out);
    write_identity_fields(permit, out);
    write_set_fields(dress, permit, out)
}

fn passes(field: FieldName<'_>, dress: &Dress, permit: &Admitted<'_>) -> bool {
    let name = field.bytes;
    !(field.known == Known::Host
        || field.is_hop_by_hop()
        || dress.strip.contains(name)
        || is_ours(name)
        || field.is_odd && is_of_a_plugin(name)
        || dress.assertion.as_ref().is_some_and(|assertion| assertion.replaces.contains(name))
        || dress.sign.as_ref().is_some_and(|signing| signing.replaces.contains(name))
        || dress.read.is_twin(field)
        || dress.lists_headers && is_twin_of_another(field, permit)
        || is_spent(name, dress, permit)
        // A header that a signature covers stays, whoever put its name into `Connection` on the way.
        // Where the client lists what is covered, it may be any.
        || !dress.lists_headers && permit.head().connection_names(name) && !dress.read.contains(name))
}

/// Whether the request has another field that an upstream may take for this one: the other may be signed, this one is not.
fn is_twin_of_another(field: FieldName<'_>, permit: &Admitted<'_>) -> bool {
    let folded = |name: &[u8]| name.iter().map(fold).eq(field.bytes.iter().map(fold));
    let is_other = |name: &[u8]| !name.eq_ignore_ascii_case(field.bytes) && folded(name);
    field.is_odd && permit.head().fields().any(|(name, _)| is_other(name.as_bytes()))
}

fn is_ours(name: &[u8]) -> bool {
    let Some(first) = name.first_chunk::<4>() else { return false };
    // Their first letters tell most names from all of these.
    let first = first.each_ref().map(fold);
    let begins = |beginning: &[u8]| {
        name.get(..beginning.len()).is_some_and(|start| start.iter().map(fold).eq(beginning.iter().copied()))
    };
    BEGINNINGS.iter().any(|beginning| beginning.starts_with(&first) && begins(beginning))
}

/// In such a name the plug-in of WebSphere tells its server user, address and certificate (`$WSRU`, `_WSRU`).
fn is_of_a_plugin(name: &[u8]) -> bool {
    matches!(name, [b'$' | b'_', b'W' | b'w', b'S' | b's', ..])
}

fn is_cookie(carrier: &Carrier) -> bool {
    matches!(carrier, Carrier::Cookie(_))
}

/// A verified credential goes no further unless the route says so.
fn is_spent(name: &[u8], dress: &Dress, permit: &Admitted<'_>) -> bool {
    !dress.forward_credentials
        && permit.identity().carriers().any(|carrier| match carrier {
            Carrier::Header(header) => header.as_bytes().eq_ignore_ascii_case(name),
            Carrier::Cookie(_) | Carrier::Query(_) | Carrier::Body(_) => false,
        })
}

/// The Cookie header's value less the cookies that were credentials; `None` where nothing is left.
fn without_spent_cookies(value: &[u8], dress: &Dress, permit: &Admitted<'_>) -> Option<Vec<u8>> {
    let is_spent = |name: &[u8]| {
        let is_spent = |carrier: &Carrier| match carrier {
            Carrier::Cookie(cookie) => cookie.as_bytes() == name,
            Carrier::Header(_) | Carrier::Query(_) | Carrier::Body(_) => false,
        };
        dress.withheld_cookies.iter().any(|withheld| withheld.as_bytes() == name)
            || !dress.forward_credentials && permit.identity().carriers().any(is_spent)
    };
    without_cookies(value, is_spent)
}

fn without_cookies(value: &[u8], is_spent: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let name = |pair: &[u8]| pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii().to_vec();
    let pairs = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let kept: Vec<&[u8]> = pairs.filter(|pair| !is_spent(&name(pair))).collect();
    let joined = kept.join(&b"; "[..]);
    (!joined.is_empty()).then_some(joined)
}

fn write_identity_fields(permit: &Admitted<'_>, out: &mut Vec<u8>) {
    let identity = permit.identity();
    // What cannot stand in a header as it is is left out rather than altered.
    if let Some(subject) = unaltered(identity.subject.as_deref()) {
        encode::own_line(out, "X-Countersign-Subject: ", subject);
    }
    if let Some(key_id) = unaltered(identity.key_id.as_deref()) {
        encode::own_line(out, "X-Countersign-Key-Id: ", key_id);
    }
    if let Some(by) = unaltered(identity.by) {
        encode::own_line(out, "X-Countersign-Scheme: ", by);
    }
    encode::own_line(out, "X-Request-Id: ", permit.request_id());
}

fn unaltered(value: Option<&str>) -> Option<&[u8]> {
    value.map(str::as_bytes).filter(|value| stands_unaltered(value))
}

/// No control byte, and no space at the ends, which a reader would trim and so make another value of it.
fn stands_unaltered(value: &[u8]) -> bool {
    let has_control = !is_visible(value) && value.iter().any(u8::is_ascii_control);
    !(has_control || value.starts_with(b" ") || value.ends_with(b" "))
}

fn write_set_fields(dress: &Dress, permit: &Admitted<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
    for (name, template) in &dress.set {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        let start = out.len();
        // A head that fails is thrown away as a whole.
        permit.render(template, Escape::Header, out).map_err(|failure| Failure::Template(name.clone(), failure))?;
        if !stands_unaltered(out.get(start..).unwrap_or_default()) {
            return Err(Failure::Unwritable(name.clone()));
        }
        out.extend_from_slice(b"\r\n");
    }
    Ok(())
}

/// The request's target for the upstream: path and query as they came, less the credentials that stood in the query.
pub(super) fn target<'p>(dress: &Dress, permit: &'p Admitted<'_>) -> Cow<'p, str> {
    let target = permit.head().origin_form();
    let in_query = |carrier: &Carrier| matches!(carrier, Carrier::Query(_));
    if dress.forward_credentials || !permit.identity().carriers().any(in_query) {
        return Cow::Borrowed(target);
    }
    let is_spent = |name: &[u8]| {
        permit.identity().carriers().any(|carrier| match carrier {
            Carrier::Query(parameter) => parameter.as_bytes() == name,
            Carrier::Header(_) | Carrier::Cookie(_) | Carrier::Body(_) => false,
        })
    };
    without_parameters(target, is_spent)
}

fn without_parameters(target: &str, is_spent: impl Fn(&[u8]) -> bool) -> Cow<'_, str> {
    let Some((path, query)) = target.split_once('?') else { return Cow::Borrowed(target) };
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_spent(&parameter_name(pair))).collect();
    if kept.is_empty() { Cow::Borrowed(path) } else { Cow::Owned(format!("{path}?{}", kept.join("&"))) }
}

/// The name of a `name=value` pair, decoded as whoever reads it decodes it.
fn parameter_name(pair: &str) -> Vec<u8> {
    percent::decoded(pair.split('=').next().unwrap_or_default().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_beginning_is_found_whatever_its_case_and_separators() {
        for beginning in BEGINNINGS {
            let name = [beginning, b"a"].concat();
            let odd: Vec<u8> =
                name.iter().map(|byte| if *byte == b'-' { b'_' } else { byte.to_ascii_uppercase() }).collect();
            assert!(is_ours(&name) && is_ours(&odd), "{}", name.escape_ascii());
            assert!(!is_ours(&name[1..]));
        }
    }

    #[test]
    fn credentials_are_taken_out_of_cookies_and_the_rest_stays() {
        let spent = |name: &[u8]| name == b"token" || name == b"sid";
        assert_eq!(without_cookies(b"a=1; token=x.y.z; b=2;sid=3", spent).as_deref(), Some(&b"a=1; b=2"[..]));
        assert_eq!(without_cookies(b"token=x.y.z", spent), None);
    }

    #[test]
    fn credentials_are_taken_out_of_the_query_however_their_name_is_spelt() {
        let spent = |name: &[u8]| name == b"sig";
        assert_eq!(without_parameters("/a?x=1&sig=2&s%69g=3&%73%69%67=4&y=%2", spent), "/a?x=1&y=%2");
        assert_eq!(without_parameters("/a?sig=2", spent), "/a");
        assert_eq!(without_parameters("/a?signature=2", spent), "/a?signature=2");
    }

    #[test]
    fn what_a_reader_would_trim_does_not_stand_unaltered() {
        assert!(stands_unaltered(b"alice") && stands_unaltered(b"a b") && stands_unaltered(b""));
        assert!(!stands_unaltered(b" admin") && !stands_unaltered(b"admin\t") && !stands_unaltered(b"a\0b"));
    }
}
