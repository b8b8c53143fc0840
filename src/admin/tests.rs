//! The admin listener over real sockets.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use prometheus_client::metrics::counter::Counter;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use super::{
    door::Open,
    server::{Patience, serve},
    *,
};
use crate::secret::Secret;

struct Admin {
    address: SocketAddr,
    readiness: Readiness,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn state() -> AdminState {
    let mut registry = Registry::default();
    let counter = Counter::<u64>::default();
    counter.inc_by(3);
    registry.register("tries", "Tries", counter);
    let token = Token::default();
    token.set(Some(Secret::new(b"hunter2".to_vec())));
    let echo = |body: Bytes| -> Work {
        Box::pin(async move { Reply { status: StatusCode::OK, body: json!({ "bytes": body.len() }) } })
    };
    let slow = |_: Bytes| -> Work {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            Reply { status: StatusCode::OK, body: json!({ "done": true }) }
        })
    };
    let endless = |_: Bytes| -> Work { Box::pin(std::future::pending()) };
    let calls = [
        Call { method: Method::POST, path: "/echo", work: Arc::new(echo) },
        Call { method: Method::POST, path: "/slow", work: Arc::new(slow) },
        Call { method: Method::POST, path: "/endless", work: Arc::new(endless) },
    ]
    .into();
    AdminState {
        registry: Arc::new(registry),
        readiness: Readiness::new(),
        calls,
        token,
        hosts: Arc::new(["gateway".to_owned()]),
    }
}

/// Usual for tests.
const PATIENCE: Patience = Patience {
    head: Duration::from_millis(200),
    connection: Duration::from_secs(5),
    work: Duration::from_secs(5),
    end: Duration::from_millis(200),
};

async fn start() -> Admin {
    start_with(PATIENCE).await
}

async fn start_with(patience: Patience) -> Admin {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let state = state();
    let readiness = state.readiness.clone();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(serve(patience, Open::Address(listener), state, async move {
        let _ = stopped.await;
    }));
    Admin { address, readiness, stop, task }
}

impl Admin {
    async fn sends(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn get(&self, path: &str) -> String {
        self.sends(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address)).await
    }
}

#[tokio::test]
async fn a_living_gateway_says_ok() {
    let admin = start().await;
    let answer = admin.get("/livez").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nok\n"), "{answer}");
}

#[tokio::test]
async fn readiness_follows_the_gateways_life_and_names_the_reason() {
    let admin = start().await;
    let starting = admin.get("/readyz").await;
    assert!(starting.starts_with("HTTP/1.1 503 ") && starting.ends_with("\r\n\r\nstarting\n"), "{starting}");
    admin.readiness.set(Stage::Ready);
    assert!(admin.get("/readyz").await.starts_with("HTTP/1.1 200 "));
    admin.readiness.set(Stage::Draining);
    let draining = admin.get("/readyz").await;
    assert!(draining.starts_with("HTTP/1.1 503 ") && draining.ends_with("\r\n\r\ndraining\n"), "{draining}");
    assert!(admin.get("/livez").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn metrics_are_openmetrics_text() {
    let answer = start().await.get("/metrics").await;
    assert!(
        answer.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("tries_total 3\n# EOF\n"), "{answer}");
}

#[tokio::test]
async fn metrics_are_in_the_older_format_for_who_asks_for_that() {
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n\r\n";
    let answer = start().await.sends(request).await;
    assert!(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{answer}");
    assert!(answer.contains("# TYPE tries_total counter\n") && answer.ends_with("tries_total 3\n"), "{answer}");
}

#[tokio::test]
async fn other_paths_are_not_found_and_other_methods_not_allowed() {
    let admin = start().await;
    for path in ["/", "/livez/", "/LIVEZ", "/debug"] {
        assert!(admin.get(path).await.starts_with("HTTP/1.1 404 "), "{path}");
    }
    for method in ["POST", "OPTIONS", "DELETE"] {
        let answer = admin.sends(&format!("{method} /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("allow: GET, HEAD\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn whoever_only_wants_to_know_whether_it_lives_may_ask_with_head() {
    let admin = start().await;
    let answer = admin.sends("HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_page_that_rebinds_its_name_to_us_is_turned_away() {
    let admin = start().await;
    let answer = admin.sends("GET /metrics HTTP/1.1\r\nHost: evil.example:9090\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 421 ") && !answer.contains("tries"), "{answer}");
}

#[tokio::test]
async fn a_request_needs_one_host_and_no_authority_in_its_target() {
    let admin = start().await;
    for request in [
        "GET /livez HTTP/1.1\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        "GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: localhost:x\r\n\r\n",
    ] {
        let answer = admin.sends(request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request} {answer}");
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let admin = start().await;
    let begun = Instant::now();
    let mut stream = TcpStream::connect(admin.address).await.unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: ").await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(begun.elapsed() >= Duration::from_millis(150) && begun.elapsed() < Duration::from_secs(4));
    assert!(admin.get("/livez").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_connection_serves_one_request() {
    let admin = start().await;
    let request = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answer = admin.sends(&request.repeat(2)).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1);
}

#[tokio::test]
async fn idle_connections_do_not_lock_others_out() {
    let admin = start().await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(TcpStream::connect(admin.address).await.unwrap());
    }
    assert!(admin.get("/livez").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn it_ends_when_told_even_with_a_connection_open() {
    let admin = start().await;
    let _idle = TcpStream::connect(admin.address).await.unwrap();
    admin.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), admin.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(admin.address).await.is_err());
}

#[test]
fn it_runs_on_a_thread_of_its_own() {
    use std::io::{Read, Write};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = spawn(Door::Address(listener), state(), async move {
        let _ = stopped.await;
    })
    .unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: [::1]\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    stop.send(()).unwrap();
    thread.join().unwrap();
}

#[test]
fn it_answers_on_a_unix_socket_as_it_does_on_an_address() {
    use std::io::{Read, Write};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("admin.sock");
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = spawn(Door::File(SocketFile::bind(&path).unwrap()), state(), async move {
        let _ = stopped.await;
    })
    .unwrap();
    for (host, status) in [("localhost", "200"), ("evil.example", "421")] {
        let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
        write!(stream, "GET /livez HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    stop.send(()).unwrap();
    thread.join().unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_call_is_answered_to_whoever_has_the_token_and_to_nobody_else() {
    let admin = start().await;
    let call = |authorization: &str| {
        let host = admin.address;
        format!("POST /echo HTTP/1.1\r\nHost: {host}\r\n{authorization}Content-Length: 4\r\n\r\nbody")
    };
    let heard = admin.sends(&call("Authorization: Bearer hunter2\r\n")).await;
    assert!(heard.starts_with("HTTP/1.1 200 ") && heard.ends_with("{\"bytes\":4}\n"), "{heard}");
    for authorization in ["", "Authorization: Bearer hunter3\r\n"] {
        let unheard = admin.sends(&call(authorization)).await;
        assert!(unheard.starts_with("HTTP/1.1 401 "), "{unheard}");
    }
    let foreign = call("Authorization: Bearer hunter2\r\n").replace(&admin.address.to_string(), "evil.example");
    assert!(admin.sends(&foreign).await.starts_with("HTTP/1.1 421 "));
    let got = admin.get("/echo").await;
    assert!(got.starts_with("HTTP/1.1 405 ") && got.contains("\r\nallow: POST\r\n"), "{got}");
}

#[tokio::test]
async fn a_call_s_body_is_bounded() {
    let admin = start().await;
    let head = format!(
        "POST /echo HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer hunter2\r\nContent-Length: 65537\r\n\r\n",
        admin.address
    );
    let answer = admin.sends(&(head + &"x".repeat(65_537))).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn work_has_its_own_time_and_what_takes_longer_is_not_called_undone() {
    let patience = Patience { connection: Duration::from_millis(300), work: Duration::from_millis(1500), ..PATIENCE };
    let admin = start_with(patience).await;
    let call = |path: &str, length: usize| {
        let host = admin.address;
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer hunter2\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let slow = admin.sends(&call("/slow", 0)).await;
    assert!(slow.starts_with("HTTP/1.1 200 ") && slow.ends_with("{\"done\":true}\n"), "{slow}");
    let endless = admin.sends(&call("/endless", 0)).await;
    assert!(endless.starts_with("HTTP/1.1 504 ") && endless.contains("it may still be going on"), "{endless}");
    let begun = Instant::now();
    let unsent = admin.sends(&call("/slow", 1)).await;
    assert!(unsent.is_empty() && begun.elapsed() < Duration::from_millis(1200), "a body has no such time: {unsent}");
}
