//! `throttle:` of a login and of the endpoints of OAuth 2.0: how many guesses may fail, and whose.

use std::time::Duration;

use super::{rates, reader::Reader, shape::Fields};
use crate::rate::Quota;

/// Whose failures are counted, and how many there may be where nothing is said.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    key: &'static str,
    an_hour: u32,
    /// At once, or under way.
    burst: u32,
}

/// One client's, whoever its users are.
pub(super) const CLIENT: Whose = Whose { key: "client", an_hour: 60, burst: 60 };
/// Those of one name.
pub(super) const USER: Whose = Whose { key: "user", an_hour: 20, burst: 10 };
/// Those of one address, behind which there may be many.
pub(super) const ADDRESS: Whose = Whose { key: "address", an_hour: 200, burst: 100 };

/// The quota of each of `whose`, as `fields` have it; `None` where one cannot be read.
pub(super) fn read<const N: usize>(
    fields: &Fields<'_>,
    whose: [Whose; N],
    reader: &mut Reader<'_>,
) -> Option<[Quota; N]> {
    let said = match fields.value("throttle") {
        None => None,
        Some(node) => Some(reader.fields(node, "`throttle`", &whose.map(|whose| whose.key))?),
    };
    // All are read, so that every problem is told.
    let quotas = whose.map(|Whose { key, an_hour, burst }| match said.as_ref().and_then(|said| said.value(key)) {
        None => Quota::new(an_hour, Duration::from_secs(3600), burst),
        Some(node) => rates::quota(&reader.fields(node, &format!("`{key}`"), &["rate", "burst"])?, reader),
    });
    quotas.into_iter().collect::<Option<Vec<Quota>>>()?.try_into().ok()
}
