//! Routes by their path patterns: which of them answer for a path that is itself a pattern, as the route table would find it.

use super::super::{checked::Route, pattern};
use crate::path_trie::PathTrie;

/// Every route's pattern. It is made once, for configs may have thousands of routes.
pub(super) struct Patterns<'c>(PathTrie<&'c Route>);

impl<'c> Patterns<'c> {
    pub(super) fn of(routes: &'c [Route]) -> Patterns<'c> {
        let mut patterns = PathTrie::default();
        for route in routes {
            let above = route.path.strip_suffix("/**");
            let segments = above.unwrap_or(&route.path).split('/').skip(1);
            let segments = segments.map(|segment| (!segment.starts_with('{')).then_some(segment.as_bytes()));
            patterns.terminal(segments, above.is_some()).push(route);
        }
        Patterns(patterns)
    }

    /// The routes that answer for `path` on a listener and, `None` being one that nobody names, a host; `None` where they are
    /// of that very path, or there is none. A `{name}` in `path` is a segment that nobody names.
    pub(super) fn find(&self, path: &str, host: Option<&str>, listener: usize) -> Option<Vec<&'c Route>> {
        let mut best: Option<(usize, Vec<&'c Route>)> = None;
        self.0.find_map(path.as_bytes(), &mut |routes| {
            let ranks =
                routes.iter().filter(|route| route.is_at(listener)).map(|route| (host_rank(route, host), *route));
            let ranked: Vec<(usize, &Route)> = ranks.filter_map(|(rank, route)| Some((rank?, route))).collect();
            let rank = ranked.iter().map(|(rank, _)| *rank).max()?;
            // The table asks the most specific host first, and only then for the path.
            if best.as_ref().is_none_or(|(before, _)| rank > *before) {
                let found = ranked.into_iter().filter(|(own, _)| *own == rank).map(|(_, route)| route);
                best = Some((rank, found.collect()));
            }
            None::<()>
        });
        let (_, found) = best?;
        let is_named = found.iter().any(|route| pattern::shape(&route.path) == pattern::shape(path));
        (!is_named).then_some(found)
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
