//! `decrypt` of a tokens entry: the keys that open encrypted tokens.

use super::{
    checked::{Decryption, TokenKeys},
    definition::{all, all_or_none},
    reader::Reader,
    secret,
    tree::Node,
};
use crate::{
    jose::{DecryptionKey, Key, KeyManagement, SigningKey},
    secret::Secret,
};

/// Reads `decrypt`. A key that verifies signatures too would serve two algorithms.
pub(super) fn read(node: &Node, others: Option<&TokenKeys>, reader: &mut Reader<'_>) -> Option<Decryption> {
    let fields = reader.fields(node, "`decrypt`", &["keys", "required"])?;
    let required = fields.value("required").map_or(Some(true), |node| reader.boolean(node, "`required`"));
    let keys = fields.required("keys", reader)?;
    let items = reader.one_or_many(keys, "`keys` of `decrypt`");
    if items.is_empty() {
        return None;
    }
    let keys = all(items.iter().map(|item| key(item, others, reader)))?;
    for (item, key) in items.iter().zip(&keys) {
        if key.kid().is_none() && keys.len() > 1 {
            reader.error(item.place, "where there are several keys each needs a `kid`");
        } else if keys.iter().filter(|other| other.kid() == key.kid()).count() > 1 {
            reader.error(item.place, "two keys have the same `kid`");
        }
    }
    Some(Decryption { keys, required: required? })
}

fn key(node: &Node, others: Option<&TokenKeys>, reader: &mut Reader<'_>) -> Option<DecryptionKey> {
    let fields = reader.fields(node, "a key that decrypts", &["kid", "algorithm", "secret", "private_key"])?;
    let kid = all_or_none(fields.value("kid").map(|node| reader.line(node, "`kid`").map(str::to_owned)));
    let algorithm = fields.required("algorithm", reader)?;
    let choices = KeyManagement::ALL.map(|algorithm| (algorithm.name(), algorithm));
    let algorithm = reader.choice(algorithm, "the algorithm of a key that decrypts", &choices)?;
    let (wanted, other) = match algorithm.is_symmetric() {
        true => ("secret", "private_key"),
        false => ("private_key", "secret"),
    };
    if let Some(entry) = fields.entry(other) {
        let name = algorithm.name();
        reader.error(entry.key_place, format!("{name} has no `{other}`")).expected(format!("`{wanted}`"));
        return None;
    }
    let node = fields.required(wanted, reader)?;
    match algorithm.is_symmetric() {
        true => shared(kid?, algorithm, node, others, reader),
        false => private(kid?, node, others, reader),
    }
}

fn shared(
    kid: Option<String>,
    algorithm: KeyManagement,
    node: &Node,
    others: Option<&TokenKeys>,
    reader: &mut Reader<'_>,
) -> Option<DecryptionKey> {
    let secret = secret::secret(node, reader, 0, "a key that decrypts")?;
    if !reader.environment.has_secrets() {
        return stand_in(kid, algorithm);
    }
    let verifying = others.map(TokenKeys::listed).unwrap_or_default();
    if verifying.iter().any(|key| key.secret.as_ref() == Some(&secret)) {
        reader
            .error(node.place, "this secret also verifies signatures")
            .hint("a key serves one algorithm; `openssl rand -hex 32` makes another, with `encoding: hex`");
        return None;
    }
    match DecryptionKey::secret(kid, algorithm, &secret) {
        Ok(key) => Some(key),
        Err(fault) => {
            let bytes = secret.len();
            reader
                .error(node.place, format!("{fault}, and this one has {bytes}"))
                .hint("`openssl rand -hex 32` makes one, with `encoding: hex`");
            None
        }
    }
}

fn private(
    kid: Option<String>,
    node: &Node,
    others: Option<&TokenKeys>,
    reader: &mut Reader<'_>,
) -> Option<DecryptionKey> {
    let text = secret::secret(node, reader, 0, "a private key")?;
    if !reader.environment.has_secrets() {
        return stand_in(kid, KeyManagement::Direct);
    }
    if others.is_some_and(|others| others.listed().iter().any(|known| is_half_of(&known.key, text.expose()))) {
        reader.error(node.place, "this key also verifies signatures").expected("a key pair of its own").hint(
            "a key serves one algorithm; `openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:3072` makes another",
        );
        return None;
    }
    match DecryptionKey::from_pem(kid, text.expose()) {
        Ok(key) => Some(key),
        Err(fault) => {
            reader.error(node.place, format!("the private key cannot be used: {fault}")).expected(
                "PEM of a private key, such as `openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:3072` makes",
            );
            None
        }
    }
}

/// Whether `key` verifies what the private key signs.
fn is_half_of(key: &Key, private: &[u8]) -> bool {
    let signing = SigningKey::from_pem(key.kid().map(str::to_owned), Some(key.algorithm()), private);
    signing.is_ok_and(|signing| signing.is_verified_by(key))
}

/// A key where files are not what they are in earnest, for whoever only asks what the config describes.
fn stand_in(kid: Option<String>, algorithm: KeyManagement) -> Option<DecryptionKey> {
    DecryptionKey::secret(kid, algorithm, &Secret::new(vec![0; 32])).ok()
}
