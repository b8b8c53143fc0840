//! `issuers:`: which tokens are issued, with the keys of which tokens entry.

use std::time::Duration;

use super::{
    checked::{ClaimValue, Issuer, Tokens},
    reader::Reader,
    refresh,
    section::Section,
    session,
    shape::Fields,
    template,
    tree::{Entry, Node, Style, Value},
    users,
};

/// What a request says of itself.
const OF_THE_REQUEST: [&str; 5] = ["method", "path", "target", "query", "header"];
/// What `claims` of an issuer may not set. Their `sub` may be another than the name of who logged in.
const RESERVED: [&str; 6] = ["iss", "aud", "iat", "nbf", "exp", "jti"];
const PROVEN: &str = "`{subject}`, `{key:NAME}` and `{claim:NAME}` are of what was proven";
const KEYS: [&str; 6] = ["tokens", "audience", "lifetime", "claims", "refresh", "cookie"];
const LIFETIME: Duration = Duration::from_secs(3600);
/// Longest lifetime that draws no warning.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// Reads the section. `has_store`: whether there is a `store` that could keep refresh tokens.
pub(super) fn read(
    node: Option<&Node>,
    tokens: &mut Section<Tokens>,
    has_store: bool,
    reader: &mut Reader<'_>,
) -> Section<Issuer> {
    Section::read(node, "issuers", "issuer", reader, |entry, reader| issuer(entry, tokens, has_store, reader))
}

fn issuer(entry: &Entry, tokens: &mut Section<Tokens>, has_store: bool, reader: &mut Reader<'_>) -> Option<Issuer> {
    let what = format!("the issuer {}", reader.quote(entry.key_place, &entry.key));
    let fields = reader.fields(&entry.value, &what, &KEYS)?;
    let index = fields.required("tokens", reader).and_then(|node| tokens.find(node, reader));
    if let (Some(tokens), Some(node)) = (index.and_then(|index| tokens.item(index)), fields.value("tokens"))
        && tokens.signing_key().is_none()
        && reader.environment.has_secrets()
    {
        let message = match tokens.keys.listed() {
            [] => "this tokens entry has no key of its own that could sign",
            [..] => "the first key of this tokens entry cannot sign: it is the public half alone",
        };
        reader.error(node.place, message).expected("`secret`, or `private_key`");
    }
    if let (Some(tokens), Some(node)) = (index.and_then(|index| tokens.item(index)), fields.value("tokens"))
        && tokens.decryption.as_ref().is_some_and(|decryption| decryption.required)
    {
        reader
            .error(node.place, "this tokens entry refuses what is issued by it: that is not encrypted")
            .hint("`decrypt: { required: false, … }` accepts both");
    }
    let audience = audience(&fields, index.and_then(|index| tokens.item(index)), reader);
    let lifetime = fields.value("lifetime").map_or(Some(LIFETIME), |node| lifetime(node, reader));
    if let (Some(tokens), Some(lifetime)) = (index.and_then(|index| tokens.item(index)), lifetime) {
        check_accepted(lifetime, tokens, &fields, reader);
    }
    let claims = fields.value("claims").map(|node| claims_of_tokens(node, reader)).unwrap_or_default();
    let refresh = fields.value("refresh").map(|node| refresh::read(node, has_store, reader));
    let session = match fields.value("cookie") {
        None => Some(None),
        Some(node) => session::read(node, index.and_then(|index| tokens.item(index)), reader).map(Some),
    };
    Some(Issuer {
        name: entry.key.clone(),
        tokens: index?,
        audience: audience?,
        lifetime: lifetime?,
        claims,
        refresh: super::definition::all_or_none(refresh)?,
        session: session?,
    })
}

pub(super) fn lifetime(node: &Node, reader: &mut Reader<'_>) -> Option<Duration> {
    let lifetime = reader.duration(node, "`lifetime`")?;
    if lifetime < Duration::from_secs(1) {
        reader.error(node.place, "`lifetime` must be a second or more");
        return None;
    }
    if lifetime > LONG {
        reader
            .warning(node.place, "a token of this lifetime is good for longer than a day")
            .hint("whoever gets hold of one can use it for as long");
    }
    Some(lifetime)
}

/// What is issued must be good for the entry that it is issued by.
fn check_accepted(lifetime: Duration, tokens: &Tokens, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    if tokens.max_lifetime.is_some_and(|most| lifetime.as_secs() > most.as_secs()) {
        let place = fields.value("lifetime").map_or(fields.place, |node| node.place);
        let shown = if fields.value("lifetime").is_some() { "`lifetime`" } else { "the usual `lifetime`, `1h`," };
        reader
            .error(
                place,
                format!(
                    "{shown} is more than the `max_lifetime` of the tokens entry, which refuses all that is issued"
                ),
            )
            .expected("one that is no longer");
    }
}

/// The tokens entry's own, where it has one; of several one must be chosen.
fn audience(fields: &Fields<'_>, tokens: Option<&Tokens>, reader: &mut Reader<'_>) -> Option<Option<String>> {
    let accepted = tokens.map_or([].as_slice(), |tokens| tokens.audience.as_slice());
    match (fields.value("audience"), accepted) {
        (None, []) => Some(None),
        (None, [only]) => Some(Some(only.clone())),
        (None, _) => {
            reader
                .error(fields.place, "`audience` is missing: the tokens entry accepts several")
                .expected("one of those");
            None
        }
        (Some(node), accepted) => {
            let text = reader.line(node, "`audience`")?;
            if !accepted.iter().any(|known| known == text) {
                let shown = reader.quote(node.place, text);
                let problem =
                    reader.error(node.place, format!("the tokens entry does not accept the audience {shown}"));
                problem.suggest(text, accepted.iter().map(String::as_str));
                return None;
            }
            Some(Some(text.to_owned()))
        }
    }
}

/// The same of tokens that somebody asks for: what he says himself is told for what it is.
pub(super) fn claims_of_tokens(node: &Node, reader: &mut Reader<'_>) -> Vec<(String, ClaimValue)> {
    let claims = claims(node, reader);
    for (name, source) in claims.iter().filter_map(|(name, value)| Some((name, of_the_request(value)?))) {
        if name != "sub" {
            let message =
                format!("the claim `{name}` is made of `{source}`, which the request says: whoever asks chooses it");
            reader.warning(node.place, message).hint(PROVEN);
        }
    }
    claims
}

/// What of a request is in a claim, as a template writes it.
fn of_the_request(value: &ClaimValue) -> Option<String> {
    let ClaimValue::Template(template) = value else { return None };
    let source = template.source_names().find(|source| OF_THE_REQUEST.contains(&source.as_str()))?;
    let argument = if ["query", "header"].contains(&source.as_str()) { ":…" } else { "" };
    Some(format!("{{{source}{argument}}}"))
}

/// Text is a template; what is not text is always the same. Whom a token is for is nothing that a request says.
pub(super) fn claims(node: &Node, reader: &mut Reader<'_>) -> Vec<(String, ClaimValue)> {
    let mut claims = Vec::new();
    for entry in reader.map(node, "`claims`").unwrap_or_default() {
        users::check_claim(entry, &RESERVED, reader);
        let value = match (&entry.value.value, users::json(&entry.value)) {
            (Value::Scalar(scalar), json) if json.is_string() || scalar.style != Style::Plain => {
                let what = format!("the claim `{}`", entry.key);
                template::answer(&entry.value, &what, reader).map(|answer| ClaimValue::Template(answer.template))
            }
            (_, json) => Some(ClaimValue::Json(json)),
        };
        if let Some(source) = value.as_ref().filter(|_| entry.key == "sub").and_then(of_the_request) {
            let message = format!(
                "`sub` is made of `{source}`, which the request says: whoever asks would choose whom it is for"
            );
            reader.error(entry.value.place, message).hint(PROVEN);
        }
        claims.extend(value.map(|value| (entry.key.clone(), value)));
    }
    claims
}
