//! Whose the names are by which a route knows its callers: notes where they come from more than one place, and where claims or
//! attributes are not those of the credential that names the caller.

use super::{
    checked::{Config, Requirement},
    reader::Reader,
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

/// Notes, for each route, what an upstream must know of the names that it is told.
pub(super) fn note(config: &Config, places: &[Place], reader: &mut Reader<'_>) {
    for (route, place) in config.routes.iter().zip(places) {
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

/// Every way to meet `require`, in the order of the file.
fn alternatives(config: &Config, require: &Requirement) -> Vec<Together> {
    match require {
        Requirement::Public => Vec::new(),
        Requirement::Hmac(index) => {
            let entry = config.schemes.get(*index);
            entry.map(|entry| vec![(Home::Keys(entry.keys), entry.scheme.has_key_id())]).into_iter().collect()
        }
        Requirement::Jwt(index, _) => vec![vec![(Home::Tokens(*index), true)]],
        Requirement::AnyOf(options) => options.iter().flat_map(|option| alternatives(config, option)).collect(),
        Requirement::AllOf(parts) => parts.iter().fold(vec![Together::new()], |sofar, part| {
            let options = alternatives(config, part);
            sofar.iter().flat_map(|legs| options.iter().map(|more| [legs.as_slice(), more].concat())).collect()
        }),
    }
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
