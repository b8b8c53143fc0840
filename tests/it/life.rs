//! The binary as an operator runs it: it drains when told to stop, and with a bad config ends before it listens
//! anywhere.

use std::{fs, net::TcpListener, thread::sleep, time::Duration};

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
}

#[test]
fn wrong_usage_ends_with_2() {
    let output = countersign().arg("run").output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
}
