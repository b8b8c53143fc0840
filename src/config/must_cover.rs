//! `must_cover:` of a route: parts of a request that every way in must sign, together.

use super::{
    checked::{Part, Requirement, SchemeConfig, Tokens},
    reader::Reader,
    requirement::Leg,
    section::Section,
    tree::{Node, Place},
};
use crate::scheme::Coverage;

const PARTS: [(&str, Part); 5] = [
    ("method", Part::Method),
    ("path", Part::Path),
    ("query", Part::Query),
    ("authority", Part::Authority),
    ("body", Part::Body),
];

/// Reads the list.
pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Vec<(Part, Place)> {
    let items = reader.one_or_many(node, "`must_cover`");
    let part =
        |item: &Node, reader: &mut Reader<'_>| Some((reader.choice(item, "a part of a request", &PARTS)?, item.place));
    items.iter().filter_map(|item| part(item, reader)).collect()
}

/// Reports each part that some way in leaves open, and which way that is.
pub(super) fn check(
    parts: &[(Part, Place)],
    require: &Requirement,
    schemes: &Section<SchemeConfig>,
    tokens: &Section<Tokens>,
    reader: &mut Reader<'_>,
) {
    let ways = require.combinations();
    for (part, place) in parts {
        let name = part.name();
        if ways.is_empty() {
            let problem = reader.error(*place, format!("on a public route nothing is signed, and so not the {name}"));
            problem.hint("`require` a scheme that signs it");
        }
        for way in &ways {
            if way.iter().any(|leg| leg.covers(*part, schemes)) {
                continue;
            }
            let names: Vec<String> = way.iter().map(|leg| leg.shown(schemes, tokens)).collect();
            let (subject, verb) = (names.join(" with "), if names.len() == 1 { "does" } else { "do" });
            if way.iter().any(|leg| leg.touching(schemes).contains(&name)) {
                let beside = "the message does not tell it from what stands beside it";
                let message = format!("{subject} {verb} not fix where the {name} begins and ends: {beside}");
                let problem = reader.error(*place, message);
                problem
                    .hint("bytes can move from one to the other; sign it on a line of its own, a body as its digest");
                continue;
            }
            if way.iter().any(|leg| leg.in_part(schemes).contains(&name)) {
                let message = format!("{subject} {verb} not sign all of the {name}: the message loses some of it");
                let problem = reader.error(*place, message);
                problem.hint("a filter such as `lower`, `trim`, `first` or `percent_decode`, or what a list leaves out: sign it as it comes");
                continue;
            }
            let problem = reader.error(*place, format!("{subject} {verb} not sign the {name}"));
            problem.hint(match way.iter().any(|leg| matches!(leg, Leg::Scheme(_))) {
                true => "every way in must; `device-v2` signs all of a request but its headers",
                false => "whoever has a token may send anything with it: require a signature beside it, with `all_of`",
            });
        }
    }
    for way in ways {
        check_together(&way, parts, schemes, tokens, reader);
    }
}

/// Reports a way in whose signatures cover all of the parts, but none of them all: those of two requests could be put together
/// to a third one that nobody signed.
fn check_together(
    way: &[Leg],
    parts: &[(Part, Place)],
    schemes: &Section<SchemeConfig>,
    tokens: &Section<Tokens>,
    reader: &mut Reader<'_>,
) {
    let is_covered = |(part, _): &(Part, Place)| way.iter().any(|leg| leg.covers(*part, schemes));
    let covers_all = |leg: &Leg| parts.iter().all(|(part, _)| leg.covers(*part, schemes));
    let Some(((first, place), rest)) = parts.split_first() else { return };
    if !parts.iter().all(is_covered) || way.iter().any(covers_all) {
        return;
    }
    let names: Vec<String> = way.iter().map(|leg| leg.shown(schemes, tokens)).collect();
    let parts: Vec<&str> =
        std::iter::once(first).chain(rest.iter().map(|(part, _)| part)).map(|part| part.name()).collect();
    let message = format!("of {} none signs {} together", names.join(" and "), parts.join(" and "));
    reader.error(*place, message).hint(
        "the signatures of two requests could be put together to a third: let one scheme sign all of these parts; that it signs the other's signature does not count as that",
    );
}

impl Leg {
    fn covers(self, part: Part, schemes: &Section<SchemeConfig>) -> bool {
        match self {
            // What could not be read has been reported.
            Leg::Scheme(index) => schemes.item(index).is_none_or(|entry| part.is_in(&entry.scheme.coverage())),
            Leg::Tokens(_) => false,
        }
    }

    /// What is signed, but not as a part of its own.
    fn touching(self, schemes: &Section<SchemeConfig>) -> Vec<&'static str> {
        match self {
            Leg::Scheme(index) => schemes.item(index).map(|entry| entry.scheme.coverage().touching).unwrap_or_default(),
            Leg::Tokens(_) => Vec::new(),
        }
    }

    /// What is signed, but for a part of it.
    fn in_part(self, schemes: &Section<SchemeConfig>) -> Vec<&'static str> {
        match self {
            Leg::Scheme(index) => schemes.item(index).map(|entry| entry.scheme.coverage().in_part).unwrap_or_default(),
            Leg::Tokens(_) => Vec::new(),
        }
    }

    fn shown(self, schemes: &Section<SchemeConfig>, tokens: &Section<Tokens>) -> String {
        match self {
            Leg::Scheme(index) => {
                schemes.item(index).map_or_else(String::new, |entry| format!("the scheme `{}`", entry.name))
            }
            Leg::Tokens(index) => {
                tokens.item(index).map_or_else(String::new, |entry| format!("a token of `{}`", entry.name))
            }
        }
    }
}

impl Part {
    /// As the config and the coverage table name it.
    pub fn name(self) -> &'static str {
        PARTS.iter().find(|(_, part)| *part == self).map_or("", |(name, _)| name)
    }

    fn is_in(self, coverage: &Coverage) -> bool {
        match self {
            Part::Method => coverage.method,
            Part::Path => coverage.path,
            Part::Query => coverage.query,
            Part::Authority => coverage.authority,
            Part::Body => coverage.body,
        }
    }
}
