//! One request put to the route table, with no gateway running.

use super::{listener, or_any, upstream};
use crate::{
    cli::{data, protection, trouble::Trouble},
    config::{Config, Listen},
    gateway::{
        assemble::{AssembleError, route_table},
        routes::{NotRouted, Routes},
    },
    http1::RequestHead,
    refusal::Cause,
};

/// Prints which route a request of `method` for `url` takes on each listener where it can arrive.
pub(super) fn explain(config: &Config, method: &str, url: &str) -> Result<(), Trouble> {
    let (authority, target) = parts(url).ok_or_else(|| Trouble::Url(url.to_owned()))?;
    let routes = route_table(config).map_err(|conflict| Trouble::Start(AssembleError::from(conflict).into()))?;
    data(format_args!("{method} {url}"));
    let head = match RequestHead::from_parts(method, target, &[("Host", authority.as_bytes())]) {
        Ok(head) => head,
        Err(error) => {
            let shown = refusal(error.status(), Cause::BadRequest, &error);
            data(format_args!("{shown}"));
            return Ok(());
        }
    };
    let found: Vec<(usize, String)> =
        arrivals(config, authority).into_iter().map(|index| (index, one(config, &routes, index, &head))).collect();
    let alike = found.iter().all(|(_, shown)| Some(shown) == found.first().map(|(_, first)| first));
    for (index, shown) in found.iter().take(if alike { 1 } else { found.len() }) {
        if !alike {
            data(format_args!("on {}:", listener(config, *index)));
        }
        data(format_args!("{shown}"));
    }
    Ok(())
}

/// The authority and the target, everything as it stands.
fn parts(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let (authority, target) = rest.split_at_checked(rest.find(['/', '?', '#']).unwrap_or(rest.len()))?;
    let target = if target.is_empty() { "/" } else { target };
    (!authority.is_empty() && target.starts_with('/')).then_some((authority, target))
}

/// The listeners that `authority` names by address or public origin; all of them where it names none.
fn arrivals(config: &Config, authority: &str) -> Vec<usize> {
    let is_named = |listen: &Listen| {
        let public =
            listen.public_origin.as_ref().is_some_and(|origin| origin.authority.eq_ignore_ascii_case(authority));
        public || listen.address.to_string() == authority
    };
    let named: Vec<usize> =
        config.listen.iter().enumerate().filter(|(_, listen)| is_named(listen)).map(|(index, _)| index).collect();
    if named.is_empty() { (0..config.listen.len()).collect() } else { named }
}

fn one(config: &Config, routes: &Routes<usize>, listener: usize, head: &RequestHead) -> String {
    let found = routes.find(listener, head.authority(), head.method(), head.path());
    match found.map(|index| config.routes.get(*index)) {
        Ok(Some(route)) => {
            let weakest = protection::weakest(config, &route.require);
            let unsigned =
                weakest.map(|weakest| format!("{} (by {})", protection::listed(&weakest.unsigned), weakest.by));
            let lines = [
                ("route", format!("{} (line {})", route.name, route.line)),
                ("path", route.path.clone()),
                ("methods", or_any(&route.methods)),
                ("requires", protection::demand(config, &route.require)),
                ("unsigned", unsigned.unwrap_or_else(|| "all parts: nobody is asked for anything".to_owned())),
                ("to", upstream(config, route).to_owned()),
            ];
            lines.map(|(name, value)| format!("  {name:<9} {value}")).join("\n")
        }
        Ok(None) => String::new(),
        Err(refused) => {
            let why: &dyn std::fmt::Display = match &refused {
                NotRouted::AmbiguousPath(why) | NotRouted::BadPath(why) => why,
                other => other,
            };
            let told = refusal(refused.cause().face().status, refused.cause(), why);
            match near(config, routes, listener, head).filter(|_| refused == NotRouted::NotFound) {
                Some(near) => format!("{told}\n  hint      {near}"),
                None => told,
            }
        }
    }
}

/// What would have taken a route, where nothing did: the usual ways to miss one.
fn near(config: &Config, routes: &Routes<usize>, listener: usize, head: &RequestHead) -> Option<String> {
    let (path, method) = (head.path(), head.method());
    let found = |listener: usize, host: &str, path: &str| {
        let index = routes.find(listener, host, method, path).ok()?;
        config.routes.get(*index).map(|route| format!("the route `{}` (line {})", route.name, route.line))
    };
    let slash = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
    if let Some(route) = found(listener, head.authority(), &slash) {
        return Some(format!("`{slash}` takes {route}: a slash at the end makes another path"));
    }
    let lower = path.to_ascii_lowercase();
    if let Some(route) = found(listener, head.authority(), &lower) {
        return Some(format!("`{lower}` takes {route}: upper and lower case make different paths"));
    }
    let hosts = config.routes.iter().flat_map(|route| &route.hosts);
    let mut of_host = hosts.map(|host| (host, host.replacen('*', "any", 1)));
    if let Some((host, route)) = of_host.find_map(|(host, asked)| Some((host, found(listener, &asked, path)?))) {
        return Some(format!("with the host `{host}` it takes {route}"));
    }
    beginnings(path).find_map(|begin| {
        let index = routes.find(listener, head.authority(), method, begin).ok()?;
        let route = config.routes.get(*index)?;
        let all = route.path.strip_suffix('/').unwrap_or(&route.path);
        Some(format!("`{}` on line {} is that path alone; everything below it is `{all}/**`", route.path, route.line))
    })
}

/// The beginnings of a path, up to a slash and with it, the longest first.
fn beginnings(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.rmatch_indices('/').flat_map(|(at, _)| [at + 1, at]);
    ends.filter_map(|end| path.get(..end)).filter(move |begin| !begin.is_empty() && *begin != path)
}

fn refusal(status: u16, cause: Cause, why: &dyn std::fmt::Display) -> String {
    format!("  refused   {status} {}: {why}", cause.face().name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_beginning_at_each_slash() {
        assert_eq!(beginnings("/a/b").collect::<Vec<_>>(), ["/a/", "/a", "/"]);
        assert_eq!(beginnings("/a/").collect::<Vec<_>>(), ["/a", "/"]);
        assert_eq!(beginnings("/").count(), 0);
    }

    #[test]
    fn a_url_is_taken_apart_and_nothing_of_it_is_tidied() {
        assert_eq!(parts("http://a:8000/b/..%2f?c#d"), Some(("a:8000", "/b/..%2f?c#d")));
        assert_eq!(parts("https://a"), Some(("a", "/")));
        for bad in ["", "a/b", "ftp://a/", "http:///b", "http://a?b"] {
            assert_eq!(parts(bad), None, "{bad:?}");
        }
    }
}
