//! `tokens:`: which tokens are believed, and where they stand in a request.

use std::time::Duration;

use super::{
    checked::{PublishedFrom, PublishedKeys, TokenFrom, TokenKeys, Tokens},
    decryption,
    definition::all_or_none,
    header,
    reader::Reader,
    section::Section,
    shape::Fields,
    store, token_claims, token_keys,
    tree::{Entry, Node, Value},
};

const KEYS: [&str; 20] = [
    "keys",
    "jwks",
    "oidc",
    "introspection",
    "decrypt",
    "dangerously_short_rsa",
    "issuer",
    "audience",
    "leeway",
    "expiry",
    "require",
    "equal",
    "one_of",
    "contains",
    "scope",
    "max_age",
    "max_lifetime",
    "from",
    "dangerously_without_csrf",
    "replay",
];
/// Leeway where none is set.
const LEEWAY: Duration = Duration::from_secs(60);

/// The cookie of `from: cookie`. Browsers take one of that prefix from this host alone, over TLS.
const USUAL_COOKIE: &str = "__Host-token";

/// Places that need no name.
#[derive(Clone, Copy)]
enum Word {
    Bearer,
    Authorization,
    Cookie,
}

/// Reads the section.
pub(super) fn read(node: Option<&Node>, reader: &mut Reader<'_>) -> Section<Tokens> {
    Section::read(node, "tokens", "tokens entry", reader, tokens)
}

fn tokens(entry: &Entry, reader: &mut Reader<'_>) -> Option<Tokens> {
    let what = format!("the tokens entry {}", reader.quote(entry.key_place, &entry.key));
    let fields = reader.fields(&entry.value, &what, &KEYS)?;
    let keys = token_keys::read(&fields, &what, reader);
    let decrypt = fields.value("decrypt").map(|node| decryption::read(node, keys.as_ref(), reader));
    let issuer = issuer(&fields, keys.as_ref(), reader);
    let audience = fields.value("audience").map(|node| lines(node, "`audience`", reader)).unwrap_or_default();
    for (key, whose) in [("issuer", "of any issuer"), ("audience", "meant for anyone")] {
        if fields.value(key).is_none() && !(key == "issuer" && fields.value("oidc").is_some()) {
            reader.warning(entry.key_place, format!("{what} has no `{key}`: tokens {whose} are accepted"));
        }
    }
    let leeway = fields.value("leeway").map_or(Some(LEEWAY), |node| reader.duration(node, "`leeway`"));
    let required = [("required", true), ("optional", false)];
    let require_exp = fields.value("expiry").map_or(Some(true), |node| reader.choice(node, "`expiry`", &required));
    let required_claims = fields.value("require").map(|node| lines(node, "`require`", reader)).unwrap_or_default();
    let equal_claims = fields.value("equal").map(|node| token_claims::equal(node, reader)).unwrap_or_default();
    let [one_of_claims, contained_claims] = ["one_of", "contains"]
        .map(|key| fields.value(key).map(|node| token_claims::several(node, key, reader)).unwrap_or_default());
    let scope = token_claims::scope(&fields, reader);
    let [max_age, max_lifetime] = ["max_age", "max_lifetime"]
        .map(|key| all_or_none(fields.value(key).map(|node| reader.positive_duration(node, &format!("`{key}`")))));
    let from = fields.value("from").map_or(Some(TokenFrom::Bearer), |node| token_from(node, reader));
    let without_csrf =
        fields.entry("dangerously_without_csrf").map_or(Some(false), |entry| without_csrf(entry, reader));
    let replay = fields.value("replay").map_or(Some(false), |node| replay(node, reader));
    let on_store_failure = store::on_failure(fields.value("replay"), reader);
    check_replay(&fields, replay, require_exp, reader);
    Some(Tokens {
        name: entry.key.clone(),
        keys: keys?,
        decryption: all_or_none(decrypt)?,
        issuer,
        audience,
        leeway: leeway?,
        require_exp: require_exp?,
        required_claims,
        equal_claims,
        one_of_claims,
        contained_claims,
        scope: scope?,
        max_age: max_age?,
        max_lifetime: max_lifetime?,
        from: from?,
        without_csrf: without_csrf?,
        replay: replay?,
        on_store_failure: on_store_failure?,
    })
}

/// What is asked of a token in a cookie unless this says otherwise.
fn without_csrf(entry: &Entry, reader: &mut Reader<'_>) -> Option<bool> {
    if !reader.boolean(&entry.value, "`dangerously_without_csrf`")? {
        reader.error(entry.value.place, "`dangerously_without_csrf` can only be true").hint("remove it");
        return None;
    }
    reader
        .warning(entry.key_place, "a page of any other site can have a browser send requests with this cookie")
        .hint("without it a request that changes something must show `X-CSRF-Token`");
    Some(true)
}

/// `true`, `false`, or a map that says more of it.
fn replay(node: &Node, reader: &mut Reader<'_>) -> Option<bool> {
    match node.value {
        Value::Map(_) => reader.fields(node, "`replay`", &["on_store_failure"]).map(|_| true),
        Value::Scalar(_) | Value::List(_) => {
            let choices = [("true", true), ("false", false)];
            reader.choice_or(node, "`replay`", &choices, "`{ on_store_failure: … }`")
        }
    }
}

/// `issuer`, or the one whose configuration is asked for keys.
fn issuer(fields: &Fields<'_>, keys: Option<&TokenKeys>, reader: &mut Reader<'_>) -> Option<String> {
    let written = fields.value("issuer").and_then(|node| reader.line(node, "`issuer`")).map(str::to_owned);
    let discovered = match keys {
        Some(TokenKeys::Published(PublishedKeys { from: PublishedFrom::Discovery(issuer), .. })) => {
            Some(issuer.clone())
        }
        Some(TokenKeys::Published(_) | TokenKeys::Listed(..) | TokenKeys::Introspected(_)) | None => None,
    };
    if let (Some(node), Some(written), Some(discovered)) = (fields.value("issuer"), &written, &discovered)
        && written != discovered
    {
        reader.error(node.place, "`issuer` is another one than that of `oidc`").hint("it can be left out here");
    }
    written.or(discovered)
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

/// `bearer`, `authorization`, `cookie`, `{ cookie: … }`, `{ query: … }` or `{ header: … }`.
pub(super) fn token_from(node: &Node, reader: &mut Reader<'_>) -> Option<TokenFrom> {
    if let Value::Scalar(_) = node.value {
        let words = [("bearer", Word::Bearer), ("authorization", Word::Authorization), ("cookie", Word::Cookie)];
        let word = reader.choice_or(node, "`from`", &words, "`{ cookie: … }`, `{ header: … }` or `{ query: … }`")?;
        return Some(match word {
            Word::Bearer => TokenFrom::Bearer,
            Word::Authorization => TokenFrom::Authorization,
            Word::Cookie => TokenFrom::Cookie(USUAL_COOKIE.to_owned()),
        });
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
