//! Routes by their path patterns: which of them answer for a path that is itself a pattern, as the route table would find it.

use std::collections::HashMap;

use super::super::{checked::Route, pattern};

/// Every route's pattern, by segment. It is made once, for configs may have thousands of routes.
#[derive(Default)]
pub(super) struct Patterns<'c> {
    literals: HashMap<&'c str, Patterns<'c>>,
    segment: Option<Box<Patterns<'c>>>,
    here: Vec<&'c Route>,
    below: Vec<&'c Route>,
}

impl<'c> Patterns<'c> {
    pub(super) fn of(routes: &'c [Route]) -> Patterns<'c> {
        let mut patterns = Patterns::default();
        for route in routes {
            patterns.terminal(&route.path).push(route);
        }
        patterns
    }

    /// The routes that answer for `path` on a listener and, `None` being one that nobody names, a host; `None` where they are
    /// of that very path, or there is none. A `{name}` in `path` is a segment that nobody names.
    pub(super) fn find(&self, path: &str, host: Option<&str>, listener: usize) -> Option<Vec<&'c Route>> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let mut matching = Vec::new();
        self.collect(&segments, &mut matching);
        let ranked = |routes: &[&'c Route], rank: usize| -> Vec<&'c Route> {
            routes
                .iter()
                .copied()
                .filter(|route| route.is_at(listener) && host_rank(route, host) == Some(rank))
                .collect()
        };
        let best = matching
            .iter()
            .copied()
            .flatten()
            .filter(|route| route.is_at(listener))
            .filter_map(|route| host_rank(route, host));
        let best = best.max()?;
        let found = matching.iter().map(|routes| ranked(routes, best)).find(|routes| !routes.is_empty())?;
        let is_named = found.iter().any(|route| pattern::shape(&route.path) == pattern::shape(path));
        (!is_named).then_some(found)
    }

    fn terminal(&mut self, path: &'c str) -> &mut Vec<&'c Route> {
        let mut node = self;
        for segment in path.split('/').skip(1) {
            node = match segment {
                "**" => return &mut node.below,
                _ if segment.starts_with('{') => node.segment.get_or_insert_default(),
                _ => node.literals.entry(segment).or_default(),
            };
        }
        &mut node.here
    }

    /// The routes of each pattern that matches, the most specific first.
    fn collect<'p>(&'p self, segments: &[&str], matching: &mut Vec<&'p [&'c Route]>) {
        let Some((first, rest)) = segments.split_first() else { return matching.push(&self.here) };
        if let Some(node) = self.literals.get::<str>(first) {
            node.collect(rest, matching);
        }
        if let Some(node) = self.segment.as_ref().filter(|_| !first.is_empty()) {
            node.collect(rest, matching);
        }
        matching.push(&self.below);
    }
}

/// How specific a route is for a host: 0 where it is for any, `None` where it is not for this one.
fn host_rank(route: &Route, host: Option<&str>) -> Option<usize> {
    if route.hosts.is_empty() {
        return Some(0);
    }
    let host = host?;
    route.hosts.iter().filter_map(|named| pattern::host_rank(named, host)).max()
}
