//! What a refused token says beside what its entry wants: for whoever has both before him. A log is told no such thing.

use crate::{
    authenticate::jwt::{Glimpse, TokenError},
    cli::{verify::slips, words},
    config::{TokenKey, TokenKeys, Tokens},
    jose::Key,
    json::{Document, Value},
    keys::Encoding,
    secret::Secret,
};

/// Characters of a value that are shown.
const MOST_SHOWN: usize = 120;

/// Says where the difference is. `judged` judges the token by other keys.
pub(super) fn show(error: &TokenError, token: &[u8], entry: &Tokens, judged: impl Fn(Key) -> Result<(), TokenError>) {
    let glimpse = Glimpse::of(token);
    let compare = |document: &Option<Document<'_>>, name: &str, wanted: &str| {
        // Of an encrypted token nothing is to be seen.
        if let Some(document) = document {
            let said = member(document, name);
            words(format_args!("  its `{name}`  {}\n  wanted  {wanted}", said.as_deref().unwrap_or("is not there")));
        }
    };
    match error {
        TokenError::WrongIssuer => {
            let wanted = entry.issuer.as_deref().unwrap_or_default();
            compare(&glimpse.claims, "iss", wanted);
            let said = glimpse.claims.as_ref().and_then(|claims| member(claims, "iss")).unwrap_or_default();
            if said != wanted && said.trim_end_matches('/') == wanted.trim_end_matches('/') {
                words(format_args!("  hint: they differ in the slash at the end"));
            }
        }
        TokenError::WrongAudience => compare(&glimpse.claims, "aud", &entry.audience.join(", ")),
        TokenError::UnknownKid => {
            compare(&glimpse.header, "kid", &listed(entry, |key| key.key.kid().unwrap_or("none")))
        }
        TokenError::WrongAlgorithm => compare(&glimpse.header, "alg", &listed(entry, |key| key.key.algorithm().name())),
        TokenError::WrongSignature => {
            if let Some(hint) = slip(entry, judged) {
                words(format_args!("  hint: {hint}"));
            }
        }
        _ => (),
    }
}

/// What was done wrong with a secret that the config holds, if one of the usual slips makes the signature fit.
fn slip(entry: &Tokens, judged: impl Fn(Key) -> Result<(), TokenError>) -> Option<String> {
    let secrets: Vec<_> = keys(entry).iter().filter_map(|key| Some((&key.key, key.secret.as_ref()?))).collect();
    secrets.first()?;
    let would_fit = |key: &Key, secret: &Secret| {
        let other = Key::secret(key.kid().map(str::to_owned), key.algorithm(), secret);
        other.is_ok_and(|other| fits(judged(other)))
    };
    let decoded = secrets.iter().find_map(|(key, secret)| {
        let fits = |encoding: Encoding| encoding.decode(secret.expose()).is_some_and(|it| would_fit(key, &it));
        Encoding::NAMES.iter().find_map(|(name, encoding)| fits(*encoding).then_some(name))
    });
    if let Some(name) = decoded {
        return Some(format!("it would fit if the key is {name}-decoded first: `encoding: {name}` beside the secret"));
    }
    let misread = secrets.iter().find_map(|(key, secret)| {
        slips::misread(secret).into_iter().find_map(|taken| taken.told.filter(|_| would_fit(key, &taken.it)))
    });
    Some(misread.map_or_else(
        || "none of the usual slips makes it fit: whoever signs has another secret".to_owned(),
        |told| format!("it would fit if {told}"),
    ))
}

/// Whether a token came past the check of its signature.
fn fits(judged: Result<(), TokenError>) -> bool {
    !matches!(judged, Err(TokenError::WrongSignature | TokenError::UnknownKid | TokenError::WrongAlgorithm))
}

fn keys(entry: &Tokens) -> &[TokenKey] {
    match &entry.keys {
        TokenKeys::Listed(keys, _) => keys,
        TokenKeys::Published(_) | TokenKeys::Introspected(_) => &[],
    }
}

fn listed<'e>(entry: &'e Tokens, what: impl Fn(&'e TokenKey) -> &'e str) -> String {
    match keys(entry) {
        [] => "one of the issuer's".to_owned(),
        keys => keys.iter().map(what).collect::<Vec<_>>().join(", "),
    }
}

/// As it may stand on a terminal.
fn member(document: &Document<'_>, name: &str) -> Option<String> {
    let Value::Object(members) = document.root() else { return None };
    let text = match members.value(name)? {
        Value::String(text) => text.into_owned(),
        other => other.to_string(),
    };
    // Quotes stay as they are, in lists.
    let shown = text.chars().take(MOST_SHOWN).map(|character| match character {
        '"' | '\'' => character.to_string(),
        other => other.escape_debug().to_string(),
    });
    Some(shown.collect())
}
