//! Calls against servers that behave, and that do not.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use super::*;
use crate::roots::Roots;

fn settings() -> Settings {
    Settings {
        tls: false,
        roots: None,
        connect_timeout: Duration::from_secs(1),
        timeout: Duration::from_millis(500),
        largest_answer: 1024,
        most_calls: 4,
    }
}

fn client(settings: &Settings) -> Client {
    Client::new(Errands::start().unwrap(), settings).unwrap()
}

/// A server that answers each request on each connection with what `answer` says, and counts both.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn start(answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, requests) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (seen, counted, answer) = (connections.clone(), requests.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                seen.fetch_add(1, Ordering::Relaxed);
                let (answer, counted) = (answer.clone(), counted.clone());
                thread::spawn(move || serve(stream.unwrap(), &*answer, &counted));
            }
        });
        Server { address, connections, requests }
    }

    fn uri(&self, path: &str) -> Uri {
        format!("http://{}{path}", self.address).parse().unwrap()
    }
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&str) -> Option<String>, requests: &AtomicUsize) {
    let mut read = Vec::new();
    let mut piece = [0; 1024];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        read.extend_from_slice(&piece[..count]);
        let text = String::from_utf8(read.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() < length.map_or(0, |length| length.parse().unwrap()) {
            continue;
        }
        requests.fetch_add(1, Ordering::Relaxed);
        match answer(&text) {
            None => thread::sleep(Duration::from_secs(3)),
            Some(text) => stream.write_all(text.as_bytes()).unwrap(),
        }
        read.clear();
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn an_answer_comes_whole_and_connections_are_kept() {
    let server = Server::start(|request| Some(ok(request.split("\r\n\r\n").nth(1).unwrap())));
    let client = client(&settings());
    for _ in 0..5 {
        let answer = client.post(server.uri("/echo"), HeaderMap::new(), Bytes::from_static(b"hello")).await.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"hello"[..]));
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn fields_are_sent_as_given_and_the_caller_says_who_it_is() {
    let server = Server::start(|request| Some(ok(request)));
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static("Bearer secret"))]);
    let answer = client(&settings()).get(server.uri("/a%2Fb?c"), headers).await.unwrap();
    let seen = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(seen.starts_with("GET /a%2Fb?c HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("authorization: Bearer secret\r\n") && seen.contains("user-agent: countersign/"), "{seen}");
    assert!(!format!("{answer:?}").contains("secret"));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let server = Server::start(|_| Some("HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n".to_owned()));
    let answer = client(&settings()).get(server.uri("/a"), HeaderMap::new()).await.unwrap();
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(server.requests.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_time_out_and_no_more() {
    for answer in [None, Some("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nslow".to_owned())] {
        let server = Server::start(move |_| answer.clone());
        let started = Instant::now();
        let error = client(&settings()).get(server.uri("/"), HeaderMap::new()).await.unwrap_err();
        assert!(matches!(error, CallError::TimedOut(_)), "{error}");
        assert!((450..1500).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn an_answer_larger_than_allowed_is_refused_however_it_is_framed() {
    let chunked =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n800\r\n{}\r\n0\r\n\r\n", "x".repeat(2048));
    for answer in [ok(&"x".repeat(1025)), chunked] {
        let server = Server::start(move |_| Some(answer.clone()));
        let error = client(&settings()).get(server.uri("/"), HeaderMap::new()).await.unwrap_err();
        assert!(matches!(error, CallError::TooLarge(1024)), "{error}");
    }
    let server = Server::start(|_| Some(ok(&"x".repeat(1024))));
    assert!(client(&settings()).get(server.uri("/"), HeaderMap::new()).await.is_ok());
}

#[tokio::test]
async fn what_is_no_http_and_who_is_not_there_are_told_apart() {
    let server = Server::start(|_| Some("SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned()));
    let error = client(&settings()).get(server.uri("/"), HeaderMap::new()).await.unwrap_err();
    assert!(matches!(error, CallError::Broken(_)), "{error}");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{free}/secret-path").parse().unwrap();
    let error = client(&settings()).get(nobody, HeaderMap::new()).await.unwrap_err();
    assert!(matches!(error, CallError::NotConnected(_)), "{error}");
    assert!(error.to_string().contains("refused") && !error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn calls_beyond_the_limit_are_refused_at_once_and_places_are_given_back() {
    let server = Server::start(|_| None);
    let client = client(&Settings { most_calls: 2, ..settings() });
    let call = || client.get(server.uri("/"), HeaderMap::new());
    let (one, two, three) = tokio::join!(call(), call(), call());
    assert!(matches!((one, two), (Err(CallError::TimedOut(_)), Err(CallError::TimedOut(_)))));
    assert!(matches!(three, Err(CallError::TooMany)));
    assert!(matches!(call().await, Err(CallError::TimedOut(_))));
}

#[tokio::test]
async fn only_a_certificate_under_the_roots_will_do() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let roots = |pem: String| Some(Roots::of_pem(pem.as_bytes()).unwrap());
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![made.cert.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let session = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(session, stream.unwrap());
            // The client that does not believe it ends the handshake.
            if stream.read(&mut [0; 1024]).is_ok() {
                stream.write_all(ok("hello").as_bytes()).unwrap();
            }
        }
    });
    let uri: Uri = format!("https://localhost:{port}/").parse().unwrap();
    let tls = Settings { tls: true, roots: roots(made.cert.pem()), ..settings() };
    assert_eq!(&client(&tls).get(uri.clone(), HeaderMap::new()).await.unwrap().body[..], b"hello");
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = Settings { roots: roots(other.cert.pem()), ..tls };
    let error = client(&tls).get(uri, HeaderMap::new()).await.unwrap_err();
    assert!(matches!(error, CallError::NotConnected(_)), "{error}");
}

#[test]
fn a_host_is_this_machine_only_where_no_name_server_is_asked() {
    for host in ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::1"] {
        assert!(is_this_machine(host), "{host}");
    }
    for host in ["localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "0.0.0.0", "[::]", "", "127.1"] {
        assert!(!is_this_machine(host), "{host}");
    }
}
