//! A scheme's definition out of its keys. Templates stay text here; where each stood is kept in [`Sites`], so that a
//! fault found by compiling them can be placed.

use super::{
    definition_values, header,
    reader::Reader,
    shape::Fields,
    sites::Sites,
    tree::{Entry, Node, Value},
};
use crate::scheme::{
    Algorithm, AlgorithmDefinition, AnswerDefinition, Definition, Encoding, KeyDefinition, Relation, ReplayDefinition,
    RequirementDefinition, Several, SignatureDefinition, TimestampDefinition, TimestampFormat,
};

/// The keys of a definition.
pub(super) const KEYS: [&str; 10] =
    ["key_id", "values", "require", "signing_key", "message", "signature", "timestamp", "replay", "emit", "answer"];

const ALGORITHMS: [(&str, Algorithm); 5] = [
    ("hmac-sha1", Algorithm::HmacSha1),
    ("hmac-sha256", Algorithm::HmacSha256),
    ("hmac-sha384", Algorithm::HmacSha384),
    ("hmac-sha512", Algorithm::HmacSha512),
    ("ed25519", Algorithm::Ed25519),
];

const RELATIONS: [(&str, Relation); 3] =
    [("equal", Relation::Equal), ("equal_if_body", Relation::EqualIfBody), ("under", Relation::Under)];

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
    sites.values = definition_values::read(fields, sites, reader);
    let values = sites.values.clone();
    let require = requirements(fields, sites, reader);
    let signing_key = fields.value("signing_key").map(|node| signing_key(node, sites, reader));
    sites.signing_key = signing_key.clone().flatten();
    let message = fields.required("message", reader).and_then(|node| sites.template(node, "message", None, reader));
    let signature = fields.required("signature", reader).and_then(|node| signature(node, sites, reader));
    let timestamp = fields.value("timestamp").map(|node| timestamp(node, sites, reader));
    let replay = fields.value("replay").map(|node| replay(node, sites, reader));
    let emit = named_templates(fields, "emit", sites, reader);
    if let Some(node) = fields.value("emit") {
        let entries = reader.map(node, "`emit`")?;
        // A parameter is named like a header behind a `?`, and none is reserved.
        header::unreserved_headers(entries, reader);
    }
    let answer = fields.value("answer").map(|node| answer(node, sites, reader));
    Some(Definition {
        name: name.to_owned(),
        key_id: all_or_none(key_id)?,
        values: values?,
        require: require?,
        signing_key: all_or_none(signing_key)?,
        message: message?,
        signature: signature?,
        timestamp: all_or_none(timestamp)?,
        replay: all_or_none(replay)?.flatten(),
        emit: emit?,
        answer: all_or_none(answer)?,
    })
}

/// Absent is fine; present and unreadable is not.
pub(super) fn all_or_none<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
    }
}

/// Every item, or none where one could not be read; all of them are read first, so that each is reported.
pub(super) fn all<T>(read: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
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

fn answer(node: &Node, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<AnswerDefinition> {
    let mut fields = reader.fields(node, "`answer`", &["message", "emit"])?;
    fields.hint = sites.hint;
    let message = fields.required("message", reader);
    let message = message.and_then(|node| sites.template(node, "answer.message", None, reader));
    let entries = fields.required("emit", reader).and_then(|node| reader.map(node, "`emit`"))?;
    header::unreserved_headers(entries, reader);
    let read = |(index, entry): (usize, &Entry)| {
        let template = sites.named_template(entry, "answer.emit", index, reader)?;
        Some((entry.key.clone(), template))
    };
    let emit = all(entries.iter().enumerate().map(read));
    Some(AnswerDefinition { message: message?, emit: emit? })
}

fn requirements(fields: &Fields<'_>, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<Vec<RequirementDefinition>> {
    let Some(node) = fields.value("require") else { return Some(Vec::new()) };
    let items = match &node.value {
        Value::Map(_) => std::slice::from_ref(node),
        _ => reader.list(node, "`require`")?,
    };
    all(items.iter().enumerate().map(|(index, item)| requirement(index, item, sites, reader)))
}

fn requirement(index: usize, node: &Node, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<RequirementDefinition> {
    let entry = reader.one_key(node, "a requirement", &RELATIONS.map(|(name, _)| name))?;
    let (name, relation) = RELATIONS.into_iter().find(|(name, _)| *name == entry.key)?;
    let pair = &entry.value;
    let [left, right] = reader.list(pair, &format!("`{name}`"))? else {
        reader
            .error(pair.place, format!("`{name}` compares two templates"))
            .expected(format!("`{name}: [\"{{…}}\", \"{{…}}\"]`"));
        return None;
    };
    let left = sites.template(left, "require.left", Some(index), reader);
    let right = sites.template(right, "require.right", Some(index), reader);
    Some(RequirementDefinition { left: left?, right: right?, relation })
}

/// A template, or `{ from, chain, encoding }`.
fn signing_key(node: &Node, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<KeyDefinition> {
    let Value::Map(_) = &node.value else {
        let from = sites.template(node, "signing_key.from", None, reader)?;
        return Some(KeyDefinition { from, chain: Vec::new(), encoding: None });
    };
    let mut fields = reader.fields(node, "`signing_key`", &["from", "chain", "encoding"])?;
    fields.hint = sites.hint;
    let from = fields.required("from", reader).and_then(|node| sites.template(node, "signing_key.from", None, reader));
    let chain = match fields.value("chain").map(|node| reader.one_or_any(node, "`chain`")) {
        None => Some(Vec::new()),
        Some(items) => items.and_then(|items| {
            let links = items.iter().enumerate();
            all(links.map(|(index, item)| sites.template(item, "signing_key.chain", Some(index), reader)))
        }),
    };
    let encoding = fields.value("encoding");
    let encoding = encoding.map(|node| reader.choice(node, "the encoding of a key", &ENCODINGS));
    Some(KeyDefinition { from: from?, chain: chain?, encoding: all_or_none(encoding)? })
}

fn signature(node: &Node, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<SignatureDefinition> {
    let allowed = ["from", "split", "several", "encoding", "algorithm"];
    let mut fields = reader.fields(node, "`signature`", &allowed)?;
    fields.hint = sites.hint;
    let from = fields.required("from", reader).and_then(|node| sites.template(node, "signature.from", None, reader));
    let several = several(&fields, reader);
    let encoding = fields.required("encoding", reader);
    let encoding = encoding.and_then(|node| reader.choice(node, "the encoding of a signature", &ENCODINGS));
    let algorithm = fields.required("algorithm", reader).and_then(|node| algorithm(node, sites, reader));
    sites.algorithm.clone_from(&algorithm);
    Some(SignatureDefinition { from: from?, several: several?, encoding: encoding?, algorithm: algorithm? })
}

fn several(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<Several> {
    match (fields.value("split"), fields.entry("several")) {
        (None, None) => Some(Several::No),
        (Some(node), None) => Some(Several::Split(reader.text(node, "`split`")?.to_owned())),
        (None, Some(entry)) => {
            let is_several = reader.boolean(&entry.value, "`several`")?;
            Some(if is_several { Several::Pairs } else { Several::No })
        }
        (Some(_), Some(entry)) => {
            reader.error(entry.key_place, "`split` and `several` exclude each other");
            None
        }
    }
}

/// One algorithm, or `{ from, allow }`.
fn algorithm(node: &Node, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<AlgorithmDefinition> {
    const WHAT: &str = "the algorithm of a signature";
    let Value::Map(_) = &node.value else {
        return reader.choice(node, WHAT, &ALGORITHMS).map(AlgorithmDefinition::Fixed);
    };
    let fields = reader.fields(node, "`algorithm`", &["from", "allow"])?;
    let from = fields.required("from", reader);
    let from = from.and_then(|node| sites.template(node, "signature.algorithm", None, reader));
    let allow = fields.required("allow", reader).and_then(|node| {
        let entries = reader.map(node, "`allow`")?;
        all(entries.iter().map(|entry| Some((entry.key.clone(), reader.choice(&entry.value, WHAT, &ALGORITHMS)?))))
    });
    Some(AlgorithmDefinition::Named { from: from?, allow: allow? })
}

fn timestamp(node: &Node, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<TimestampDefinition> {
    let allowed = ["from", "expires", "lasts", "formats", "past", "future", "dangerously_unsigned"];
    let mut fields = reader.fields(node, "`timestamp`", &allowed)?;
    fields.hint = sites.hint;
    let from = match fields.value("expires") {
        None => fields.required("from", reader),
        Some(_) => fields.value("from"),
    };
    let from = from.map(|node| sites.template(node, "timestamp.from", None, reader));
    let expires = fields.value("expires").map(|node| sites.template(node, "timestamp.expires", None, reader));
    let lasts = fields.value("lasts").map(|node| sites.template(node, "timestamp.lasts", None, reader));
    let formats: Option<Vec<TimestampFormat>> = fields.required("formats", reader).and_then(|node| {
        let items = reader.one_or_many(node, "`formats`");
        all(items.iter().map(|item| format(item, reader)))
    });
    let past = fields.value("past").map(|node| reader.duration(node, "`past`"));
    let future = fields.value("future").map(|node| reader.duration(node, "`future`"));
    let unsigned = fields.value("dangerously_unsigned");
    let unsigned = unsigned.map(|node| reader.boolean(node, "`dangerously_unsigned`"));
    let is_timed = from.is_some() || expires.is_some();
    is_timed.then_some(())?;
    Some(TimestampDefinition {
        from: all_or_none(from)?,
        expires: all_or_none(expires)?,
        lasts: all_or_none(lasts)?,
        formats: formats.filter(|formats| !formats.is_empty())?,
        past: all_or_none(past)?,
        future: all_or_none(future)?,
        dangerously_unsigned: all_or_none(unsigned)?.unwrap_or(false),
    })
}

/// A format by its name, or a pattern, which has a `%` in it.
fn format(node: &Node, reader: &mut Reader<'_>) -> Option<TimestampFormat> {
    match &node.value {
        Value::Scalar(scalar) if scalar.text.contains('%') => Some(TimestampFormat::Pattern(scalar.text.clone())),
        _ => {
            let names: Vec<(&str, usize)> = FORMATS.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
            let chosen = reader.choice_or(node, "a timestamp format", &names, "a pattern such as `%Y%m%dT%H%M%SZ`")?;
            FORMATS.get(chosen).map(|(_, format)| format.clone())
        }
    }
}

/// `true`, `false`, a template, or `{ key, remember }`.
fn replay(node: &Node, sites: &mut Sites, reader: &mut Reader<'_>) -> Option<Option<ReplayDefinition>> {
    match &node.value {
        Value::Scalar(scalar) if scalar.text == "true" => Some(Some(ReplayDefinition { key: None, remember: None })),
        Value::Scalar(scalar) if scalar.text == "false" => Some(None),
        Value::Map(_) => {
            let fields = reader.fields(node, "`replay`", &["key", "remember", "on_store_failure"])?;
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
