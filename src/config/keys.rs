//! `keys:`: named sources of HMAC keys.

use super::{
    checked::{KeySource, Keys},
    elsewhere, key_record,
    mask::is_variable_name,
    reader::Reader,
    section::Section,
    tree::{Entry, Node, Value},
};
use crate::keys::{Format, KeyRecord, LONGEST_ID, Method, Output, is_key_id};

/// The kinds of sources.
const KINDS: [&str; 7] = ["shared", "static", "derive", "file", "sql", "redis", "http"];

/// Reads the section.
pub(super) fn read(node: Option<&Node>, reader: &mut Reader<'_>) -> Section<Keys> {
    Section::read(node, "keys", "key source", reader, keys)
}

fn keys(entry: &Entry, reader: &mut Reader<'_>) -> Option<Keys> {
    let what = format!("the key source {}", reader.quote(entry.key_place, &entry.key));
    let Some(source) = reader.one_key(&entry.value, &what, &KINDS) else {
        hint_at_shared(&entry.value, reader);
        return None;
    };
    let source = match source.key.as_str() {
        "shared" => KeySource::Shared(key_record::of_secrets(&source.value, reader)?),
        "static" => KeySource::Static(by_id(&source.value, reader)?),
        "sql" | "redis" | "http" => KeySource::Elsewhere(Box::new(elsewhere::read(source, reader)?)),
        "derive" => derived(&source.value, reader)?,
        _ => file(&source.value, reader)?,
    };
    Some(Keys { name: entry.key.clone(), source })
}

/// `{ env: NAME }` is a secret, and does not say whose.
fn hint_at_shared(node: &Node, reader: &mut Reader<'_>) {
    let Value::Map(entries) = &node.value else { return };
    let [entry] = entries.as_slice() else { return };
    match (entry.key.as_str(), &entry.value.value) {
        ("env", Value::Scalar(name)) if is_variable_name(&name.text) => {
            let hint = format!("did you mean `{{ shared: {{ env: {} }} }}`?", name.text);
            reader.hint_at(entry.key_place, &hint);
        }
        ("value", _) => reader.hint_at(entry.key_place, "did you mean `{ shared: { value: … } }`?"),
        _ => (),
    }
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

fn derived(node: &Node, reader: &mut Reader<'_>) -> Option<KeySource> {
    let fields = reader.fields(node, "`derive`", &["master", "method", "info", "salt", "output"])?;
    let masters = fields.required("master", reader).and_then(|node| key_record::secrets(node, reader));
    let is_hkdf = fields
        .value("method")
        .map_or(Some(true), |node| reader.choice(node, "`method`", &[("hkdf-sha256", true), ("hmac-sha256", false)]))?;
    let output = fields.value("output").map_or(Some(Output::Raw), |node| {
        reader.choice(node, "`output`", &[("raw", Output::Raw), ("hex", Output::Hex)])
    });
    let label = fields.value("info").map_or(Some("countersign"), |node| reader.line(node, "`info`"));
    let salt = fields.value("salt").map_or(Some(""), |node| reader.line(node, "`salt`"));
    let of_hkdf = ["info", "salt"].into_iter().filter_map(|key| fields.entry(key));
    for entry in of_hkdf.filter(|_| !is_hkdf) {
        reader.error(entry.key_place, format!("`{}` is of `hkdf-sha256`; `hmac-sha256` has none", entry.key));
    }
    let method = match is_hkdf {
        true => Method::Hkdf { label: label?.to_owned(), salt: salt?.as_bytes().to_vec() },
        false => Method::Hmac,
    };
    Some(KeySource::Derive { masters: masters?, method, output: output? })
}

/// A path alone, or with the format that its name does not tell.
fn file(node: &Node, reader: &mut Reader<'_>) -> Option<KeySource> {
    const FORMATS: [(&str, Format); 3] = [("csv", Format::Csv), ("jsonl", Format::JsonLines), ("yaml", Format::Yaml)];
    let (path_node, format) = match node.value {
        Value::Map(_) => {
            let fields = reader.fields(node, "`file`", &["path", "format"])?;
            let format = fields.value("format").map(|node| reader.choice(node, "`format`", &FORMATS));
            (fields.required("path", reader)?, format)
        }
        Value::Scalar(_) | Value::List(_) => (node, None),
    };
    let path = reader.path(path_node, "the path of a file of keys")?;
    let format = format.unwrap_or_else(|| {
        let format = Format::of(&path);
        if format.is_none() {
            reader
                .error(path_node.place, "the file's name does not tell its format")
                .hint("`{ path: …, format: csv }`, or a name that ends in `.csv`, `.jsonl` or `.yaml`");
        }
        format
    });
    Some(KeySource::File { path, format: format? })
}
