//! Routes that answer for the same requests: none of them is the more specific, so none may win by its place in the file.

use std::collections::{BTreeSet, HashMap};

use super::{
    checked::{KeySource, Keys, Route},
    listen::Listeners,
    pattern,
    reader::Reader,
    routes::ReadRoute,
    section::Section,
};
use crate::keys::KeyRecord;

/// Reports each route that another one before it already answers for.
pub(super) fn report(routes: &[ReadRoute], reader: &mut Reader<'_>) {
    let mut by_shape: HashMap<String, Vec<&ReadRoute>> = HashMap::new();
    for read in routes {
        let alike = by_shape.entry(pattern::shape(&read.route.path)).or_default();
        if let Some(first) = alike.iter().find(|other| overlap(&other.route, &read.route)) {
            let (line, path) = (first.route.line, &read.route.path);
            reader
                .error(read.place, format!("two routes answer for `{path}`"))
                .hint(format!("the other is on line {line}; let them differ in host, path, methods or listener"));
        }
        alike.push(read);
    }
}

/// Warns of keys that are good on more routes than their `routes` seem to say, for those of one name are one to them; or on none.
pub(super) fn report_named_routes(routes: &[ReadRoute], keys: &Section<Keys>, reader: &mut Reader<'_>) {
    for (place, entry) in keys.each() {
        let records: Vec<&KeyRecord> = match &entry.source {
            KeySource::Shared(record) => vec![record],
            KeySource::Static(ids) => ids.iter().map(|(_, record)| record).collect(),
            KeySource::Derive { .. } | KeySource::File { .. } | KeySource::Elsewhere(_) => Vec::new(),
        };
        let named = records.into_iter().filter_map(|record| record.attributes.as_ref()?.routes()).flatten();
        let named: BTreeSet<&str> = named.collect();
        for name in named {
            let count = routes.iter().filter(|read| read.route.name == name).count();
            if count == 0 {
                let message = format!("a key in `{}` is tied to `{name}`, and no route has that name", entry.name);
                reader.warning(place, message).suggest(name, routes.iter().map(|read| read.route.name.as_str()));
            }
            if count > 1 {
                let message =
                    format!("{count} routes have the name `{name}`, and a key in `{}` is good on each", entry.name);
                reader.warning(place, message).hint("without a `name` a route has that of its path: give each its own");
            }
        }
    }
}

/// Warns of listeners that no route answers on.
pub(super) fn report_idle_listeners(routes: &[ReadRoute], listeners: &Listeners, reader: &mut Reader<'_>) {
    let answers = |index| routes.iter().any(|read| read.route.is_at(index));
    for (index, place) in listeners.places.iter().enumerate() {
        if !answers(index) {
            reader.warning(*place, "no route answers on this listener");
        }
    }
}

fn overlap(left: &Route, right: &Route) -> bool {
    // The more specific host wins, so a route for any host and one for a name never compete.
    let hosts = if left.hosts.is_empty() || right.hosts.is_empty() {
        left.hosts.is_empty() && right.hosts.is_empty()
    } else {
        left.hosts.iter().any(|host| right.hosts.contains(host))
    };
    hosts && share(&left.methods, &right.methods) && share(&left.listeners, &right.listeners)
}

/// Whether two lists have something in common, an empty one standing for everything.
pub(super) fn share<T: PartialEq>(left: &[T], right: &[T]) -> bool {
    left.is_empty() || right.is_empty() || left.iter().any(|item| right.contains(item))
}
