//! A rotation from the command line, wherever keys can be kept, while a gateway serves: the old secret and the new one are
//! good, the metric tells when the old one was used last, and once it is retired the new one alone is good. Nobody who signs
//! well is refused meanwhile.

use std::{
    fs,
    path::Path,
    process::Output,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{Bench, CONFIG, OLD};
use crate::{
    path::signing::now,
    support::{Database, PASSWORD, RedisServer, countersign, sqlite},
};

/// What remembers for so short a time that a test sees what changes.
const SHORT: &str = "cache: { ttl: 200ms, unknown_ttl: 100ms }";

/// A gateway, and a config for the command line that has the same keys.
struct Drill {
    bench: Bench,
    directory: tempfile::TempDir,
}

impl Drill {
    /// `keys` is what stands behind `keys: { devices:`.
    fn start(keys: &str) -> Drill {
        let directory = tempfile::tempdir().expect("a directory");
        let config = format!("listen: 127.0.0.1:0\nkeys: {{ devices: {keys} }}\n{CONFIG}");
        fs::write(directory.path().join("keys.yaml"), config).expect("a file");
        Drill { bench: Bench::start_with(keys, &[("PASSWORD", PASSWORD)]), directory }
    }

    fn keys(&self, command: &str, more: &[&str]) -> Output {
        let mut process = countersign();
        process.env("PASSWORD", PASSWORD).args(["keys", command, "--keys", "devices", "-c"]);
        process.arg(self.directory.path().join("keys.yaml")).args(more).output().expect("it runs")
    }

    /// What a command that must succeed wrote: its data, and its words.
    #[track_caller]
    fn done(&self, command: &str, more: &[&str]) -> (String, String) {
        let output = self.keys(command, more);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text").trim().to_owned();
        assert_eq!(output.status.code(), Some(0), "{command}: {}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    }

    /// What a command that must fail said.
    #[track_caller]
    fn refused(&self, command: &str, more: &[&str], said: &str) {
        let output = self.keys(command, more);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_ne!(output.status.code(), Some(0), "{command}");
        assert!(words.contains(said) && output.stdout.is_empty(), "{command}: {words}");
    }

    #[track_caller]
    fn becomes(&self, id: &str, secret: &str, status: u16) {
        let start = Instant::now();
        loop {
            let found = self.bench.status(id, secret, "/open");
            if found == status {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{id} stays {found} and never is {status}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn last_use(&self, secret: &str) -> Option<f64> {
        let series = format!("countersign_key_last_use_timestamp_seconds{{keys=\"devices\",secret=\"{secret}\"}}");
        self.bench.metric(&series).and_then(|line| line.rsplit(' ').next()?.parse().ok())
    }

    /// The whole drill, on a source that knows `a` with [`OLD`] and nobody else, and keeps its attributes.
    fn run(&self) {
        // That the source is up may not be known at once.
        self.becomes("a", OLD, 200);
        let (stop, served) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
            let load = scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(self.bench.status("a", OLD, "/open"), 200, "a good request is refused meanwhile");
                    served.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(5));
                }
            });
            self.rotate();
            stop.store(true, Ordering::Relaxed);
            load.join().expect("nobody was refused");
        });
        assert!(served.load(Ordering::Relaxed) > 10);
    }

    fn rotate(&self) {
        self.becomes("a", OLD, 200);
        let (old, noted) = self.done("add", &["--id", "b", "--label", "old"]);
        assert!(noted.contains(r#""did":"add""#) && noted.contains(r#""id":"b""#) && !noted.contains(&old), "{noted}");
        self.becomes("b", &old, 200);
        let kept = self.directory.path().join("b.key");
        let out = ["--id", "b", "--label", "new", "--out", kept.to_str().expect("text")];
        let (said, _) = self.done("rotate", &out);
        let new = fs::read_to_string(&kept).expect("the new secret").trim().to_owned();
        assert!(said.is_empty() && new != old);
        self.becomes("b", &new, 200);
        assert_eq!(self.bench.status("b", &old, "/open"), 200, "both are good");
        let (listed, _) = self.done("list", &["--id", "b"]);
        assert!(listed.contains("secret old") && listed.contains("secret new"), "{listed}");
        assert!(!listed.contains(&new) && !listed.contains(&old), "{listed}");
        for secret in ["1", "2"] {
            let is_now = |seconds: f64| (seconds - now() as f64).abs() < 60.0;
            assert!(self.last_use(secret).is_some_and(is_now), "when {secret} was used last is told");
        }
        self.done("retire", &["--id", "b", "--secret", "old"]);
        self.becomes("b", &old, 403);
        assert_eq!(self.bench.status("b", &new, "/open"), 200, "the new one alone is good");
        self.refused("retire", &["--id", "b", "--secret", "new"], "this is the id's only secret");
        self.refused("add", &["--id", "b"], "the id is there already");
        self.refused("rotate", &["--id", "z"], "there is no such id");
        self.done("disable", &["--id", "b"]);
        self.becomes("b", &new, 403);
        let (listed, _) = self.done("list", &["--id", "b"]);
        assert!(listed.starts_with("b  disabled"), "{listed}");
        assert_eq!(self.done("list", &[]).0, "2 ids");
        self.done("enable", &["--id", "b"]);
        self.becomes("b", &new, 200);
    }
}

fn in_file(name: &str, text: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(name);
    fs::write(&path, text).expect("a file");
    Drill::start(&format!("{{ file: {} }}", path.display())).run();
    let left = fs::read_to_string(&path).expect("the file");
    assert!(left.starts_with(text.trim_end()), "what was there is as it was: {left}");
}

#[test]
fn a_file_of_each_format_is_rotated_under_load() {
    in_file("keys.csv", &format!("id,secret,label,disabled,tenant\na,{OLD},,,acme\n"));
    in_file("keys.jsonl", &format!("{{\"id\":\"a\",\"secret\":\"{OLD}\",\"tenant\":\"acme\"}}\n"));
    in_file("keys.yaml", &format!("# who may come\n- id: a\n  secret: {OLD}\n  tenant: acme\n"));
    in_file("map.yaml", &format!("a: {{ secret: {OLD}, tenant: acme }}   # the first\n"));
}

#[test]
fn redis_is_rotated_under_load_and_keeps_what_is_not_a_changes_business() {
    let server = RedisServer::start();
    let old = hex::encode(OLD);
    let _: i64 = server.ask(&["HSET", "device:a", "secret", &old, "tenant", "acme"]);
    let _: String = server.ask(&["SET", "devices", "3"]);
    let url = format!("redis://{}", server.address());
    let drill = Drill::start(&format!("{{ redis: {{ url: '{url}', key: 'device:{{id}}', encoding: hex, {SHORT} }} }}"));
    drill.run();
    let _: i64 = server.ask(&["EXPIRE", "device:a", "3600"]);
    drill.done("rotate", &["--id", "a", "--first", "--label", "2028"]);
    drill.done("retire", &["--id", "a", "--secret", "2"]);
    let fields: Vec<String> = server.ask(&["HGETALL", "device:a"]);
    let fields: Vec<(&str, &str)> = fields.chunks(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    assert_eq!(fields.len(), 3, "{fields:?}");
    assert!(
        fields.contains(&("tenant", "acme"))
            && fields.contains(&("label", "2028"))
            && !fields.contains(&("secret", &old))
    );
    let left: i64 = server.ask(&["TTL", "device:a"]);
    assert!(left > 3000, "a hash that expires goes on to do so: {left}");
}

#[test]
fn who_changes_a_hash_at_the_same_time_loses_nothing() {
    let server = RedisServer::start();
    let _: i64 = server.ask(&["HSET", "device:a", "secret", OLD]);
    let url = format!("redis://{}", server.address());
    let drill = Drill::start(&format!("{{ redis: {{ url: '{url}', key: 'device:{{id}}', {SHORT} }} }}"));
    let done = thread::scope(|scope| {
        let rotations: Vec<_> =
            (0..6).map(|_| scope.spawn(|| drill.keys("rotate", &["--id", "a"]).status.code())).collect();
        rotations.into_iter().map(|rotation| rotation.join().expect("it ends")).filter(|code| *code == Some(0)).count()
    });
    let (listed, _) = drill.done("list", &["--id", "a"]);
    assert_eq!(listed.lines().count() - 1, done + 1, "{listed}");
    assert_eq!(done, 3, "as many as an id may have: {listed}");
}

fn table(text: &str) -> String {
    format!(
        "create table device (mac {text} not null, hmac_key {text}, name {text}, customer {text}, \
                              locked integer not null default 0);\n\
         insert into device values ('a', '{old}', null, 'acme', 0);",
        old = hex::encode(OLD)
    )
}

/// The statements of an operator whose table has one row a secret. What belongs to a device stands on each of its rows.
const WRITE: &str = r#"write: {
    add: "insert into device (mac, hmac_key, name) values (:id, :secret, :label)",
    rotate: "insert into device (mac, hmac_key, name, customer, locked) select mac, :secret, :label, max(customer), max(locked) from device where mac = :id group by mac",
    retire: "delete from device where mac = :id and hmac_key = :secret",
    disable: "update device set locked = 1 where mac = :id",
    enable: "update device set locked = 0 where mac = :id",
    count: "select count(distinct mac) from device" }"#;

fn in_database(url: &str, password: &str, parameter: &str, ordered: &str) {
    let query = format!(
        "select mac as id, hmac_key as secret, name as label, customer as tenant, locked as disabled from device \
         where mac = {parameter} order by {ordered}"
    );
    let keys = |write: &str| {
        format!("{{ sql: {{ url: '{url}', {password} query: \"{query}\", encoding: hex, {SHORT}, {write} }} }}")
    };
    let drill = Drill::start(&keys(WRITE));
    drill.run();
    drill.done("rotate", &["--id", "a", "--label", "2028"]);
    let (listed, _) = drill.done("list", &["--id", "a"]);
    assert!(listed.contains("tenant: acme") && listed.contains("secret 2028"), "{listed}");
    let forgetful =
        WRITE.replace("max(customer)", "null").replace("hmac_key = :secret", "(hmac_key = :secret or 1 = 1)");
    let careless = Drill::start(&keys(&forgetful));
    careless.refused("rotate", &["--id", "a"], "the rows differ");
    careless.refused("retire", &["--id", "a", "--secret", "2028"], "the id would not be there");
    assert_eq!(drill.done("list", &["--id", "a"]).0, listed, "nothing was done");
    Drill::start(&keys("")).refused("add", &["--id", "c"], "write: { add: … }");
}

#[test]
fn sqlite_is_rotated_under_load() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("legacy.db");
    sqlite(&file, &table("text"));
    in_database(&format!("sqlite:{}", file.display()), "", "?", "rowid");
}

#[test]
fn postgresql_is_rotated_under_load() {
    let database = Database::postgres();
    database.run(&table("text"));
    in_database(&database.url(), "password: { env: PASSWORD },", "$1", "name = 'new', name is not null");
}

#[test]
fn mariadb_is_rotated_under_load() {
    let database = Database::mariadb();
    database.run(&table("varchar(200)"));
    in_database(&database.url(), "password: { env: PASSWORD },", "?", "name = 'new', name is not null");
}

#[test]
fn keys_that_are_kept_by_others_are_not_changed_from_here() {
    for (keys, said) in [
        ("{ static: { a: { value: the-new-secret-of-32-bytes-or-so } } }", "stand in the config"),
        ("{ derive: { master: { value: the-new-secret-of-32-bytes-or-so } } }", "computed from its master"),
        ("{ http: { url: 'http://127.0.0.1:1/{id}' } }", "are changed there"),
    ] {
        let directory = tempfile::tempdir().expect("a directory");
        let config = directory.path().join("keys.yaml");
        fs::write(&config, format!("listen: 127.0.0.1:0\nkeys: {{ devices: {keys} }}\n{CONFIG}")).expect("a file");
        assert!(says(&config, "devices").contains(said), "{said}: {}", says(&config, "devices"));
        assert!(says(&config, "device").contains("there is no key source `device`; the config has devices"));
    }
}

fn says(config: &Path, source: &str) -> String {
    let mut process = countersign();
    process.args(["keys", "disable", "--id", "a", "--keys", source, "-c"]).arg(config);
    let output = process.output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8_lossy(&output.stderr).into_owned()
}
