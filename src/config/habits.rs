//! What other gateways call things: a hint for keys that are unknown here because somebody has learned them elsewhere.

use super::{
    reader::Reader,
    tree::{Entry, Node, Value},
};

/// Names that are used elsewhere for one thing, and what is written here for it.
type Habit = (&'static [&'static str], &'static str);

const IN_THE_CONFIG: [Habit; 4] = [
    (
        &["server", "servers", "port", "bind", "http", "entrypoints"],
        "`listen: 127.0.0.1:8000` says where clients connect",
    ),
    (&["tls", "ssl", "certificates"], "a listener has it: `listen: { address: …, tls: { certificate: …, key: … } }`"),
    (&["backend", "backends", "services", "clusters"], "`upstreams` says where requests go"),
    (&["cors"], CORS),
];

const IN_A_ROUTE: [Habit; 7] = [
    (
        &[
            "upstream",
            "upstreams",
            "backend",
            "backend_refs",
            "service",
            "cluster",
            "target",
            "proxy_pass",
            "forward_to",
        ],
        "`to: NAME` says which of the `upstreams`",
    ),
    (
        &["path", "paths", "uri", "uris", "prefix", "host", "hosts", "method", "methods"],
        "`match: { path: …, host: …, methods: … }`",
    ),
    (
        &["auth", "authentication", "security", "plugins", "hmac", "jwt", "any_of", "all_of"],
        "`require: { hmac: SCHEME }` or `{ jwt: TOKENS }`, or `public: true`",
    ),
    (&["allow", "deny", "ip_whitelist", "ip_restriction"], "`addresses: { allow: […], deny: […] }`"),
    (&["headers", "add_headers", "request_headers"], "`set_headers` says what the upstream is told"),
    (&["strip_prefix", "strip_path", "rewrite"], "a path goes on as it came; one in a server's URL is put before it"),
    (&["cors"], CORS),
];

const IN_AN_UPSTREAM: [Habit; 1] = [(
    &["url", "urls", "target", "targets", "address", "backend", "server", "host_port", "nodes"],
    "`servers: [\"http://127.0.0.1:9001\"]` says where they are",
)];

const CORS: &str =
    "`Access-Control-…` headers are the upstream's to write; a public route for OPTIONS lets preflights through";

/// Where a key stands.
pub(super) enum In {
    Config,
    Route,
    Upstream,
}

/// Says of each key that other gateways have there what stands for it here. Those that are known have no problem to add to.
pub(super) fn hint(entries: &[Entry], place: In, reader: &mut Reader<'_>) {
    let habits: &[Habit] = match place {
        In::Config => &IN_THE_CONFIG,
        In::Route => &IN_A_ROUTE,
        In::Upstream => &IN_AN_UPSTREAM,
    };
    for entry in entries {
        if let Some((_, hint)) = habits.iter().find(|(names, _)| names.contains(&entry.key.as_str())) {
            reader.hint_at(entry.key_place, hint);
        }
    }
}

/// Says how the one value that stands where a map is wanted is written in one.
pub(super) fn hint_of_value(node: &Node, hint: &str, reader: &mut Reader<'_>) {
    if matches!(node.value, Value::Scalar(_)) && !node.is_null() {
        reader.hint_at(node.place, hint);
    }
}
