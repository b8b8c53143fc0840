//! The way to Redis: it connects in every form there is, costs at most its time-out, fails at once where nobody is there,
//! and comes back by itself.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use countersign::{
    redis_link::{Address, Link, LinkError, Place, Settings, Tls},
    secret::Secret,
};
use tokio::runtime::{Builder, Runtime};

use super::gateways::Once;
use crate::support::{RedisServer, loopback};

const TIMEOUT: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(10);

fn address(of: SocketAddr) -> Address {
    Address { host: of.ip().to_string(), port: of.port() }
}

fn settings(place: Place) -> Settings {
    Settings {
        place,
        username: None,
        password: None,
        database: 0,
        tls: None,
        timeout: TIMEOUT,
        connect_timeout: Duration::from_secs(1),
        must_keep: false,
    }
}

pub(super) fn to(server: &RedisServer) -> Settings {
    settings(Place::Server(address(server.address())))
}

pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

pub(super) fn open(settings: Settings) -> Link {
    let link = Link::open(settings).expect("a link");
    assert!(runtime().block_on(link.ready_within(PATIENCE)), "nobody is there: {link:?}");
    link
}

fn set(link: &Link, key: &str) -> Result<(), LinkError> {
    runtime().block_on(link.ask(redis::cmd("SET").arg(key).arg("1")))
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

/// How long it takes until questions are answered again.
fn until_answered(link: &Link) -> Duration {
    let start = Instant::now();
    while set(link, "again").is_err() {
        assert!(start.elapsed() < PATIENCE, "it does not come back: {link:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    start.elapsed()
}

#[test]
fn while_a_server_is_dead_questions_fail_at_once_and_its_return_is_seen_within_two_seconds() {
    let mut server = RedisServer::start();
    let link = open(to(&server));
    assert_eq!(set(&link, "key"), Ok(()));
    server.kill();
    let start = Instant::now();
    while set(&link, "key") != Err(LinkError::Away) {
        assert!(start.elapsed() < 2 * TIMEOUT, "its death is not noticed");
    }
    let (asked, took) = timed(|| set(&link, "key"));
    assert!(asked == Err(LinkError::Away) && took < Duration::from_millis(50), "{asked:?} after {took:?}");
    std::thread::sleep(Duration::from_secs(2));
    server.run();
    let took = until_answered(&link);
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(link.health().is_up() && link.health().connects() == 2 && link.health().turned_away() > 0);
}

#[test]
fn a_server_that_hangs_costs_the_time_out_and_then_nothing_until_it_goes_on() {
    let server = RedisServer::start();
    let link = open(to(&server));
    server.freeze();
    let (asked, took) = timed(|| set(&link, "key"));
    assert_eq!(asked, Err(LinkError::TimedOut));
    assert!(took < TIMEOUT + Duration::from_millis(100), "{took:?}");
    std::thread::sleep(2 * TIMEOUT);
    for _ in 0..20 {
        let (asked, took) = timed(|| set(&link, "key"));
        assert!(asked == Err(LinkError::Away) && took < Duration::from_millis(50), "{asked:?} after {took:?}");
    }
    server.thaw();
    let took = until_answered(&link);
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn nobody_at_the_address_is_no_error_of_opening_and_every_question_fails_at_once() {
    let link = Link::open(settings(Place::Server(address(loopback())))).expect("a link");
    let (asked, took) = timed(|| set(&link, "key"));
    assert!(asked == Err(LinkError::Away) && took < Duration::from_millis(50), "{asked:?} after {took:?}");
}

#[test]
fn a_user_with_the_right_password_gets_in_and_no_other_and_neither_is_shown() {
    let server = RedisServer::start();
    let _: String = server.ask(&["ACL", "SETUSER", "gateway", "on", ">open-sesame", "~*", "&*", "+@all"]);
    let with = |password: &str| Settings {
        username: Some("gateway".to_owned()),
        password: Some(Secret::new(password.as_bytes().to_vec())),
        ..to(&server)
    };
    let link = open(with("open-sesame"));
    assert_eq!(set(&link, "key"), Ok(()));
    assert!(!format!("{link:?} {:?}", link.settings()).contains("sesame"));
    let wrong = Link::open(with("open-barley")).expect("a link");
    assert!(!runtime().block_on(wrong.ready_within(Duration::from_millis(300))));
}

#[test]
fn the_configured_database_is_used() {
    let server = RedisServer::start();
    let link = open(Settings { database: 3, ..to(&server) });
    assert_eq!(set(&link, "key"), Ok(()));
    let keyspace: String = server.ask(&["INFO", "keyspace"]);
    assert!(keyspace.contains("db3:keys=1") && !keyspace.contains("db0:"), "{keyspace}");
}

#[test]
fn a_full_server_says_so_and_stays_connected() {
    let server = RedisServer::with(&["--maxmemory", "2mb", "--maxmemory-policy", "noeviction"]);
    let link = open(to(&server));
    let value = "x".repeat(100_000);
    let filled = (0..100).map(|number| {
        let asked: Result<(), LinkError> =
            runtime().block_on(link.ask(redis::cmd("SET").arg(format!("fill-{number}")).arg(&value)));
        asked
    });
    let refused: Vec<LinkError> = filled.filter_map(Result::err).collect();
    assert!(!refused.is_empty() && refused.iter().all(|error| *error == LinkError::Full), "{refused:?}");
    assert!(link.health().is_up());
}

struct Certificates {
    directory: tempfile::TempDir,
}

impl Certificates {
    /// One for `localhost`, by a root of its own.
    fn new() -> Certificates {
        let directory = tempfile::tempdir().expect("a directory");
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root_key = rcgen::KeyPair::generate().expect("a key");
        let root = rcgen::CertifiedIssuer::self_signed(parameters, root_key).expect("a root");
        let key = rcgen::KeyPair::generate().expect("a key");
        let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
        let certificate = parameters.signed_by(&key, &root).expect("a certificate");
        let write = |name: &str, text: String| fs::write(directory.path().join(name), text).expect("written");
        write("root.pem", root.pem());
        write("key.pem", key.serialize_pem());
        write("certificate.pem", certificate.pem());
        Certificates { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

#[test]
fn over_tls_a_server_is_believed_by_its_root_and_by_no_other() {
    let (ours, others) = (Certificates::new(), Certificates::new());
    let port = loopback().port().to_string();
    let file = |name: &str| ours.path(name).display().to_string();
    let (certificate, key, root) = (file("certificate.pem"), file("key.pem"), file("root.pem"));
    let options = ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file"];
    let _server = RedisServer::with(&[&options[..], &[&root, "--tls-auth-clients", "no"]].concat());
    let port = port.parse().expect("a port");
    let with = |roots: PathBuf| Settings {
        tls: Some(Tls { roots: Some(roots) }),
        ..settings(Place::Server(Address { host: "localhost".to_owned(), port }))
    };
    assert_eq!(set(&open(with(ours.path("root.pem"))), "key"), Ok(()));
    let stranger = Link::open(with(others.path("root.pem"))).expect("a link");
    assert!(!runtime().block_on(stranger.ready_within(Duration::from_millis(500))));
}

#[test]
fn a_server_with_tls_or_without_where_the_config_says_otherwise_is_told_of() {
    let ours = Certificates::new();
    let port = loopback().port().to_string();
    let file = |name: &str| ours.path(name).display().to_string();
    let (certificate, key, root) = (file("certificate.pem"), file("key.pem"), file("root.pem"));
    let options = ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file"];
    let server =
        RedisServer::with(&[&options[..], &[&root, "--requirepass", "a", "--tls-auth-clients", "no"]].concat());
    for (url, expected) in [
        (format!("rediss://{}", server.address()), "it speaks without TLS there; its URL should begin with redis://"),
        (format!("redis://127.0.0.1:{port}"), "it speaks TLS there; its URL should begin with rediss://"),
    ] {
        let once = Once::start(&format!("store: {{ redis: {{ url: \"{url}\", connect_timeout: 500ms }} }}"));
        let log = once.gateway.output_when(|log| log.contains(expected));
        assert!(log.contains(expected), "{url}: {log}");
    }
}

#[test]
fn the_master_that_sentinels_name_is_used_also_after_it_changed() {
    let mut one = RedisServer::start();
    let two = RedisServer::start();
    let port = |server: &RedisServer| server.address().port().to_string();
    let _: String = two.ask(&["REPLICAOF", "127.0.0.1", &port(&one)]);
    let sentinel = sentinel_of(&one, &two);
    let place = Place::Sentinel {
        service: "claims".to_owned(),
        // The first of them is not there.
        sentinels: vec![address(loopback()), address(sentinel.address())],
    };
    let link = open(settings(place));
    assert_eq!(set(&link, "key"), Ok(()));
    let start = Instant::now();
    while two.ask::<Option<String>>(&["GET", "key"]).is_none() {
        assert!(start.elapsed() < PATIENCE, "it is not replicated");
        std::thread::sleep(Duration::from_millis(20));
    }
    one.kill();
    let start = Instant::now();
    while set(&link, "after").is_err() {
        assert!(start.elapsed() < 2 * PATIENCE, "the new master is not found");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(two.ask::<Option<String>>(&["GET", "after"]), Some("1".to_owned()));
}

/// A sentinel that calls `master` `claims`, and knows its replica.
fn sentinel_of(master: &RedisServer, replica: &RedisServer) -> RedisServer {
    let mut sentinel = RedisServer::stopped(&[]);
    let file = sentinel.directory().join("sentinel.conf");
    let port = |server: &RedisServer| server.address().port();
    let text = format!(
        "port {}\nsentinel monitor claims 127.0.0.1 {} 1\nsentinel known-replica claims 127.0.0.1 {}\n\
         sentinel down-after-milliseconds claims 500\nsentinel failover-timeout claims 2000\n",
        port(&sentinel),
        port(master),
        port(replica)
    );
    fs::write(&file, text).expect("written");
    sentinel.run_as_sentinel(&file);
    sentinel
}

/// A cluster of one node, which has all slots.
pub(super) fn cluster() -> RedisServer {
    let server = RedisServer::with(&["--cluster-enabled", "yes"]);
    let _: String = server.ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let start = Instant::now();
    while !server.ask::<String>(&["CLUSTER", "INFO"]).contains("cluster_state:ok") {
        assert!(start.elapsed() < PATIENCE, "the cluster does not come up");
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}

#[test]
fn a_cluster_is_found_through_any_of_its_nodes() {
    let server = cluster();
    let link = open(settings(Place::Cluster(vec![address(loopback()), address(server.address())])));
    for key in ["one", "two", "three"] {
        assert_eq!(set(&link, key), Ok(()));
    }
    assert_eq!(server.ask::<u64>(&["DBSIZE"]), 3);
}

/// Two masters that share the slots, and go on with their own where the other is away.
fn cluster_of_two() -> [RedisServer; 2] {
    let options =
        ["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no", "--cluster-node-timeout", "60000"];
    let bus: Vec<String> = (0..2).map(|_| loopback().port().to_string()).collect();
    let start = |bus: &String| RedisServer::with(&[&options[..], &["--cluster-port", bus]].concat());
    let servers = [start(&bus[0]), start(&bus[1])];
    let _: String = servers[0].ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "8191"]);
    let _: String = servers[1].ask(&["CLUSTER", "ADDSLOTSRANGE", "8192", "16383"]);
    let port = servers[1].address().port().to_string();
    let _: String = servers[0].ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus[1]]);
    let start = Instant::now();
    let is_whole = |server: &RedisServer| {
        let info: String = server.ask(&["CLUSTER", "INFO"]);
        info.contains("cluster_state:ok") && info.contains("cluster_slots_assigned:16384")
    };
    while !servers.iter().all(is_whole) {
        assert!(start.elapsed() < PATIENCE, "the cluster does not come up");
        std::thread::sleep(Duration::from_millis(20));
    }
    servers
}

#[test]
fn a_server_of_a_cluster_that_answers_nothing_takes_no_other_s_keys_with_it() {
    let servers = cluster_of_two();
    let all = Place::Cluster(servers.iter().map(|server| address(server.address())).collect());
    let link = open(settings(all.clone()));
    // The slots of these are 12182 and 5061.
    let [hers, his] = ["foo", "bar"];
    assert_eq!((set(&link, hers), set(&link, his)), (Ok(()), Ok(())));
    servers[1].freeze();
    let until = Instant::now() + Duration::from_secs(4);
    let (mut count, mut answered) = (0, 0);
    while Instant::now() < until {
        assert_ne!(set(&link, hers), Ok(()), "it is frozen");
        let was_set = set(&link, his);
        count += 1;
        answered += usize::from(was_set.is_ok());
        // Now and then everybody waits while the client looks at the cluster anew; nobody is told that it is away.
        assert!(matches!(was_set, Ok(()) | Err(LinkError::TimedOut)), "{was_set:?}");
    }
    assert!(answered * 4 > count * 3, "{answered} of {count}");
    let newcomer = open(settings(all));
    assert_eq!(set(&newcomer, his), Ok(()), "one that begins now");
    servers[1].thaw();
    let start = Instant::now();
    while set(&link, hers) != Ok(()) {
        assert!(start.elapsed() < PATIENCE, "it is back and not used");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_named_server_of_a_cluster_that_accepts_and_never_answers_is_done_without() {
    let server = cluster();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_address = silent.local_addr().unwrap();
    let link = open(settings(Place::Cluster(vec![address(silent_address), address(server.address())])));
    assert_eq!(set(&link, "one"), Ok(()));
}
