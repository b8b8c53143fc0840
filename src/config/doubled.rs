//! Headers that would be written twice on the way to an upstream: by what a config sets, asserts or signs, and by the gateway.

use super::{reader::Reader, shape::Fields, template, upstreams::ReadUpstream};
use crate::scheme::Scheme;

/// What the gateway tells every upstream, in lower case.
const ADDED: [&str; 8] = [
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "forwarded",
    "x-countersign-subject",
    "x-countersign-key-id",
    "x-countersign-scheme",
    "x-request-id",
];

/// Reports a header that is set, and written by the upstream's assertion too.
pub(super) fn check_assertion(
    fields: &Fields<'_>,
    set: &template::Headers,
    upstream: &ReadUpstream,
    reader: &mut Reader<'_>,
) {
    if let (Some(assertion), Some(node)) = (&upstream.upstream.assertion, fields.value("set_headers"))
        && let Some((name, _)) = set.iter().find(|(name, _)| name.eq_ignore_ascii_case(&assertion.header))
    {
        reader
            .error(node.place, format!("`{name}` is set, and the upstream's `assertion` writes it too"))
            .hint("remove it");
    }
}

/// Reports headers that the signature writes, and the upstream's assertion or the gateway itself too.
pub(super) fn check_signed(
    fields: &Fields<'_>,
    upstream: Option<&ReadUpstream>,
    scheme: &Scheme,
    reader: &mut Reader<'_>,
) {
    let Some(place) = fields.value("sign").or(fields.value("to")).map(|node| node.place) else { return };
    let assertion = upstream.and_then(|read| read.upstream.assertion.as_ref());
    for emitted in scheme.emitted_headers() {
        if assertion.is_some_and(|assertion| assertion.header.eq_ignore_ascii_case(emitted)) {
            reader
                .error(place, format!("the signature writes `{emitted}`, and the upstream's `assertion` writes it too"))
                .hint("give the assertion another `header`");
        }
        if is_added(emitted) {
            reader.error(place, format!("the signature writes `{emitted}`, and the gateway writes it too"));
        }
    }
}

/// Reports headers that are set or assert who the caller is, and that the gateway writes itself.
pub(super) fn check_added(
    fields: &Fields<'_>,
    set: &template::Headers,
    upstream: Option<&ReadUpstream>,
    reader: &mut Reader<'_>,
) {
    if let (Some((name, _)), Some(node)) = (set.iter().find(|(name, _)| is_added(name)), fields.value("set_headers")) {
        reader.error(node.place, format!("`{name}` is set, and the gateway writes it itself")).hint("remove it");
    }
    if let (Some(assertion), Some(node)) =
        (upstream.and_then(|read| read.upstream.assertion.as_ref()), fields.value("to"))
        && is_added(&assertion.header)
    {
        let name = &assertion.header;
        reader
            .error(node.place, format!("the upstream's `assertion` writes `{name}`, and the gateway writes it itself"))
            .hint("give the assertion another `header`");
    }
}

/// Whether each request to an upstream gets that header from the gateway, under a name that an upstream takes for this one.
fn is_added(name: &str) -> bool {
    let folded: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
        .collect();
    ADDED.contains(&folded.as_str())
}
