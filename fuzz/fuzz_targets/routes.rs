//! No path makes the route table panic, and no accepted path holds a dot segment or an encoded one.
#![no_main]

use std::sync::LazyLock;

use countersign::gateway::routes::{RouteKey, Routes};
use libfuzzer_sys::fuzz_target;

static ROUTES: LazyLock<Routes<&'static str>> = LazyLock::new(|| {
    let route = |path: &'static str| (RouteKey { path: path.to_owned(), ..RouteKey::default() }, path);
    let paths = ["/public/**", "/secure/**", "/secure/{name}", "/{any}/public", "/Upper/x", "/caf%C3%A9/**", "/**"];
    Routes::build(paths.map(route).into()).expect("the patterns differ")
});

fuzz_target!(|input: (&str, &str, &str)| {
    let (host, method, path) = input;
    if ROUTES.find(0, host, method, path).is_ok() {
        let decoded = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
        assert!(decoded.split('/').all(|segment| segment != "." && segment != ".."), "{path}");
    }
});
