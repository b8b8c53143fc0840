//! What a tokens entry or a route wants claims to say.

use super::{
    definition::all,
    reader::Reader,
    shape::Fields,
    tree::{Node, Scalar, Style, is_whole_number},
};

/// Claims and the JSON they must equal: what is quoted is text, `true`, `false` and whole numbers are themselves.
pub(super) fn equal(node: &Node, reader: &mut Reader<'_>) -> Vec<(String, String)> {
    let entries = reader.map(node, "`equal`").unwrap_or_default();
    let mut claims = Vec::new();
    for entry in entries {
        let Some(scalar) = reader.scalar(&entry.value, &format!("the claim `{}`", entry.key)) else { continue };
        claims.push((entry.key.clone(), json(scalar)));
    }
    claims
}

/// Claims and the values, one or more, that they are compared with.
pub(super) fn several(node: &Node, key: &str, reader: &mut Reader<'_>) -> Vec<(String, Vec<String>)> {
    let entries = reader.map(node, &format!("`{key}`")).unwrap_or_default();
    let mut claims = Vec::new();
    for entry in entries {
        let what = format!("the claim `{}`", entry.key);
        let items = reader.one_or_many(&entry.value, &what);
        let values = items.iter().filter_map(|item| reader.scalar(item, &what)).map(json).collect();
        claims.push((entry.key.clone(), values));
    }
    claims
}

/// `scope`: words as RFC 6749 section 3.3 has them, which can stand in a header's quotes as they are.
pub(super) fn scope(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let Some(node) = fields.value("scope") else { return Some(Vec::new()) };
    let items = reader.one_or_many(node, "`scope`");
    all(items.iter().map(|item| {
        let word = reader.line(item, "`scope`")?;
        let is_plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
        if !is_plain {
            let shown = reader.quote(item.place, word);
            reader.error(item.place, format!("{shown} is not a scope")).expected("one word of visible ASCII");
        }
        is_plain.then(|| word.to_owned())
    }))
}

fn json(scalar: &Scalar) -> String {
    if scalar.style == Style::Plain && is_bare_json(&scalar.text) {
        return scalar.text.clone();
    }
    serde_json::Value::from(scalar.text.as_str()).to_string()
}

/// `true`, `false`, or a whole number as JSON writes it.
fn is_bare_json(text: &str) -> bool {
    matches!(text, "true" | "false") || is_whole_number(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_compared_as_the_json_that_was_meant() {
        for bare in ["true", "false", "0", "-1", "123"] {
            assert!(is_bare_json(bare), "{bare}");
        }
        for text in ["admin", "", "-", "007", "1.5", "null", "1e3", "+1"] {
            assert!(!is_bare_json(text), "{text}");
        }
    }
}
