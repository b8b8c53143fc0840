//! Clients that show a certificate, and tokens that are good only over a connection that was made with it (RFC 8705).

use std::{net::SocketAddr, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    version::{TLS12, TLS13},
};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    signing::{KEY, token},
    support::{End, PATIENCE, Talk, Upstream, eventually, free_address},
    tls::{Authority, Stream, shaken},
    upgrade::{echo, switching},
};
use crate::support::Gateway;

/// A gateway as `gate.test` whose clients' certificates `clients` signs.
struct Bench {
    gate: Authority,
    clients: Authority,
    address: SocketAddr,
    gateway: Gateway,
    _upstreams: [Upstream; 2],
}

impl Bench {
    fn start(mode: &str) -> Bench {
        let (gate, clients, upstream, address) = (Authority::new(), Authority::new(), Upstream::echo(), free_address());
        let chat = switching(echo);
        gate.certify("gate", "gate.test");
        for name in ["one", "two"] {
            clients.certify(name, name);
        }
        let config = format!(
            "listen: {{ address: {address}, tls: {{ certificate: {}, key: {}, client_ca: {}, client_certificates: {mode} }} }}\n\
             tokens: {{ api: {{ keys: [{{ algorithm: HS256, secret: {{ value: {KEY} }} }}], issuer: us, audience: api }} }}\n\
             upstreams: {{ app: {{ servers: [\"http://{}\"] }}, chat: {{ servers: [\"http://{}\"] }} }}\n\
             routes:\n  - {{ match: {{ path: /open }}, public: true, to: app }}\n  \
             - {{ match: {{ path: /chat }}, public: true, to: chat, upgrade: websocket }}\n  \
             - {{ match: {{ path: /token }}, require: {{ jwt: api }}, to: app }}\n  \
             - {{ match: {{ path: /bound }}, require: {{ jwt: {{ tokens: api, certificate: required }} }}, to: app }}\n",
            gate.file("gate.pem").display(),
            gate.file("gate.key").display(),
            clients.file("root.pem").display(),
            upstream.address,
            chat.address,
        );
        let gateway = Gateway::start(&config, &[], address);
        Bench { gate, clients, address, gateway, _upstreams: [upstream, chat] }
    }

    /// The status of a GET over a connection of its own; none where there is no answer.
    fn status(&self, config: &Arc<ClientConfig>, path: &str, token: &str) -> Option<u16> {
        let mut client = shaken(self.address, "gate.test", config.clone()).ok()?;
        client.write(format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"));
        client.head().map(|head| head.status())
    }

    /// A client with the certificate `name` of `authority`, or with none.
    fn client(
        &self,
        shown: Option<(&Authority, &str)>,
        version: &'static SupportedProtocolVersion,
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.gate.file("root.pem")).expect("a root")).expect("a root");
        let builder = ClientConfig::builder_with_protocol_versions(&[version]).with_root_certificates(roots);
        Arc::new(match shown {
            None => builder.with_no_client_auth(),
            Some((authority, name)) => {
                let chain = vec![certificate(authority, name)];
                let key = PrivateKeyDer::from_pem_file(authority.file(&format!("{name}.key"))).expect("a key");
                builder.with_client_auth_cert(chain, key).expect("they fit")
            }
        })
    }
}

fn certificate(authority: &Authority, name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(authority.file(&format!("{name}.pem"))).expect("a certificate")
}

/// A token that is bound to that certificate.
fn bound(authority: &Authority, name: &str) -> String {
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(certificate(authority, name)));
    token(&json!({ "cnf": { "x5t#S256": thumbprint } }))
}

#[test]
fn where_a_certificate_is_required_nobody_else_gets_an_answer() {
    let bench = Bench::start("required");
    let strangers = Authority::new();
    strangers.certify("one", "one");
    for version in [&TLS12, &TLS13] {
        let own = bench.client(Some((&bench.clients, "one")), version);
        assert_eq!(bench.status(&own, "/open", ""), Some(200));
        assert_eq!(bench.status(&bench.client(None, version), "/open", ""), None);
        assert_eq!(bench.status(&bench.client(Some((&strangers, "one")), version), "/open", ""), None);
        // The gateway's own authority is none of clients.
        assert_eq!(bench.status(&bench.client(Some((&bench.gate, "gate")), version), "/open", ""), None);
    }
}

#[test]
fn a_token_that_is_bound_to_a_certificate_is_good_over_its_connections_alone() {
    let bench = Bench::start("optional");
    let token = bound(&bench.clients, "one");
    for version in [&TLS12, &TLS13] {
        let one = bench.client(Some((&bench.clients, "one")), version);
        // Though the client would gladly resume the session of the first, each connection shows its certificate anew.
        for path in ["/token", "/bound", "/bound"] {
            assert_eq!(bench.status(&one, path, &token), Some(200), "{path}");
        }
        assert_eq!(bench.status(&one, "/bound", &bound(&bench.clients, "two")), Some(401));
        let two = bench.client(Some((&bench.clients, "two")), version);
        let none = bench.client(None, version);
        for (thief, path) in [(&two, "/token"), (&two, "/bound"), (&none, "/token"), (&none, "/bound")] {
            assert_eq!(bench.status(thief, path, &token), Some(401), "{path}");
        }
        let free = super::signing::token(&json!({}));
        assert_eq!(bench.status(&none, "/token", &free), Some(200));
        assert_eq!(bench.status(&one, "/bound", &free), Some(401), "a bound one is wanted");
        assert_eq!(bench.status(&none, "/open", ""), Some(200));
    }
}

#[test]
fn roots_that_change_are_used_from_then_on() {
    let bench = Bench::start("required");
    let new = Authority::new();
    new.certify("one", "one");
    let (before, after) =
        (bench.client(Some((&bench.clients, "one")), &TLS13), bench.client(Some((&new, "one")), &TLS13));
    assert_eq!((bench.status(&before, "/open", ""), bench.status(&after, "/open", "")), (Some(200), None));
    std::fs::copy(new.file("root.pem"), bench.clients.file("fresh")).expect("copied");
    std::fs::rename(bench.clients.file("fresh"), bench.clients.file("root.pem")).expect("renamed");
    assert!(eventually(PATIENCE, || bench.status(&after, "/open", "") == Some(200)), "the new roots are used");
    // Nor is a session of before resumed.
    assert_eq!(bench.status(&before, "/open", ""), None);
    std::fs::write(bench.clients.file("root.pem"), "broken").expect("written");
    let log = bench.gateway.output_when(|log| log.contains("the changed certificate is not used"));
    assert!(log.contains("the changed certificate is not used"), "{log}");
    assert_eq!(bench.status(&after, "/open", ""), Some(200));
}

/// A connection has the certificate of its handshake for as long as it lives.
#[test]
fn a_kept_connection_ends_where_other_roots_are_believed() {
    let (bench, others) = (Bench::start("optional"), Authority::new());
    let own = bench.client(Some((&bench.clients, "one")), &TLS13);
    let mut kept = shaken(bench.address, "gate.test", own.clone()).expect("a handshake");
    let asked = |kept: &mut Talk<Stream>| {
        kept.write("GET /open HTTP/1.1\r\nHost: a\r\n\r\n");
        let (head, _) = kept.answer(false)?;
        Some((head.status(), head.field("connection") == Some("close")))
    };
    assert_eq!(asked(&mut kept), Some((200, false)));
    bench.gate.certify("gate", "gate.test");
    let in_use = "the changed certificate and key are in use";
    assert!(bench.gateway.output_when(|log| log.contains(in_use)).contains(in_use));
    assert_eq!(
        asked(&mut kept),
        Some((200, false)),
        "a certificate of the gateway's own that is renewed changes nothing"
    );

    std::fs::copy(others.file("root.pem"), bench.clients.file("fresh")).expect("copied");
    std::fs::rename(bench.clients.file("fresh"), bench.clients.file("root.pem")).expect("renamed");
    assert!(eventually(PATIENCE, || bench.status(&own, "/open", "").is_none()));
    // It has one more answer where its file alone was read again, and none where the config was too.
    assert!(matches!(asked(&mut kept), None | Some((200, true))));
    assert_eq!(asked(&mut kept), None);
}

#[test]
fn an_upgraded_connection_ends_where_other_roots_are_believed() {
    let (bench, others) = (Bench::start("required"), Authority::new());
    let mut tunnel =
        shaken(bench.address, "gate.test", bench.client(Some((&bench.clients, "one")), &TLS13)).expect("a handshake");
    tunnel.write("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(tunnel.head().expect("an answer").status(), 101);
    tunnel.write("hello");
    assert_eq!(tunnel.take(5).expect("an echo"), b"hello");
    bench.gate.certify("gate", "gate.test");
    let in_use = "the changed certificate and key are in use";
    assert!(bench.gateway.output_when(|log| log.contains(in_use)).contains(in_use));
    tunnel.write("still");
    assert_eq!(tunnel.take(5).expect("an echo"), b"still", "the gateway's own certificate is none of its business");

    std::fs::copy(others.file("root.pem"), bench.clients.file("fresh")).expect("copied");
    std::fs::rename(bench.clients.file("fresh"), bench.clients.file("root.pem")).expect("renamed");
    assert_ne!(tunnel.rest().1, End::TimedOut, "nobody has to send for it to end");
    let why = "believes clients' certificates by other roots now";
    assert!(bench.gateway.output_when(|log| log.contains(why)).contains(why));
}

#[test]
fn an_idle_connection_ends_where_other_roots_are_believed_though_no_config_is_taken_on() {
    let (bench, others) = (Bench::start("optional"), Authority::new());
    let mut kept =
        shaken(bench.address, "gate.test", bench.client(Some((&bench.clients, "one")), &TLS13)).expect("a handshake");
    assert_eq!(kept.exchange("GET /open HTTP/1.1\r\nHost: a\r\n\r\n").0.status(), 200);
    bench.gateway.put("gateway.yaml", "broken");
    let refused = "the config is refused";
    assert!(bench.gateway.output_when(|log| log.contains(refused)).contains(refused));
    std::fs::copy(others.file("root.pem"), bench.clients.file("fresh")).expect("copied");
    std::fs::rename(bench.clients.file("fresh"), bench.clients.file("root.pem")).expect("renamed");
    assert_ne!(kept.rest().1, End::TimedOut, "nobody has to ask for it to end");
}
