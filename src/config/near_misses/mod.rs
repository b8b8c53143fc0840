//! Protected routes whose path, with a last slash more or less, is answered by a route that can be entered without what they
//! demand. To the route table the two are different paths; to many an upstream they are one.
//!
//! Case and other spellings need no such care: the route table reads a path in every way, and refuses what would lead
//! elsewhere.

mod alone;
mod demands;
mod patterns;

pub(super) use self::alone::note as note_alone;
use self::{demands::Lack, patterns::Patterns};
use super::{
    checked::{Config, Route, Server, UpstreamKind},
    conflicts::share,
    reader::Reader,
    tree::Place,
};

/// Warns of each such route, unless the config names that other form too: then somebody has thought of it.
pub(super) fn warn(config: &Config, places: &[Place], reader: &mut Reader<'_>) {
    let patterns = Patterns::of(&config.routes);
    for (route, place) in config.routes.iter().zip(places) {
        let Some(form) = other_form(&route.path) else { continue };
        let Some((other, lack)) = answer(config, &patterns, route, &form) else { continue };
        let (name, line) = (&other.name, other.line);
        let own = route.path.strip_suffix("**").unwrap_or(&route.path);
        let quote = if form.contains('{') { "'" } else { "" };
        let message = format!(
            "`{form}` is not this route's: `{name}` on line {line} answers it, {lack}, and leads to the same server, which \
             may take `{form}` for `{own}`"
        );
        reader.warning(*place, message).hint(format!(
            "add a route with `match: {{ path: {quote}{form}{quote} }}` that demands the same, or what is meant"
        ));
    }
}

/// What a path pattern becomes with a last slash more or less; `None` where that is no path.
fn other_form(path: &str) -> Option<String> {
    match path.strip_suffix("**").unwrap_or(path).strip_suffix('/') {
        Some("") => None,
        Some(above) => Some(above.to_owned()),
        None => Some(format!("{path}/")),
    }
}

/// The first route that answers for the other form and makes it a way around `route`, and what it does without.
fn answer<'c>(config: &'c Config, patterns: &Patterns<'c>, route: &Route, form: &str) -> Option<(&'c Route, Lack)> {
    let every: Vec<usize> = (0..config.listen.len()).collect();
    let listeners = if route.listeners.is_empty() { &every } else { &route.listeners };
    let named: Vec<Option<&str>> = route.hosts.iter().map(|host| Some(host.as_str())).collect();
    let hosts = if named.is_empty() { vec![None] } else { named };
    let asked = listeners.iter().flat_map(|listener| hosts.iter().map(move |host| (*listener, *host)));
    asked.into_iter().find_map(|(listener, host)| {
        let found = patterns.find(form, host, listener)?;
        let mut open =
            found.iter().filter(|other| share(&other.methods, &route.methods) && share_a_server(config, other, route));
        open.find_map(|other| Some((*other, demands::lack(other, route)?)))
    })
}

fn share_a_server(config: &Config, one: &Route, other: &Route) -> bool {
    let (one, other) = (servers(config, one), servers(config, other));
    one.iter().any(|server| other.iter().any(|other| (&server.host, server.port) == (&other.host, other.port)))
}

fn servers<'c>(config: &'c Config, route: &Route) -> &'c [Server] {
    match config.upstreams.get(route.to).map(|upstream| &upstream.kind) {
        Some(UpstreamKind::Servers { servers, .. }) => servers,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::{environment::Fixed, parse};

    /// What is warned of where these are the routes: `line: message`.
    fn told(routes: &[&str]) -> Vec<String> {
        let text = format!(
            "listen: [{{ address: '127.0.0.1:8000', name: a }}, {{ address: '127.0.0.1:8001', name: b }}]
keys: {{ k: {{ shared: {{ env: KEY }} }} }}
schemes: {{ device: {{ preset: device-v2, keys: k }} }}
tokens: {{ api: {{ keys: [{{ algorithm: HS256, secret: {{ env: KEY }} }}] }} }}
upstreams: {{ app: {{ servers: ['http://a:1'] }}, twin: {{ servers: ['http://b:1', 'http://a:1/x'] }}, far: {{ servers: ['http://c:1'] }}, ok: {{ echo: true }} }}
routes:
  - {{ match: {{ path: /used }}, require: {{ all_of: [{{ hmac: device }}, {{ jwt: api }}] }}, to: app }}
  - {{ match: {{ path: /used/ }}, public: true, to: twin }}
  - {{ match: {{ path: /far }}, public: true, to: far }}
  - {{ match: {{ path: /ok }}, public: true, to: ok }}
  - {}
",
            routes.join("\n  - ")
        );
        let environment = Fixed { variables: vec![("KEY", "0123456789abcdef0123456789abcdef")], files: Vec::new() };
        let (_, problems) = parse(&text, "test.yaml", &environment).unwrap_or_else(|problems| panic!("{problems}"));
        let warnings = problems.into_iter().filter(|problem| problem.message.contains("is not this route's"));
        warnings.map(|warning| format!("{}: {} ({})", warning.line, warning.message, warning.hint.unwrap())).collect()
    }

    const JWT: &str = "require: { jwt: api }, to: app }";
    const PUBLIC: &str = "public: true, to: app }";

    fn route(path: &str, rest: &str) -> String {
        format!("{{ match: {{ path: '{path}' }}, {rest}")
    }

    fn count(routes: &[String]) -> usize {
        let routes: Vec<&str> = routes.iter().map(String::as_str).collect();
        told(&routes).len()
    }

    #[test]
    fn a_protected_path_whose_other_form_is_public_is_told_with_what_to_write() {
        assert_eq!(
            told(&[&route("/admin", JWT), &route("/**", PUBLIC)]),
            [
                "11: `/admin/` is not this route's: `/**` on line 12 answers it, which is public, and leads to the same server, \
              which may take `/admin/` for `/admin` (add a route with `match: { path: /admin/ }` that demands the same, or \
              what is meant)"
            ]
        );
        assert_eq!(
            told(&[&route("/api/**", JWT), &route("/{page}", PUBLIC)]),
            [
                "11: `/api` is not this route's: `/{page}` on line 12 answers it, which is public, and leads to the same server, \
              which may take `/api` for `/api/` (add a route with `match: { path: /api }` that demands the same, or what is \
              meant)"
            ]
        );
    }

    #[test]
    fn every_kind_of_path_has_its_other_form() {
        for path in ["/a", "/a/", "/a/b", "/a/{id}", "/a/{id}/", "/a/{id}/**", "/{any}"] {
            assert_eq!(count(&[route(path, JWT), route("/**", PUBLIC)]), 1, "{path}");
        }
        for path in ["/", "/{a}/**"] {
            assert_eq!(count(&[route(path, JWT), route("/z/**", PUBLIC)]), 0, "{path}");
        }
    }

    #[test]
    fn a_form_that_is_named_has_been_thought_of() {
        for (path, other) in [("/a", "/a/"), ("/a/**", "/a"), ("/a/{id}", "/a/{name}/")] {
            assert_eq!(count(&[route(path, JWT), route(other, PUBLIC), route("/**", PUBLIC)]), 0, "{path}");
        }
        // What is below it is not the form itself.
        assert_eq!(count(&[route("/a", JWT), route("/a/**", PUBLIC)]), 1);
    }

    #[test]
    fn the_most_specific_route_decides() {
        let (own, all) = (route("/a/b", JWT), route("/**", PUBLIC));
        for other in ["/a/b/**", "/{x}/b/", "/a/**", "/{x}/**"] {
            let told = told(&[&own, &route(other, JWT), &all]);
            assert!(!told.iter().any(|told| told.starts_with("11: ")), "{other}: {told:?}");
        }
    }

    #[test]
    fn who_satisfies_the_other_route_satisfies_this_one_and_none_is_told() {
        let require = |what: &str| format!("require: {what}, to: app }}");
        let (both, either) =
            ("{ all_of: [{ hmac: device }, { jwt: api }] }", "{ any_of: [{ hmac: device }, { jwt: api }] }");
        let scoped = "{ jwt: { tokens: api, scope: [write] } }";
        for (own, others, wanted) in [
            ("{ jwt: api }", "{ jwt: api }", 0),
            ("{ jwt: api }", both, 0),
            ("{ jwt: api }", scoped, 0),
            (either, "{ jwt: api }", 0),
            (either, either, 0),
            (both, both, 0),
            (both, "{ jwt: api }", 1),
            ("{ jwt: api }", either, 1),
            (scoped, "{ jwt: api }", 1),
            ("{ hmac: device }", "{ jwt: api }", 1),
        ] {
            let told = count(&[route("/a", &require(own)), route("/**", &require(others))]);
            assert_eq!(told, wanted, "{own} beside {others}");
        }
    }

    #[test]
    fn addresses_are_a_demand_too() {
        let office = "public: true, to: app, addresses: { allow: [192.0.2.0/24] } }";
        assert_eq!(count(&[route("/a", office), route("/**", PUBLIC)]), 1);
        assert_eq!(count(&[route("/a", office), route("/**", office)]), 0);
        assert_eq!(count(&[route("/a", PUBLIC), route("/**", PUBLIC)]), 0);
    }

    #[test]
    fn routes_that_do_not_meet_are_left_alone() {
        let all = route("/**", PUBLIC);
        for own in [
            "{ match: { path: /a, methods: [POST] }, require: { jwt: api }, to: app }",
            "{ match: { path: /a }, require: { jwt: api }, to: app }",
        ] {
            let get = "{ match: { path: /**, methods: [GET] }, public: true, to: app }".to_owned();
            assert_eq!(count(&[own.to_owned(), get]), usize::from(!own.contains("POST")), "{own}");
        }
        for (own, other, wanted) in [
            ("path: /a, listen: a", "path: /**, listen: b", 0),
            ("path: /a", "path: /**, listen: b", 1),
            ("path: /a, host: x.example", "path: /**, host: y.example", 0),
            ("path: /a, host: x.example", "path: /**, host: '*.example'", 1),
            ("path: /a, host: '*.x.example'", "path: /**, host: '*.example'", 1),
            ("path: /a", "path: /**, host: y.example", 0),
        ] {
            let routes = [format!("{{ match: {{ {own} }}, {JWT}"), format!("{{ match: {{ {other} }}, {PUBLIC}")];
            assert_eq!(count(&routes), wanted, "{own} beside {other}");
        }
        // A host that is named is asked first.
        let named = "{ match: { path: /**, host: x.example }, require: { jwt: api }, to: app }".to_owned();
        let own = format!("{{ match: {{ path: /a, host: x.example }}, {JWT}");
        assert_eq!(count(&[own, named, all]), 0);
    }

    #[test]
    fn only_a_server_that_both_lead_to_can_take_one_for_the_other() {
        for (to, wanted) in [("app", 1), ("twin", 1), ("far", 0), ("ok", 0)] {
            let other = format!("public: true, to: {to} }}");
            assert_eq!(count(&[route("/a", JWT), route("/**", &other)]), wanted, "{to}");
        }
    }
}
