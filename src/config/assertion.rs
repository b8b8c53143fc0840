//! `assertion` and `mint` of an upstream: what of a caller is put into a token, for the upstream or for the caller itself.

use std::time::Duration;

use super::{
    believed,
    checked::{Assertion, ClaimValue, Config, Handout, Issuer},
    header, issuers,
    login::{self, Issuing},
    reader::Reader,
    section::Section,
    shape::Fields,
    template::Used,
    tree::{Node, Place},
};

const KEYS: [&str; 6] = ["issuer", "audience", "lifetime", "claims", "header", "reuse"];
const HEADER: &str = "X-Countersign-Assertion";
const LIFETIME: Duration = Duration::from_secs(60);
/// Longest lifetime that draws no warning.
const LONG: Duration = Duration::from_secs(600);

/// An assertion or a handout, and the sources that its claims use.
pub(super) struct Read<T> {
    pub(super) item: T,
    /// Where an assertion's audience stands.
    pub(super) audience: Option<Place>,
    pub(super) sources: Vec<Used>,
}

/// Reads `assertion:`.
pub(super) fn read(node: &Node, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<Read<Assertion>> {
    let fields = reader.fields(node, "`assertion`", &KEYS)?;
    let issuer = issuer(&fields, issuing, reader);
    let audience = fields.required("audience", reader).and_then(|node| reader.line(node, "`audience`"));
    let audience = audience.map(str::to_owned);
    let audience_place = fields.value("audience").map(|node| node.place);
    let lifetime = fields.value("lifetime").map_or(Some(LIFETIME), |node| lifetime(node, reader));
    let claims = fields.value("claims").map(|node| issuers::claims(node, reader)).unwrap_or_default();
    let sources = sources(&claims, issuer, issuing.issuers, node.place);
    let header = fields.value("header").map_or(Some(HEADER.to_owned()), |node| header_name(node, reader));
    let reuse = reuse(&fields, lifetime, reader);
    let item =
        Assertion { issuer: issuer?, audience: audience?, lifetime: lifetime?, claims, header: header?, reuse: reuse? };
    Some(Read { item, audience: audience_place, sources })
}

/// Reads `mint:`.
pub(super) fn handout(node: &Node, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<Read<Handout>> {
    let fields = reader.fields(node, "`mint`", &["issuer", "claims", "answer"])?;
    let issuer = issuer(&fields, issuing, reader);
    let claims = fields.value("claims").map(|node| issuers::claims_of_tokens(node, reader)).unwrap_or_default();
    let sources = sources(&claims, issuer, issuing.issuers, node.place);
    // Whoever is known by another credential can show that again: there is nothing to refresh.
    let answer = login::answer_of(&fields, Some(false), reader);
    Some(Read { item: Handout { issuer: issuer?, claims, answer: answer? }, audience: None, sources })
}

fn issuer(fields: &Fields<'_>, issuing: &mut Issuing<'_>, reader: &mut Reader<'_>) -> Option<usize> {
    fields.required("issuer", reader).and_then(|node| issuing.issuers.find(node, reader))
}

/// Warns where what an upstream is told would be a token on a route here. `places` are those of the upstreams' audiences.
pub(super) fn warn_of_audiences(config: &Config, places: &[Option<Place>], reader: &mut Reader<'_>) {
    for (upstream, place) in config.upstreams.iter().zip(places) {
        let (Some(assertion), Some(place)) = (&upstream.assertion, place) else { continue };
        let signer = config.issuers.get(assertion.issuer).and_then(|issuer| config.tokens.get(issuer.tokens));
        let Some(signer) = signer else { continue };
        for (index, entry) in config.tokens.iter().enumerate() {
            let is_taken = config.routes.iter().any(|route| route.require.takes(index));
            if is_taken && believed::believes(entry, signer, Some(&assertion.audience)) {
                let name = &entry.name;
                let message = format!("the tokens entry `{name}` accepts this audience: an assertion is a token here");
                let hint = "an audience of the upstream's own, so that what it is sent is good there alone";
                reader.warning(*place, message).hint(hint);
            }
        }
    }
}

fn lifetime(node: &Node, reader: &mut Reader<'_>) -> Option<Duration> {
    let lifetime = issuers::lifetime(node, reader)?;
    if lifetime > LONG {
        reader
            .warning(node.place, "an assertion of this lifetime is good for longer than ten minutes")
            .hint("it is made anew when it is needed");
    }
    Some(lifetime)
}

/// Half of the lifetime, unless it is said.
fn reuse(fields: &Fields<'_>, lifetime: Option<Duration>, reader: &mut Reader<'_>) -> Option<Duration> {
    let Some(node) = fields.value("reuse") else { return lifetime.map(|lifetime| lifetime / 2) };
    let reuse = reader.duration(node, "`reuse`")?;
    if lifetime.is_some_and(|lifetime| reuse >= lifetime) {
        reader.error(node.place, "`reuse` is as long as the `lifetime`, or longer: the upstream would refuse the last");
        return None;
    }
    Some(reuse)
}

fn header_name(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
    let name = reader.line(node, "`header`")?;
    header::settable(name, node.place, reader).then(|| name.to_owned())
}

/// Those of its own claims, and of its issuer's.
fn sources(own: &[(String, ClaimValue)], issuer: Option<usize>, issuers: &Section<Issuer>, place: Place) -> Vec<Used> {
    let of_issuer = issuer.and_then(|index| issuers.item(index)).map_or([].as_slice(), |issuer| &issuer.claims);
    let names = own.iter().chain(of_issuer).flat_map(|(_, value)| match value {
        ClaimValue::Template(template) => template.source_names().collect::<Vec<_>>(),
        ClaimValue::Json(_) => Vec::new(),
    });
    names.map(|source| Used { source, place }).collect()
}
