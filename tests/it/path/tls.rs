//! TLS on a listener and towards an upstream, with certificates made for the test.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};
use tempfile::TempDir;

use super::{
    lifecycle::signal,
    streaming::{WHOLE, independent},
    support::{End, Head, PATIENCE, Talk, Upstream, descriptors, eventually, get, noise, ok, post, run, settle},
};
use crate::support::Gateway;

/// An authority and what it signed, as PEM files.
pub(crate) struct Authority {
    directory: TempDir,
    pub(super) issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let directory = tempfile::tempdir().expect("a directory");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let root = params.self_signed(&key).expect("a root");
        fs::write(directory.path().join("root.pem"), root.pem()).expect("written");
        Authority { directory, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes `NAME.pem` and `NAME.key` for a server called `host`, each put in place by a rename.
    pub(crate) fn certify(&self, name: &str, host: &str) {
        self.certify_until(name, host, None);
    }

    /// The same, good until so many days from now.
    fn certify_until(&self, name: &str, host: &str, days: Option<i64>) {
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        // Else it would be called as its issuer is, and OpenSSL take it for that.
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, host);
        if let Some(days) = days {
            let now = std::time::SystemTime::now();
            let far = Duration::from_secs(days.unsigned_abs() * 86_400);
            params.not_after = if days < 0 { now - far } else { now + far }.into();
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        for (extension, text) in [("key", key.serialize_pem()), ("pem", certificate.pem())] {
            let fresh = self.file("fresh");
            fs::write(&fresh, text).expect("written");
            fs::rename(&fresh, self.file(&format!("{name}.{extension}"))).expect("renamed");
        }
    }

    pub(super) fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.file("root.pem")).expect("a root")).expect("a root");
        let mut config =
            ClientConfig::builder_with_protocol_versions(versions).with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }

    pub(super) fn server(&self, name: &str) -> Arc<ServerConfig> {
        let chain = vec![CertificateDer::from_pem_file(self.file(&format!("{name}.pem"))).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_file(self.file(&format!("{name}.key"))).expect("a key");
        Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("they fit"))
    }
}

pub(super) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A client that has shaken hands as one that wants `host`; the error where it could not.
pub(super) fn shaken(address: SocketAddr, host: &str, config: Arc<ClientConfig>) -> std::io::Result<Talk<Stream>> {
    let name = ServerName::try_from(host.to_owned()).expect("a name");
    let mut connection = ClientConnection::new(config, name).expect("a connection");
    let mut tcp = TcpStream::connect_timeout(&address, PATIENCE)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut tcp)?;
    }
    Ok(Talk::over(StreamOwned::new(connection, tcp)))
}

/// A gateway that listens over TLS as `gate.test`, in front of `upstream`.
pub(super) fn guarded(authority: &Authority, upstream: SocketAddr, more: &str) -> (Gateway, SocketAddr) {
    authority.certify("gate", "gate.test");
    let address = super::support::free_address();
    let config = format!(
        "listen: {{ address: {address}, tls: {{ certificate: {}, key: {} }} }}\n\
         upstreams: {{ app: {{ servers: [\"http://{upstream}\"] }} }}\n\
         routes: [{{ match: {{ path: /** }}, public: true, to: app, upgrade: websocket }}]\n{more}",
        authority.file("gate.pem").display(),
        authority.file("gate.key").display()
    );
    (Gateway::start(&config, &[], address), address)
}

#[test]
fn both_versions_are_spoken_and_http_1_1_is_agreed_on() {
    let authority = Authority::new();
    let upstream = Upstream::echo();
    let (_gateway, address) = guarded(&authority, upstream.address, "");
    for (version, spoken) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let mut client = shaken(address, "gate.test", authority.client(&[version])).expect("a handshake");
        assert_eq!(client.stream.conn.protocol_version(), Some(spoken));
        assert_eq!(client.stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        for size in [0, 1, 100_000, 3 << 20] {
            let body = noise(size);
            // The answer is read while the request is written only by a client with two threads; the sockets hold this.
            let (head, answer) = client.exchange(post("/", &body));
            assert_eq!(head.status(), 200);
            assert!(answer == body, "{size} bytes");
        }
    }
}

#[test]
fn the_upstream_is_told_that_the_client_came_over_https() {
    let authority = Authority::new();
    let upstream = Upstream::answering(|head, _| {
        let told = [head.field("x-forwarded-proto"), head.field("forwarded")].map(|field| field.unwrap_or("none"));
        ok(told.join(" | "))
    });
    let (_gateway, address) = guarded(&authority, upstream.address, "");
    let mut client = shaken(address, "gate.test", authority.client(&[&TLS13])).expect("a handshake");
    let (_, told) = client.exchange(get("/"));
    assert_eq!(String::from_utf8_lossy(&told), "https | for=127.0.0.1;host=\"a\";proto=https");
}

#[test]
fn a_certificate_that_changes_is_used_from_then_on() {
    let authority = Authority::new();
    let upstream = Upstream::echo();
    let (_gateway, address) = guarded(&authority, upstream.address, "");
    let config = authority.client(&[&TLS13]);
    let mut old = shaken(address, "gate.test", config.clone()).expect("a handshake");
    authority.certify("gate", "new.test");
    assert!(eventually(PATIENCE, || shaken(address, "new.test", config.clone()).is_ok()), "the new one is served");
    assert!(shaken(address, "gate.test", config).is_err(), "the old one is not");
    assert_eq!(old.exchange(get("/")).0.status(), 200, "connections that are there go on");
}

#[test]
fn a_changed_file_that_is_no_certificate_changes_nothing() {
    let authority = Authority::new();
    let upstream = Upstream::echo();
    let (gateway, address) = guarded(&authority, upstream.address, "");
    fs::write(authority.file("gate.pem"), "broken").expect("written");
    let log = gateway.output_when(|log| log.contains("the changed certificate is not used"));
    assert!(log.contains("the changed certificate is not used"), "{log}");
    let mut client = shaken(address, "gate.test", authority.client(&[&TLS13])).expect("a handshake");
    assert_eq!(client.exchange(get("/")).0.status(), 200);
    authority.certify("gate", "mended.test");
    let config = authority.client(&[&TLS13]);
    assert!(eventually(PATIENCE, || shaken(address, "mended.test", config.clone()).is_ok()));
}

#[test]
fn a_handshake_that_hangs_or_fails_ends_and_others_go_on() {
    let authority = Authority::new();
    let upstream = Upstream::echo();
    let (_gateway, address) = guarded(&authority, upstream.address, "timeouts: { head: 1s }\n");
    let mut silent = Talk::open(address);
    let mut plain = Talk::open(address);
    plain.write(get("/"));
    assert!(plain.ends_within(Duration::from_secs(5)), "HTTP is no handshake");
    assert!(silent.ends_within(Duration::from_secs(5)), "silence is none either");
    let mut client = shaken(address, "gate.test", authority.client(&[&TLS13])).expect("a handshake");
    assert_eq!(client.exchange(get("/")).0.status(), 200);
}

#[test]
fn a_connection_that_is_silent_before_its_handshake_makes_room_and_holds_up_no_stop() {
    let authority = Authority::new();
    let upstream = Upstream::echo();
    let (mut gateway, address) = guarded(&authority, upstream.address, "limits: { connections: 20 }\n");
    let _silent: Vec<Talk> = (0..20).map(|_| Talk::open(address)).collect();
    let start = Instant::now();
    let mut client = shaken(address, "gate.test", authority.client(&[&TLS13])).expect("room was made");
    assert_eq!(client.exchange(get("/")).0.status(), 200);
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    let _another = Talk::open(address);
    signal(gateway.id(), "TERM");
    assert!(gateway.ended_within(Duration::from_secs(5)).is_some(), "nobody waits for silence");
}

#[test]
fn a_broken_answer_over_tls_has_no_orderly_end() {
    let authority = Authority::new();
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        talk.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok");
    });
    let (_gateway, address) = guarded(&authority, upstream.address, "");
    let mut client = shaken(address, "gate.test", authority.client(&[&TLS13])).expect("a handshake");
    client.write("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    client.head().expect("a head");
    assert_eq!(client.rest().1, End::Broken, "no close_notify");
}

#[test]
fn a_client_over_tls_may_send_all_of_its_request_before_it_reads_the_answer() {
    let (upstream, authority) = (independent(), Authority::new());
    let (_gateway, address) = guarded(&authority, upstream.address, "limits: { body: 100MiB }\n");
    let mut client = shaken(address, "gate.test", authority.client(rustls::ALL_VERSIONS)).expect("a handshake");
    assert!(client.write(post("/", vec![b'u'; WHOLE])), "all of it is taken");
    let (head, body) = client.answer(false).expect("a whole answer");
    assert_eq!((head.status(), body.len()), (200, WHOLE));
}

#[test]
fn a_whole_answer_over_tls_ends_in_order() {
    let authority = Authority::new();
    let upstream = Upstream::answering(|_, _| ok("whole"));
    let (_gateway, address) = guarded(&authority, upstream.address, "");
    let mut client = shaken(address, "gate.test", authority.client(&[&TLS13])).expect("a handshake");
    client.write("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer(false).expect("an answer").1, b"whole");
    assert_eq!(client.rest(), (Vec::new(), End::Orderly), "a close_notify");
}

#[test]
fn a_silent_connection_over_tls_ends_in_order_too() {
    let authority = Authority::new();
    let upstream = Upstream::echo();
    for (more, is_stopped) in [("timeouts: { idle: 300ms }\n", false), ("timeouts: { head: 1s }\n", false), ("", true)]
    {
        let (gateway, address) = guarded(&authority, upstream.address, more);
        let mut clients = [&TLS12, &TLS13]
            .map(|version| shaken(address, "gate.test", authority.client(&[version])).expect("a handshake"));
        if !more.contains("head") {
            clients.iter_mut().for_each(|client| assert_eq!(client.exchange(get("/")).0.status(), 200));
        }
        if is_stopped {
            signal(gateway.id(), "TERM");
        }
        for mut client in clients {
            assert_eq!(client.rest(), (Vec::new(), End::Orderly), "a close_notify: {more}");
        }
    }
}

#[test]
fn a_client_over_tls_that_does_not_read_is_cut_off_and_let_go() {
    let authority = Authority::new();
    let body = noise(50 << 20);
    let upstream = Upstream::answering(move |_, _| ok(&body));
    let (gateway, address) = guarded(&authority, upstream.address, "timeouts: { write: 500ms }\n");
    settle(&gateway, address);
    let before = descriptors(&gateway);
    let mut client = shaken(address, "gate.test", authority.client(&[&TLS13])).expect("a handshake");
    client.write(get("/"));
    let open = || descriptors(&gateway) >= before + 2;
    assert!(eventually(PATIENCE, open), "one to the client, one to the upstream");
    assert!(eventually(Duration::from_secs(5), || descriptors(&gateway) < before + 2), "its connections are closed");
    assert!(client.answer(false).is_none());
}

#[test]
fn a_client_over_tls_that_reads_no_small_answers_is_cut_off_too() {
    let authority = Authority::new();
    let upstream = Upstream::answering(|_, _| ok(noise(10_000)));
    let (gateway, address) = guarded(&authority, upstream.address, "timeouts: { write: 500ms }\n");
    settle(&gateway, address);
    let before = descriptors(&gateway);
    let mut client = shaken(address, "gate.test", authority.client(&[&TLS13])).expect("a handshake");
    client.stream.sock.set_write_timeout(Some(Duration::from_millis(500))).expect("a write time-out");
    let many = get("/").repeat(1000);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) && client.write(&many) {}
    assert!(eventually(Duration::from_secs(5), || descriptors(&gateway) < before + 2), "its connections are closed");
}

#[test]
fn a_certificate_that_is_over_or_soon_will_be_is_warned_of() {
    let authority = Authority::new();
    let config = authority.file("gateway.yaml");
    let check = |days: i64| {
        authority.certify_until("gate", "gate.test", Some(days));
        fs::write(
            &config,
            "listen: { address: 127.0.0.1:0, tls: { certificate: gate.pem, key: gate.key } }\n\
             upstreams: { own: { echo: true } }\nroutes: [{ match: { path: / }, public: true, to: own }]\n",
        )
        .expect("written");
        let output =
            crate::support::countersign().args(["check", "-c"]).arg(&config).output().expect("the binary runs");
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).expect("text"))
    };
    let (code, said) = check(-1);
    assert!(code == Some(0) && said.contains("the certificate is over since"), "{said}");
    let (_, said) = check(3);
    assert!(said.contains("the certificate ends at") && said.contains(" days"), "{said}");
    assert!(!check(20).1.contains("the certificate"), "there is time");
    authority.certify_until("gate", "gate.test", Some(-1));
    let address = super::support::free_address();
    let listening = format!(
        "listen: {{ address: {address}, tls: {{ certificate: {}, key: {} }} }}\n\
         upstreams: {{ own: {{ echo: true }} }}\nroutes: [{{ match: {{ path: / }}, public: true, to: own }}]\n",
        authority.file("gate.pem").display(),
        authority.file("gate.key").display()
    );
    let gateway = Gateway::start(&listening, &[], address);
    gateway.output_when(|log| log.contains("the certificate is over since"));
}

#[test]
fn a_renewal_that_comes_file_by_file_is_told_to_its_end() {
    let authority = Authority::new();
    let upstream = Upstream::echo();
    let (gateway, _) = guarded(&authority, upstream.address, "");
    let before = fs::read(authority.file("gate.key")).expect("a key");
    authority.certify("next", "gate.test");
    fs::copy(authority.file("next.pem"), authority.file("gate.pem")).expect("copied");
    gateway.output_when(|log| log.contains("the one before stays until both files fit"));
    assert_eq!(fs::read(authority.file("gate.key")).expect("a key"), before);
    fs::copy(authority.file("next.key"), authority.file("gate.key")).expect("copied");
    gateway.output_when(|log| log.contains("the changed certificate and key are in use"));
}

#[test]
fn a_server_whose_certificate_is_one_for_signing_is_told_in_words() {
    let authority = Authority::new();
    let mut params = CertificateParams::new(vec!["api.internal".to_owned()]).expect("a name");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    for (name, text) in [("self.key", key.serialize_pem()), ("self.pem", certificate.pem())] {
        fs::write(authority.file(name), text).expect("written");
    }
    let upstream = answering_over_tls(authority.server("self"), |_, _| ok("never"));
    let (gateway, address) = through_tls(upstream.address, &authority.file("self.pem"), "api.internal");
    assert_eq!(Talk::open(address).exchange(get("/")).0.status(), 502);
    let log = gateway.output_when(|log| log.contains("CA:FALSE"));
    assert!(log.contains("made to sign others"), "{log}");
}

/// An upstream over TLS as `api.internal`; it answers with the Host it was asked for.
fn tls_upstream(authority: &Authority) -> Upstream {
    authority.certify("api", "api.internal");
    answering_over_tls(authority.server("api"), |head, body| {
        ok([head.field("host").unwrap_or_default().as_bytes(), b" ", &body].concat())
    })
}

/// A server over TLS that answers each request with what `answer` makes of it.
pub(super) fn answering_over_tls(
    config: Arc<ServerConfig>,
    answer: impl Fn(&Head, Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
) -> Upstream {
    Upstream::start(move |talk| {
        let connection = ServerConnection::new(config.clone()).expect("a connection");
        let mut talk = Talk::over(Whole(StreamOwned::new(connection, talk.stream)));
        while let Some((head, body)) = talk.request() {
            talk.write(answer(&head, body));
        }
    })
}

/// Says goodbye when it ends.
struct Whole(StreamOwned<ServerConnection, TcpStream>);

impl Read for Whole {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        self.0.conn.send_close_notify();
        let _ = self.0.flush();
    }
}

fn through_tls(upstream: SocketAddr, roots: &Path, name: &str) -> (Gateway, SocketAddr) {
    let config = format!(
        "upstreams: {{ app: {{ servers: [\"https://{upstream}\"], tls: {{ roots: {}, server_name: {name} }} }} }}\n\
         routes: [{{ match: {{ path: /** }}, public: true, to: app }}]\n",
        roots.display()
    );
    run(&config, &[])
}

#[test]
fn an_upstream_over_tls_is_verified_by_root_and_name_and_its_connections_kept() {
    let authority = Authority::new();
    let upstream = tls_upstream(&authority);
    let (_gateway, address) = through_tls(upstream.address, &authority.file("root.pem"), "api.internal");
    let mut client = Talk::open(address);
    for number in 0..5 {
        let (head, body) = client.exchange(post("/", format!("body {number}")));
        assert_eq!((head.status(), body), (200, format!("a body {number}").into_bytes()));
    }
    assert_eq!(upstream.connections(), 1);
    let large = noise(1 << 20);
    let (_, body) = client.exchange(post("/", &large));
    assert!(body.get(2..) == Some(&large[..]));
}

#[test]
fn an_upstream_with_the_wrong_root_or_name_is_a_502_and_gets_nothing() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let upstream = tls_upstream(&authority);
    for (roots, name) in [(stranger.file("root.pem"), "api.internal"), (authority.file("root.pem"), "other.internal")] {
        let (_gateway, address) = through_tls(upstream.address, &roots, name);
        assert_eq!(Talk::open(address).exchange(get("/")).0.status(), 502, "{name}");
    }
}

#[test]
fn an_upstream_that_speaks_no_tls_is_a_502() {
    let authority = Authority::new();
    let upstream = Upstream::start(|mut talk| {
        talk.write("HTTP/1.1 400 This is no TLS\r\n\r\n");
        talk.ends_within(PATIENCE);
    });
    let (_gateway, address) = through_tls(upstream.address, &authority.file("root.pem"), "api.internal");
    assert_eq!(Talk::open(address).exchange(get("/")).0.status(), 502);
}

#[test]
fn a_tunnel_goes_over_tls_and_tells_the_end_of_one_direction() {
    let authority = Authority::new();
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        talk.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
        let (said, end) = talk.rest();
        talk.write(format!("{end:?} after {} bytes", said.len()));
    });
    let (_gateway, address) = guarded(&authority, upstream.address, "");
    let mut client = shaken(address, "gate.test", authority.client(&[&TLS13])).expect("a handshake");
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(client.head().expect("an answer").status(), 101);
    client.write(noise(100_000));
    client.stream.conn.send_close_notify();
    client.stream.flush().expect("sent");
    assert_eq!(client.rest().0, b"Orderly after 100000 bytes");
}
