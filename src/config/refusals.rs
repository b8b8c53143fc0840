//! `refusals:`: how refusals look, for the whole config and per route.

use super::{
    checked::{RefusalText, Refusals},
    reader::Reader,
    tree::{Entry, Node},
};
use crate::refusal::Cause;

/// Reads what `node` says over `base`, which it inherits from.
pub(super) fn read(node: &Node, base: &Refusals, reader: &mut Reader<'_>) -> Refusals {
    let mut refusals = base.clone();
    for entry in reader.map(node, "`refusals`").unwrap_or_default() {
        match entry.key.as_str() {
            "key" => {
                let key = reader.line(&entry.value, "`key`").map(str::to_owned);
                refusals.key = key.or(refusals.key);
            }
            "content_type" => {
                let content_type = content_type(&entry.value, reader);
                refusals.content_type = content_type.or(refusals.content_type);
            }
            name => match Cause::named(name) {
                Some(cause) => set(cause, entry, &mut refusals, reader),
                None => unknown(entry, reader),
            },
        }
    }
    refusals
}

fn content_type(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.line(node, "`content_type`")?;
    if !text.is_ascii() || !text.contains('/') {
        let shown = reader.quote(node.place, text);
        reader.error(node.place, format!("{shown} is not a content type")).expected("such as `application/json`");
        return None;
    }
    Some(text.to_owned())
}

fn set(cause: Cause, entry: &Entry, refusals: &mut Refusals, reader: &mut Reader<'_>) {
    let Some(fields) = reader.fields(&entry.value, &format!("`{}`", entry.key), &["status", "detail"]) else { return };
    let status = fields.value("status").and_then(|node| reader.count(node, "the status of a refusal", 400..600));
    let said = RefusalText {
        status: status.and_then(|status| u16::try_from(status).ok()),
        detail: fields.value("detail").and_then(|node| reader.line(node, "`detail`")).map(str::to_owned),
    };
    match refusals.causes.iter_mut().find(|(known, _)| *known == cause) {
        Some((_, text)) => {
            text.status = said.status.or(text.status);
            text.detail = said.detail.or(text.detail.take());
        }
        None => refusals.causes.push((cause, said)),
    }
}

fn unknown(entry: &Entry, reader: &mut Reader<'_>) {
    let names = Cause::ALL.iter().map(|cause| cause.face().name).chain(["key", "content_type"]);
    let shown = reader.quote(entry.key_place, &entry.key);
    reader
        .error(entry.key_place, format!("unknown key {shown} in `refusals`"))
        .expected("key, content_type or the name of a cause, such as invalid-signature")
        .suggest(&entry.key, names);
}
