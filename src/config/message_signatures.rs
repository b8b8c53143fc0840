//! `rfc9421:` of a scheme: what HTTP Message Signatures must cover and say.

use super::{
    definition::{all, all_or_none},
    header,
    reader::Reader,
    shape::Fields,
    tree::{Entry, Node, Place, Value},
};
use crate::scheme::{Algorithm, FieldType, MessageSignaturesDefinition, Scheme};

const KEYS: [&str; 12] = [
    "algorithms",
    "label",
    "tag",
    "components",
    "created",
    "expires",
    "nonce",
    "max_age",
    "future",
    "replay",
    "structured",
    "answer",
];

const ALGORITHMS: [(&str, Algorithm); 6] = [
    ("hmac-sha256", Algorithm::HmacSha256),
    ("ed25519", Algorithm::Ed25519),
    ("ecdsa-p256-sha256", Algorithm::EcdsaP256Sha256),
    ("ecdsa-p384-sha384", Algorithm::EcdsaP384Sha384),
    ("rsa-pss-sha512", Algorithm::RsaPssSha512),
    ("rsa-v1_5-sha256", Algorithm::RsaV15Sha256),
];

const FIELD_TYPES: [(&str, FieldType); 3] =
    [("item", FieldType::Item), ("list", FieldType::List), ("dictionary", FieldType::Dictionary)];

/// Reads and compiles the scheme `name` out of its `rfc9421` key.
pub(super) fn read(name: &str, scheme: Place, entry: &Entry, reader: &mut Reader<'_>) -> Option<Scheme> {
    let fields = reader.fields(&entry.value, "`rfc9421`", &KEYS)?;
    let definition = definition(name, &fields, reader)?;
    match Scheme::message_signatures(&definition) {
        Ok(compiled) => {
            for warning in compiled.warnings() {
                let problem = reader.warning(scheme, format!("the scheme `{name}`: {}", warning.message));
                problem.hint.clone_from(&warning.hint);
            }
            Some(compiled)
        }
        Err(faults) => {
            for fault in faults {
                let problem = reader.error(place(&fields, fault.field, fault.index), fault.message);
                problem.hint = fault.hint;
            }
            None
        }
    }
}

fn definition(name: &str, fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<MessageSignaturesDefinition> {
    let algorithms = fields.required("algorithms", reader).and_then(|node| {
        let items = reader.one_or_many(node, "`algorithms`");
        all(items.iter().map(|item| reader.choice(item, "an algorithm", &ALGORITHMS)))
    });
    let usual = MessageSignaturesDefinition::new(name, Vec::new());
    let label = fields.value("label").map(|node| reader.line(node, "`label`").map(str::to_owned));
    let tag = fields.value("tag").map(|node| reader.line(node, "`tag`").map(str::to_owned));
    let components = component_list(fields, "components", usual.components, reader);
    let answer = component_list(fields, "answer", usual.answer, reader);
    let [created, expires, nonce] = [("created", usual.created), ("expires", usual.expires), ("nonce", usual.nonce)]
        .map(|(key, usual)| required(fields, key, usual, reader));
    let max_age = fields.value("max_age").map(|node| reader.positive_duration(node, "`max_age`"));
    let future = fields.value("future").map(|node| reader.duration(node, "`future`"));
    let replay = replay(fields, reader);
    let structured = structured(fields, reader);
    let (replay, remember) = replay?;
    Some(MessageSignaturesDefinition {
        name: name.to_owned(),
        label: all_or_none(label)?,
        tag: all_or_none(tag)?,
        components: components?,
        answer: answer?,
        algorithms: algorithms.filter(|algorithms| !algorithms.is_empty())?,
        created: created?,
        expires: expires?,
        nonce: nonce?,
        max_age: all_or_none(max_age)?.unwrap_or(usual.max_age),
        future: all_or_none(future)?.unwrap_or(usual.future),
        replay,
        remember,
        structured: structured?,
    })
}

fn component_list(fields: &Fields<'_>, key: &str, usual: Vec<String>, reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let Some(node) = fields.value(key) else { return Some(usual) };
    let items = reader.one_or_any(node, &format!("`{key}`"))?;
    all(items.iter().map(|item| reader.line(item, "a component").map(str::to_owned)))
}

/// `required` or `optional`.
fn required(fields: &Fields<'_>, key: &str, usual: bool, reader: &mut Reader<'_>) -> Option<bool> {
    match fields.value(key) {
        None => Some(usual),
        Some(node) => reader.choice(node, &format!("`{key}`"), &[("required", true), ("optional", false)]),
    }
}

/// `true`, `false` or `{ remember: DURATION }`.
fn replay(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<(bool, Option<std::time::Duration>)> {
    match fields.value("replay") {
        None => Some((false, None)),
        Some(node @ Node { value: Value::Map(_), .. }) => {
            let fields = reader.fields(node, "`replay`", &["remember", "on_store_failure"])?;
            let remember = match fields.value("on_store_failure") {
                None => fields.required("remember", reader),
                Some(_) => fields.value("remember"),
            };
            let remember = remember.map(|node| reader.positive_duration(node, "`remember`"));
            Some((true, all_or_none(remember)?))
        }
        Some(node) => {
            let choices = [("true", true), ("false", false)];
            Some((reader.choice_or(node, "`replay`", &choices, "`{ remember: 1h }`")?, None))
        }
    }
}

fn structured(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<Vec<(String, FieldType)>> {
    let Some(node) = fields.value("structured") else { return Some(Vec::new()) };
    let entries = reader.map(node, "`structured`")?;
    let field = |entry: &Entry| {
        let is_named = header::header_name(&entry.key, entry.key_place, reader);
        let kind = reader.choice(&entry.value, "the type of a structured field", &FIELD_TYPES)?;
        is_named.then(|| (entry.key.clone(), kind))
    };
    all(entries.iter().map(field))
}

/// Where the field of a fault stands, or the item of its list.
fn place(fields: &Fields<'_>, field: &str, index: Option<usize>) -> Place {
    let Some(entry) = fields.entry(field) else { return fields.place };
    match (&entry.value.value, index) {
        (Value::List(items), Some(index)) => items.get(index).map_or(entry.key_place, |item| item.place),
        _ => entry.value.place,
    }
}
