//! `tokens:`: which tokens are believed, and where they stand in a request.

use std::time::Duration;

use super::{
    checked::{TokenFrom, Tokens},
    header,
    reader::Reader,
    section::Section,
    shape::Fields,
    token_keys,
    tree::{Entry, Node, Style, Value},
};

const KEYS: [&str; 11] = [
    "keys",
    "jwks",
    "dangerously_short_rsa",
    "issuer",
    "audience",
    "leeway",
    "expiry",
    "require",
    "equal",
    "from",
    "replay",
];
/// Leeway where none is set.
const LEEWAY: Duration = Duration::from_secs(60);

/// Reads the section.
pub(super) fn read(node: Option<&Node>, reader: &mut Reader<'_>) -> Section<Tokens> {
    Section::read(node, "tokens", "tokens entry", reader, tokens)
}

fn tokens(entry: &Entry, reader: &mut Reader<'_>) -> Option<Tokens> {
    let what = format!("the tokens entry {}", reader.quote(entry.key_place, &entry.key));
    let fields = reader.fields(&entry.value, &what, &KEYS)?;
    let keys = token_keys::read(&fields, &what, reader);
    let issuer = fields.value("issuer").and_then(|node| reader.line(node, "`issuer`")).map(str::to_owned);
    let audience = fields.value("audience").map(|node| lines(node, "`audience`", reader)).unwrap_or_default();
    for (key, whose) in [("issuer", "of any issuer"), ("audience", "meant for anyone")] {
        if fields.value(key).is_none() {
            reader.warning(entry.key_place, format!("{what} has no `{key}`: tokens {whose} are accepted"));
        }
    }
    let leeway = fields.value("leeway").map_or(Some(LEEWAY), |node| reader.duration(node, "`leeway`"));
    let required = [("required", true), ("optional", false)];
    let require_exp = fields.value("expiry").map_or(Some(true), |node| reader.choice(node, "`expiry`", &required));
    let required_claims = fields.value("require").map(|node| lines(node, "`require`", reader)).unwrap_or_default();
    let equal_claims = fields.value("equal").map(|node| equal_claims(node, reader)).unwrap_or_default();
    let from = fields.value("from").map_or(Some(TokenFrom::Bearer), |node| token_from(node, reader));
    let replay = fields.value("replay").map_or(Some(false), |node| reader.boolean(node, "`replay`"));
    check_replay(&fields, replay, require_exp, reader);
    Some(Tokens {
        name: entry.key.clone(),
        keys: keys?,
        issuer,
        audience,
        leeway: leeway?,
        require_exp: require_exp?,
        required_claims,
        equal_claims,
        from: from?,
        replay: replay?,
    })
}

fn lines(node: &Node, what: &str, reader: &mut Reader<'_>) -> Vec<String> {
    let items = reader.one_or_many(node, what);
    items.iter().filter_map(|item| reader.line(item, what)).map(str::to_owned).collect()
}

/// A token id is forgotten when its token expires; one that never does could not be.
fn check_replay(fields: &Fields<'_>, replay: Option<bool>, require_exp: Option<bool>, reader: &mut Reader<'_>) {
    if let (Some(entry), Some(true), Some(false)) = (fields.entry("replay"), replay, require_exp) {
        reader
            .error(entry.value.place, "`replay: true` needs `expiry: required`")
            .hint("the id of a token without `exp` would have to be remembered for ever");
    }
}

/// Claims and the JSON they must equal: what is quoted is text, `true`, `false` and whole numbers are themselves.
fn equal_claims(node: &Node, reader: &mut Reader<'_>) -> Vec<(String, String)> {
    let entries = reader.map(node, "`equal`").unwrap_or_default();
    let mut claims = Vec::new();
    for entry in entries {
        let Some(scalar) = reader.scalar(&entry.value, &format!("the claim `{}`", entry.key)) else { continue };
        let json = if scalar.style == Style::Plain && is_bare_json(&scalar.text) {
            scalar.text.clone()
        } else {
            serde_json::Value::from(scalar.text.as_str()).to_string()
        };
        claims.push((entry.key.clone(), json));
    }
    claims
}

/// `true`, `false`, or a whole number as JSON writes it.
fn is_bare_json(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    matches!(text, "true" | "false") || is_number && (digits == "0" || !digits.starts_with('0'))
}

/// `bearer`, `authorization`, `{ cookie: … }`, `{ query: … }` or `{ header: … }`.
pub(super) fn token_from(node: &Node, reader: &mut Reader<'_>) -> Option<TokenFrom> {
    if let Value::Scalar(_) = node.value {
        let words = [("bearer", true), ("authorization", false)];
        let bearer = reader.choice_or(node, "`from`", &words, "`{ cookie: … }`, `{ header: … }` or `{ query: … }`")?;
        return Some(if bearer { TokenFrom::Bearer } else { TokenFrom::Authorization });
    }
    let entry = reader.one_key(node, "`from`", &["cookie", "query", "header"])?;
    let name = reader.line(&entry.value, &format!("the name of the {}", entry.key))?;
    if entry.key == "query" {
        reader
            .warning(
                entry.value.place,
                "a token in the query ends up in the logs and histories of everything it passes",
            )
            .hint("use it only for clients that cannot set a header or cookie");
        return Some(TokenFrom::Query(name.to_owned()));
    }
    if !header::is_token(name) {
        let shown = reader.quote(entry.value.place, name);
        reader.error(entry.value.place, format!("{shown} is not the name of a {}", entry.key));
        return None;
    }
    Some(if entry.key == "cookie" { TokenFrom::Cookie(name.to_owned()) } else { TokenFrom::Header(name.to_owned()) })
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
