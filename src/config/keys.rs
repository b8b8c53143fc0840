//! `keys:`: named sources of HMAC keys.

use super::{
    checked::{KeySource, Keys},
    elsewhere, key_record,
    reader::Reader,
    section::Section,
    tree::{Entry, Node},
};
use crate::keys::{KeyRecord, LONGEST_ID, is_key_id};

/// The kinds of sources.
const KINDS: [&str; 5] = ["shared", "static", "sql", "redis", "http"];

/// Reads the section.
pub(super) fn read(node: Option<&Node>, reader: &mut Reader<'_>) -> Section<Keys> {
    Section::read(node, "keys", "key source", reader, keys)
}

fn keys(entry: &Entry, reader: &mut Reader<'_>) -> Option<Keys> {
    let what = format!("the key source {}", reader.quote(entry.key_place, &entry.key));
    let source = reader.one_key(&entry.value, &what, &KINDS)?;
    let source = match source.key.as_str() {
        "shared" => KeySource::Shared(key_record::of_secrets(&source.value, reader)?),
        "sql" | "redis" | "http" => KeySource::Elsewhere(Box::new(elsewhere::read(source, reader)?)),
        _ => KeySource::Static(by_id(&source.value, reader)?),
    };
    Some(Keys { name: entry.key.clone(), source })
}

fn by_id(node: &Node, reader: &mut Reader<'_>) -> Option<Vec<(String, KeyRecord)>> {
    let entries = reader.map(node, "`static`")?;
    if entries.is_empty() {
        reader.error(node.place, "`static` holds no key id");
    }
    let mut ids = Vec::new();
    for entry in entries {
        if !is_key_id(entry.key.as_bytes()) {
            let shown = reader.quote(entry.key_place, &entry.key);
            reader
                .error(entry.key_place, format!("{shown} cannot be a key id"))
                .expected(format!("1 to {LONGEST_ID} visible ASCII characters"));
        }
        if let Some(record) = key_record::read(&entry.value, reader) {
            ids.push((entry.key.clone(), record));
        }
    }
    Some(ids)
}
