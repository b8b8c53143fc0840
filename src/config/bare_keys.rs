//! Key sources that are one scheme's secrets and another one's public keys. Bare, the two cannot be told apart, and a public key
//! for a secret is one that everybody knows.

use super::{
    checked::{KeySource, Keys, SchemeConfig},
    reader::Reader,
    section::Section,
};

/// Reports each scheme of HMACs whose keys are bare public keys to another, and the other way round.
pub(super) fn report(schemes: &Section<SchemeConfig>, keys: &Section<Keys>, reader: &mut Reader<'_>) {
    let all: Vec<_> = schemes.each().collect();
    for (index, &(place, entry)) in all.iter().enumerate() {
        let mut before = all.iter().take(index).map(|&(_, other)| other);
        let clash = before.find(|other| mixes(entry, other) && is_one_source(entry.keys, other.keys, keys));
        if let Some(other) = clash {
            let (public, secret) = if takes_public(entry) { (entry, other) } else { (other, entry) };
            let source = keys.item(entry.keys).map_or("?", |keys| keys.name.as_str());
            let message = format!(
                "what `{source}` holds is a public key for the scheme `{}` and an HMAC's secret for `{}`: whoever has the \
                 public key could sign",
                public.name, secret.name
            );
            reader
                .error(place, message)
                .expected("a source of public keys alone, or of secrets alone")
                .hint("give each scheme a key source of its own");
        }
    }
}

fn mixes(one: &SchemeConfig, other: &SchemeConfig) -> bool {
    takes_public(one) && takes_secrets(other) || takes_secrets(one) && takes_public(other)
}

fn takes_public(entry: &SchemeConfig) -> bool {
    entry.scheme.key_recipe().takes_bare_public_keys()
}

fn takes_secrets(entry: &SchemeConfig) -> bool {
    entry.scheme.key_recipe().takes_secrets()
}

/// Whether two sources are one, or of one file.
fn is_one_source(one: usize, other: usize, keys: &Section<Keys>) -> bool {
    let file = |index| match keys.item(index).map(|keys| &keys.source) {
        Some(KeySource::File { path, .. }) => Some(path),
        _ => None,
    };
    one == other || file(one).is_some_and(|path| file(other) == Some(path))
}
