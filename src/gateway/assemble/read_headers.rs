//! Which headers are read of requests to prove who sent them, so that no twin of one and no `Connection` tampers with it on
//! its way to an upstream.

use crate::config::{Config, Requirement, TokenFrom};

/// The headers that any scheme reads, and those that hold tokens: where an entry says, or a route. What a request says of its
/// body is among them: without it a body of which fields were read could be another document.
pub(super) fn read_headers(config: &Config) -> Vec<String> {
    let mut names = ["authorization", "cookie", "content-type", "content-encoding"].map(str::to_owned).to_vec();
    for entry in &config.schemes {
        names.extend(entry.scheme.headers());
    }
    names.extend(config.tokens.iter().filter_map(|tokens| header(&tokens.from)));
    for route in &config.routes {
        of_legs(&route.require, &mut names);
    }
    names
}

fn of_legs(require: &Requirement, names: &mut Vec<String>) {
    match require {
        Requirement::Public | Requirement::Hmac(_) => (),
        Requirement::Jwt(_, leg) => {
            names.extend(leg.from.as_ref().and_then(header));
            names.extend(leg.dpop.map(|_| "dpop".to_owned()));
        }
        Requirement::AnyOf(several) | Requirement::AllOf(several) => {
            several.iter().for_each(|one| of_legs(one, names));
        }
    }
}

fn header(from: &TokenFrom) -> Option<String> {
    match from {
        TokenFrom::Header(name) => Some(name.clone()),
        TokenFrom::Bearer | TokenFrom::Authorization | TokenFrom::Cookie(_) | TokenFrom::Query(_) => None,
    }
}
