//! The binary as an operator runs it: it drains when told to stop, and with a bad config ends before it listens
//! anywhere.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::support::{Connection, Gateway, Recorder, countersign, loopback};

#[test]
fn a_request_in_flight_finishes_when_the_gateway_is_told_to_stop() {
    let upstream = Recorder::start();
    let address = loopback();
    let config = format!(
        "listen: {address}\nupstreams: {{ app: {{ servers: [\"http://{}\"] }} }}\n\
         routes: [{{ match: {{ path: /** }}, public: true, to: app }}]\n",
        upstream.address
    );
    let mut gateway = Gateway::start(&config, &[], address);
    let mut connection = Connection::open(address);
    connection.write(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha");
    sleep(Duration::from_millis(200));
    gateway.signal("TERM");
    assert!(gateway.ended_within(Duration::from_millis(500)).is_none(), "a request is in flight");
    let answer = connection.exchange(b"lf").expect("an answer");
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    let ended = gateway.ended_within(Duration::from_secs(10)).expect("nothing is left to do");
    assert_eq!(ended.code(), Some(0));
    assert_eq!(upstream.requests().len(), 1);
}

/// A gateway's process, ended with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.0.id().to_string()).status();
        assert!(status.expect("kill").success());
    }
}

fn listens_within(address: SocketAddr, limit: Duration) -> bool {
    let start = Instant::now();
    while start.elapsed() < limit {
        if std::net::TcpStream::connect(address).is_ok() {
            return true;
        }
        sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn a_signal_that_comes_while_it_starts_is_heard_when_it_is_up() {
    // A key set that nobody serves is waited for before it is up.
    let (silent, address) = (TcpListener::bind("127.0.0.1:0").expect("a port"), loopback());
    let keys = silent.local_addr().expect("an address");
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("gateway.yaml");
    let text = format!(
        "listen: {address}\nupstreams: {{ app: {{ respond: {{ body: ok }} }} }}\n\
         tokens: {{ api: {{ jwks: {{ url: \"http://{keys}/jwks\" }}, issuer: i, audience: a }} }}\n\
         routes: [{{ match: {{ path: /** }}, require: {{ jwt: api }}, to: app }}]\n"
    );
    fs::write(&config, text).expect("written");
    let errors = directory.path().join("stderr");
    let child = countersign()
        .args(["run", "-c"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(File::create(&errors).expect("a file"))
        .spawn();
    let mut gateway = Process(child.expect("the binary runs"));
    // It asks for the key set, and so is starting.
    silent.set_nonblocking(true).expect("not blocking");
    let start = Instant::now();
    let _asked = loop {
        match silent.accept() {
            Ok((asked, _)) => break asked,
            Err(_) => assert!(start.elapsed() < Duration::from_secs(20), "{:?}", fs::read_to_string(&errors)),
        }
        sleep(Duration::from_millis(10));
    };
    gateway.signal("HUP");
    assert!(listens_within(address, Duration::from_secs(20)), "{:?}", fs::read_to_string(&errors));
    gateway.signal("TERM");
    assert_eq!(gateway.0.wait().expect("it ends").code(), Some(0));
}

/// Log rotation signals whatever process has the id.
#[test]
fn a_signal_to_open_the_log_again_ends_no_gateway_that_still_reads_its_config() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("gateway.yaml");
    // A pipe that nobody writes to yet: the gateway waits for its config.
    assert!(Command::new("mkfifo").arg(&config).status().expect("mkfifo").success());
    let child = countersign().args(["run", "-c"]).arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut gateway = Process(child.expect("the binary runs"));
    let status = format!("/proc/{}/status", gateway.0.id());
    let catches = |line: &str| line.strip_prefix("SigCgt:").and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    let (start, user) = (Instant::now(), 1_u64 << 9);
    loop {
        let status = fs::read_to_string(&status).expect("it runs");
        if status.lines().find_map(catches).is_some_and(|caught| caught & user != 0) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "SIGUSR1 would end it");
        sleep(Duration::from_millis(10));
    }
    gateway.signal("USR1");
    fs::write(&config, "listen: 1\n").expect("written");
    assert_eq!(gateway.0.wait().expect("it ends").code(), Some(3), "by its config and by no signal");
}

#[test]
fn events_that_cannot_be_written_end_no_thread() {
    let (first, second) = (loopback(), loopback());
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("gateway.yaml");
    let text = |address| {
        format!(
            "listen: {address}\nupstreams: {{ app: {{ respond: {{ body: ok }} }} }}\n\
             routes: [{{ match: {{ path: /** }}, public: true, to: app }}]\n"
        )
    };
    fs::write(&config, text(first)).expect("written");
    let full = File::options().write(true).open("/dev/full").expect("a disk that is full");
    let child = countersign().args(["run", "-c"]).arg(&config).stdout(Stdio::null()).stderr(full).spawn();
    let mut gateway = Process(child.expect("the binary runs"));
    assert!(listens_within(first, Duration::from_secs(20)));
    for address in [second, first, second] {
        fs::write(&config, text(address)).expect("written");
        gateway.signal("HUP");
        assert!(listens_within(address, Duration::from_secs(20)), "a config is loaded that says so in vain");
    }
    gateway.signal("TERM");
    assert_eq!(gateway.0.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_log_filter_that_cannot_be_read_is_told_and_events_are_logged() {
    let address = loopback();
    let config = format!(
        "listen: {address}\nupstreams: {{ app: {{ respond: {{ body: ok }} }} }}\n\
         routes: [{{ match: {{ path: /** }}, public: true, to: app }}]\n"
    );
    let gateway = Gateway::start(&config, &[("COUNTERSIGN_LOG", "info,countersign=wran")], address);
    let output = gateway.output_when(|output| output.contains("listening"));
    assert!(output.contains("COUNTERSIGN_LOG is not a log filter") && output.contains("listening"), "{output}");
}

#[test]
fn a_bad_config_ends_with_3_before_any_port_is_bound() {
    let address = loopback();
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("bad.yaml");
    fs::write(&config, format!("listen: {address}\nupstreams: {{}}\nroutes: [{{ to: nowhere }}]\n")).expect("written");
    // The port is held: had the gateway tried to bind it, it would have failed with another code and another word.
    let _held = TcpListener::bind(address).expect("a free port");
    let output = countersign().args(["run", "-c"]).arg(&config).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty(), "problems are words, not data");
    assert_each_line_is_an_event(&output.stderr, "ERROR");
}

/// Off a terminal standard error is a log, from its first line on.
#[test]
fn what_is_said_at_the_start_is_an_event_where_nobody_looks_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("gateway.yaml");
    let text = "listen: 127.0.0.1:0\nkeys: { k: { shared: { value: 0123456789abcdef } } }\n\
                schemes: { s: { preset: device, keys: k } }\nupstreams: { app: { respond: { body: ok } } }\n\
                routes: [{ match: { path: /** }, require: { hmac: s }, to: app }]\n\
                log: { access: { file: /nonexistent/a.log } }\n";
    fs::write(&config, text).expect("written");
    let output = countersign().args(["run", "-c"]).arg(&config).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    assert_each_line_is_an_event(&output.stderr, "WARN");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("cannot open the access log /nonexistent/a.log: No such file or directory"), "{words}");
}

fn assert_each_line_is_an_event(errors: &[u8], level: &str) {
    let text = String::from_utf8_lossy(errors);
    let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap_or_default());
    let levels: Vec<String> = events.map(|event| event["level"].as_str().unwrap_or_default().to_owned()).collect();
    assert!(levels.iter().any(|found| found == level) && levels.iter().all(|found| !found.is_empty()), "{text}");
}

#[test]
fn wrong_usage_ends_with_2() {
    let output = countersign().args(["run", "--wrokers", "2"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    let directory = tempfile::tempdir().expect("a directory");
    let output = countersign().arg("run").current_dir(directory.path()).output().expect("the binary runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(3) && words.contains("countersign.yaml: error: "), "{words}");
    assert!(words.contains("hint: `-c FILE` names the config file"), "{words}");
}
