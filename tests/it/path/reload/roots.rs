//! Files of roots that are replaced: whoever is called is believed by the roots that are there now.

use std::{fs, net::SocketAddr};

use super::Stage;
use crate::path::{
    signing::{device_v2_get, with_length},
    support::{PATIENCE, eventually, get, ok, post},
    tls::{Authority, answering_over_tls},
};

/// A gateway that asks one server for the keys of ids, what tokens are, a set of keys, and who may log in.
fn asks(server: SocketAddr, authority: &Authority) -> String {
    let (port, roots) = (server.port(), authority.file("root.pem"));
    let roots = roots.display();
    format!(
        "keys: {{ k: {{ http: {{ url: 'https://localhost:{port}/keys/{{id}}', roots: {roots} }} }} }}\n\
         schemes: {{ v2: {{ preset: device-v2, keys: k }} }}\n\
         tokens:\n  own: {{ keys: [{{ algorithm: HS256, secret: 0123456789abcdef0123456789abcdef }}] }}\n  \
         opaque: {{ introspection: {{ url: 'https://localhost:{port}/introspect', client_id: g, client_secret: abc, roots: {roots} }} }}\n  \
         published: {{ jwks: {{ url: 'https://localhost:{port}/jwks', roots: {roots} }} }}\n\
         issuers: {{ i: {{ tokens: own }} }}\n\
         users: {{ staff: {{ http: {{ url: 'https://localhost:{port}/login', roots: {roots} }} }} }}\n\
         upstreams: {{ own: {{ respond: {{ body: hello }} }}, login: {{ login: {{ issuer: i, users: staff }} }} }}\n\
         routes:\n  - {{ match: {{ path: /signed }}, require: {{ hmac: v2 }}, to: own }}\n  \
         - {{ match: {{ path: /opaque }}, require: {{ jwt: opaque }}, to: own }}\n  \
         - {{ match: {{ path: /published }}, require: {{ jwt: published }}, to: own }}\n  \
         - {{ match: {{ path: /login, methods: [POST] }}, public: true, to: login }}\n"
    )
}

fn answer(target: &str) -> Vec<u8> {
    match target {
        "/introspect" => ok(r#"{"active":true,"sub":"alice","exp":4000000000}"#),
        "/jwks" => ok(
            r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k"}]}"#,
        ),
        "/login" => ok("{}"),
        _ => ok(r#"{"secret":"0123456789abcdef0123456789abcdef"}"#),
    }
}

/// The statuses of three requests, each of which needs the server. `name` was not asked about before.
fn statuses(stage: &Stage, name: &str) -> [u16; 3] {
    let status = |request: &[u8]| stage.talk().exchange(request).0.status();
    let signed = with_length(&device_v2_get("/signed").replace("dev-1", name), b"");
    let opaque = get("/opaque").replacen("\r\n\r\n", &format!("\r\nAuthorization: Bearer {name}\r\n\r\n"), 1);
    let login = post("/login", format!(r#"{{"username":"{name}","password":"secret"}}"#));
    [signed.as_slice(), opaque.as_bytes(), &login].map(status)
}

#[test]
fn roots_that_are_replaced_are_believed_from_then_on_and_those_of_before_no_longer() {
    let (authority, other) = (Authority::new(), Authority::new());
    authority.certify("server", "localhost");
    let server = answering_over_tls(authority.server("server"), |head, _| answer(head.target()));
    let config = asks(server.address, &authority);
    let stage = Stage::start(&config);
    let failed = "countersign_key_set_fetches_total{tokens=\"published\",outcome=\"failed\"}";
    assert_eq!(statuses(&stage, "one"), [403, 200, 200], "there is a key, and the signature is another one's");
    assert_eq!(stage.metric(failed), 0.0);

    stage.change(&format!("{config}# again\n"));
    let connections = server.connections();
    assert_eq!(statuses(&stage, "two"), [403, 200, 200]);
    assert_eq!(server.connections(), connections, "what is the same goes on");

    let generation = stage.metric("countersign_config_generation");
    fs::copy(other.file("root.pem"), authority.file("fresh.pem")).expect("copied");
    fs::rename(authority.file("fresh.pem"), authority.file("root.pem")).expect("renamed");
    assert!(eventually(PATIENCE, || stage.metric("countersign_config_generation") > generation));
    assert_eq!(statuses(&stage, "three"), [503, 503, 503]);
    assert!(eventually(PATIENCE, || stage.metric(failed) > 0.0));
}
