//! What stands in front of a listener, and what is then refused by routes that ask whose page or whose address a request is from.

use std::sync::Arc;

use super::{
    checked::{Config, Issuer, Listen, RateLimit, RatePer, Requirement, Route, TokenFrom, UpstreamKind},
    reader::Reader,
    tree::Place,
};

/// Warns of routes that ask for the host of a browser's page behind a proxy that nobody named. It is there for certain where the
/// public origin is `https` and no TLS ends here.
pub(super) fn warn_of_pages(config: &Config, listeners: &[Place], reader: &mut Reader<'_>) {
    if !config.trusted_proxies.nets.is_empty() {
        return;
    }
    for (index, (listen, place)) in config.listen.iter().zip(listeners).enumerate() {
        let mut here = config.routes.iter().filter(|route| route.is_at(index));
        if speaks_tls_in_front(listen)
            && let Some(route) = here.find(|route| asks_for_page(config, route))
        {
            let name = &route.name;
            let message = format!(
                "the proxy that speaks TLS in front of this is not trusted: where it changes `Host`, the route `{name}` refuses every browser"
            );
            reader.warning(*place, message).hint("trusted_proxies: [10.0.0.0/8], the networks of the proxy");
        }
    }
}

/// Warns of whatever judges by addresses behind such a proxy: they are all its own. A list that lets in this machine lets in everybody
/// whom a proxy on it serves.
pub(super) fn warn_of_addresses(config: &Config, listeners: &[Place], reader: &mut Reader<'_>) {
    if !config.trusted_proxies.nets.is_empty() {
        return;
    }
    for (index, (listen, place)) in config.listen.iter().zip(listeners).enumerate() {
        if speaks_tls_in_front(listen)
            && let Some(judge) = judges_addresses(config, index)
        {
            let message = format!(
                "the proxy that speaks TLS in front of this is not trusted: {judge} sees its address in the place of every client's"
            );
            reader.warning(*place, message).hint("trusted_proxies: [127.0.0.0/8], or wherever the proxy is");
        }
    }
}

/// What asks for the client's address at a listener.
fn judges_addresses(config: &Config, listener: usize) -> Option<String> {
    let of_route = |route: &&Route| {
        let by_address = |limit: &Arc<RateLimit>| matches!(limit.per, RatePer::Address(_));
        // Failures of logins and of clients are counted by address as well.
        let to = config.upstreams.get(route.to).map(|upstream| &upstream.kind);
        let throttles = matches!(to, Some(UpstreamKind::Login(_) | UpstreamKind::Token(_) | UpstreamKind::Revoke(_)));
        route.addresses.is_some() || route.rate_limits.iter().any(by_address) || throttles
    };
    let listed = config.addresses.is_some() || config.listen.get(listener)?.addresses.is_some();
    if listed {
        return Some("`addresses`".to_owned());
    }
    let named = [
        ("`unverified`", config.unverified.is_some()),
        ("`connections_per_address`", config.limits.connections_per_address.is_some()),
    ];
    if let Some((name, _)) = named.into_iter().find(|(_, is_there)| *is_there) {
        return Some(name.to_owned());
    }
    let mut here = config.routes.iter().filter(|route| route.is_at(listener));
    here.find(of_route).map(|route| format!("the route `{}`", route.name))
}

/// Notes public routes with a list of addresses where a balancer may not say whose a connection is: its own health checks, with some.
pub(super) fn note_unnamed(config: &Config, routes: &[Place], reader: &mut Reader<'_>) {
    let is_proxied =
        |route: &Route| config.listen.iter().enumerate().any(|(at, listen)| listen.proxy_protocol && route.is_at(at));
    let lists = |route: &Route| route.addresses.as_ref().is_some_and(|addresses| addresses.allow.is_some());
    for (route, place) in config.routes.iter().zip(routes) {
        if route.require.is_public() && lists(route) && is_proxied(route) {
            let name = &route.name;
            reader
                .note(
                    *place,
                    format!("route `{name}` lets nobody in whom the balancer does not name (`PROXY UNKNOWN`)"),
                )
                .hint("some balancers send that with their health checks: a route for those lists no addresses");
        }
    }
}

fn speaks_tls_in_front(listen: &Listen) -> bool {
    listen.tls.is_none() && listen.public_origin.as_ref().is_some_and(|origin| origin.scheme == "https")
}

/// Whether a request here can be refused for what `Origin` says: where a session in cookies begins, goes on or ends, and where a
/// WebSocket is opened with a token in a cookie.
fn asks_for_page(config: &Config, route: &Route) -> bool {
    let in_cookies = |issuer: usize| config.issuers.get(issuer).is_some_and(|Issuer { session, .. }| session.is_some());
    let is_session = match config.upstreams.get(route.to).map(|upstream| &upstream.kind) {
        Some(UpstreamKind::Login(login)) => in_cookies(login.issuer),
        Some(UpstreamKind::Refresh(renewal)) => in_cookies(renewal.issuer),
        Some(UpstreamKind::Logout(logout)) => in_cookies(logout.issuer),
        _ => false,
    };
    is_session || !route.upgrade.is_empty() && takes_cookies(config, &route.require)
}

fn takes_cookies(config: &Config, require: &Requirement) -> bool {
    match require {
        Requirement::Public | Requirement::Hmac(_) => false,
        Requirement::Jwt(entry, leg) => config.tokens.get(*entry).is_some_and(|tokens| {
            let from = leg.from.as_ref().unwrap_or(&tokens.from);
            matches!(from, TokenFrom::Cookie(_)) && !tokens.without_csrf
        }),
        Requirement::AnyOf(legs) | Requirement::AllOf(legs) => legs.iter().any(|leg| takes_cookies(config, leg)),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Problem, environment::Fixed, parse};

    fn read(text: &str) -> Vec<Problem> {
        let variables = vec![("KEY", "0123456789abcdef0123456789abcdef")];
        parse(text, "test.yaml", &Fixed { variables, files: Vec::new() })
            .unwrap_or_else(|problems| panic!("{problems}"))
            .1
    }

    /// Such a proxy writes a `Host` of its own, unless it is told not to.
    #[test]
    fn a_proxy_that_must_be_there_and_is_not_named_is_told_of_where_pages_of_browsers_are_asked_for() {
        let told = |listen: &str, routes: &str| {
            let warnings = read(&format!(
                "
listen: {{ address: 127.0.0.1:8000, {listen} }}
tokens: {{ web: {{ keys: [{{ algorithm: HS256, secret: {{ env: KEY }} }}], issuer: i, audience: a, from: cookie }} }}
issuers: {{ web: {{ tokens: web, lifetime: 5m, cookie: {{}}, refresh: {{}} }} }}
upstreams: {{ app: {{ servers: ['http://127.0.0.1:9001'] }}, out: {{ logout: {{ issuer: web }} }} }}
routes:
  - {{ match: {{ path: /a }}, require: {{ jwt: web }}, to: app }}
{routes}
"
            ));
            warnings.iter().filter(|warning| warning.message.contains("refuses every browser")).count()
        };
        let (tls_in_front, plain) = ("public_origin: 'https://app.example'", "public_origin: 'http://localhost:8000'");
        let logout = "  - { match: { path: /logout, methods: [POST] }, public: true, to: out }";
        let socket = "  - { match: { path: /s, methods: [GET] }, require: { jwt: web }, to: app, upgrade: websocket }";
        for asks in [logout, socket] {
            assert_eq!((told(tls_in_front, asks), told(plain, asks)), (1, 0), "{asks}");
            assert_eq!(told(tls_in_front, &format!("{asks}\ntrusted_proxies: [10.0.0.0/8]")), 0, "{asks}");
        }
        assert_eq!(told(tls_in_front, ""), 0, "a token in a cookie comes with its CSRF token");
    }

    /// nginx on the same machine, and a page for this machine alone: everybody would see it.
    #[test]
    fn what_judges_by_addresses_behind_a_proxy_that_nobody_named_is_told_of() {
        let told = |listen: &str, more: &str, route: &str| {
            let warnings = read(&format!(
                "
listen: {{ address: 127.0.0.1:8000, {listen} }}
upstreams: {{ app: {{ echo: true }} }}
routes: [{{ name: m, match: {{ path: /metrics }}, public: true, to: app{route} }}]
{more}
"
            ));
            let sees =
                |message: &str| message.split_once("trusted: ")?.1.split_once(" sees").map(|(it, _)| it.to_owned());
            warnings.iter().find_map(|warning| sees(&warning.message))
        };
        let (in_front, plain) = ("public_origin: 'https://app.example'", "public_origin: 'http://app.example'");
        let listed = ", addresses: { allow: [127.0.0.1] }";
        for (more, route, judge) in [
            ("", listed, "the route `m`"),
            ("", ", rate_limits: [{ per: address, rate: 10/s }]", "the route `m`"),
            ("addresses: { deny: [192.0.2.1] }", "", "`addresses`"),
            ("unverified: { failures: { rate: 10/min } }", "", "`unverified`"),
            ("limits: { connections_per_address: 100 }", "", "`connections_per_address`"),
        ] {
            assert_eq!(told(in_front, more, route).as_deref(), Some(judge), "{more} {route}");
            assert_eq!(told(plain, more, route), None, "{more} {route}");
            assert_eq!(told(in_front, &format!("{more}\ntrusted_proxies: [127.0.0.1]"), route), None);
        }
        assert_eq!(told(in_front, "", ""), None);
    }

    #[test]
    fn a_public_route_for_some_addresses_is_told_of_where_a_balancer_may_name_nobody() {
        let told = |listen: &str| {
            let notes = read(&format!(
                "
listen: {{ address: 127.0.0.1:8000{listen} }}
trusted_proxies: [10.0.0.0/8]
upstreams: {{ app: {{ echo: true }} }}
routes:
  - {{ name: health, match: {{ path: /health }}, public: true, to: app, addresses: {{ allow: [10.0.0.0/8] }} }}
  - {{ name: open, match: {{ path: /** }}, public: true, to: app }}
"
            ));
            notes
                .iter()
                .filter(|note| note.message.contains("PROXY UNKNOWN"))
                .map(|note| note.message.clone())
                .collect()
        };
        let told: (Vec<String>, Vec<String>) = (told(", proxy_protocol: required"), told(""));
        let wanted = "route `health` lets nobody in whom the balancer does not name (`PROXY UNKNOWN`)";
        assert_eq!(told, (vec![wanted.to_owned()], Vec::new()));
    }
}
