//! What a scheme signs and what it needs of the body, told by its templates.

use std::fmt;

use super::{
    Carrier,
    leaves::Leaf,
    signed::Signed,
    template::{Filter, Source},
    values::ParameterSource,
};

/// The parts of a request that a signature vouches for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The method.
    pub method: bool,
    /// The whole path.
    pub path: bool,
    /// The whole query.
    pub query: bool,
    /// The public authority.
    pub authority: bool,
    /// The whole body.
    pub body: bool,
    /// Header fields, as the config writes them; of `a else b` the first that a request has.
    pub headers: Vec<String>,
    /// Single query parameters, where the whole query is not signed.
    pub parameters: Vec<String>,
    /// Single JSON fields (RFC 6901), where the whole body is not signed.
    pub json: Vec<String>,
    /// Single form fields, where the whole body is not signed.
    pub form: Vec<String>,
    /// Of method, path, query, authority and body those that are signed, but with nothing in the message between them and
    /// what stands beside them, and so are not covered: bytes can move from one to the other under the same signature.
    pub touching: Vec<&'static str>,
    /// The same of those that are signed in part alone: a filter, or what is left out of a list, loses more of them than how they are
    /// spelled.
    pub in_part: Vec<&'static str>,
    /// The same of single values, each with its kind: `header X-Role`. Those that are also signed whole are not among them.
    pub partial: Vec<String>,
}

/// How much of the body verification needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BodyNeed {
    /// None of it.
    Unneeded,
    /// Its bytes once from start to end; they may be spooled.
    Bytes,
    /// All of it in memory: a JSON or form field is read, or a filter works on the whole.
    Parsed,
}

impl Coverage {
    pub(super) fn of(signed: &Signed<'_>, carrier: &Carrier) -> Coverage {
        let own = Coverage::fixed(signed, carrier);
        let wherever = signed.wherever_it_ends();
        let loosely = Coverage::fixed(&wherever, carrier);
        let touching = own.parts().into_iter().zip(loosely.parts());
        let touching: Vec<_> = touching.filter_map(|((name, is), (_, would))| (!is && would).then_some(name)).collect();
        let sources = [Source::Method, Source::Path, Source::Query, Source::Authority, Source::Body];
        let shown = own.parts().into_iter().zip(sources).filter(|(_, source)| wherever.shows(source));
        let in_part = shown.filter_map(|((name, is), _)| (!is && !touching.contains(&name)).then_some(name)).collect();
        Coverage { touching, in_part, ..own }
    }

    fn fixed(signed: &Signed<'_>, carrier: &Carrier) -> Coverage {
        let (host, port) = (signed.covers(&Source::Host), signed.covers(&Source::Port));
        let mut coverage = Coverage {
            method: signed.covers(&Source::Method),
            path: signed.covers(&Source::Path),
            query: signed.covers(&Source::Query) || signed.covers_every(&ParameterSource::Query, carrier),
            authority: signed.covers(&Source::Authority) || host && port,
            body: signed.covers(&Source::Body) || signed.covers_every(&ParameterSource::Form, carrier),
            ..Coverage::default()
        };
        for leaf in signed.leaves() {
            let (kind, list, name) = match &leaf.source {
                Source::Header(name) => ("header", &mut coverage.headers, name.clone()),
                Source::FirstOf { names, .. } => ("header", &mut coverage.headers, names.replace("header:", "")),
                Source::Parameter(name) if !coverage.query => ("query", &mut coverage.parameters, name.clone()),
                Source::Json(pointer) if !coverage.body => ("json", &mut coverage.json, pointer.clone()),
                Source::Form(name) if !coverage.body => ("form", &mut coverage.form, name.clone()),
                _ => continue,
            };
            match leaf.is_whole(&leaf.source) {
                true => list.push(name),
                false => coverage.partial.push(format!("{kind} {name}")),
            }
        }
        // Names of headers have no case, those of the others have.
        coverage.headers.sort_by_cached_key(|name| (name.to_ascii_lowercase(), name.clone()));
        coverage.headers.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        for list in [&mut coverage.parameters, &mut coverage.json, &mut coverage.form] {
            list.sort();
            list.dedup();
        }
        let whole: Vec<String> = coverage.singles().collect();
        let is_header = |name: &str| name.starts_with("header ");
        let is_same = |a: &str, b: &str| a == b || is_header(a) && a.eq_ignore_ascii_case(b);
        coverage.partial.retain(|partial| !whole.iter().any(|whole| is_same(whole, partial)));
        coverage.partial.sort();
        coverage.partial.dedup_by(|a, b| is_same(a, b));
        coverage
    }

    /// Each single value with its kind.
    fn singles(&self) -> impl Iterator<Item = String> {
        let lists =
            [("header", &self.headers), ("query", &self.parameters), ("json", &self.json), ("form", &self.form)];
        lists.into_iter().flat_map(|(kind, names)| names.iter().map(move |name| format!("{kind} {name}")))
    }

    /// The parts that anyone on the way may change without breaking the signature.
    pub fn unsigned(&self) -> Vec<&'static str> {
        self.parts().into_iter().filter(|(_, covered)| !covered).map(|(name, _)| name).collect()
    }

    fn parts(&self) -> [(&'static str, bool); 5] {
        [
            ("method", self.method),
            ("path", self.path),
            ("query", self.query),
            ("authority", self.authority),
            ("body", self.body),
        ]
    }
}

impl fmt::Display for Coverage {
    /// `signs path, header X-Time, json /id; signs query, body but not where they begin and end; signs header X-Role in part; does
    /// not sign method`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let covered = self.parts().into_iter().filter(|(_, covered)| *covered).map(|(name, _)| name.to_owned());
        let mut signs: Vec<String> = covered.collect();
        signs.extend(self.singles());
        let mut open = self.unsigned();
        open.retain(|part| !self.touching.contains(part));
        write!(f, "signs {}", if signs.is_empty() { "nothing".to_owned() } else { signs.join(", ") })?;
        if !self.touching.is_empty() {
            write!(f, "; signs {} but not where they begin and end", self.touching.join(", "))?;
        }
        if !self.partial.is_empty() {
            write!(f, "; signs {} in part", self.partial.join(", "))?;
        }
        if !open.is_empty() {
            write!(f, "; does not sign {}", open.join(", "))?;
        }
        Ok(())
    }
}

impl BodyNeed {
    /// `streamed`: whether the template's bytes are consumed as they come, or collected for a comparison.
    pub(super) fn of(leaves: &[Leaf], streamed: bool) -> BodyNeed {
        let need = |leaf: &Leaf| match (&leaf.source, leaf.filters.first()) {
            (source, _) if source.is_parsed_body() => BodyNeed::Parsed,
            (Source::Body, Some(Filter::Digest(_) | Filter::First(_))) => BodyNeed::Bytes,
            (Source::Body, None) if streamed => BodyNeed::Bytes,
            (Source::Body, _) => BodyNeed::Parsed,
            _ => BodyNeed::Unneeded,
        };
        leaves.iter().map(need).max().unwrap_or(BodyNeed::Unneeded)
    }
}
