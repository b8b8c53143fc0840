//! `schemes:`: a preset, the user's own keys over it, and the compiled result.

use std::sync::Arc;

use super::{
    checked::{Keys, SchemeConfig},
    definition,
    environment::System,
    keys::Owners,
    message_signatures,
    problem::Problems,
    reader::Reader,
    section::Section,
    sites::Sites,
    store,
    tree::{self, Entry, Node, Place, Scalar, Style, Value},
};
use crate::scheme::{Scheme, presets};

/// Keys of a scheme besides those of its [definition](definition::KEYS).
const OWN_KEYS: [&str; 3] = ["preset", "keys", BUILT_IN];

/// The scheme that is built in, and stands in the place of a definition.
const BUILT_IN: &str = "rfc9421";

/// Reads the section.
pub(super) fn read(node: Option<&Node>, keys: &mut Section<Keys>, reader: &mut Reader<'_>) -> Section<SchemeConfig> {
    Section::read(node, "schemes", "scheme", reader, |entry, reader| scheme(entry, keys, reader))
}

/// Compiles the preset `name`, or says that there is none.
pub(super) fn preset(name: &str) -> Result<Scheme, Problems> {
    let nowhere = Place { line: 0, column: 0, length: 0, start: 0, end: 0 };
    let scalar = Scalar { text: name.to_owned(), style: Style::Elsewhere };
    let mut reader = Reader::new("presets", "", &System);
    compiled_preset(name, &Node { place: nowhere, value: Value::Scalar(scalar) }, &mut reader).ok_or_else(|| {
        let mut problems = reader.into_problems();
        problems.iter_mut().for_each(|problem| problem.snippet = None);
        Problems(problems)
    })
}

fn compiled_preset(name: &str, node: &Node, reader: &mut Reader<'_>) -> Option<Scheme> {
    let entries = preset_entries(node, reader)?;
    let whole = Node { place: node.place, value: Value::Map(entries) };
    let fields = reader.fields(&whole, "the preset", &definition::KEYS)?;
    let mut sites = Sites::new(node.place, true);
    let definition = definition::read(name, &fields, &mut sites, reader)?;
    compile(&definition, &sites, reader)
}

fn scheme(entry: &Entry, keys: &mut Section<Keys>, reader: &mut Reader<'_>) -> Option<SchemeConfig> {
    let what = format!("the scheme {}", reader.quote(entry.key_place, &entry.key));
    let own = reader.map(&entry.value, &what)?;
    let source = own.iter().find(|entry| entry.key == "keys");
    if source.is_none() {
        reader
            .error(entry.key_place, format!("`keys` is missing in {what}"))
            .hint("name the key source that holds its keys");
    }
    let keys_index = source.and_then(|source| keys.find(&source.value, reader));
    if let Some(rfc9421) = own.iter().find(|entry| entry.key == BUILT_IN) {
        return built_in(entry, own, rfc9421, (keys_index, keys), reader);
    }
    let preset = own.iter().find(|entry| entry.key == "preset");
    let base = match preset {
        None => Some(Vec::new()),
        Some(preset) => preset_entries(&preset.value, reader),
    };
    let whole = overlay(entry, own, base?);
    let allowed: Vec<&str> = OWN_KEYS.iter().chain(&definition::KEYS).copied().collect();
    let fields = reader.fields(&whole, &what, &allowed)?;
    let mut sites = Sites::new(entry.key_place, preset.is_some());
    let definition = definition::read(&entry.key, &fields, &mut sites, reader)?;
    let source = keys_index.and_then(|index| keys.item(index));
    check_key_id(entry.key_place, definition.key_id.is_some(), source, reader);
    let scheme = compile(&definition, &sites, reader)?;
    if let Some(fault) = scheme.fault_with_shared_keys()
        && source.is_some_and(|keys| !keys.source.chooses_by_id())
    {
        sites.report(&fault, reader);
    }
    if let (Some(entry), Some(keys)) = (own.iter().find(|entry| entry.key == "keys"), source) {
        check_secrets(entry.value.place, &scheme, keys, reader);
        if scheme.fault_with_shared_keys().is_some() {
            report_shared_secrets(entry.value.place, &definition.name, keys, reader);
        }
    }
    let preset = preset.and_then(|entry| match &entry.value.value {
        Value::Scalar(scalar) => Some(scalar.text.clone()),
        _ => None,
    });
    let on_store_failure = store::on_failure(fields.value("replay"), reader)?;
    Some(SchemeConfig {
        name: entry.key.clone(),
        scheme: Arc::new(scheme),
        keys: keys_index?,
        preset,
        on_store_failure,
    })
}

/// A scheme that is no template but a specification.
fn built_in(
    entry: &Entry,
    own: &[Entry],
    rfc9421: &Entry,
    (keys_index, keys): (Option<usize>, &Section<Keys>),
    reader: &mut Reader<'_>,
) -> Option<SchemeConfig> {
    let others = own.iter().filter(|entry| ![BUILT_IN, "keys"].contains(&entry.key.as_str()));
    for other in others {
        let key = reader.quote(other.key_place, &other.key);
        reader
            .error(other.key_place, format!("{key} does not go with `{BUILT_IN}`"))
            .hint(format!("a scheme of `{BUILT_IN}` has `keys` and nothing else"));
    }
    let scheme = message_signatures::read(&entry.key, entry.key_place, rfc9421, reader)?;
    if let (Some(source), Some(keys)) =
        (own.iter().find(|entry| entry.key == "keys"), keys_index.and_then(|index| keys.item(index)))
    {
        check_secrets(source.value.place, &scheme, keys, reader);
    }
    let replay = match &rfc9421.value.value {
        Value::Map(entries) => entries.iter().find(|entry| entry.key == "replay").map(|entry| &entry.value),
        Value::Scalar(_) | Value::List(_) => None,
    };
    let on_store_failure = store::on_failure(replay, reader)?;
    Some(SchemeConfig {
        name: entry.key.clone(),
        scheme: Arc::new(scheme),
        keys: keys_index?,
        preset: None,
        on_store_failure,
    })
}

/// The preset's keys, all of them placed at its name in the user's file.
fn preset_entries(node: &Node, reader: &mut Reader<'_>) -> Option<Vec<Entry>> {
    let name = reader.text(node, "`preset`")?;
    let Some(text) = presets::text(name) else {
        let shown = reader.quote(node.place, name);
        reader.error(node.place, format!("there is no preset {shown}")).suggest(name, presets::names());
        return None;
    };
    let mut tree = match tree::parse(text) {
        Ok(tree) => tree,
        Err(broken) => {
            reader.error(node.place, format!("the preset is broken: {}", broken.message));
            return None;
        }
    };
    tree.root.moved(node.place);
    match tree.root.value {
        Value::Map(entries) => Some(entries),
        Value::Scalar(_) | Value::List(_) => None,
    }
}

/// The preset's keys, each replaced whole by the user's key of the same name; only `values` are replaced one by one. The
/// preset's `emit` writes the preset's `signature`, so it goes when that is replaced.
fn overlay(entry: &Entry, own: &[Entry], base: Vec<Entry>) -> Node {
    let has = |key: &str| own.iter().any(|entry| entry.key == key);
    let preset_values = base.iter().find(|entry| entry.key == "values").cloned();
    let mut entries: Vec<Entry> = base;
    let replaced = |key: &str| has(key) || key == "emit" && has("signature");
    entries.retain(|preset| !replaced(&preset.key));
    entries.extend_from_slice(own);
    if let Some(Entry { value: Node { value: Value::Map(preset), .. }, .. }) = preset_values
        && let Some(Value::Map(own)) =
            entries.iter_mut().find(|entry| entry.key == "values").map(|e| &mut e.value.value)
        && has("values")
    {
        *own = merged(preset, std::mem::take(own));
    }
    Node { place: entry.key_place, value: Value::Map(entries) }
}

/// The preset's values in their order, each replaced by the user's of its name, and the user's others behind them.
fn merged(preset: Vec<Entry>, mut own: Vec<Entry>) -> Vec<Entry> {
    let replaced = preset.into_iter().map(|value| match own.iter().position(|entry| entry.key == value.key) {
        Some(at) => own.remove(at),
        None => value,
    });
    let mut values: Vec<Entry> = replaced.collect();
    values.extend(own);
    values
}

/// Notes secrets of which the scheme can make no key.
fn check_secrets(place: Place, scheme: &Scheme, keys: &Keys, reader: &mut Reader<'_>) {
    if !reader.environment.has_secrets() {
        return;
    }
    let records = keys.source.records();
    for (id, secret) in records.iter().flat_map(|(id, record)| record.secrets.iter().map(move |secret| (id, secret))) {
        if let Err(fault) = scheme.key_recipe().verifying(&secret.secret) {
            let whose = id.map_or_else(|| format!("`{}`", keys.name), |id| format!("`{id}` in `{}`", keys.name));
            reader.error(place, format!("a secret of {whose} cannot be used: {fault}"));
        }
    }
}

/// Warns of two ids with one secret under a scheme that does not vouch for the id: to such requests either is as good.
fn report_shared_secrets(place: Place, scheme: &str, keys: &Keys, reader: &mut Reader<'_>) {
    let (mut owners, records) = (Owners::default(), keys.source.records());
    let shared = records.into_iter().find_map(|(id, record)| Some((id?, owners.enter(id?, record)?)));
    if let Some((id, other)) = shared {
        let message = format!(
            "`{other}` and `{id}` in `{}` have the same secret, and the scheme `{scheme}` does not vouch for the id: \
             a request of one is good once more as the other's",
            keys.name
        );
        reader.warning(place, message).hint("give each id a secret of its own, or sign the id");
    }
}

/// Without an id there is nothing to choose a static key by.
fn check_key_id(place: Place, has_key_id: bool, keys: Option<&Keys>, reader: &mut Reader<'_>) {
    if let Some(Keys { name, source }) = keys
        && source.chooses_by_id()
        && !has_key_id
    {
        reader
            .error(place, format!("this scheme has no `key_id`, so no key of `{name}` can be chosen"))
            .hint("give it a `key_id`, or a key source with one `shared` key");
    }
}

fn compile(definition: &crate::scheme::Definition, sites: &Sites, reader: &mut Reader<'_>) -> Option<Scheme> {
    match Scheme::compile(definition) {
        Ok(scheme) => {
            for warning in scheme.warnings() {
                let problem =
                    reader.warning(sites.scheme, format!("the scheme `{}`: {}", definition.name, warning.message));
                problem.hint.clone_from(&warning.hint);
            }
            Some(scheme)
        }
        Err(faults) => {
            for fault in &faults {
                sites.report(fault, reader);
            }
            None
        }
    }
}
