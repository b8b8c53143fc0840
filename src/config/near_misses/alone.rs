//! Paths that end in a slash and have nothing for what is below: in other gateways such a path is the beginning of many.

use super::super::{checked::Config, reader::Reader, tree::Place};

/// Notes each of them.
pub(in crate::config) fn note(config: &Config, places: &[Place], reader: &mut Reader<'_>) {
    for (route, place) in config.routes.iter().zip(places) {
        let path = &route.path;
        let is_below = |other: &str| other.len() > path.len() && other.starts_with(path.as_str());
        if path.len() > 1 && path.ends_with('/') && !config.routes.iter().any(|other| is_below(&other.path)) {
            let message = format!("`{path}` is that path alone, and not what is below it");
            reader.note(*place, message).hint(format!("`{path}**` is `{path}` and everything below it"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{System, parse};

    fn noted(paths: &[&str]) -> usize {
        let route = |path: &&str| format!("  - {{ match: {{ path: '{path}' }}, public: true, to: ok }}\n");
        let routes: String = paths.iter().map(route).collect();
        let text = format!("listen: 127.0.0.1:0\nupstreams: {{ ok: {{ echo: true }} }}\nroutes:\n{routes}");
        let (_, problems) = parse(&text, "t.yaml", &System).unwrap_or_else(|problems| panic!("{problems}"));
        problems.iter().filter(|problem| problem.message.contains("is that path alone")).count()
    }

    #[test]
    fn a_path_that_ends_in_a_slash_and_has_nothing_below_it_is_noted() {
        assert_eq!(noted(&["/api/"]), 1);
        assert_eq!(noted(&["/api/", "/api/**"]), 0);
        assert_eq!(noted(&["/api/", "/api/{id}"]), 0);
        assert_eq!(noted(&["/", "/api", "/api/v1", "/{any}/**"]), 0);
    }
}
