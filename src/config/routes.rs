//! `routes:`: which requests, what they must show, and where they go.

use std::{collections::HashSet, sync::Arc};

use super::{
    checked::{
        AnswerSigner, Config, Handshake, Keys, Part, RateLimit, Refusals, Requirement, Route, SchemeConfig, Signer,
        Tokens, UpstreamKind,
    },
    doubled,
    habits::{self, In},
    handshake,
    listen::Listeners,
    must_cover, networks, pattern,
    rates::{self, ReadLimit},
    reader::Reader,
    refusals, requirement,
    section::Section,
    shape::Fields,
    signing::{self, Signers},
    template::{self, Used},
    tree::{Node, Place, Value},
    upgrade,
    upstreams::ReadUpstream,
};
use crate::scheme::BodyNeed;

const KEYS: [&str; 17] = [
    "name",
    "match",
    "public",
    "require",
    "to",
    "set_headers",
    "forward_credentials",
    "refusals",
    "max_body",
    "upstream_timeout",
    "upgrade",
    "sign",
    "sign_response",
    "must_cover",
    "handshake",
    "rate_limits",
    "addresses",
];

/// What routes refer to.
pub(super) struct Named<'a> {
    pub(super) listeners: &'a Listeners,
    pub(super) keys: &'a Section<Keys>,
    pub(super) schemes: &'a mut Section<SchemeConfig>,
    pub(super) tokens: &'a mut Section<Tokens>,
    pub(super) upstreams: &'a mut Section<ReadUpstream>,
    pub(super) rate_limits: &'a mut Section<ReadLimit>,
    /// The names of limits that routes wrote themselves.
    pub(super) own_limits: HashSet<String>,
    pub(super) refusals: &'a Refusals,
}

/// A route and the place it is spoken of by.
pub(super) struct ReadRoute {
    pub(super) route: Route,
    pub(super) place: Place,
    /// Where it says how answers are signed.
    pub(super) sign_response: Option<Place>,
}

/// Reads the list. Routes that could not be read are left out.
pub(super) fn read(node: &Node, named: &mut Named<'_>, reader: &mut Reader<'_>) -> Vec<ReadRoute> {
    let items = reader.list(node, "`routes`").unwrap_or_default();
    if items.is_empty() && matches!(node.value, Value::List(_)) {
        reader.error(node.place, "`routes` is an empty list: every request would be answered 404");
    }
    items.iter().filter_map(|item| route(item, named, reader)).collect()
}

fn route(node: &Node, named: &mut Named<'_>, reader: &mut Reader<'_>) -> Option<ReadRoute> {
    let fields = reader.fields(node, "a route", &KEYS)?;
    habits::hint(fields.entries(), In::Route, reader);
    let matched = fields.required("match", reader).and_then(|node| matches(node, named.listeners, reader));
    let name = fields.value("name").map(|node| reader.line(node, "`name`"));
    let require = requirement::read(&fields, node.place, named.schemes, named.tokens, reader);
    let to = fields.required("to", reader).and_then(|node| named.upstreams.find(node, reader));
    let set_headers = fields.value("set_headers");
    let set_headers = set_headers.and_then(|node| template::headers(node, "`set_headers`", reader));
    let (set_headers, used) = set_headers.unwrap_or_default();
    if let Some(require) = &require {
        check_sources(&used, None, require, reader);
    }
    if let (Some(require), Some(node)) = (&require, fields.value("to")) {
        let upstream = to.and_then(|index| named.upstreams.item(index));
        // Where nobody is known, the upstream is told of nobody.
        let told = upstream.filter(|read| !(require.is_public() && read.upstream.assertion.is_some()));
        let used = told.map_or([].as_slice(), |upstream| &upstream.sources);
        check_sources(used, Some(node.place), require, reader);
    }
    if let Some(upstream) = to.and_then(|index| named.upstreams.item(index)) {
        check_issuing(&fields, matched.as_ref(), require.as_ref(), upstream, reader);
        doubled::check_assertion(&fields, &set_headers, upstream, reader);
        check_and_token(&fields, require.as_ref(), upstream, reader);
    }
    let forward = fields.value("forward_credentials").map(|node| reader.boolean(node, "`forward_credentials`"));
    let refusals = fields.value("refusals").map(|node| refusals::read(node, named.refusals, reader));
    let max_body = fields.value("max_body").and_then(|node| reader.size(node, "`max_body`"));
    let timeout = fields.value("upstream_timeout");
    let timeout = timeout.and_then(|node| reader.positive_duration(node, "`upstream_timeout`"));
    let upgrade = fields.value("upgrade").map(|node| {
        let upstream = to.and_then(|index| named.upstreams.item(index));
        check_upgrade(node, matched.as_ref(), upstream, reader);
        upgrade::read(node, reader)
    });
    let proofs = proofs(&fields, matched.as_ref(), require.as_ref(), to, named, reader);
    check_signature(&fields, proofs.sign.as_ref(), &set_headers, to, named, reader);
    let addresses = fields.value("addresses").and_then(|node| networks::addresses(node, reader));
    let own = name.flatten().map(str::to_owned);
    let own = own.or(matched.as_ref().map(Match::identity)).unwrap_or_default();
    let rate_limits = rate_limits(&fields, &own, require.as_ref(), named, reader);
    let name = name.flatten().or(matched.as_ref().map(|matched| matched.path.as_str())).unwrap_or_default().to_owned();
    let matched = matched?;
    let route = Route {
        name,
        line: node.place.line,
        hosts: matched.hosts,
        path: matched.path,
        methods: matched.methods,
        listeners: matched.listeners,
        require: require?,
        to: to?,
        set_headers,
        forward_credentials: forward.flatten().unwrap_or(false),
        refusals: refusals.unwrap_or_else(|| named.refusals.clone()),
        max_body,
        upstream_timeout: timeout,
        upgrade: upgrade.unwrap_or_default(),
        sign: proofs.sign,
        sign_response: proofs.sign_response,
        must_cover: proofs.must_cover,
        handshake: proofs.handshake,
        rate_limits,
        addresses,
    };
    let sign_response = fields.value("sign_response").map(|node| node.place);
    Some(ReadRoute { route, place: node.place, sign_response })
}

fn rate_limits(
    fields: &Fields<'_>,
    name: &str,
    require: Option<&Requirement>,
    named: &mut Named<'_>,
    reader: &mut Reader<'_>,
) -> Vec<Arc<RateLimit>> {
    let Some(node) = fields.value("rate_limits") else { return Vec::new() };
    let read = rates::of_route(node, name, named.rate_limits, &mut named.own_limits, reader);
    if let Some(require) = require {
        read.iter().for_each(|read| check_sources(&read.sources, None, require, reader));
    }
    read.into_iter().map(|read| read.limit).collect()
}

/// What a route itself proves, and what it wants proven of every part.
struct Proofs {
    sign: Option<Signer>,
    sign_response: Option<AnswerSigner>,
    must_cover: Vec<Part>,
    handshake: Option<Handshake>,
}

fn proofs(
    fields: &Fields<'_>,
    matched: Option<&Match>,
    require: Option<&Requirement>,
    to: Option<usize>,
    named: &mut Named<'_>,
    reader: &mut Reader<'_>,
) -> Proofs {
    let mut signers = Signers { schemes: &mut *named.schemes, keys: named.keys };
    let sign = fields.value("sign").and_then(|node| signing::request(node, &mut signers, reader));
    let sign_response = fields.value("sign_response");
    let sign_response = sign_response.and_then(|node| signing::answer(node, require, &mut signers, reader));
    let parts = fields.value("must_cover").map(|node| must_cover::read(node, reader)).unwrap_or_default();
    let handshake = fields.value("handshake").and_then(|node| Some((node, handshake::read(node, reader)?)));
    if let Some(require) = require {
        must_cover::check(&parts, require, named.schemes, named.tokens, reader);
        if let (Some((node, handshake)), Some(matched)) = (&handshake, matched) {
            handshake::check(node, handshake, &matched.methods, require, named.schemes, reader);
        }
    }
    let upstream = to.and_then(|index| named.upstreams.item(index));
    if let Some(entry) = fields.entry("sign").filter(|_| upstream.is_some_and(ReadUpstream::gets_no_requests)) {
        reader.error(entry.key_place, "`sign` has no effect: the upstream gets no requests");
    }
    if let Some(entry) = fields.entry("sign_response").filter(|_| fields.entry("upgrade").is_some()) {
        reader.error(entry.key_place, "`sign_response` cannot sign what follows an `upgrade`");
    }
    let must_cover = parts.into_iter().map(|(part, _)| part).collect();
    Proofs { sign, sign_response, must_cover, handshake: handshake.map(|(_, handshake)| handshake) }
}

/// Reports headers that are both set and written by the signature: the route's own, or else its upstream's.
fn check_signature(
    fields: &Fields<'_>,
    own: Option<&Signer>,
    set: &template::Headers,
    to: Option<usize>,
    named: &Named<'_>,
    reader: &mut Reader<'_>,
) {
    let upstream = to.and_then(|index| named.upstreams.item(index));
    let signer = own.or_else(|| upstream.and_then(|read| read.upstream.sign.as_ref()));
    doubled::check_added(fields, set, upstream, reader);
    if let Some(signs) = signer.and_then(|signer| named.schemes.item(signer.scheme)) {
        if let (Some(read), Some(node)) = (upstream, fields.value("to"))
            && matches!(read.upstream.kind, UpstreamKind::Echo)
        {
            reader.warning(node.place, "an `echo` shows a good signature to whoever asks").hint("only for trying out");
        }
        signing::check_headers(set, fields.value("set_headers").map(|node| node.place), &signs.scheme, reader);
        doubled::check_signed(fields, upstream, &signs.scheme, reader);
    }
}

/// Says where `upgrade` can never come to anything.
fn check_upgrade(node: &Node, matched: Option<&Match>, upstream: Option<&ReadUpstream>, reader: &mut Reader<'_>) {
    if matched.is_some_and(|matched| !matched.methods.is_empty() && !matched.methods.iter().any(|m| m == "GET")) {
        let hint = "only a GET is upgraded: add it to `methods`";
        reader.error(node.place, "`upgrade` has no effect: this route takes no GET").hint(hint);
    }
    if upstream.is_some_and(|upstream| !matches!(upstream.upstream.kind, UpstreamKind::Servers { .. })) {
        reader.error(node.place, "`upgrade` has no effect: the upstream has no servers");
    }
}

/// Says where a token could be asked for in ways in which none should be.
fn check_issuing(
    fields: &Fields<'_>,
    matched: Option<&Match>,
    require: Option<&Requirement>,
    upstream: &ReadUpstream,
    reader: &mut Reader<'_>,
) {
    if !upstream.issues() {
        return;
    }
    let unsafe_alone = |methods: &[String]| !methods.is_empty() && !methods.iter().any(|m| m == "GET" || m == "HEAD");
    if let (Some(matched), Some(node)) = (matched, fields.value("match"))
        && !unsafe_alone(&matched.methods)
    {
        reader
            .error(node.place, "a route that issues tokens must not take GET: what it asks may be kept and sent again")
            .expected("`methods: [POST]`");
    }
    if let (UpstreamKind::Mint(_), Some(node)) = (&upstream.upstream.kind, fields.value("to"))
        && require.is_some_and(Requirement::is_public)
    {
        reader
            .error(node.place, "on a public route nobody is known whom a token could be for")
            .expected("`require: …`, such as `require: { hmac: … }`");
    }
}

/// Says where a logout is to revoke a token that nobody shows.
fn check_and_token(fields: &Fields<'_>, require: Option<&Requirement>, to: &ReadUpstream, reader: &mut Reader<'_>) {
    if let (UpstreamKind::Logout(logout), Some(require), Some(node)) = (&to.upstream.kind, require, fields.value("to"))
        && logout.and_token
        && !require.takes_tokens()
    {
        reader
            .error(node.place, "`and_token` has no effect: this route takes no token")
            .expected("`require: { jwt: … }`");
    }
}

struct Match {
    path: String,
    hosts: Vec<String>,
    methods: Vec<String>,
    listeners: Vec<usize>,
}

impl Match {
    /// What tells it from others of its path, wherever in the file they stand.
    fn identity(&self) -> String {
        let mut identity = self.path.clone();
        for several in [&self.methods, &self.hosts].into_iter().filter(|several| !several.is_empty()) {
            identity.push(' ');
            identity.push_str(&several.join(","));
        }
        identity
    }
}

fn matches(node: &Node, listeners: &Listeners, reader: &mut Reader<'_>) -> Option<Match> {
    let Some(fields) = reader.fields(node, "`match`", &["path", "host", "methods", "listen"]) else {
        habits::hint_of_value(node, "`{ path: /… }`", reader);
        return None;
    };
    let path = fields.required("path", reader).and_then(|node| path(node, reader));
    let hosts = words(&fields, "host", "a host", reader, pattern::check_host);
    let methods = words(&fields, "methods", "a method", reader, pattern::check_method);
    let items = fields.value("listen").map(|node| reader.one_or_many(node, "`listen`")).unwrap_or_default();
    let found: Vec<usize> = items.iter().filter_map(|item| listener(item, listeners, reader)).collect();
    let complete = found.len() == items.len();
    Some(Match { path: path?, hosts: hosts?, methods: methods?, listeners: complete.then_some(found)? })
}

fn path(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
    let scalar = reader.scalar(node, "`path`")?;
    if let Err(fault) = pattern::check_path(&scalar.text) {
        let place = template::within(node.place, scalar, fault.offset, fault.length, reader.text);
        let problem = reader.error(place, fault.message);
        problem.hint = fault.hint.map(str::to_owned);
        return None;
    }
    if let Some(segment) = pattern::looks_like_a_pattern(&scalar.text) {
        let shown = reader.quote(node.place, segment);
        reader
            .warning(node.place, format!("{shown} is a segment that is written just so"))
            .hint(pattern::NO_EXPRESSION);
    }
    Some(scalar.text.clone())
}

fn words(
    fields: &Fields<'_>,
    key: &str,
    what: &str,
    reader: &mut Reader<'_>,
    check: fn(&str) -> Result<(), &'static str>,
) -> Option<Vec<String>> {
    let Some(node) = fields.value(key) else { return Some(Vec::new()) };
    let items = reader.one_or_many(node, &format!("`{key}`"));
    let mut words: Vec<String> = Vec::new();
    for item in items {
        let Some(text) = reader.text(item, what) else { continue };
        if let Err(why) = check(text) {
            let shown = reader.quote(item.place, text);
            let problem = reader.error(item.place, format!("{shown} cannot be {what} here: {why}"));
            let other_cases = [text.to_ascii_lowercase(), text.to_ascii_uppercase()];
            let alone = text.split_once("://").and_then(|(_, rest)| rest.split(['/', ':']).next()).map(str::to_owned);
            if let Some(meant) = other_cases.iter().chain(&alone).find(|word| check(word).is_ok()) {
                problem.hint(format!("did you mean `{meant}`?"));
            }
            continue;
        }
        if let Some(known) = pattern::unknown_method(text).filter(|_| key == "methods") {
            let shown = reader.quote(item.place, text);
            reader
                .warning(item.place, format!("{shown} is a method that servers do not know"))
                .suggest(text, known.iter().copied());
        }
        words.push(text.to_owned());
    }
    (words.len() == items.len() && !words.is_empty()).then_some(words)
}

fn listener(node: &Node, listeners: &Listeners, reader: &mut Reader<'_>) -> Option<usize> {
    let text = reader.text(node, "the name of a listener")?;
    let found = listeners.names.iter().position(|name| name.as_deref() == Some(text));
    if found.is_none() {
        let shown = reader.quote(node.place, text);
        let names = listeners.names.iter().flatten().map(String::as_str);
        reader
            .error(node.place, format!("there is no listener {shown}"))
            .hint("listeners are named where they are listed: `listen: [{ address: …, name: … }]`")
            .suggest(text, names);
    }
    found
}

/// Reports templates that speak of something that nothing on this route can fill. `at` is where, if not at the template.
fn check_sources(used: &[Used], at: Option<Place>, require: &Requirement, reader: &mut Reader<'_>) {
    let is_public = matches!(require, Requirement::Public);
    let mut reported: Vec<&str> = Vec::new();
    for Used { source, place } in used {
        let hint = match source.as_str() {
            "claim" if !require.takes_tokens() => "claims come from a token: `require: { jwt: … }`",
            "key" if require.schemes().is_empty() => "attributes are of keys that sign: `require: { hmac: … }`",
            "subject" | "key_id" | "scheme_name" if is_public => "on a public route nobody is known",
            _ => continue,
        };
        if at.is_some() && reported.contains(&source.as_str()) {
            continue;
        }
        reported.push(source);
        reader.error(at.unwrap_or(*place), format!("`{source}` never has a value on this route")).hint(hint);
    }
}

/// Warns of a `max_body` beyond what is held in memory, where a scheme reads the body: no larger one gets through.
pub(super) fn warn_of_memory(config: &Config, places: &[Place], reader: &mut Reader<'_>) {
    for (route, place) in config.routes.iter().zip(places) {
        let held = u64::try_from(config.limits.body_memory).unwrap_or(u64::MAX);
        let Some(most) = route.max_body.filter(|most| *most > held) else { continue };
        let schemes = route.require.schemes();
        let mut schemes = schemes.into_iter().filter_map(|index| config.schemes.get(index));
        if let Some(scheme) = schemes.find(|entry| entry.scheme.body_need() == BodyNeed::Parsed) {
            let message = format!(
                "`max_body` has no effect beyond {held} bytes: the scheme `{}` reads values out of the body, and only as \
                 much is held in memory",
                scheme.name
            );
            reader.warning(*place, message).hint(format!("limits: {{ body_memory: {most} }}"));
        }
    }
}

/// Notes, for each route that takes signatures, what they leave unsigned.
pub(super) fn note_coverage(config: &Config, places: &[Place], reader: &mut Reader<'_>) {
    for (route, place) in config.routes.iter().zip(places) {
        for index in route.require.schemes() {
            if let Some(scheme) = config.schemes.get(index) {
                let coverage = scheme.scheme.coverage();
                let message = format!("route `{}`, scheme `{}`: {coverage}", route.name, scheme.name);
                reader.note(*place, message).in_a_table();
            }
        }
    }
}
