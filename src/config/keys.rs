//! `keys:`: named sources of HMAC keys.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use super::{
    checked::{KeySource, Keys},
    elsewhere,
    environment::why_unreadable,
    habits, key_record,
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
    habits::hint_of_value(node, "`{ shared: { env: NAME } }` is one secret, whatever the id", reader);
    let Value::Map(entries) = &node.value else { return };
    let [entry] = entries.as_slice() else { return };
    match (entry.key.as_str(), &entry.value.value) {
        ("env", Value::Scalar(name)) if is_variable_name(&name.text) => {
            let hint = format!("did you mean `{{ shared: {{ env: {} }} }}`?", name.text);
            reader.hint_at(entry.key_place, &hint);
        }
        ("value", _) => reader.hint_at(entry.key_place, "did you mean `{ shared: { value: … } }`?"),
        (_, Value::Map(_)) => {
            reader.hint_unless_hinted(entry.key_place, "ids and their secrets are `{ static: { ID: { env: NAME } } }`")
        }
        _ => (),
    }
}

fn by_id(node: &Node, reader: &mut Reader<'_>) -> Option<Vec<(String, KeyRecord)>> {
    let entries = reader.map(node, "`static`")?;
    if entries.is_empty() {
        reader.error(node.place, "`static` holds no key id");
    }
    let (mut ids, mut owners) = (Vec::new(), Owners::default());
    for entry in entries {
        if !is_key_id(entry.key.as_bytes()) {
            let shown = reader.quote(entry.key_place, &entry.key);
            reader
                .error(entry.key_place, format!("{shown} cannot be a key id"))
                .expected(format!("1 to {LONGEST_ID} visible ASCII characters"));
        }
        if let Some(record) = key_record::read(&entry.value, reader) {
            owners.warn(entry, &record, reader);
            ids.push((entry.key.clone(), record));
        }
    }
    Some(ids)
}

/// Whose each secret is, by a hash, so that many ids are gone through once.
#[derive(Default)]
pub(super) struct Owners {
    hasher: RandomState,
    ids: HashMap<u64, String>,
}

impl Owners {
    /// Takes the secrets of `id` in. The id that had one of them before, if any.
    pub(super) fn enter(&mut self, id: &str, record: &KeyRecord) -> Option<String> {
        // An id that is shut out has no requests, and may be so because another took its secret over.
        if record.disabled {
            return None;
        }
        let mut other = None;
        for known in &record.secrets {
            let hash = self.hasher.hash_one(known.secret.expose());
            let owner = self.ids.entry(hash).or_insert_with(|| id.to_owned());
            if owner != id {
                other.get_or_insert_with(|| owner.clone());
            }
        }
        other
    }

    /// Warns of a secret that was copied, or of a variable that is named twice: the one device can sign as the other.
    fn warn(&mut self, entry: &Entry, record: &KeyRecord, reader: &mut Reader<'_>) {
        if !reader.environment.has_secrets() {
            return;
        }
        if let Some(other) = self.enter(&entry.key, record) {
            let (own, other) = (reader.quote(entry.key_place, &entry.key), reader.quote(entry.key_place, &other));
            reader
                .warning(entry.key_place, format!("{own} has a secret of {other}: whoever has it can sign as either"))
                .hint("give each id a secret of its own");
        }
    }
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
    if let Err(error) = reader.environment.opens(&path) {
        reader.error(path_node.place, format!("the file of keys cannot be read: {}", why_unreadable(&error)));
    }
    Some(KeySource::File { path, format: format? })
}

#[cfg(test)]
mod tests {
    use super::super::{environment::Fixed, parse};

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    /// What is said of these keys, each in a line.
    fn told(keys: &str) -> Vec<String> {
        let text = format!(
            "listen: 127.0.0.1:8000\nkeys:\n  devices:\n{keys}\
             schemes: {{ s: {{ preset: device-v2, keys: devices }} }}\nupstreams: {{ app: {{ echo: true }} }}\n\
             routes: [{{ match: {{ path: / }}, require: {{ hmac: s }}, to: app }}]\n"
        );
        let environment = Fixed { variables: vec![("KEY", SECRET)], files: vec![("keys.csv", "id,secret\n")] };
        let problems = match parse(&text, "t.yaml", &environment) {
            Ok((_, problems)) => problems,
            Err(problems) => problems.0,
        };
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_secret_that_two_ids_have_is_warned_of_and_not_shown() {
        let told = told(
            "    static:\n      a: { env: KEY }\n      b: { value: another-secret-of-enough-bytes }\n      \
             c: { secrets: { env: KEY }, disabled: true }\n      \
             d: [{ value: yet-another-secret-of-enough-bytes }, { env: KEY }]\n",
        );
        let about: Vec<&String> = told.iter().filter(|told| told.contains("has a secret of")).collect();
        let [warning] = about.as_slice() else { panic!("{told:?}") };
        let wanted = "t.yaml:8:7: warning: `d` has a secret of `a`: whoever has it can sign as either\n";
        assert!(warning.starts_with(wanted) && !warning.contains("another") && !warning.contains(SECRET), "{warning}");
    }

    #[test]
    fn a_file_of_keys_that_is_not_there_is_told_where_it_is_named() {
        let missing = |keys: &str| told(keys).into_iter().find(|told| told.contains("cannot be read"));
        assert_eq!(missing("    file: keys.csv\n"), None);
        for (keys, place) in [("    file: gone.csv\n", "4:11"), ("    file: { path: gone, format: csv }\n", "4:19")] {
            let told = missing(keys).unwrap();
            let wanted = format!("t.yaml:{place}: error: the file of keys cannot be read: there is no such file\n");
            assert!(told.starts_with(&wanted), "{told}");
        }
    }
}
