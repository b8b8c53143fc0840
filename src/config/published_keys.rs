//! `jwks: { url: … }` and `oidc` of a tokens entry: keys that an issuer publishes.

use std::time::Duration;

use http::Uri;

use super::{
    checked::{PublishedFrom, PublishedKeys},
    definition::all_or_none,
    reader::Reader,
    shape::Fields,
    token_keys::algorithms,
    tree::{Node, Place},
};
use crate::{
    jose::{Algorithm, KeyType, SetRules, ShortRsa},
    outcall::is_this_machine,
};

/// How long a set is good before it is fetched again.
const REFRESH: Duration = Duration::from_secs(10 * 60);
/// The least time between two fetches.
const COOLDOWN: Duration = Duration::from_secs(30);
/// How long a set serves when no newer one can be had.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// What both forms have beside their address.
pub(super) const KEEPING: [&str; 7] =
    ["algorithms", "refresh", "cooldown", "stale", "cache", "roots", "dangerously_plain_http"];

/// `jwks: { url: … }`.
pub(super) fn key_set(fields: &Fields<'_>, short: ShortRsa, reader: &mut Reader<'_>) -> Option<PublishedKeys> {
    let node = fields.required("url", reader);
    let keeping = keeping(fields, short, reader);
    let url = address(node?, "`url`", WHY, keeping.as_ref().is_none_or(|keeping| keeping.plain), reader)?;
    Some(PublishedKeys { from: PublishedFrom::KeySet(url), ..keeping? })
}

/// `oidc: { issuer: … }`.
pub(super) fn discovery(node: &Node, short: ShortRsa, reader: &mut Reader<'_>) -> Option<PublishedKeys> {
    let keys: Vec<&str> = ["issuer"].into_iter().chain(KEEPING).collect();
    let fields = reader.fields(node, "`oidc`", &keys)?;
    let issuer = fields.required("issuer", reader);
    let keeping = keeping(&fields, short, reader);
    let issuer = issuer?;
    let url = address(issuer, "`issuer`", WHY, keeping.as_ref().is_none_or(|keeping| keeping.plain), reader)?;
    if url.query().is_some() {
        reader.error(issuer.place, "an issuer has no query");
        return None;
    }
    let written = reader.line(issuer, "`issuer`")?.to_owned();
    Some(PublishedKeys { from: PublishedFrom::Discovery(written), ..keeping? })
}

fn keeping(fields: &Fields<'_>, short: ShortRsa, reader: &mut Reader<'_>) -> Option<PublishedKeys> {
    let algorithms = algorithms(fields, reader);
    let listed = fields.value("algorithms").map_or(fields.place, |node| node.place);
    let [refresh, cooldown, stale] =
        [("refresh", REFRESH), ("cooldown", COOLDOWN), ("stale", STALE)].map(|(key, usual)| {
            let read = fields.value(key).map(|node| reader.positive_duration(node, &format!("`{key}`")));
            all_or_none(read).map(|given| given.unwrap_or(usual))
        });
    let cache = all_or_none(fields.value("cache").map(|node| reader.path(node, "the path of the cache's file")));
    let roots = all_or_none(fields.value("roots").map(|node| reader.roots(node)));
    let plain = plain(fields, reader);
    let (refresh, cooldown, stale) = (refresh?, cooldown?, stale?);
    if stale < refresh {
        let place = fields.value("stale").map_or(fields.place, |node| node.place);
        reader
            .error(place, "`stale` is shorter than `refresh`")
            .hint("then there would be no keys between the end of a set and the next fetch");
        return None;
    }
    Some(PublishedKeys {
        from: PublishedFrom::Discovery(String::new()),
        rules: SetRules { algorithms: public(algorithms?, listed, reader)?, secrets: false, short_rsa: short },
        refresh,
        cooldown,
        stale,
        cache: cache?,
        roots: roots?,
        plain: plain?,
    })
}

/// What is published is no secret.
fn public(listed: Vec<Algorithm>, place: Place, reader: &mut Reader<'_>) -> Option<Vec<Algorithm>> {
    let public: Vec<Algorithm> =
        listed.into_iter().filter(|algorithm| algorithm.key_type() != KeyType::Secret).collect();
    if public.is_empty() {
        reader.error(place, "a key set that is fetched holds no secrets").expected("algorithms of public keys");
        return None;
    }
    Some(public)
}

pub(super) fn plain(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<bool> {
    let node = fields.value("dangerously_plain_http");
    node.map_or(Some(false), |node| reader.boolean(node, "`dangerously_plain_http`"))
}

/// What may be done by whoever stands between.
const WHY: &str = "whoever can change the keys on their way can sign tokens";

/// An URL that is called, with TLS but on this machine; `why` says what becomes of it else.
pub(super) fn address(node: &Node, what: &str, why: &str, plain: bool, reader: &mut Reader<'_>) -> Option<Uri> {
    let text = reader.line(node, what)?;
    let uri = text.parse::<Uri>().ok().filter(|uri| uri.authority().is_some_and(|it| !it.as_str().contains('@')));
    let Some(uri) = uri.filter(|uri| matches!(uri.scheme_str(), Some("https" | "http"))) else {
        reader.error(node.place, format!("{what} is not a URL that can be called")).expected("`https://HOST/PATH`");
        return None;
    };
    if uri.scheme_str() == Some("http") && !plain && !uri.host().is_some_and(is_this_machine) {
        reader
            .error(node.place, format!("{what} is not https: {why}"))
            .hint("on this machine alone `http` is taken; elsewhere only with `dangerously_plain_http: true`");
        return None;
    }
    Some(uri)
}
