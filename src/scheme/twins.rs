//! Headers that an upstream could take for one that a request lists as signed.

use super::Headers;

/// Whether the request has another header that looks like `name`, which is no plain one. Of two such headers only the one
/// with the plain name goes on, whichever is signed; beside a plain name there is none to fear.
pub(super) fn has_twin(headers: &dyn Headers, name: &str) -> bool {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return false;
    }
    let mut found = false;
    headers.names(&mut |other| found |= !other.eq_ignore_ascii_case(name) && are_alike(other, name));
    found
}

/// As who makes variables of headers takes them.
fn are_alike(a: &str, b: &str) -> bool {
    let is_same = |(a, b): (u8, u8)| match a.is_ascii_alphanumeric() {
        true => a.eq_ignore_ascii_case(&b),
        false => !b.is_ascii_alphanumeric(),
    };
    a.len() == b.len() && a.bytes().zip(b.bytes()).all(is_same)
}
