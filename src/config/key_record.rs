//! What a config says of one key: its secrets, when each is good, and what else is known of it.

use std::sync::Arc;

use super::{
    reader::Reader,
    secret::{SHORTEST_HMAC, secret_beside},
    tree::{Entry, Node, Value},
};
use crate::keys::{Attributes, KeyRecord, KeySecret, LONGEST_NAME, Lifetime, MOST_LIVE, ROUTES, moment};

/// What may stand beside where a secret comes from.
const BESIDE: [&str; 3] = ["label", "not_before", "not_after"];

/// Either secrets alone, or a map with `secrets` and what is known besides.
pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<KeyRecord> {
    let is_whole = |entry: &Entry| ["secrets", "disabled", "attributes"].contains(&entry.key.as_str());
    match &node.value {
        Value::Map(entries) if entries.iter().any(is_whole) => whole(node, reader),
        Value::Map(_) | Value::Scalar(_) | Value::List(_) => of_secrets(node, reader),
    }
}

/// One secret, or a list of the secrets that are live at once.
pub(super) fn of_secrets(node: &Node, reader: &mut Reader<'_>) -> Option<KeyRecord> {
    Some(KeyRecord { secrets: secrets(node, reader)?, ..KeyRecord::default() })
}

fn whole(node: &Node, reader: &mut Reader<'_>) -> Option<KeyRecord> {
    let fields = reader.fields(node, "a key", &["secrets", "disabled", "attributes"])?;
    let secrets = fields.required("secrets", reader).and_then(|node| secrets(node, reader));
    let disabled = fields.value("disabled").map_or(Some(false), |node| reader.boolean(node, "`disabled`"));
    let attributes = fields.value("attributes").map_or(Some(None), |node| attributes(node, reader));
    Some(KeyRecord { secrets: secrets?, disabled: disabled?, attributes: attributes? })
}

/// One secret, or a list of those that are live at once.
pub(super) fn secrets(node: &Node, reader: &mut Reader<'_>) -> Option<Vec<KeySecret>> {
    let items = reader.one_or_many(node, "the list of secrets");
    if let Some(fifth) = items.get(MOST_LIVE) {
        reader
            .error(fifth.place, format!("more than {MOST_LIVE} live secrets"))
            .hint("each one costs a MAC per request; remove the oldest");
    }
    let mut secrets: Vec<KeySecret> = Vec::new();
    for item in items {
        let Some(secret) = secret(item, reader) else { continue };
        if secrets.iter().any(|known| known.secret.expose() == secret.secret.expose()) {
            reader.warning(item.place, "the same secret stands twice in this list").hint("remove one of them");
        }
        secrets.push(secret);
    }
    (secrets.len() == items.len() && !secrets.is_empty()).then_some(secrets)
}

fn secret(node: &Node, reader: &mut Reader<'_>) -> Option<KeySecret> {
    let secret = secret_beside(&BESIDE, node, reader, SHORTEST_HMAC, "an HMAC key");
    let Value::Map(entries) = &node.value else { return secret.map(KeySecret::from) };
    let value = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
    let label = value("label").map_or(Some(None), |node| label(node, reader).map(Some));
    let from = value("not_before").map_or(Some(i64::MIN), |node| time(node, "`not_before`", reader));
    let until = value("not_after").map_or(Some(i64::MAX), |node| time(node, "`not_after`", reader));
    let lifetime = Lifetime { from_millis: from?, until_millis: until? };
    if lifetime.from_millis >= lifetime.until_millis {
        reader.error(node.place, "this secret is never good: it is over before it begins");
        return None;
    }
    Some(KeySecret { secret: secret?, label: label?, lifetime })
}

/// As it stands in a log line.
fn label(node: &Node, reader: &mut Reader<'_>) -> Option<Arc<str>> {
    let text = reader.line(node, "`label`")?;
    if text.len() > LONGEST_NAME {
        reader.error(node.place, format!("`label` is longer than {LONGEST_NAME} bytes"));
        return None;
    }
    Some(text.into())
}

fn time(node: &Node, what: &str, reader: &mut Reader<'_>) -> Option<i64> {
    let text = reader.text(node, what)?;
    let millis = moment(text);
    if millis.is_none() {
        let shown = reader.quote(node.place, text);
        reader
            .error(node.place, format!("{what} cannot be {shown}"))
            .expected("RFC 3339 such as `2027-01-31T00:00:00Z`, or seconds since 1970");
    }
    millis
}

fn attributes(node: &Node, reader: &mut Reader<'_>) -> Option<Option<Arc<Attributes>>> {
    let entries = reader.map(node, "`attributes`")?;
    let mut texts = Vec::new();
    for entry in entries {
        let text = match &entry.value.value {
            Value::List(_) if entry.key == ROUTES => routes(&entry.value, reader),
            Value::List(_) | Value::Map(_) | Value::Scalar(_) => {
                reader.scalar(&entry.value, &format!("the attribute `{}`", entry.key)).map(|text| text.text.clone())
            }
        };
        texts.push((entry.key.as_str(), text?));
    }
    match Attributes::new(texts.iter().map(|(name, text)| (*name, text.as_str()))) {
        Ok(attributes) => Some(attributes),
        Err((index, fault)) => {
            let place = entries.get(index).map_or(node.place, |entry| entry.key_place);
            reader.error(place, fault.to_string());
            None
        }
    }
}

/// Names in a list are written as a key file writes them: with spaces between.
fn routes(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
    let items = reader.one_or_any(node, "`routes`")?;
    let mut names = Vec::new();
    for item in items {
        let name = reader.text(item, "the name of a route")?;
        if name.contains(' ') {
            reader.error(item.place, "the name of a route has no space here").hint("give the route another `name`");
        }
        names.push(name);
    }
    if names.is_empty() {
        reader.error(node.place, crate::keys::AttributeFault::NoRoute.to_string());
        return None;
    }
    Some(names.join(" "))
}
