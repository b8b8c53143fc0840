//! `http:`: the URL of a key, and how to read what comes from there.

use http::{HeaderName, HeaderValue, header};

use super::{
    super::{
        header::settable_headers,
        reader::Reader,
        secret,
        tree::{Entry, Node, Value},
    },
    SHARED_KEYS, shared, timeout,
};
use crate::{
    keys::{
        Elsewhere, Place,
        http::{Pointers, Settings, UrlTemplate},
    },
    outcall,
};

/// Largest answer, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;
/// What is known of a secret, each a pointer.
const OF_SECRET: [&str; 5] = ["secret", "encoding", "label", "not_before", "not_after"];

pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Elsewhere> {
    let keys = [&["url", "headers", "roots", "answer", "timeout"], SHARED_KEYS.as_slice()].concat();
    let fields = reader.fields(node, "`http`", &keys)?;
    let url = fields.required("url", reader).and_then(|node| url(node, reader));
    let headers = fields.value("headers").map_or(Some(Vec::new()), |node| headers(node, reader));
    let roots = fields.value("roots").map_or(Some(None), |node| reader.roots(node).map(Some));
    let answer = fields.value("answer").map_or_else(|| Some(pointers(&[])), |node| answer(node, reader));
    let timeout = timeout(&fields, reader);
    let shared = shared(&fields, timeout.unwrap_or_default(), reader)?;
    let (timeout, url) = (timeout?, url?);
    if let Some(entry) = fields.entry("roots").filter(|_| !url.is_tls()) {
        reader.warning(entry.key_place, "`roots` has no effect: the URL is not https");
    }
    let calls = outcall::Settings {
        tls: url.is_tls(),
        roots: roots?,
        connect_timeout: timeout,
        timeout,
        largest_answer: LARGEST_ANSWER,
        most_calls: shared.cache.most_look_ups,
    };
    let settings = Settings { url, headers: headers?, answer: answer?, encoding: shared.encoding, calls };
    Some(Elsewhere { place: Place::Http(settings), cache: shared.cache })
}

fn url(node: &Node, reader: &mut Reader<'_>) -> Option<UrlTemplate> {
    let text = reader.text(node, "`url`")?;
    match UrlTemplate::parse(text) {
        Ok(url) => {
            if !url.is_tls() && !url.is_here() {
                reader.warning(node.place, "keys come over a network in the clear").hint("use `https://`");
            }
            Some(url)
        }
        Err(fault) => {
            let shown = reader.quote(node.place, text);
            reader
                .error(node.place, format!("{shown} cannot be the URL of a key: {fault}"))
                .expected("such as `https://registry.internal/devices/{id}/key`");
            None
        }
    }
}

pub(in crate::config) fn headers(node: &Node, reader: &mut Reader<'_>) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let entries = reader.map(node, "`headers`")?;
    settable_headers(entries, reader);
    let headers: Vec<_> = entries.iter().filter_map(|entry| header_field(entry, reader)).collect();
    (headers.len() == entries.len()).then_some(headers)
}

fn header_field(entry: &Entry, reader: &mut Reader<'_>) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(entry.key.as_bytes()).ok()?;
    let is_open =
        matches!(entry.value.value, Value::Scalar(_)) && ![header::AUTHORIZATION, header::COOKIE].contains(&name);
    let value = match is_open {
        true => HeaderValue::from_str(reader.line(&entry.value, "a header's value")?),
        false => HeaderValue::from_bytes(secret::secret(&entry.value, reader, 0, "a header's value")?.expose()),
    };
    let Ok(mut value) = value else {
        reader.error(entry.value.place, "a header's value holds a control character");
        return None;
    };
    value.set_sensitive(!is_open);
    Some((name, value))
}

fn answer(node: &Node, reader: &mut Reader<'_>) -> Option<Pointers> {
    let keys = [&["secrets", "id", "disabled", "attributes"], OF_SECRET.as_slice()].concat();
    let fields = reader.fields(node, "`answer`", &keys)?;
    let mut given = Vec::new();
    for entry in fields.entries().iter().filter(|entry| entry.key != "attributes" && keys.contains(&entry.key.as_str()))
    {
        given.push((entry.key.as_str(), pointer(entry, reader)?));
    }
    let mut pointers = pointers(&given);
    let attributes = fields.value("attributes").map_or(Some(&[][..]), |node| reader.map(node, "`attributes`"))?;
    for entry in attributes {
        pointers.of_id.push((entry.key.clone(), pointer(entry, reader)?));
    }
    Some(pointers)
}

/// Where each thing is, unless `given` says where else: under its own name.
fn pointers(given: &[(&str, String)]) -> Pointers {
    let given = |name: &str| given.iter().find(|(known, _)| *known == name).map(|(_, pointer)| pointer.clone());
    let own = |name: &str| given(name).unwrap_or_else(|| format!("/{name}"));
    let id = given("id").map(|pointer| ("id".to_owned(), pointer));
    Pointers {
        secrets: given("secrets"),
        of_secret: OF_SECRET.map(|name| (name, own(name))).to_vec(),
        of_id: id.into_iter().chain([("disabled".to_owned(), own("disabled"))]).collect(),
    }
}

pub(in crate::config) fn pointer(entry: &Entry, reader: &mut Reader<'_>) -> Option<String> {
    let what = format!("where {} is", reader.quote(entry.key_place, &entry.key));
    let text = reader.text(&entry.value, &what)?;
    let is_escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if !text.starts_with('/') || !is_escaped {
        let shown = reader.quote(entry.value.place, text);
        reader
            .error(entry.value.place, format!("{shown} is no JSON pointer"))
            .expected("such as `/device/secret` (RFC 6901)");
        return None;
    }
    Some(text.to_owned())
}
