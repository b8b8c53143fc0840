//! `revocations:`: what is revoked, and where that is kept.

use super::{
    checked::{OnStoreFailure, Revocations, RevocationsPlace},
    limits::count,
    reader::Reader,
    shape::Fields,
    tree::Node,
};

/// Reads `revocations:`. `has_store`: whether there is a `store` that could keep them.
pub(super) fn read(node: &Node, has_store: bool, reader: &mut Reader<'_>) -> Option<Revocations> {
    let fields = reader.fields(node, "`revocations`", &["file", "redis", "capacity", "on_store_failure"])?;
    let mut capacity = Revocations::USUAL_CAPACITY;
    count(&fields, "capacity", 1..10_000_001, &mut capacity, reader);
    let is_shared = match fields.value("redis") {
        None => false,
        Some(node) => reader.boolean(node, "`redis`")?,
    };
    let on_store_failure = on_failure(&fields, is_shared, reader);
    if !is_shared {
        let file = fields.required("file", reader).and_then(|node| reader.path(node, "`file`"))?;
        return Some(Revocations { place: RevocationsPlace::File(file), capacity });
    }
    let place = fields.entry("redis").map_or(node.place, |entry| entry.key_place);
    if fields.value("file").is_some() {
        reader.error(place, "`file` and `redis` exclude each other").hint("gateways on one Redis share `redis: true`");
    }
    if !has_store {
        reader.error(place, "there is no `store`").hint("`store: { redis: { url: \"redis://…\" } }` says which Redis");
    }
    Some(Revocations { place: RevocationsPlace::Redis(on_store_failure?), capacity })
}

fn on_failure(fields: &Fields<'_>, is_shared: bool, reader: &mut Reader<'_>) -> Option<OnStoreFailure> {
    let Some(entry) = fields.entry("on_store_failure") else { return Some(OnStoreFailure::Refuse) };
    let choices = [("refuse", OnStoreFailure::Refuse), ("allow", OnStoreFailure::Allow)];
    let chosen = reader.choice(&entry.value, "`on_store_failure`", &choices)?;
    if !is_shared {
        reader.warning(entry.key_place, "`on_store_failure` has no effect: these are in no store");
    } else if chosen == OnStoreFailure::Allow {
        reader
            .warning(entry.value.place, "while the store is away, what is revoked is let in")
            .hint("`refuse`, the default, answers every request that could be revoked with 503");
    }
    Some(chosen)
}
