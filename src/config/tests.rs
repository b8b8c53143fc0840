//! Whole configs that are right: what is read from them, and what is warned of.

use std::{path::Path, time::Duration};

use proptest::prelude::*;

use super::{environment::Fixed, *};

fn environment() -> Fixed {
    Fixed {
        variables: ["KEY", "API_DB_KEY", "DEVICE_KEY", "WEBHOOK_KEY", "JWT_KEY", "API_KEY"]
            .map(|name| (name, "0123456789abcdef0123456789abcdef"))
            .to_vec(),
        files: Vec::new(),
    }
}

fn read(text: &str) -> (Config, Vec<Problem>) {
    parse(text, "test.yaml", &environment()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn example(name: &str) -> (Config, Vec<Problem>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
    read(&std::fs::read_to_string(path).unwrap())
}

const SMALL: &str = "
listen: 127.0.0.1:8000
upstreams: { app: { servers: 'http://127.0.0.1:9001' } }
routes: [{ match: { path: /** }, public: true, to: app }]
";

#[test]
fn a_small_config_has_every_default_and_no_warning() {
    let (config, warnings) = read(SMALL);
    assert!(warnings.is_empty(), "{}", Problems(warnings));
    assert_eq!((config.limits.connections, config.limits.head, config.limits.body), (10_000, 32_768, 10_485_760));
    assert_eq!(config.timeouts.idle, Duration::from_secs(75));
    assert_eq!((config.log.access, config.replay.capacity), (LogSink::Stdout, 1_000_000));
    assert_eq!((config.routes[0].name.as_str(), config.routes[0].line), ("/**", 4));
}

#[test]
fn every_setting_of_the_surface_is_read() {
    let (config, _) = read(
        "
listen:
  - { name: a, address: '[::1]:8000', public_origin: 'https://api.example.com:8443' }
  - 127.0.0.1:8001
admin: { address: 0.0.0.0:9090, dangerously_not_loopback: true }
trusted_proxies: [10.0.0.0/8, 192.0.2.1]
keys: { k: { static: { dev-1: [{ env: KEY }, other-secret-of-enough-bytes] } } }
schemes:
  s: { preset: device-v2, keys: k, replay: { key: '{key_id}:{header:X-HMAC-Nonce}', remember: 1h } }
tokens:
  t: { keys: [{ algorithm: HS256, secret: { env: KEY } }], issuer: i, audience: [a, b], leeway: 5s, expiry: optional,
       require: [sub], equal: { role: admin, level: 3, on: true, text: '3' }, from: { cookie: session } }
upstreams:
  app: { servers: ['http://a:1/x/', 'https://b'], host: { fixed: c.example }, tls: { server_name: b.example } }
  echo: { echo: true }
  ok: { respond: { status: 201, headers: { X-A: 'b' }, body: '{\"a\":1}' } }
routes:
  - name: all
    match: { path: '/a/{id}/**', host: [a.example, '*.b.example'], methods: [GET, POST], listen: a }
    require: { all_of: [{ hmac: s }, { jwt: { tokens: t, from: authorization } }] }
    to: app
    set_headers: { X-Subject: '{claim:sub}', X-Key: '{key_id}' }
    forward_credentials: true
    refusals: { invalid-token: { status: 403 } }
    max_body: 1MiB
    upstream_timeout: 10s
    upgrade: [websocket, IRC/6.9]
  - { match: { path: /echo }, public: true, to: echo }
  - { match: { path: /ok }, public: true, to: ok }
refusals: { key: error, invalid-token: { detail: No } }
limits: { connections: 5, head: 8KiB, headers: 20, body: 1MiB, body_memory: 1KiB, body_memory_total: 1MiB, spool_total: 0, spool: spool, upstream_requests: 9 }
timeouts: { head: 1s, body: 2s, idle: 3s, write: 4s, connect: 5s, upstream: 6s, upstream_body: 7s, tunnel: 2h, drain: 250ms }
log: { access: { file: access.log }, format: json }
replay: { capacity: 7 }
",
    );
    assert_eq!(config.listen[0].public_origin.as_ref().unwrap().authority, "api.example.com:8443");
    assert_eq!((config.listen.len(), config.trusted_proxies.nets.len()), (2, 2));
    let KeySource::Static(ids) = &config.keys[0].source else { panic!("not static") };
    assert_eq!((ids[0].0.as_str(), ids[0].1.secrets.len()), ("dev-1", 2));
    assert_eq!(config.schemes[0].scheme.remembers(), Some(Duration::from_secs(3600)));
    let tokens = &config.tokens[0];
    assert_eq!((tokens.leeway, tokens.require_exp, tokens.audience.len()), (Duration::from_secs(5), false, 2));
    assert_eq!(tokens.from, TokenFrom::Cookie("session".to_owned()));
    let equal: Vec<&str> = tokens.equal_claims.iter().map(|(_, json)| json.as_str()).collect();
    assert_eq!(equal, ["\"admin\"", "3", "true", "\"3\""]);
    let UpstreamKind::Servers { servers, host, .. } = &config.upstreams[0].kind else { panic!("no servers") };
    assert_eq!((servers[0].prefix.as_str(), servers[1].port, servers[1].tls), ("/x", 443, true));
    assert_eq!(*host, UpstreamHost::Fixed("c.example".to_owned()));
    let route = &config.routes[0];
    assert_eq!((route.listeners.as_slice(), route.max_body), ([0].as_slice(), Some(1 << 20)));
    assert!(route.forward_credentials && matches!(&route.require, Requirement::AllOf(legs) if legs.len() == 2));
    assert_eq!(config.limits.spool.as_deref(), Some(Path::new("spool")));
    assert_eq!((config.timeouts.drain, config.replay.capacity), (Duration::from_millis(250), 7));
    assert_eq!(config.log.access, LogSink::File("access.log".into()));
}

#[test]
fn a_routes_refusals_are_laid_over_those_of_the_whole_config() {
    let text = SMALL.replace("to: app }]", "to: app, refusals: { content_type: text/x, stale: { detail: Late } } }]");
    let (config, _) = read(&format!("{text}\nrefusals: {{ key: error, stale: {{ status: 401 }} }}\n"));
    let refusals = &config.routes[0].refusals;
    assert_eq!((refusals.key.as_deref(), refusals.content_type.as_deref()), (Some("error"), Some("text/x")));
    let (_, stale) = &refusals.causes[0];
    assert_eq!((stale.status, stale.detail.as_deref()), (Some(401), Some("Late")));
    assert_eq!(config.refusals.content_type, None);
}

#[test]
fn a_users_key_replaces_the_presets_key_of_that_name() {
    let (config, _) = read(
        "
listen: 127.0.0.1:8000
keys: { k: { shared: { env: KEY } } }
schemes: { s: { preset: raw-body, keys: k, signature: { from: '{header:X-Sig}', encoding: base64, algorithm: hmac-sha512 } } }
upstreams: { app: { echo: true } }
routes: [{ match: { path: / }, require: { hmac: s }, to: app }]
",
    );
    assert_eq!(config.schemes[0].preset.as_deref(), Some("raw-body"));
    assert_eq!(config.schemes[0].scheme.algorithm(), crate::scheme::Algorithm::HmacSha512);
}

#[test]
fn what_has_no_effect_is_weak_or_leaves_parts_unsigned_is_told() {
    let (_, warnings) = read(
        "
listen: [127.0.0.1:8000, { name: idle, address: 127.0.0.1:8001 }, { name: used, address: 127.0.0.1:8002 }]
keys: { k: { shared: short-secret }, unused: { shared: { env: KEY } } }
schemes: { s: { preset: raw-body, keys: k } }
tokens: { t: { keys: [{ algorithm: HS512, secret: { env: KEY } }], from: { query: token } } }
upstreams: { app: { echo: true } }
routes: [{ match: { path: /, listen: used }, require: { hmac: s }, to: app }]
",
    );
    let told = Problems(warnings).to_string();
    for wanted in [
        "stands in the config itself",
        "has 12 bytes",
        "`unused` has no effect",
        "`t` has no effect",
        "no `issuer`",
        "no `audience`",
        "a token in the query",
        "should have 64 or more",
        "no route answers on this listener",
        "test.yaml:7:10: note: route `/`, scheme `s`: signs body; does not sign method, path, query, authority",
    ] {
        assert!(told.contains(wanted), "{wanted}\n{told}");
    }
    assert!(!told.contains("short-secret"), "{told}");
}

#[test]
fn routes_for_hosts_that_nobody_can_sign_are_told() {
    let (_, warnings) = read(
        "
listen: { address: 127.0.0.1:8000, public_origin: \"https://api.example.com:8443\" }
keys: { k: { shared: { env: KEY } } }
schemes: { v2: { preset: device-v2, keys: k }, hooks: { preset: slack, keys: k } }
upstreams: { app: { echo: true } }
routes:
  - { name: both, match: { path: /a, host: [api.example.com, other.example.com] }, require: { hmac: v2 }, to: app }
  - { name: below, match: { path: /b, host: '*.example.com' }, require: { hmac: v2 }, to: app }
  - { name: other, match: { path: /c, host: [other.example.com, '*.api.example.com'] }, require: { hmac: v2 }, to: app }
  - { name: unsigned, match: { path: /d, host: other.example.com }, require: { hmac: hooks }, to: app }
  - { name: any, match: { path: /e }, require: { hmac: v2 }, to: app }
",
    );
    let told: Vec<&str> = warnings
        .iter()
        .map(|warning| warning.message.as_str())
        .filter(|text| text.contains("none of the hosts"))
        .collect();
    assert_eq!(told, ["the route `other` answers for none of the hosts that its callers sign"]);
}

/// What was spent of it is kept under its name over reloads.
#[test]
fn a_route_s_own_limit_keeps_its_name_whatever_is_put_before_it() {
    let names = |first: &str| {
        let (config, _) = read(&format!(
            "
listen: 127.0.0.1:8000
upstreams: {{ app: {{ echo: true }} }}
routes:
{first}
  - {{ match: {{ path: /r, methods: [GET, HEAD] }}, public: true, to: app, rate_limits: {{ per: address, rate: 2/h }} }}
  - {{ match: {{ path: /r, methods: [POST], host: a.test }}, public: true, to: app, rate_limits: {{ per: address, rate: 5/h }} }}
  - {{ name: named, match: {{ path: /r, methods: [POST] }}, public: true, to: app, rate_limits: [{{ per: address, rate: 5/h }}, {{ per: route, rate: 5/h }}] }}
  - {{ match: {{ path: /s }}, public: true, to: app, rate_limits: {{ per: address, rate: 5/h }} }}
"
        ));
        let mut names: Vec<String> =
            config.routes.iter().flat_map(|route| &route.rate_limits).map(|limit| limit.name.clone()).collect();
        names.retain(|name| !name.contains("PUT"));
        names
    };
    let alone = names("");
    assert_eq!(alone, ["/r GET,HEAD#1", "/r POST a.test#1", "named#1", "named#2", "/s#1"]);
    let put =
        "  - { match: { path: /r, methods: [PUT] }, public: true, to: app, rate_limits: { per: address, rate: 9/h } }";
    assert_eq!(names(put), alone);
}

#[test]
fn keys_for_a_name_that_several_routes_or_none_have_are_told() {
    let (_, warnings) = read(
        "
listen: { address: 127.0.0.1:8000, public_origin: 'https://api.example.com' }
keys:
  some: { static: { one: { secrets: { env: KEY }, attributes: { routes: [/orders, /read, /raed] } }, two: { env: KEY } } }
  any: { shared: { env: KEY } }
schemes: { v2: { preset: device-v2, keys: some }, hooks: { preset: slack, keys: any } }
upstreams: { app: { echo: true } }
routes:
  - { match: { path: /orders, methods: [GET] }, require: { hmac: v2 }, to: app }
  - { match: { path: /orders, methods: [DELETE] }, require: { hmac: v2 }, to: app }
  - { match: { path: /read }, require: { hmac: v2 }, to: app }
  - { name: same, match: { path: /a }, require: { hmac: hooks }, to: app }
  - { name: same, match: { path: /b }, require: { hmac: hooks }, to: app }
",
    );
    let told: Vec<&str> = warnings
        .iter()
        .map(|warning| warning.message.as_str())
        .filter(|text| text.contains("a key in `some`"))
        .collect();
    assert_eq!(
        told,
        [
            "2 routes have the name `/orders`, and a key in `some` is good on each",
            "a key in `some` is tied to `/raed`, and no route has that name"
        ]
    );
}

#[test]
fn answers_for_everybody_that_do_not_say_to_which_request_they_are_are_told() {
    let (_, warnings) = read(
        "
listen: { address: 127.0.0.1:8000, public_origin: \"https://api.example.com\" }
keys: { k: { shared: { env: KEY } }, own: { static: { gateway: { env: KEY } } } }
schemes:
  v2: { preset: device-v2, keys: k }
  loose: { preset: device-v2, keys: own }
  tied:
    preset: device-v2
    keys: own
    answer: { message: 'answer {request_header:x-hmac-signature} {status} {body|sha256|hex}', emit: { X-Answer: '{signature}' } }
  there: { preset: device-v2, keys: own, answer: { message: 'answer {target} {status} {body}', emit: { X-Answer: '{signature}' } } }
upstreams: { app: { echo: true } }
routes:
  - { name: loose, match: { path: /a }, require: { hmac: v2 }, to: app, sign_response: loose }
  - { name: tied, match: { path: /b }, require: { hmac: v2 }, to: app, sign_response: tied }
  - { name: there, match: { path: /c }, require: { hmac: v2 }, to: app, sign_response: there }
  - { name: public, match: { path: /d }, public: true, to: app, sign_response: there }
  - { name: loosest, match: { path: /e }, public: true, to: app, sign_response: loose }
  - { name: own, match: { path: /f }, require: { hmac: v2 }, to: app, sign_response: v2 }
",
    );
    let told = |name: &str| {
        let text = format!("answers of `{name}` are signed for everybody, and do not say to which request");
        warnings.iter().any(|warning| warning.message == text)
    };
    let names = ["loose", "tied", "there", "public", "loosest", "own"].map(told);
    assert_eq!(names, [true, false, true, false, true, false]);
}

#[test]
fn ids_with_one_secret_are_told_where_a_scheme_does_not_vouch_for_the_id() {
    let (_, warnings) = read(
        "
listen: { address: 127.0.0.1:8000, public_origin: \"https://api.example.com\" }
keys:
  same: { static: { a: { env: KEY }, b: [{ value: another-secret-of-thirty-two-byte }, { env: KEY }] } }
  own: { static: { a: { env: KEY }, b: { value: another-secret-of-thirty-two-byte } } }
  out: { static: { a: { secrets: { env: KEY }, disabled: true }, b: { env: KEY } } }
schemes: { v2: { preset: device-v2, keys: same }, hawk: { preset: hawk, keys: same }, each: { preset: hawk, keys: own }, shut: { preset: hawk, keys: out } }
upstreams: { app: { echo: true } }
routes: [{ match: { path: /** }, require: { any_of: [{ hmac: v2 }, { hmac: hawk }, { hmac: each }, { hmac: shut }] }, to: app }]
",
    );
    let told: Vec<&str> = warnings.iter().map(|warning| warning.message.as_str()).collect();
    let told: Vec<_> =
        told.into_iter().filter_map(|message| message.split_once(" have the same secret, and ")).collect();
    let expected = "the scheme `hawk` does not vouch for the id: a request of one is good once more as the other's";
    assert_eq!(told, [("`a` and `b` in `same`", expected)]);
}

#[test]
fn schemes_under_which_one_signed_request_is_good_twice_are_told() {
    let (_, warnings) = read(
        "
listen: 127.0.0.1:8000
keys: { k: { shared: { env: KEY } }, others: { shared: { env: KEY } } }
schemes:
  standard: { preset: standard-webhooks, keys: k }
  svix: { preset: svix, keys: k }
  slack: { preset: slack, keys: others }
  zoom: { preset: zoom, keys: others }
  v2: { preset: device-v2, keys: others }
  elsewhere: { preset: svix, keys: others, signing_key: '{secret}', replay: false }
upstreams: { app: { echo: true } }
routes:
  - { match: { path: /k }, require: { any_of: [{ hmac: standard }, { hmac: svix }] }, to: app }
  - { match: { path: /slack }, require: { hmac: slack }, to: app }
  - { match: { path: /zoom }, require: { hmac: zoom }, to: app }
  - { match: { path: /v2 }, require: { hmac: v2 }, to: app }
  - { match: { path: /elsewhere }, require: { hmac: elsewhere }, to: app }
",
    );
    let told = Problems(warnings).to_string();
    let twins =
        |one: &str, other: &str| told.contains(&format!("the schemes `{one}` and `{other}` have the same keys"));
    assert!(twins("standard", "svix") && twins("slack", "zoom"), "{told}");
    assert_eq!(told.matches("have the same keys").count(), 2, "{told}");
}

#[test]
fn what_is_minted_and_believed_where_nobody_meant_that_is_told() {
    let (_, warnings) = read(
        "
listen: 127.0.0.1:8000
keys: { k: { shared: { env: KEY } } }
schemes: { s: { preset: device-v2, keys: k } }
tokens:
  api: { keys: [{ algorithm: HS256, secret: { env: KEY } }], issuer: i, audience: a }
  twin: { keys: [{ algorithm: HS256, secret: { env: KEY } }], issuer: i, audience: [inner, a] }
  scoped: { keys: [{ algorithm: HS256, secret: { env: KEY } }], issuer: i, audience: [inner, a], scope: read }
  named: { keys: [{ kid: x, algorithm: HS256, secret: { env: KEY } }], issuer: i, audience: [inner, a] }
  several: { keys: [{ kid: x, algorithm: HS256, secret: { env: KEY } }, { kid: y, algorithm: HS256, secret: { value: fedcba9876543210fedcba9876543210 } }], issuer: i, audience: [inner, a] }
  theirs: { keys: [{ algorithm: HS256, secret: { value: fedcba9876543210fedcba9876543210 } }], issuer: i, audience: [inner, a] }
  others: { keys: [{ algorithm: HS256, secret: { env: KEY } }], issuer: j, audience: [inner, a] }
issuers: { api: { tokens: api } }
upstreams:
  app: { servers: ['http://127.0.0.1:9001'], assertion: { issuer: api, audience: inner } }
  mint: { mint: { issuer: api } }
routes:
  - { match: { path: /own, methods: [POST] }, require: { jwt: api }, to: mint }
  - { match: { path: /twin, methods: [POST] }, require: { any_of: [{ hmac: s }, { jwt: twin }] }, to: mint }
  - { match: { path: /both, methods: [POST] }, require: { all_of: [{ hmac: s }, { jwt: twin }] }, to: mint }
  - { match: { path: /others, methods: [POST] }, require: { any_of: [{ jwt: theirs }, { jwt: others }, { jwt: several }, { jwt: scoped }] }, to: mint }
  - { match: { path: /named, methods: [POST] }, require: { jwt: named }, to: mint }
  - { match: { path: /x }, require: { jwt: theirs }, to: app }
",
    );
    let told: Vec<String> = warnings.iter().map(|warning| format!("{}: {}", warning.line, warning.message)).collect();
    let about = |words: &str| told.iter().filter(|told| told.contains(words)).map(String::as_str).collect::<Vec<_>>();
    let lines: Vec<&str> = about("is good here").iter().filter_map(|told| told.split(':').next()).collect();
    assert_eq!(lines, ["18", "19", "22"], "{told:?}");
    let entries: Vec<&str> = about("accepts this audience").iter().filter_map(|told| told.split('`').nth(1)).collect();
    assert_eq!(entries, ["twin", "scoped", "named"], "{told:?}");
}

#[test]
fn what_an_upstream_is_told_is_no_token_where_no_route_takes_its_entry() {
    let (_, problems) = example("bridge.yaml");
    let told: Vec<_> = problems.into_iter().filter(|problem| problem.message.contains("is a token here")).collect();
    assert!(told.is_empty(), "{}", Problems(told));
}

#[test]
fn a_body_beyond_what_is_held_in_memory_is_warned_of_where_a_scheme_reads_it() {
    let told = |more: &str| {
        let text = "listen: 127.0.0.1:8000\nkeys: { k: { shared: { env: KEY } } }\n\
            schemes: { read: { preset: device, keys: k }, fed: { preset: raw-body, keys: k } }\n\
            upstreams: { ok: { respond: { body: ok } } }\nroutes:\n\
            - { match: { path: /fed }, require: { hmac: fed }, to: ok, max_body: 5MiB }\n\
            - { match: { path: /read }, require: { hmac: read }, to: ok, max_body: 5MiB }\n\
            - { match: { path: /small }, require: { hmac: read }, to: ok, max_body: 64KiB }\n";
        let (_, problems) = read(&format!("{text}{more}"));
        let about = problems.into_iter().filter(|problem| problem.message.contains("`max_body` has no effect"));
        about.map(|problem| (problem.line, problem.message)).collect::<Vec<_>>()
    };
    let warned = told("");
    assert!(warned.len() == 1 && warned[0].0 == 7 && warned[0].1.contains("beyond 65536 bytes"), "{warned:?}");
    assert!(told("limits: { body_memory: 5MiB }\n").is_empty());
}

#[test]
fn the_quickstart_loads_without_a_warning_and_stays_short() {
    let (config, problems) = example("quickstart.yaml");
    assert_eq!(config.routes.len(), 3);
    let webhook_is_plain = |problem: &Problem| problem.message.contains("webhook");
    let others: Vec<_> =
        problems.into_iter().filter(|p| p.severity == Severity::Warning && !webhook_is_plain(p)).collect();
    assert!(others.is_empty(), "{}", Problems(others));
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/quickstart.yaml")).unwrap();
    assert!(text.lines().count() < 45);
}

#[test]
fn the_device_api_takes_both_old_clients_on_one_route_and_the_new_form_beside_it() {
    let (config, _) = example("device-api.yaml");
    let schemes = |route: usize| {
        let names = config.routes[route].require.schemes();
        names.into_iter().map(|index| config.schemes[index].name.as_str()).collect::<Vec<_>>()
    };
    assert_eq!((schemes(0), schemes(1)), (vec!["device", "body-text"], vec!["device-v2"]));
    assert_eq!(config.routes[0].refusals.key.as_deref(), Some("detail"));
    assert!(config.schemes[2].scheme.remembers().is_some());
    assert_eq!(config.admin.map(|admin| admin.address.to_string()), Some("127.0.0.1:9090".to_owned()));
}

#[test]
fn the_bench_config_gives_each_listener_its_own_route() {
    let (config, _) = example("bench.yaml");
    let listeners: Vec<_> = config.routes.iter().map(|route| route.listeners.clone()).collect();
    assert_eq!(listeners, [[0], [1], [2], [3]]);
    assert_eq!(config.listen[3].address, "127.0.0.1:9203".parse().unwrap());
    assert_eq!(config.schemes[0].scheme.remembers(), None);
    assert_eq!(config.schemes[1].scheme.remembers(), Some(Duration::from_secs(3600)));
    assert_eq!(config.replay.capacity, 2_000_000);
}

#[test]
fn the_bench_config_for_bodies_takes_the_largest_of_them_and_signs_the_body() {
    let (config, _) = example("../benches/peers/countersign-bodies.yaml");
    assert!(config.limits.body >= 100 * 1024 * 1024);
    assert!(matches!(config.routes[0].require, Requirement::Public));
    assert!(config.schemes[0].scheme.coverage().body);
}

#[test]
fn the_attack_config_opens_one_path_and_guards_one() {
    let (config, _) = example("attack.yaml");
    let paths: Vec<_> = config.routes.iter().map(|route| route.path.as_str()).collect();
    assert_eq!(paths, ["/public/**", "/secure/**"]);
    assert!(matches!(config.routes[0].require, Requirement::Public));
    assert_eq!(config.routes[1].set_headers[0].0, "X-Auth-User");
}

#[test]
fn a_file_that_is_missing_or_not_text_is_one_problem_without_a_line() {
    let missing = load(Path::new("no/such/file.yaml")).unwrap_err();
    assert_eq!((missing.0.len(), missing.0[0].line), (1, 0));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b"listen: \xff").unwrap();
    assert!(load(file.path()).unwrap_err().to_string().contains("not UTF-8"));
}

#[test]
fn paths_are_taken_from_the_configs_own_directory() {
    let text = format!("{SMALL}\nlog: {{ access: {{ file: access.log }} }}\nlimits: {{ spool: /var/spool }}\n");
    let (config, _) = parse(&text, "conf/a.yaml", &environment()).unwrap();
    assert_eq!(config.log.access, LogSink::File("conf/access.log".into()));
    assert_eq!(config.limits.spool.as_deref(), Some(Path::new("/var/spool")));
}

#[test]
fn debug_output_of_a_config_shows_no_secret() {
    let (config, problems) = example("bench.yaml");
    let shown = format!("{config:?} {problems:?} {}", Problems(problems.clone()));
    assert!(!shown.contains("secret-key") && !shown.contains("my_super"), "{shown}");
}

/// Lines of a real config, shuffled: text that gets deeper into the checks than random characters do.
fn lines() -> impl Strategy<Value = String> {
    let whole = include_str!("../../config/device-api.yaml").to_owned() + include_str!("../../config/bench.yaml");
    let lines: Vec<String> = whole.lines().map(str::to_owned).collect();
    proptest::collection::vec(proptest::sample::select(lines), 0..40).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in ".{0,300}") {
        let _ = parse(&text, "any.yaml", &environment()).map_err(|problems| problems.to_string());
    }

    #[test]
    fn text_like_yaml_never_panics(text in "[a-z{}\\[\\]:,'\" \n|>*&!#%@\\-~é]{0,200}") {
        let _ = parse(&text, "any.yaml", &environment()).map_err(|problems| problems.to_string());
    }

    #[test]
    fn shuffled_lines_never_panic_and_show_no_secret(text in lines()) {
        if let Err(problems) = parse(&text, "any.yaml", &environment()) {
            let shown = problems.to_string();
            prop_assert!(!shown.contains("secret-key") && !shown.contains("my_super"), "{}", shown);
        }
    }
}

#[test]
fn thousands_of_problems_are_counted_and_the_first_are_told() {
    let keys: String = (0..5_000).map(|number| format!("key{number}: 1\n")).collect();
    let problems = parse(&keys, "many.yaml", &environment()).unwrap_err();
    assert_eq!(problems.0.len(), 1_001);
    assert!(problems.0.last().unwrap().message.contains("4002 more problems"), "{:?}", problems.0.last());
}
