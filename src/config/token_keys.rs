//! `keys` and `jwks` of a tokens entry: secrets, public keys as PEM or JWK, and files of key sets.

use super::{
    checked::{TokenKey, TokenKeys},
    environment::why_unreadable,
    introspection,
    mask::is_variable_name,
    published_keys,
    reader::Reader,
    secret,
    shape::Fields,
    tree::{Node, Value},
};
use crate::{
    jose::{Algorithm, Jwk, JwkFault, JwkSet, Key, KeyType, PublicKey, SetRules, ShortRsa, SigningKey},
    secret::Secret,
};

const PUBLIC_KEY: &str = "PEM of a public key or certificate, or a JWK";

/// The keys of an entry, out of `keys`, `jwks` or `oidc`.
pub(super) fn read(fields: &Fields<'_>, what: &str, reader: &mut Reader<'_>) -> Option<TokenKeys> {
    let short = short_rsa(fields, reader)?;
    let mut given = ["keys", "jwks", "oidc", "introspection"].into_iter().filter_map(|key| fields.entry(key));
    let Some(first) = given.next() else {
        reader.error(fields.place, format!("{what} has no keys")).expected("`keys`, `jwks`, `oidc` or `introspection`");
        return None;
    };
    if let Some(second) = given.next() {
        let message = format!("{what} has both `{}` and `{}`", first.key, second.key);
        reader.error(second.key_place, message).hint("keep one of them");
        return None;
    }
    match first.key.as_str() {
        "keys" => listed(&first.value, short, reader)
            .map(|keys| TokenKeys::Listed(keys, of_files(Algorithm::ALL.to_vec(), short))),
        "jwks" => key_set(&first.value, short, reader),
        "introspection" => {
            without_effect(fields, reader);
            introspection::read(&first.value, reader).map(TokenKeys::Introspected)
        }
        _ => published_keys::discovery(&first.value, short, reader).map(TokenKeys::Published),
    }
}

/// What only signed tokens have.
fn without_effect(fields: &Fields<'_>, reader: &mut Reader<'_>) {
    if let Some(entry) = fields.entry("dangerously_short_rsa") {
        reader.warning(entry.key_place, "`dangerously_short_rsa` has no effect beside `introspection`");
    }
    if let Some(entry) = fields.entry("decrypt") {
        reader
            .error(entry.key_place, "`decrypt` is of no use beside `introspection`: nothing is in an opaque token")
            .hint("where tokens of two kinds come, make two entries, and let the route take `any_of` them");
    }
}

fn key_set(node: &Node, short: ShortRsa, reader: &mut Reader<'_>) -> Option<TokenKeys> {
    let keys: Vec<&str> = ["file", "url"].into_iter().chain(published_keys::KEEPING).collect();
    let fields = reader.fields(node, "`jwks`", &keys)?;
    if fields.value("file").is_none() {
        return published_keys::key_set(&fields, short, reader).map(TokenKeys::Published);
    }
    let fields = reader.fields(node, "`jwks` with a file", &["file", "algorithms"])?;
    set_of_file(&fields, short, reader)
}

/// Beside the gateway's own config a file of secrets is as secret as one of its `secret`s.
fn of_files(algorithms: Vec<Algorithm>, short_rsa: ShortRsa) -> SetRules {
    SetRules { algorithms, secrets: true, short_rsa }
}

fn short_rsa(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<ShortRsa> {
    let allowed = fields.value("dangerously_short_rsa");
    let allowed = allowed.map_or(Some(false), |node| reader.boolean(node, "`dangerously_short_rsa`"))?;
    Some(if allowed { ShortRsa::Allow } else { ShortRsa::Refuse })
}

fn listed(node: &Node, short: ShortRsa, reader: &mut Reader<'_>) -> Option<Vec<TokenKey>> {
    let items = reader.one_or_many(node, "`keys` of a tokens entry");
    let mut keys: Vec<TokenKey> = Vec::new();
    for item in items {
        let Some(key) = token_key(item, short, reader) else { continue };
        let kid = key.key.kid();
        if kid.is_none() && items.len() > 1 {
            reader.error(item.place, "where there are several keys each needs a `kid`");
        }
        if kid.is_some() && keys.iter().any(|other| other.key.kid() == kid) {
            reader.error(item.place, "two keys have the same `kid`");
        }
        let secret = key.secret.as_ref().map(Secret::expose);
        if secret.is_some() && keys.iter().any(|other| other.secret.as_ref().map(Secret::expose) == secret) {
            reader.warning(item.place, "two keys have the same secret").hint("remove one of them");
        }
        keys.push(key);
    }
    (keys.len() == items.len()).then_some(keys)
}

fn token_key(node: &Node, short: ShortRsa, reader: &mut Reader<'_>) -> Option<TokenKey> {
    let fields = reader.fields(node, "a token key", &["kid", "algorithm", "secret", "public_key", "private_key"])?;
    let kid = fields.value("kid").map(|node| reader.line(node, "`kid`").map(str::to_owned));
    let kid = super::definition::all_or_none(kid)?;
    match (fields.value("secret"), fields.value("public_key"), fields.value("private_key")) {
        (_, None, None) => shared_key(kid, &fields, reader),
        (None, Some(document), None) => public_key(kid, document, &fields, short, reader),
        (None, None, Some(document)) => private_key(kid, document, &fields, reader),
        _ => {
            reader.error(node.place, "a token key is one of `secret`, `public_key` and `private_key`");
            None
        }
    }
}

fn shared_key(kid: Option<String>, fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<TokenKey> {
    let algorithm = fields.required("algorithm", reader).and_then(|node| algorithm(node, reader));
    if let (Some(algorithm), Some(node)) = (algorithm, fields.value("algorithm"))
        && algorithm.key_type() != KeyType::Secret
    {
        let name = algorithm.name();
        reader.error(node.place, format!("{name} is not computed with a secret")).expected("`public_key`");
        return None;
    }
    let shortest = algorithm.map_or(32, Algorithm::shortest_secret);
    let node = fields.required("secret", reader)?;
    let secret = secret::secret(node, reader, shortest, "a key of this algorithm")?;
    match SigningKey::secret(kid, algorithm?, &secret) {
        Ok(key) => Some(TokenKey { key: key.verifying().clone(), secret: Some(secret), signing: Some(key) }),
        Err(fault) => {
            reader.error(node.place, fault.to_string());
            None
        }
    }
}

fn algorithm(node: &Node, reader: &mut Reader<'_>) -> Option<Algorithm> {
    reader.choice(node, "the algorithm of a token key", &Algorithm::ALL.map(|algorithm| (algorithm.name(), algorithm)))
}

fn public_key(
    kid: Option<String>,
    document: &Node,
    fields: &Fields<'_>,
    short: ShortRsa,
    reader: &mut Reader<'_>,
) -> Option<TokenKey> {
    let given = fields.value("algorithm").map(|node| algorithm(node, reader));
    let given = super::definition::all_or_none(given)?;
    let text = text(document, "a public key", reader)?;
    if !reader.environment.has_secrets() {
        return stand_in(kid, &text);
    }
    let key = if text.trim_ascii_start().starts_with(b"{") {
        of_jwk(kid, given, &text, short)
    } else {
        of_pem(kid, given, &text, short)
    };
    match key {
        Ok(key) => {
            warn_of_short(document, &key, short, reader);
            Some(TokenKey { key, secret: None, signing: None })
        }
        Err(why) => {
            reader.error(document.place, format!("the public key cannot be used: {why}")).expected(PUBLIC_KEY);
            None
        }
    }
}

/// Signs, and its public half verifies.
fn private_key(kid: Option<String>, node: &Node, fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<TokenKey> {
    let given = fields.value("algorithm").map(|node| algorithm(node, reader));
    let given = super::definition::all_or_none(given)?;
    let text = secret::secret(node, reader, 0, "a private key")?;
    if !reader.environment.has_secrets() {
        return stand_in(kid, text.expose());
    }
    match SigningKey::from_pem(kid, given, text.expose()) {
        Ok(key) => Some(TokenKey { key: key.verifying().clone(), secret: None, signing: Some(key) }),
        Err(fault) => {
            reader
                .error(node.place, format!("the private key cannot be used: {fault}"))
                .expected("PEM of a private key, such as `openssl genpkey -algorithm ed25519` makes");
            None
        }
    }
}

fn warn_of_short(node: &Node, key: &Key, short: ShortRsa, reader: &mut Reader<'_>) {
    if short == ShortRsa::Allow && key.algorithm().key_type() == KeyType::Rsa {
        reader
            .warning(node.place, "RSA keys of less than 2048 bits are accepted here")
            .hint("remove `dangerously_short_rsa` as soon as the issuer has a longer key");
    }
}

fn of_pem(kid: Option<String>, given: Option<Algorithm>, text: &[u8], short: ShortRsa) -> Result<Key, String> {
    let public = PublicKey::from_pem(text, short).map_err(|fault| fault.to_string())?;
    let implied = match public.key_type() {
        KeyType::P256 => Some(Algorithm::Es256),
        KeyType::P384 => Some(Algorithm::Es384),
        KeyType::Ed25519 => Some(Algorithm::EdDsa),
        KeyType::Rsa | KeyType::Secret => None,
    };
    let algorithm = given.or(implied).ok_or("an RSA key needs `algorithm` beside it")?;
    Key::public(kid, algorithm, &public).map_err(|fault| fault.to_string())
}

/// What the config says and what the JWK says must be the same.
fn of_jwk(kid: Option<String>, given: Option<Algorithm>, text: &[u8], short: ShortRsa) -> Result<Key, String> {
    let document = crate::json::Document::parse(text).map_err(|error| format!("it is not strict JSON: {error}"))?;
    let is_public = |algorithm: &Algorithm| algorithm.key_type() != KeyType::Secret;
    let algorithms = given.map_or_else(|| Algorithm::ALL.into_iter().filter(is_public).collect(), |given| vec![given]);
    let rules = SetRules { algorithms, secrets: false, short_rsa: short };
    let jwk = Jwk::new(document.root()).map_err(|fault| fault.to_string())?;
    let states = |name| jwk.text(name).is_some();
    if given.is_none() && !states("alg") && jwk.text("kty").is_some_and(|kty| kty == "RSA") {
        return Err("an RSA key needs `algorithm` beside it, or \"alg\" in it".to_owned());
    }
    let key = jwk.key(&rules).map_err(|fault| fault.to_string())?;
    match kid {
        Some(kid) if states("kid") && key.kid() != Some(&kid) => Err("its \"kid\" is another one".to_owned()),
        Some(kid) => Ok(key.with_kid(kid)),
        None => Ok(key),
    }
}

fn set_of_file(fields: &Fields<'_>, short: ShortRsa, reader: &mut Reader<'_>) -> Option<TokenKeys> {
    let algorithms = algorithms(fields, reader);
    let file = fields.required("file", reader)?;
    let text = file_of(file, "the key set", reader)?;
    let rules = of_files(algorithms?, short);
    if !reader.environment.has_secrets() {
        return Some(TokenKeys::Listed(stand_in(None, &text).into_iter().collect(), rules));
    }
    match JwkSet::parse(&text, &rules) {
        Ok(set) => {
            set.skipped.iter().for_each(|skipped| warn_of_skipped(file, skipped, reader));
            set.keys.iter().for_each(|key| warn_of_short(file, key, short, reader));
            let keys = set.keys.into_iter().map(|key| TokenKey { key, secret: None, signing: None });
            Some(TokenKeys::Listed(keys.collect(), rules))
        }
        Err(fault) => {
            reader.error(file.place, format!("the key set cannot be used: {fault}"));
            None
        }
    }
}

/// A set is often made for more than this gateway: what is for something else is no mistake, what is broken is told.
fn warn_of_skipped(node: &Node, skipped: &(usize, Option<String>, JwkFault), reader: &mut Reader<'_>) {
    let (place, kid, why) = skipped;
    let kid = kid.as_ref().map(|kid| format!(" ({})", reader.quote(node.place, kid))).unwrap_or_default();
    reader.warning(node.place, format!("key {}{kid} of the set is not used: {why}", place + 1));
}

/// A key where files are not what they are in earnest, for whoever only asks what the config describes.
fn stand_in(kid: Option<String>, text: &[u8]) -> Option<TokenKey> {
    let key = Key::secret(kid, Algorithm::Hs256, &Secret::new(text.to_vec())).ok()?;
    Some(TokenKey { key, secret: None, signing: None })
}

/// `algorithms` of a set.
pub(super) fn algorithms(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<Vec<Algorithm>> {
    let Some(node) = fields.value("algorithms") else {
        return Some(Algorithm::ALL.to_vec());
    };
    let items = reader.one_or_many(node, "`algorithms`");
    let algorithms: Vec<Algorithm> = items.iter().filter_map(|item| algorithm(item, reader)).collect();
    (algorithms.len() == items.len() && !algorithms.is_empty()).then_some(algorithms)
}

/// The text of something that is no secret: out of a file, a variable, or the config itself.
fn text(node: &Node, what: &str, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    if let Value::Scalar(scalar) = &node.value {
        return Some(scalar.text.clone().into_bytes());
    }
    let source = reader.one_key(node, what, &["file", "env", "value"])?;
    match source.key.as_str() {
        "file" => file_of(&source.value, what, reader),
        "env" => {
            let name = reader.text(&source.value, "the name of a variable").filter(|name| is_variable_name(name));
            let value = name.and_then(|name| reader.environment.variable(name));
            if value.is_none() {
                reader.error(source.value.place, "there is no such environment variable");
            }
            value
        }
        _ => Some(reader.scalar(&source.value, what)?.text.clone().into_bytes()),
    }
}

fn file_of(node: &Node, what: &str, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let path = reader.path(node, &format!("the path of {what}"))?;
    match reader.environment.file(&path) {
        Ok(content) => Some(content),
        Err(error) => {
            reader.error(node.place, format!("the file of {what} cannot be read: {}", why_unreadable(&error)));
            None
        }
    }
}
