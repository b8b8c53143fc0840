//! Routes that answer for the same requests: none of them is the more specific, so none may win by its place in the file.

use std::collections::HashMap;

use super::{checked::Route, listen::Listeners, pattern, reader::Reader, routes::ReadRoute};

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

/// Warns of listeners that no route answers on.
pub(super) fn report_idle_listeners(routes: &[ReadRoute], listeners: &Listeners, reader: &mut Reader<'_>) {
    let answers =
        |index| routes.iter().any(|read| read.route.listeners.is_empty() || read.route.listeners.contains(&index));
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
