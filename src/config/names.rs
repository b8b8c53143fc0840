//! Whose the names are by which a route knows its callers: refuses those that could not be told apart, and notes where they come
//! from more than one place, and where claims or attributes are not those of the credential that names the caller.

use super::{
    checked::{Config, Requirement},
    reader::Reader,
    requirement::Leg,
    tree::Place,
};

/// Where a credential's name comes from, by the config's indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    Keys(usize),
    Tokens(usize),
}

/// What is wanted together: of each credential its home, and whether it can name a caller.
type Together = Vec<(Home, bool)>;

/// Says, for each route, what an upstream must know of the names that it is told.
pub(super) fn note(config: &Config, places: &[Place], reader: &mut Reader<'_>) {
    for (route, place) in config.routes.iter().zip(places) {
        if let Some(name) = shared_name(config, &route.require) {
            let message = format!("route `{}` takes a scheme and tokens that are both called `{name}`", route.name);
            reader.error(*place, message).hint("call one of them otherwise: names tell the upstream which it was");
        }
        let alternatives = alternatives(config, &route.require);
        let mut homes: Vec<Home> = Vec::new();
        for home in alternatives.iter().filter_map(naming) {
            if !homes.contains(&home) {
                homes.push(home);
            }
        }
        if homes.len() > 1 {
            let names: Vec<String> = homes.iter().map(|home| told(config, *home)).collect();
            let message = format!(
                "route `{}` knows callers by names of {}: spelt alike they are different callers",
                route.name,
                names.join(", ")
            );
            reader.note(*place, message).hint("`X-Countersign-Scheme` and `{scheme_name}` tell whose a name is");
        }
        if let Some((naming, other)) = alternatives.iter().find_map(mixed) {
            let what = match other {
                Home::Keys(_) => "{key:…}",
                Home::Tokens(_) => "{claim:…}",
            };
            let (other, naming) = (told(config, other), told(config, naming));
            let message = format!("route `{}`: `{what}` is of {other}, and the caller's name of {naming}", route.name);
            reader.note(*place, message).hint("whoever has both may have them of different people");
        }
    }
}

/// What both a scheme and tokens that are wanted are called.
fn shared_name<'c>(config: &'c Config, require: &Requirement) -> Option<&'c str> {
    let schemes: Vec<_> = require.schemes().into_iter().filter_map(|index| config.schemes.get(index)).collect();
    let tokens = config.tokens.iter().enumerate().filter(|(index, _)| require.takes(*index));
    tokens.map(|(_, tokens)| tokens.name.as_str()).find(|name| schemes.iter().any(|scheme| scheme.name == *name))
}

/// Every way to meet `require`, in the order of the file.
fn alternatives(config: &Config, require: &Requirement) -> Vec<Together> {
    let home = |leg: Leg| match leg {
        Leg::Scheme(index) => {
            config.schemes.get(index).map(|entry| (Home::Keys(entry.keys), entry.scheme.has_key_id()))
        }
        Leg::Tokens(index) => Some((Home::Tokens(index), true)),
    };
    require.combinations().into_iter().map(|legs| legs.into_iter().filter_map(home).collect()).collect()
}

/// Whose name the caller has: that of the first that can name one.
fn naming(legs: &Together) -> Option<Home> {
    legs.iter().find(|(_, can_name)| *can_name).map(|(home, _)| *home)
}

/// The home of the caller's name, and that of a credential of the other kind, of which claims or attributes are.
fn mixed(legs: &Together) -> Option<(Home, Home)> {
    let naming = naming(legs)?;
    let is_other_kind = |home: Home| matches!(home, Home::Keys(_)) != matches!(naming, Home::Keys(_));
    // What names nobody says nothing of anybody either.
    let (other, _) = legs.iter().find(|(home, can_name)| *can_name && is_other_kind(*home))?;
    Some((naming, *other))
}

fn told(config: &Config, home: Home) -> String {
    let (what, name) = match home {
        Home::Keys(index) => ("the keys", config.keys.get(index).map(|keys| &keys.name)),
        Home::Tokens(index) => ("the tokens", config.tokens.get(index).map(|tokens| &tokens.name)),
    };
    format!("{what} `{}`", name.map(String::as_str).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use crate::config::{System, parse};

    /// The notes of this room on a route that requires that.
    fn noted(require: &str) -> Vec<String> {
        let scheme = |keys: &str, id: &str| {
            format!(
                "{{ keys: {keys}, {id}message: \"{{body}}\", signature: {{ from: \"{{header:X-{keys}}}\", encoding: hex, algorithm: hmac-sha256 }} }}"
            )
        };
        let tokens = "{ keys: [{ algorithm: HS256, secret: { value: 0123456789abcdef0123456789abcdef } }] }";
        let text = format!(
            "listen: 127.0.0.1:0\nkeys: {{ devices: {{ static: {{ a: {{ value: 0123456789abcdef }} }} }}, hooks: {{ shared: {{ value: 0123456789abcdef }} }} }}\n\
             schemes:\n  device: {}\n  again: {}\n  hook: {}\ntokens: {{ api: {tokens}, guests: {tokens} }}\n\
             upstreams: {{ ok: {{ echo: true }} }}\nroutes: [{{ match: {{ path: /** }}, require: {require}, to: ok }}]\n",
            scheme("devices", "key_id: \"{header:X-Id}\", "),
            scheme("devices", "key_id: \"{header:X-Name}\", "),
            scheme("hooks", ""),
        );
        let (_, problems) = parse(&text, "t.yaml", &System).unwrap_or_else(|problems| panic!("{problems}"));
        let messages = problems.into_iter().map(|problem| problem.message);
        messages.filter(|message| message.contains("knows callers") || message.contains("`{")).collect()
    }

    #[test]
    fn names_of_one_origin_are_no_news() {
        for require in [
            "{ hmac: device }",
            "{ jwt: api }",
            "{ any_of: [{ hmac: device }, { hmac: again }] }",
            "{ any_of: [{ hmac: hook }, { jwt: api }] }",
            "{ all_of: [{ hmac: hook }, { jwt: api }] }",
            "{ all_of: [{ jwt: api }, { jwt: guests }] }",
        ] {
            assert_eq!(noted(require), <[String; 0]>::default(), "{require}");
        }
    }

    #[test]
    fn a_route_that_knows_callers_by_names_of_several_origins_is_noted() {
        let noted = noted("{ any_of: [{ hmac: device }, { jwt: api }, { hmac: again }, { jwt: guests }] }");
        let message = "route `/**` knows callers by names of the keys `devices`, the tokens `api`, the tokens `guests`: \
                       spelt alike they are different callers";
        assert_eq!(noted, [message]);
    }

    #[test]
    fn a_route_whose_claims_or_attributes_are_not_the_caller_s_own_is_noted() {
        let of_claims = "route `/**`: `{claim:…}` is of the tokens `api`, and the caller's name of the keys `devices`";
        assert_eq!(noted("{ all_of: [{ hmac: device }, { jwt: api }] }"), [of_claims]);
        assert_eq!(
            noted("{ all_of: [{ hmac: hook }, { hmac: device }, { any_of: [{ jwt: api }, { jwt: guests }] }] }"),
            [of_claims]
        );
        let of_keys = "route `/**`: `{key:…}` is of the keys `devices`, and the caller's name of the tokens `api`";
        assert_eq!(noted("{ all_of: [{ jwt: api }, { hmac: hook }, { hmac: device }] }"), [of_keys]);
    }
}
