//! What a route demands, in words, and what its weakest way in leaves open to change on the way.

use crate::{
    config::{Config, Requirement},
    scheme::Coverage,
};

/// The weakest combination of credentials that opens a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Weakest {
    /// The schemes and tokens it is made of.
    pub(super) by: String,
    /// Parts of a request that none of them signs.
    pub(super) unsigned: Vec<&'static str>,
    /// Single headers, parameters and fields that are signed: what tells apart two that leave the same parts open.
    details: usize,
}

/// `hmac device`, `any of: hmac device, jwt api`, …
pub(super) fn demand(config: &Config, require: &Requirement) -> String {
    let list = |legs: &[Requirement]| legs.iter().map(|leg| nested(config, leg)).collect::<Vec<_>>().join(", ");
    match require {
        Requirement::Public => "public".to_owned(),
        Requirement::Hmac(index) => format!("hmac {}", scheme_name(config, *index)),
        Requirement::Jwt(index, _) => format!("jwt {}", tokens_name(config, *index)),
        Requirement::AnyOf(legs) => format!("any of {}", list(legs)),
        Requirement::AllOf(legs) => format!("all of {}", list(legs)),
    }
}

fn nested(config: &Config, leg: &Requirement) -> String {
    match leg {
        Requirement::AnyOf(_) | Requirement::AllOf(_) => format!("({})", demand(config, leg)),
        Requirement::Public | Requirement::Hmac(_) | Requirement::Jwt(..) => demand(config, leg),
    }
}

/// `None` where nothing is demanded.
pub(super) fn weakest(config: &Config, require: &Requirement) -> Option<Weakest> {
    match require {
        Requirement::Public => None,
        Requirement::Hmac(index) => config.schemes.get(*index).map(|entry| {
            let coverage = entry.scheme.coverage();
            Weakest { by: entry.name.clone(), unsigned: coverage.unsigned(), details: details(&coverage) }
        }),
        // Whoever holds a token may send anything with it.
        Requirement::Jwt(index, _) => Some(Weakest {
            by: tokens_name(config, *index).to_owned(),
            unsigned: Coverage::default().unsigned(),
            details: 0,
        }),
        Requirement::AnyOf(legs) => {
            let legs = legs.iter().filter_map(|leg| weakest(config, leg));
            // Of equals the first: `min_by_key` keeps it.
            legs.min_by_key(|leg| (std::cmp::Reverse(leg.unsigned.len()), leg.details))
        }
        Requirement::AllOf(legs) => legs.iter().filter_map(|leg| weakest(config, leg)).reduce(|mut all, leg| {
            all.by = format!("{} + {}", all.by, leg.by);
            all.unsigned.retain(|part| leg.unsigned.contains(part));
            all.details += leg.details;
            all
        }),
    }
}

/// `nothing`, or the parts.
pub(super) fn listed(parts: &[&str]) -> String {
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

fn details(coverage: &Coverage) -> usize {
    coverage.headers.len() + coverage.parameters.len() + coverage.json.len() + coverage.form.len()
}

pub(super) fn scheme_name(config: &Config, index: usize) -> &str {
    config.schemes.get(index).map_or("?", |entry| &entry.name)
}

fn tokens_name(config: &Config, index: usize) -> &str {
    config.tokens.get(index).map_or("?", |entry| &entry.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, System};

    fn config(require: &str) -> Config {
        let text = format!(
            "listen: 127.0.0.1:0
keys: {{ k: {{ shared: {{ value: 0123456789abcdef }} }} }}
schemes:
  old: {{ preset: device, keys: k }}
  new: {{ preset: device-v2, keys: k }}
  body: {{ preset: raw-body, keys: k }}
  headers: {{ keys: k, message: '{{header:A}} {{path}}', signature: {{ from: '{{header:S}}', encoding: hex, algorithm: hmac-sha256 }} }}
tokens: {{ api: {{ keys: [{{ algorithm: HS256, secret: {{ value: 0123456789abcdef0123456789abcdef }} }}] }} }}
upstreams: {{ e: {{ echo: true }} }}
routes: [{{ match: {{ path: / }}, require: {require}, to: e }}]"
        );
        config::parse(&text, "t.yaml", &System).unwrap_or_else(|problems| panic!("{problems}")).0
    }

    fn of(require: &str) -> (String, String, String) {
        let config = config(require);
        let require = &config.routes[0].require;
        let weakest = weakest(&config, require).unwrap();
        (demand(&config, require), weakest.by, listed(&weakest.unsigned))
    }

    #[test]
    fn a_choice_is_as_good_as_its_weakest_leg() {
        let (demand, by, unsigned) = of("{ any_of: [{ hmac: new }, { hmac: old }, { jwt: api }] }");
        assert_eq!(demand, "any of hmac new, hmac old, jwt api");
        assert_eq!((by.as_str(), unsigned.as_str()), ("api", "method, path, query, authority, body"));
        assert_eq!(of("{ any_of: [{ hmac: new }, { hmac: old }] }").1, "old");
    }

    #[test]
    fn what_is_wanted_together_signs_together() {
        let (demand, by, unsigned) = of("{ all_of: [{ hmac: body }, { any_of: [{ hmac: headers }, { jwt: api }] }] }");
        assert_eq!(demand, "all of hmac body, (any of hmac headers, jwt api)");
        assert_eq!((by.as_str(), unsigned.as_str()), ("body + api", "method, path, query, authority"));
        assert_eq!(of("{ all_of: [{ hmac: body }, { hmac: headers }] }").2, "method, query, authority");
    }

    #[test]
    fn a_scheme_that_signs_all_leaves_nothing_open() {
        assert_eq!(of("{ hmac: new }").2, "nothing");
    }
}
