//! `keys:`: named sources of HMAC keys.

use super::{
    checked::{KeySource, Keys},
    reader::Reader,
    secret::live_secrets,
    section::Section,
    tree::{Entry, Node},
};
use crate::secret::Secret;

/// Longest key id, in bytes: as much as a scheme reads from a request.
const LONGEST_ID: usize = 256;

/// Reads the section.
pub(super) fn read(node: Option<&Node>, reader: &mut Reader<'_>) -> Section<Keys> {
    Section::read(node, "keys", "key source", reader, keys)
}

fn keys(entry: &Entry, reader: &mut Reader<'_>) -> Option<Keys> {
    let what = format!("the key source {}", reader.quote(entry.key_place, &entry.key));
    let source = reader.one_key(&entry.value, &what, &["shared", "static"])?;
    let source = match source.key.as_str() {
        "shared" => KeySource::Shared(live_secrets(&source.value, reader)?),
        _ => KeySource::Static(by_id(&source.value, reader)?),
    };
    Some(Keys { name: entry.key.clone(), source })
}

fn by_id(node: &Node, reader: &mut Reader<'_>) -> Option<Vec<(String, Vec<Secret>)>> {
    let entries = reader.map(node, "`static`")?;
    if entries.is_empty() {
        reader.error(node.place, "`static` holds no key id");
    }
    let mut ids = Vec::new();
    for entry in entries {
        if entry.key.is_empty()
            || entry.key.len() > LONGEST_ID
            || !entry.key.bytes().all(|byte| byte.is_ascii_graphic())
        {
            let shown = reader.quote(entry.key_place, &entry.key);
            reader
                .error(entry.key_place, format!("{shown} cannot be a key id"))
                .expected(format!("1 to {LONGEST_ID} visible ASCII characters"));
        }
        if let Some(secrets) = live_secrets(&entry.value, reader) {
            ids.push((entry.key.clone(), secrets));
        }
    }
    Some(ids)
}
