//! Signals, ports, file descriptors, the log, the metrics: the gateway as whoever operates it meets it.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::support::{End, PATIENCE, Talk, Upstream, eventually, free_address, get, ok, open_to, post, run};
use crate::support::countersign;

pub(super) fn signal(id: u32, name: &str) {
    let status = Command::new("sh").args(["-c", "kill -\"$1\" \"$2\"", "sh", name, &id.to_string()]).status();
    assert!(status.expect("a shell").success());
}

#[test]
fn two_hundred_requests_in_flight_finish_when_it_is_told_to_stop() {
    let upstream = Upstream::answering(|head, _| {
        let number: u64 = head.target().trim_start_matches('/').parse().expect("a number");
        thread::sleep(Duration::from_millis(1000 + number * 5));
        ok(head.target())
    });
    let (mut gateway, address) = open_to(upstream.address, "");
    let mut clients: Vec<Talk> = (0..200).map(|_| Talk::open(address)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.write(get(&format!("/{number}")));
    }
    assert!(eventually(PATIENCE, || upstream.connections() == 200), "all are in flight");
    signal(gateway.id(), "TERM");
    assert!(eventually(Duration::from_secs(1), || TcpStream::connect(address).is_err()), "no new connection");
    for (number, client) in clients.iter_mut().enumerate() {
        let (head, body) = client.answer(false).expect("its answer");
        assert_eq!((head.status(), body), (200, format!("/{number}").into_bytes()));
        assert_eq!(head.field("connection"), Some("close"), "{number}");
    }
    assert_eq!(gateway.ended_within(Duration::from_secs(5)).and_then(|status| status.code()), Some(0));
}

#[test]
fn idle_connections_do_not_hold_up_the_end() {
    let upstream = Upstream::echo();
    let (mut gateway, address) = open_to(upstream.address, "");
    let mut used = Talk::open(address);
    used.exchange(get("/"));
    let _unused = Talk::open(address);
    thread::sleep(Duration::from_millis(100));
    signal(gateway.id(), "INT");
    assert_eq!(gateway.ended_within(Duration::from_secs(3)).and_then(|status| status.code()), Some(0));
    assert_eq!(used.rest(), (Vec::new(), End::Orderly));
}

#[test]
fn what_does_not_finish_in_time_is_given_up() {
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        talk.ends_within(PATIENCE);
    });
    let (mut gateway, address) = open_to(upstream.address, "timeouts: { drain: 300ms }\n");
    let mut client = Talk::open(address);
    client.write(get("/"));
    assert!(eventually(PATIENCE, || upstream.connections() == 1));
    signal(gateway.id(), "TERM");
    assert!(gateway.ended_within(Duration::from_secs(3)).is_some());
    assert!(client.answer(false).is_none());
    let log = gateway.output_when(|log| log.contains("\"outcome\""));
    assert!(log.contains("\"status\":503,\"outcome\":\"failed\",\"why\":\"the gateway stopped\""), "{log}");
}

#[test]
fn an_answer_that_is_given_up_does_not_look_whole() {
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        talk.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n");
        talk.ends_within(PATIENCE);
    });
    let (mut gateway, address) = open_to(upstream.address, "timeouts: { drain: 300ms }\n");
    let mut client = Talk::open(address);
    // To the oldest clients the end of the connection is the end of the answer.
    client.write("GET / HTTP/1.0\r\n\r\n");
    client.head().expect("a head");
    assert_eq!(client.take(5).as_deref(), Some(&b"begun"[..]));
    signal(gateway.id(), "TERM");
    assert!(gateway.ended_within(Duration::from_secs(3)).is_some());
    assert_eq!(client.rest().1, End::Broken);
    let log = gateway.output_when(|log| log.contains("\"outcome\""));
    assert!(log.contains("\"why\":\"the gateway stopped\""), "{log}");
}

#[test]
fn a_request_that_waits_for_a_call_with_a_time_of_its_own_gets_its_line_when_the_gateway_stops() {
    let silent = Upstream::start(|mut talk| {
        talk.request();
        talk.ends_within(PATIENCE);
    });
    let config = format!(
        "timeouts: {{ drain: 300ms }}\nkeys: {{ k: {{ http: {{ url: 'http://{}/{{id}}', timeout: 10s }} }} }}\n\
         schemes: {{ v2: {{ preset: device-v2, keys: k }} }}\nupstreams: {{ own: {{ echo: true }} }}\n\
         routes: [{{ match: {{ path: /** }}, require: {{ hmac: v2 }}, to: own }}]\n",
        silent.address
    );
    let (mut gateway, address) = run(&config, &[]);
    let mut client = Talk::open(address);
    client.write(super::signing::with_length(&super::signing::device_v2_get("/asked"), b""));
    assert!(eventually(PATIENCE, || silent.connections() == 1));
    signal(gateway.id(), "TERM");
    assert!(gateway.ended_within(Duration::from_secs(3)).is_some());
    let log = gateway.output_when(|log| log.contains("\"outcome\""));
    assert!(log.contains("\"path\":\"/asked\"") && log.contains("\"why\":\"the gateway stopped\""), "{log}");
}

/// The lines of an access log, as JSON.
fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

#[test]
fn the_log_is_opened_again_when_it_was_moved_away() {
    let directory = tempfile::tempdir().expect("a directory");
    let (log, moved) = (directory.path().join("access.log"), directory.path().join("access.log.1"));
    let upstream = Upstream::echo();
    let more = format!("log: {{ access: {{ file: {} }} }}\n", log.display());
    let (gateway, address) = open_to(upstream.address, &more);
    Talk::open(address).exchange(get("/before"));
    assert!(eventually(PATIENCE, || lines(&log).len() == 1));
    for (name, path) in [("HUP", "/after"), ("USR1", "/at-last")] {
        fs::rename(&log, &moved).expect("moved");
        signal(gateway.id(), name);
        assert!(eventually(PATIENCE, || log.exists()), "a new file is begun");
        Talk::open(address).exchange(get(path));
        assert!(eventually(PATIENCE, || lines(&log).len() == 1));
        assert_eq!(lines(&log)[0]["path"], path);
        assert_eq!(lines(&moved).len(), 1, "each line is in one of them");
    }
}

#[test]
fn every_request_has_one_line_that_says_what_became_of_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("access.log");
    let upstream = Upstream::echo();
    let more = format!("log: {{ access: {{ file: {} }} }}\n", log.display());
    let (_gateway, address) = open_to(upstream.address, &more);
    let mut client = Talk::open(address);
    let (head, _) = client.exchange(post("/a?secret=x", "12345"));
    client.write("nonsense\r\n\r\n");
    assert_eq!(client.answer(false).expect("a refusal").0.status(), 400);
    let mut left = Talk::open(address);
    left.write("POST /left HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nsome");
    thread::sleep(Duration::from_millis(100));
    left.reset();
    assert!(eventually(PATIENCE, || lines(&log).len() == 3));
    let lines = lines(&log);
    let good = lines.iter().find(|line| line["path"] == "/a").expect("its line");
    assert_eq!(good["request_id"].as_str(), head.field("x-request-id"));
    let texts =
        [("method", "POST"), ("route", "/**"), ("outcome", "allowed"), ("by", "public"), ("client", "127.0.0.1")];
    for (name, value) in texts {
        assert_eq!(good[name], value, "{good}");
    }
    for (name, value) in [("status", 200), ("bytes_in", 5), ("bytes_out", 5)] {
        assert_eq!(good[name], value, "{good}");
    }
    assert!(good["duration_micros"].as_u64() >= good["upstream_micros"].as_u64(), "{good}");
    let refused =
        lines.iter().find(|line| line["cause"] == "bad-request" && line["path"] != "/left").expect("its line");
    assert_eq!((&refused["status"], &refused["outcome"]), (&400.into(), &"refused".into()));
    assert!(refused.get("method").is_none() && refused.get("path").is_none(), "of no head there is neither: {refused}");
    let left = lines.iter().find(|line| line["path"] == "/left").expect("its line");
    assert_eq!((&left["outcome"], &left["bytes_in"]), (&"failed".into(), &4.into()), "{left}");
    assert!(!lines.iter().any(|line| line.to_string().contains("secret")));
}

#[test]
fn a_refusal_names_the_rule_that_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("access.log");
    let (_gateway, address) = run(
        &format!(
            "log: {{ access: {{ file: {} }} }}\nkeys: {{ k: {{ shared: {{ env: KEY }} }} }}\n\
             schemes: {{ body: {{ preset: raw-body, keys: k }} }}\n\
             tokens: {{ api: {{ keys: [{{ algorithm: HS256, secret: {{ env: KEY }} }}] }} }}\n\
             upstreams: {{ app: {{ echo: true }} }}\n\
             routes: [{{ match: {{ path: /s }}, require: {{ hmac: body }}, to: app }},\n\
             {{ match: {{ path: /t }}, require: {{ jwt: api }}, to: app }}]\n",
            log.display()
        ),
        &[("KEY", "0123456789abcdef0123456789abcdef")],
    );
    let mut client = Talk::open(address);
    for (target, status) in [("/s", 400), ("/t", 401), ("/elsewhere", 404)] {
        assert_eq!(client.exchange(post(target, "x")).0.status(), status, "{target}");
    }
    assert!(eventually(PATIENCE, || lines(&log).len() == 3));
    let by: Vec<Option<String>> = lines(&log).iter().map(|line| line["by"].as_str().map(str::to_owned)).collect();
    assert_eq!(by, [Some("body".to_owned()), Some("api".to_owned()), None]);
}

#[test]
fn the_last_lines_are_written_before_the_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("access.log");
    let upstream = Upstream::echo();
    let more = format!("log: {{ access: {{ file: {} }} }}\n", log.display());
    let (mut gateway, address) = open_to(upstream.address, &more);
    let mut client = Talk::open(address);
    (0..500).for_each(|_| assert_eq!(client.exchange(get("/")).0.status(), 200));
    signal(gateway.id(), "TERM");
    assert!(gateway.ended_within(Duration::from_secs(5)).is_some());
    assert_eq!(lines(&log).len(), 500);
}

#[test]
fn the_admin_listener_tells_health_and_counts() {
    let upstream = Upstream::echo();
    let admin = free_address();
    let (_gateway, address) = open_to(upstream.address, &format!("admin: {admin}\n"));
    for _ in 0..7 {
        Talk::open(address).exchange(get("/"));
    }
    assert_eq!(Talk::open(address).exchange("GET / HTTP/1.1\r\n\r\n").0.status(), 400);
    let ask = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
        let (head, body) = Talk::open(admin).exchange(request);
        (head.status(), String::from_utf8_lossy(&body).into_owned())
    };
    assert_eq!((ask("/livez").0, ask("/readyz").0), (200, 200));
    // A request is counted when its answer is written: the client may be a moment earlier.
    let deadline = Instant::now() + PATIENCE;
    let metrics = loop {
        let (status, metrics) = ask("/metrics");
        assert_eq!(status, 200);
        if has(&metrics, &["requests_total", "/**", "allowed"], "7") || Instant::now() > deadline {
            break metrics;
        }
    };
    assert!(has(&metrics, &["requests_total", "/**", "allowed"], "7"), "{metrics}");
    assert!(has(&metrics, &["requests_total", "bad-request"], "1"), "{metrics}");
    assert!(has(&metrics, &["upstream_requests_total", "app", "answered"], "7"), "{metrics}");
    assert!(!has(&metrics, &["upstream_connects_total", "app", "connected"], "0"), "{metrics}");
    let (head, _) = Talk::open(admin).exchange("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_eq!(head.status(), 421, "another Host is not answered");
    assert_eq!(Talk::open(address).exchange(get("/metrics")).1, b"", "the public listener has none of it");
}

/// Whether a metric that has all of `parts` in its name and labels stands at `value`.
fn has(metrics: &str, parts: &[&str], value: &str) -> bool {
    let end = format!(" {value}");
    metrics.lines().any(|line| parts.iter().all(|part| line.contains(part)) && line.ends_with(&end))
}

#[test]
fn readiness_ends_when_it_is_told_to_stop() {
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        thread::sleep(Duration::from_millis(1500));
        talk.write(ok("ok"));
    });
    let admin = free_address();
    let (gateway, address) = open_to(upstream.address, &format!("admin: {admin}\n"));
    let mut client = Talk::open(address);
    client.write(get("/"));
    assert!(eventually(PATIENCE, || upstream.connections() == 1));
    signal(gateway.id(), "TERM");
    let ready = || Talk::open(admin).exchange(format!("GET /readyz HTTP/1.1\r\nHost: {admin}\r\n\r\n")).0.status();
    assert!(eventually(Duration::from_secs(1), || ready() == 503));
    assert_eq!(client.answer(false).expect("an answer").1, b"ok");
}

/// Runs the binary with `config` to its end.
fn ended(config: &str) -> Output {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("gateway.yaml");
    fs::write(&file, config).expect("written");
    countersign().args(["run", "-c"]).arg(&file).output().expect("the binary runs")
}

const NOTHING: &str =
    "upstreams: { echo: { echo: true } }\nroutes: [{ match: { path: /** }, public: true, to: echo }]\n";

#[test]
fn a_port_that_is_taken_ends_it_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let other = free_address();
    for config in
        [format!("listen: [{other}, {address}]\n{NOTHING}"), format!("listen: {other}\nadmin: {address}\n{NOTHING}")]
    {
        let output = ended(&config);
        assert_eq!(output.status.code(), Some(1));
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(words.contains(&address.to_string()), "{words}");
    }
}

#[test]
fn a_bad_config_ends_it_with_3() {
    assert_eq!(ended(&format!("listen: {}\n{NOTHING}unknown: 1\n", free_address())).status.code(), Some(3));
    assert_eq!(ended("").status.code(), Some(3));
}

/// A child that ends with the value.
struct Cramped {
    child: Child,
    address: SocketAddr,
    _upstream: Upstream,
    _directory: tempfile::TempDir,
}

impl Cramped {
    /// Everything below `/in` goes to an upstream.
    fn start(open_files: u32) -> Cramped {
        let upstream = Upstream::echo();
        let address = free_address();
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("gateway.yaml");
        let config = format!(
            "listen: {address}\nupstreams: {{ app: {{ servers: [\"http://{}\"] }} }}\n\
             routes: [{{ match: {{ path: /in/** }}, public: true, to: app }}]\n",
            upstream.address
        );
        fs::write(&file, config).expect("written");
        let limited = format!("ulimit -n {open_files}; exec \"$0\" run --workers 2 -c \"$1\"");
        let child = Command::new("sh")
            .args(["-c", &limited, env!("CARGO_BIN_EXE_countersign")])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let cramped = Cramped { child, address, _upstream: upstream, _directory: directory };
        assert!(eventually(PATIENCE, || TcpStream::connect(address).is_ok()));
        cramped
    }
}

impl Drop for Cramped {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn out_of_file_descriptors_it_recovers_once_clients_leave() {
    let mut cramped = Cramped::start(64);
    let address = cramped.address;
    let clients: Vec<Talk> = (0..200)
        .map(|_| {
            let mut client = Talk::open(address);
            client.write(get("/in/"));
            client
        })
        .collect();
    thread::sleep(Duration::from_millis(500));
    drop(clients);
    let works = || {
        let mut client = Talk::open(address);
        client.write(get("/in/"));
        client.answer(false).is_some_and(|(head, _)| head.status() == 200)
    };
    assert!(eventually(PATIENCE, works), "it serves again");
    assert!(cramped.child.try_wait().expect("the child can be asked").is_none(), "it is the same process");
}

#[test]
fn clients_cannot_take_the_descriptors_that_upstreams_need() {
    let cramped = Cramped::start(128);
    let mut early = Talk::open(cramped.address);
    // Not routed: no connection to the upstream is there yet.
    early.write(get("/"));
    assert_eq!(early.answer(false).map(|(head, _)| head.status()), Some(404));
    let _silent: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(cramped.address).expect("queued")).collect();
    thread::sleep(Duration::from_millis(500));
    early.write(get("/in/"));
    assert_eq!(early.answer(false).map(|(head, _)| head.status()), Some(200));
}
