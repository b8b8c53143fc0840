//! A scheme's definition out of its keys. Templates stay text here; where each stood is kept in [`Sites`], so that a
//! fault found by compiling them can be placed.

use super::{
    header,
    reader::Reader,
    shape::Fields,
    sites::Sites,
    tree::{Entry, Node, Value},
};
use crate::scheme::{
    Algorithm, Definition, Encoding, Equality, ReplayDefinition, SignatureDefinition, TimestampDefinition,
    TimestampFormat,
};

/// The keys of a definition.
pub(super) const KEYS: [&str; 8] =
    ["key_id", "values", "require", "message", "signature", "timestamp", "replay", "emit"];

const ALGORITHMS: [(&str, Algorithm); 4] = [
    ("hmac-sha1", Algorithm::HmacSha1),
    ("hmac-sha256", Algorithm::HmacSha256),
    ("hmac-sha384", Algorithm::HmacSha384),
    ("hmac-sha512", Algorithm::HmacSha512),
];

const ENCODINGS: [(&str, Encoding); 4] = [
    ("hex", Encoding::Hex),
    ("HEX", Encoding::HexUpper),
    ("base64", Encoding::Base64),
    ("base64url", Encoding::Base64Url),
];

const FORMATS: [(&str, TimestampFormat); 5] = [
    ("unix", TimestampFormat::Unix),
    ("unix_millis", TimestampFormat::UnixMillis),
    ("iso8601", TimestampFormat::Iso8601),
    ("rfc3339", TimestampFormat::Rfc3339),
    ("http_date", TimestampFormat::HttpDate),
];

/// Reads the keys of a definition; `None` where any of them could not be read, and then what is wrong with its
/// templates has been reported as well.
pub(super) fn read(name: &str, fields: &Fields<'_>, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<Definition> {
    sites.keys = fields.entries().iter().map(|entry| (entry.key.clone(), entry.key_place)).collect();
    let definition = whole(name, fields, sites, reader);
    if definition.is_none() {
        sites.report_templates(reader);
    }
    definition
}

fn whole(name: &str, fields: &Fields<'_>, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<Definition> {
    let key_id = fields.value("key_id").map(|node| sites.template(node, "key_id", None, reader));
    let values = named_templates(fields, "values", sites, reader);
    let require = equalities(fields, sites, reader);
    let message = fields.required("message", reader).and_then(|node| sites.template(node, "message", None, reader));
    let signature = fields.required("signature", reader).and_then(|node| signature(node, sites, reader));
    let timestamp = fields.value("timestamp").map(|node| timestamp(node, sites, reader));
    let replay = fields.value("replay").map(|node| replay(node, sites, reader));
    let emit = named_templates(fields, "emit", sites, reader);
    if let Some(node) = fields.value("emit") {
        header::unreserved_headers(reader.map(node, "`emit`")?, reader);
    }
    Some(Definition {
        name: name.to_owned(),
        key_id: all_or_none(key_id)?,
        values: values?,
        require: require?,
        message: message?,
        signature: signature?,
        timestamp: all_or_none(timestamp)?,
        replay: all_or_none(replay)?.flatten(),
        emit: emit?,
    })
}

/// Absent is fine; present and unreadable is not.
fn all_or_none<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
    }
}

/// Every item, or none where one could not be read; all of them are read first, so that each is reported.
fn all<T>(read: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = read.collect();
    read.into_iter().collect()
}

fn named_templates(
    fields: &Fields<'_>,
    key: &'static str,
    sites: &mut Sites,
    reader: &mut Reader<'_>,
) -> Option<Vec<(String, String)>> {
    let Some(node) = fields.value(key) else { return Some(Vec::new()) };
    let entries = reader.map(node, &format!("`{key}`"))?;
    let read = |(index, entry): (usize, &Entry)| {
        let template = sites.named_template(entry, key, index, reader)?;
        Some((entry.key.clone(), template))
    };
    all(entries.iter().enumerate().map(read))
}

fn equalities(fields: &Fields<'_>, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<Vec<Equality>> {
    let Some(node) = fields.value("require") else { return Some(Vec::new()) };
    let items = reader.list(node, "`require`")?;
    all(items.iter().enumerate().map(|(index, item)| equality(index, item, sites, reader)))
}

fn equality(index: usize, node: &Node, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<Equality> {
    let pair = &reader.one_key(node, "a requirement", &["equal"])?.value;
    let [left, right] = reader.list(pair, "`equal`")? else {
        reader.error(pair.place, "`equal` compares two templates").expected("`equal: [\"{…}\", \"{…}\"]`");
        return None;
    };
    let left = sites.template(left, "require.left", Some(index), reader);
    let right = sites.template(right, "require.right", Some(index), reader);
    Some(Equality { left: left?, right: right? })
}

fn signature(node: &Node, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<SignatureDefinition> {
    let mut fields = reader.fields(node, "`signature`", &["from", "encoding", "algorithm"])?;
    fields.hint = sites.hint;
    let from = fields.required("from", reader).and_then(|node| sites.template(node, "signature.from", None, reader));
    let encoding = fields.required("encoding", reader);
    let encoding = encoding.and_then(|node| reader.choice(node, "the encoding of a signature", &ENCODINGS));
    let algorithm = fields.required("algorithm", reader);
    let algorithm = algorithm.and_then(|node| reader.choice(node, "the algorithm of a signature", &ALGORITHMS));
    Some(SignatureDefinition { from: from?, encoding: encoding?, algorithm: algorithm? })
}

fn timestamp(node: &Node, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<TimestampDefinition> {
    let allowed = ["from", "formats", "past", "future", "dangerously_unsigned"];
    let mut fields = reader.fields(node, "`timestamp`", &allowed)?;
    fields.hint = sites.hint;
    let from = fields.required("from", reader).and_then(|node| sites.template(node, "timestamp.from", None, reader));
    let formats: Option<Vec<TimestampFormat>> = fields.required("formats", reader).and_then(|node| {
        let items = reader.one_or_many(node, "`formats`");
        all(items.iter().map(|item| reader.choice(item, "a timestamp format", &FORMATS)))
    });
    let past = fields.value("past").map(|node| reader.duration(node, "`past`"));
    let future = fields.value("future").map(|node| reader.duration(node, "`future`"));
    let unsigned = fields.value("dangerously_unsigned");
    let unsigned = unsigned.map(|node| reader.boolean(node, "`dangerously_unsigned`"));
    Some(TimestampDefinition {
        from: from?,
        formats: formats.filter(|formats| !formats.is_empty())?,
        past: all_or_none(past)?,
        future: all_or_none(future)?,
        dangerously_unsigned: all_or_none(unsigned)?.unwrap_or(false),
    })
}

/// `true`, `false`, a template, or `{ key, remember }`.
fn replay(node: &Node, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<Option<ReplayDefinition>> {
    match &node.value {
        Value::Scalar(scalar) if scalar.text == "true" => Some(Some(ReplayDefinition { key: None, remember: None })),
        Value::Scalar(scalar) if scalar.text == "false" => Some(None),
        Value::Map(_) => {
            let fields = reader.fields(node, "`replay`", &["key", "remember"])?;
            let key = fields.value("key").map(|node| sites.template(node, "replay", None, reader));
            let remember = fields.value("remember").map(|node| reader.positive_duration(node, "`remember`"));
            Some(Some(ReplayDefinition { key: all_or_none(key)?, remember: all_or_none(remember)? }))
        }
        _ => {
            let key = sites.template(node, "replay", None, reader)?;
            Some(Some(ReplayDefinition { key: Some(key), remember: None }))
        }
    }
}
