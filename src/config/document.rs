//! The whole document: its sections in the order in which they refer to one another.

use std::collections::HashSet;

use super::{
    assertion, bare_keys, believed,
    checked::{Config, Refusals, Route, TrustedProxies},
    conflicts, families,
    habits::{self, In},
    in_front, issuers, keys, limits, listen,
    login::Issuing,
    names, near_misses, networks, rates,
    reader::Reader,
    refusals, revocations,
    routes::{self, Named},
    schemes, signing, store, tokens,
    tree::{Node, Place},
    twice, upstreams, users,
};

/// The top-level keys of a config, in the order of the documentation.
pub const SECTIONS: [&str; 20] = [
    "listen",
    "admin",
    "trusted_proxies",
    "addresses",
    "keys",
    "schemes",
    "tokens",
    "users",
    "issuers",
    "upstreams",
    "rate_limits",
    "unverified",
    "routes",
    "refusals",
    "limits",
    "timeouts",
    "log",
    "replay",
    "revocations",
    "store",
];

/// Walks the whole document. What it gives holds together only if no problem is an error.
pub(super) fn read(root: &Node, reader: &mut Reader<'_>) -> Option<Config> {
    let fields = reader.fields(root, "the config", &SECTIONS)?;
    habits::hint(fields.entries(), In::Config, reader);
    let mut listeners = fields.required("listen", reader).map(|node| listen::read(node, reader)).unwrap_or_default();
    let admin = fields.value("admin").and_then(|node| listen::read_admin(node, &mut listeners, reader));
    let proxies = fields.value("trusted_proxies").map(|node| networks::proxies(node, reader));
    let addresses = fields.value("addresses").and_then(|node| networks::addresses(node, reader));
    listen::check_proxied(&listeners, proxies.as_ref().unwrap_or(&TrustedProxies::default()), reader);
    let mut keys = keys::read(fields.value("keys"), reader);
    let mut schemes = schemes::read(fields.value("schemes"), &mut keys, reader);
    bare_keys::report(&schemes, &keys, reader);
    let mut tokens = tokens::read(fields.value("tokens"), reader);
    let mut users = users::read(fields.value("users"), reader);
    let has_store = fields.value("store").is_some();
    let mut issuers = issuers::read(fields.value("issuers"), &mut tokens, has_store, reader);
    let can_revoke = fields.value("revocations").is_some();
    let mut issuing = Issuing { issuers: &mut issuers, users: &mut users, tokens: &tokens, can_revoke };
    let mut upstreams = upstreams::read(fields.value("upstreams"), &mut schemes, &keys, &mut issuing, reader);
    let mut rate_limits = rates::read(fields.value("rate_limits"), reader);
    let unverified = fields.value("unverified").and_then(|node| rates::unverified(node, reader));
    let base = Refusals::default();
    let refusals = fields.value("refusals").map_or(base.clone(), |node| refusals::read(node, &base, reader));
    let mut named = Named {
        listeners: &listeners,
        keys: &keys,
        schemes: &mut schemes,
        tokens: &mut tokens,
        upstreams: &mut upstreams,
        rate_limits: &mut rate_limits,
        own_limits: HashSet::new(),
        refusals: &refusals,
    };
    let routes = fields.required("routes", reader).map(|node| routes::read(node, &mut named, reader));
    let routes = routes.unwrap_or_default();
    conflicts::report(&routes, reader);
    families::report(&upstreams, reader);
    signing::check_answer_keys(&routes, &schemes, reader);
    let limits = fields.value("limits").and_then(|node| limits::read_limits(node, reader));
    let timeouts = fields.value("timeouts").and_then(|node| limits::read_timeouts(node, reader));
    let log = fields.value("log").and_then(|node| limits::read_log(node, reader));
    let revocations = fields.value("revocations").and_then(|node| revocations::read(node, has_store, reader));
    let replay = fields.value("replay").and_then(|node| store::read_replay(node, reader));
    let store = fields.value("store").and_then(|node| store::read(node, reader));
    store::report_idle(&fields, reader);
    // What an error kept from being read may be what refers to the rest.
    let sound = !reader.found_errors();
    if sound {
        keys.report_unused(reader);
        schemes.report_unused(reader);
        tokens.report_unused(reader);
        users.report_unused(reader);
        issuers.note_unused("it is for `countersign token issue` alone", reader);
        upstreams.report_unused(reader);
        rate_limits.report_unused(reader);
        conflicts::report_idle_listeners(&routes, &listeners, reader);
        conflicts::report_named_routes(&routes, &keys, reader);
        twice::warn(routes.iter().map(|read| &read.route.require), &schemes, reader);
    }
    let listener_places = listeners.places.clone();
    let (places, routes): (Vec<Place>, Vec<Route>) = routes.into_iter().map(|read| (read.place, read.route)).unzip();
    let audiences: Vec<Option<Place>> = upstreams.each().map(|(_, read)| read.audience).collect();
    let config = Config {
        listen: listeners.into_items(),
        admin,
        trusted_proxies: proxies.unwrap_or_default(),
        addresses,
        keys: keys.into_items(),
        schemes: schemes.into_items(),
        tokens: tokens.into_items(),
        users: users.into_items(),
        issuers: issuers.into_items(),
        upstreams: upstreams.into_items().into_iter().map(|read| read.upstream).collect(),
        routes,
        refusals,
        limits: limits.unwrap_or_default(),
        timeouts: timeouts.unwrap_or_default(),
        log: log.unwrap_or_default(),
        replay: replay.unwrap_or_default(),
        store,
        revocations,
        unverified,
    };
    if sound {
        listen::check_hosts(&config, &listener_places, reader);
        in_front::warn_of_pages(&config, &listener_places, reader);
        in_front::warn_of_addresses(&config, &listener_places, reader);
        in_front::note_unnamed(&config, &places, reader);
        assertion::warn_of_audiences(&config, &audiences, reader);
        believed::warn_of_renewal(&config, &places, reader);
        near_misses::warn(&config, &places, reader);
        near_misses::note_alone(&config, &places, reader);
        routes::warn_of_memory(&config, &places, reader);
        routes::note_coverage(&config, &places, reader);
        names::note(&config, &places, reader);
        store::note_restart(&config, &fields, reader);
    }
    Some(config)
}
