//! `redis:`: the server, and the name of an id's hash there.

use super::{
    super::{reader::Reader, redis_server, tree::Node},
    SHARED_KEYS, shared,
};
use crate::keys::{
    Elsewhere, Place,
    redis::{KeyTemplate, Settings},
};

pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Elsewhere> {
    let keys = [&["key"], redis_server::KEYS.as_slice(), SHARED_KEYS.as_slice()].concat();
    let fields = reader.fields(node, "`redis`", &keys)?;
    let server = redis_server::read(&fields, reader);
    let key = fields.required("key", reader).and_then(|node| key(node, reader));
    let timeout = server.as_ref().map(|server| server.timeout);
    let shared = shared(&fields, timeout.unwrap_or_default(), reader)?;
    // Keys that may be evicted are no keys: an id would come to be unknown, and nobody would have shut it out.
    let settings = Settings { link: server?.link_settings(true), key: key?, encoding: shared.encoding };
    Some(Elsewhere { place: Place::Redis(settings), cache: shared.cache })
}

fn key(node: &Node, reader: &mut Reader<'_>) -> Option<KeyTemplate> {
    let text = reader.line(node, "`key`")?;
    let template = KeyTemplate::parse(text);
    if template.is_none() {
        let shown = reader.quote(node.place, text);
        reader
            .error(node.place, format!("{shown} cannot be the name of an id's hash"))
            .expected("text in which `{id}` stands once, such as `device:{id}`");
    }
    template
}
