//! The route table: which route a request takes, by listener, host, path and method.
//!
//! A request takes a route only if every reading of its path that a lenient upstream might make takes the same one;
//! the path itself is never changed. Nothing here knows what a route requires or where it leads.

mod hosts;
mod lookalikes;
mod pattern;
mod reading;
mod screening;
#[cfg(test)]
mod tests;

use std::fmt;

use hashbrown::HashMap;

use self::{
    hosts::{Group, Hosts},
    pattern::Pattern,
    screening::Shape,
};
pub use self::{pattern::PatternFault, screening::Why};
use crate::refusal::Cause;

/// What a route answers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteKey {
    /// Host names in lower case, without port; `*.example.com` is every name below `example.com`. Empty: any host.
    pub hosts: Vec<String>,
    /// A path pattern: literal segments, `{name}` for one non-empty segment, a final `/**` for all that is below.
    pub path: String,
    /// Methods, upper case; empty: all.
    pub methods: Vec<String>,
    /// Indices of listeners; empty: all.
    pub listeners: Vec<usize>,
}

/// The routes, immutable once built. `T` is what a route holds.
pub struct Routes<T> {
    entries: Vec<Entry<T>>,
    /// The routes of each listener that some route names.
    named: HashMap<usize, Hosts>,
    /// The routes of every other listener.
    others: Hosts,
    /// Whether every literal reads as it is written, so that plain paths need no second reading.
    literals_are_plain: bool,
}

struct Entry<T> {
    methods: Vec<String>,
    value: T,
}

/// Why no table can be made of these routes. Indices are those of the entries as given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteConflict {
    /// Two routes answer to the same listener, host, path and method, and neither is more specific.
    #[error("routes {first} and {second} match the same requests")]
    Tie {
        /// The one that came first.
        first: usize,
        /// The one that came later.
        second: usize,
    },
    /// A path pattern is not well-formed.
    #[error("route {index}: {fault}")]
    Pattern {
        /// The route.
        index: usize,
        /// What is wrong with its pattern.
        fault: PatternFault,
    },
}

/// Why a request takes no route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRouted {
    /// No route has a pattern that matches.
    #[error("no route matches")]
    NotFound,
    /// The most specific pattern that matches does not take this method.
    #[error("the route takes only {allow}")]
    MethodNotAllowed {
        /// The methods it takes, for the `Allow` header (RFC 9110 section 10.2.1).
        allow: String,
    },
    /// The path can be read in two ways that differ.
    #[error("{0}")]
    AmbiguousPath(Why),
    /// The path is not one that RFC 3986 allows, or holds a dot segment.
    #[error("{0}")]
    BadPath(Why),
}

impl NotRouted {
    /// The cause that the client is told.
    pub fn cause(&self) -> Cause {
        match self {
            NotRouted::NotFound => Cause::NotFound,
            NotRouted::MethodNotAllowed { .. } => Cause::MethodNotAllowed,
            NotRouted::AmbiguousPath(_) => Cause::AmbiguousPath,
            NotRouted::BadPath(_) => Cause::BadRequest,
        }
    }
}

impl<T> Routes<T> {
    /// Builds the table. Two routes that no request could tell apart are an error.
    pub fn build(entries: Vec<(RouteKey, T)>) -> Result<Routes<T>, RouteConflict> {
        let (keys, entries): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .map(|(key, value)| {
                let methods = key.methods.clone();
                (key, Entry { methods, value })
            })
            .unzip();
        let mut routes = Routes { entries, named: HashMap::new(), others: Hosts::default(), literals_are_plain: true };
        for &listener in keys.iter().flat_map(|key| &key.listeners) {
            routes.named.entry(listener).or_default();
        }
        for (index, key) in keys.iter().enumerate() {
            routes.insert(index, key)?;
        }
        Ok(routes)
    }

    /// The route of a request.
    ///
    /// `host` is the authority as it was sent: its port is ignored, its case does not count. `path` is the raw path,
    /// without query. The hosts that fit are asked from the most to the least specific, and the first that has a
    /// matching path decides; a wrong method there is an error, never a reason to look further.
    pub fn find<'r>(&'r self, listener: usize, host: &str, method: &str, path: &str) -> Result<&'r T, NotRouted> {
        let shape = screening::screen(path).map_err(NotRouted::BadPath)?;
        let groups = self.named.get(&listener).unwrap_or(&self.others).groups(host);
        let matching = groups.iter().find_map(|group| group.exact.find(path.as_bytes()));
        let chosen = matching.unwrap_or_default().iter().copied().find(|&index| self.takes(index, method));
        if shape == Shape::Doubtful || !self.literals_are_plain {
            agree(&groups, path, chosen).map_err(NotRouted::AmbiguousPath)?;
        }
        match chosen.and_then(|index| self.entries.get(index)) {
            Some(entry) => Ok(&entry.value),
            None => Err(self.nothing(matching)),
        }
    }

    fn insert(&mut self, index: usize, key: &RouteKey) -> Result<(), RouteConflict> {
        let pattern = Pattern::parse(&key.path).map_err(|fault| RouteConflict::Pattern { index, fault })?;
        self.literals_are_plain &= pattern.is_plain();
        let everywhere = key.listeners.is_empty();
        let named = self.named.iter_mut().filter(|(listener, _)| everywhere || key.listeners.contains(listener));
        let others = everywhere.then_some(&mut self.others);
        let entries = &self.entries;
        for hosts in named.map(|(_, hosts)| hosts).chain(others) {
            for host in &key.hosts {
                place(entries, hosts.group(Some(host)), &pattern, index)?;
            }
            if key.hosts.is_empty() {
                place(entries, hosts.group(None), &pattern, index)?;
            }
        }
        Ok(())
    }

    fn takes(&self, index: usize, method: &str) -> bool {
        self.entries.get(index).is_some_and(|entry| entry.takes(method))
    }

    fn nothing(&self, matching: Option<&[usize]>) -> NotRouted {
        let Some(matching) = matching else { return NotRouted::NotFound };
        let mut methods: Vec<&str> = matching
            .iter()
            .filter_map(|&index| self.entries.get(index))
            .flat_map(|entry| entry.methods.iter().map(String::as_str))
            .collect();
        methods.sort_unstable();
        methods.dedup();
        NotRouted::MethodNotAllowed { allow: methods.join(", ") }
    }
}

impl<T> fmt::Debug for Routes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl<T> Entry<T> {
    fn takes(&self, method: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|listed| listed == method)
    }

    fn overlaps(&self, other: &Entry<T>) -> bool {
        self.methods.is_empty() || other.methods.is_empty() || self.methods.iter().any(|method| other.takes(method))
    }
}

/// Whether every other reading of the path takes the route that the path as it came takes. Where that one takes none,
/// the request is refused anyway, but a path that nobody should send is still called so.
fn agree(groups: &[&Group], path: &str, chosen: Option<usize>) -> Result<(), Why> {
    for reading in reading::decode(path)?.readings() {
        let reading = reading?;
        let Some(index) = chosen else { continue };
        let others = groups.iter().find_map(|group| group.folded.find(&reading));
        if !others.is_some_and(|others| others.contains(&index)) {
            return Err(Why::OtherRoute);
        }
    }
    Ok(())
}

fn place<T>(entries: &[Entry<T>], group: &mut Group, pattern: &Pattern, index: usize) -> Result<(), RouteConflict> {
    let matching = group.exact.terminal(pattern.exact(), pattern.below());
    if matching.contains(&index) {
        return Ok(()); // the same host twice in one route
    }
    for &first in matching.iter() {
        if let (Some(one), Some(other)) = (entries.get(first), entries.get(index))
            && one.overlaps(other)
        {
            return Err(RouteConflict::Tie { first, second: index });
        }
    }
    matching.push(index);
    group.folded.terminal(pattern.folded(), pattern.below()).push(index);
    Ok(())
}
