//! Connections that change protocols, and those that must not.

use std::{
    net::SocketAddr,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use super::{
    signing::{KEY, device_v2_get},
    support::{End, Head, PATIENCE, Talk, Upstream, descriptors, eventually, noise, ok, resident, run, settle},
};
use crate::support::Gateway;

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const ASK: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn ask() -> String {
    format!("GET /chat HTTP/1.1\r\nHost: a\r\n{ASK}")
}

/// A gateway that lets any path change to `websocket`.
fn allowing(upstream: SocketAddr, more: &str) -> (Gateway, SocketAddr) {
    let routes = format!(
        "upstreams: {{ app: {{ servers: [\"http://{upstream}\"] }} }}\n\
         routes: [{{ match: {{ path: /** }}, public: true, to: app, upgrade: [websocket, other/2] }}]\n{more}"
    );
    run(&routes, &[])
}

/// An upstream that changes to `websocket` for whoever asks it, and then goes by `script`.
pub(super) fn switching(script: impl Fn(Talk) + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |mut talk| {
        let Some((head, _)) = talk.request() else { return };
        if head.field("upgrade").is_none() {
            talk.write(ok("not asked"));
            return;
        }
        talk.write(SWITCH);
        script(talk);
    })
}

/// Sends back what comes, and ends when its client does.
pub(super) fn echo(mut talk: Talk) {
    while let Some(bytes) = talk.take(1) {
        if !talk.write(bytes) {
            return;
        }
    }
}

fn switched(client: &mut Talk) -> Head {
    let head = client.head().expect("an answer");
    assert_eq!(head.status(), 101, "{head:?}");
    head
}

#[test]
fn after_a_101_bytes_go_both_ways_untouched() {
    let (told, heads) = mpsc::channel();
    let told = Mutex::new(told);
    let upstream = Upstream::start(move |mut talk| {
        let (head, _) = talk.request().expect("a request");
        told.lock().expect("unpoisoned").send(head).expect("a listener");
        talk.write(SWITCH);
        echo(talk);
    });
    let (_gateway, address) = allowing(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(ask());
    let head = switched(&mut client);
    assert_eq!((head.field("upgrade"), head.field("connection")), (Some("websocket"), Some("upgrade")));
    assert_eq!(head.field("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert!(head.field("content-length").is_none() && head.field("transfer-encoding").is_none(), "{head:?}");
    assert!(head.field("x-request-id").is_some(), "{head:?}");
    let asked = heads.recv_timeout(PATIENCE).expect("a request");
    assert_eq!((asked.field("upgrade"), asked.field("connection")), (Some("websocket"), Some("upgrade")));
    assert_eq!(asked.field("sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
    assert_eq!(asked.field("x-request-id"), head.field("x-request-id"));
    for bytes in [&b"\x81\x05hello"[..], b"\0\r\n\r\nGET / HTTP/1.1\r\n\r\n", &[0xff; 300]] {
        client.write(bytes);
        assert_eq!(client.take(bytes.len()).expect("an echo"), bytes);
    }
}

#[test]
fn a_101_says_what_is_left_of_a_limit_as_every_answer_does() {
    let upstream = switching(echo);
    let config = format!(
        "upstreams: {{ app: {{ servers: [\"http://{}\"] }} }}\n\
         routes:\n  - {{ match: {{ path: /** }}, public: true, to: app, upgrade: websocket,\n      \
         rate_limits: [{{ per: route, rate: 5/h, headers: true }}] }}\n",
        upstream.address
    );
    let (_gateway, address) = run(&config, &[]);
    let mut client = Talk::open(address);
    client.write(ask());
    let head = switched(&mut client);
    assert!(head.field("ratelimit").is_some() && head.field("ratelimit-policy").is_some(), "{head:?}");
}

#[test]
fn an_upstream_without_keep_alive_is_asked_for_the_change_alone() {
    let (told, heads) = mpsc::channel();
    let upstream = Upstream::start(move |mut talk| {
        let (head, _) = talk.request().expect("a request");
        let _ = told.send(head);
        talk.write(SWITCH);
        echo(talk);
    });
    let config = format!(
        "upstreams: {{ app: {{ servers: [\"http://{}\"], keep_alive: false }} }}\n\
         routes: [{{ match: {{ path: /** }}, public: true, to: app, upgrade: [websocket] }}]\n",
        upstream.address
    );
    let (_gateway, address) = run(&config, &[]);
    let mut client = Talk::open(address);
    client.write(ask());
    switched(&mut client);
    assert_eq!(heads.recv().expect("a request").values("connection"), ["upgrade"]);
}

#[test]
fn what_either_side_sends_early_is_handed_over() {
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        // In one write with the head: the gateway reads both at once.
        talk.write([SWITCH.as_bytes(), b"upstream first"].concat());
        let early = talk.take(12).expect("what the client sent early");
        talk.write(early);
    });
    let (_gateway, address) = allowing(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(format!("{}client first", ask()));
    switched(&mut client);
    assert_eq!(client.rest(), (b"upstream firstclient first".to_vec(), End::Orderly));
}

#[test]
fn a_request_smuggled_behind_a_refused_upgrade_reaches_nobody() {
    let requests = Arc::new(AtomicUsize::new(0));
    for answer in ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", "HTTP/1.1 426 No\r\nContent-Length: 2\r\n\r\nno"] {
        let counted = requests.clone();
        let upstream = Upstream::start(move |mut talk| {
            while talk.request().is_some() {
                counted.fetch_add(1, Ordering::SeqCst);
                talk.write(answer);
            }
        });
        requests.store(0, Ordering::SeqCst);
        let (_gateway, address) = allowing(upstream.address, "");
        let mut client = Talk::open(address);
        client.write(format!("{}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", ask()));
        let (head, body) = client.answer(false).expect("an answer");
        assert!(matches!(head.status(), 200 | 426), "{head:?}");
        assert_eq!((head.field("connection"), body.as_slice()), (Some("close"), &b"no"[..]));
        assert_eq!(client.rest(), (Vec::new(), End::Orderly));
        assert_eq!(requests.load(Ordering::SeqCst), 1, "the second was never read as a request");
    }
}

#[test]
fn a_101_that_was_not_asked_for_or_is_another_is_a_502() {
    let lines = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    let unlike = [
        "Connection: upgrade\r\nUpgrade: h2c\r\n".to_owned(),
        "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n".to_owned(),
        "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n".to_owned(),
        "Connection: upgrade\r\n".to_owned(),
        "Upgrade: websocket\r\n".to_owned(),
        format!("{lines}Content-Length: 5\r\n"),
        format!("{lines}Transfer-Encoding: chunked\r\n"),
    ];
    let cases = unlike.iter().map(|lines| ("HTTP/1.1", lines.as_str(), ask()));
    let plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned();
    for (version, lines, request) in cases.chain([("HTTP/1.0", lines, ask()), ("HTTP/1.1", lines, plain)]) {
        let answer = format!("{version} 101 Switching Protocols\r\n{lines}\r\nand bytes behind it");
        let upstream = Upstream::answering(move |_, _| answer.clone().into_bytes());
        let (_gateway, address) = allowing(upstream.address, "");
        let mut client = Talk::open(address);
        client.write(&request);
        let (head, _) = client.answer(false).expect("an answer");
        assert_eq!(head.status(), 502, "{version} {lines} to {request}");
    }
}

#[test]
fn a_request_in_doubt_is_served_without_an_upgrade() {
    let start = "Host: a\r\nConnection: upgrade\r\n";
    let requests = [
        format!("POST / HTTP/1.1\r\n{start}Upgrade: websocket\r\nContent-Length: 0\r\n\r\n"),
        format!("HEAD / HTTP/1.1\r\n{start}Upgrade: websocket\r\n\r\n"),
        format!("GET / HTTP/1.0\r\n{start}Upgrade: websocket\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{start}Upgrade: websocket\r\nContent-Length: 2\r\n\r\nab"),
        format!("GET / HTTP/1.1\r\n{start}Upgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{start}Upgrade: websocket\r\nUpgrade: websocket\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{start}Upgrade: websocket, h2c\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{start}Upgrade: h2c\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{start}Upgrade: other\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{start}Upgrade:\r\n\r\n"),
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n".to_owned(),
    ];
    let upstream = switching(|_| panic!("nobody is to be upgraded"));
    let (_gateway, address) = allowing(upstream.address, "");
    for request in requests {
        let mut client = Talk::open(address);
        client.write(format!("{request}GET /second HTTP/1.1\r\nHost: a\r\n\r\n"));
        let (head, _) = client.answer(request.starts_with("HEAD")).expect("an answer");
        assert_eq!((head.status(), head.field("connection")), (200, Some("close")), "{request}");
        assert_eq!(client.rest().0, b"", "what follows is never read as a request: {request}");
    }
}

#[test]
fn a_protocol_with_a_version_and_in_another_case_is_the_same() {
    let upstream = Upstream::start(|mut talk| {
        talk.request();
        talk.write("HTTP/1.1 101 Switching\r\nConnection: x, UPGRADE\r\nUpgrade: OTHER/2\r\n\r\nhello");
    });
    let (_gateway, address) = allowing(upstream.address, "");
    let mut client = Talk::open(address);
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: UPGRADE\r\nUpgrade: Other/2\r\n\r\n");
    switched(&mut client);
    assert_eq!(client.rest(), (b"hello".to_vec(), End::Orderly));
}

#[test]
fn one_side_may_end_while_the_other_still_speaks() {
    let upstream = switching(|mut talk| {
        let (said, end) = talk.rest();
        talk.write([b"after your end: ", said.as_slice()].concat());
        assert_eq!(end, End::Orderly);
    });
    let (_gateway, address) = allowing(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(ask());
    switched(&mut client);
    client.write("last words");
    client.half_close();
    assert_eq!(client.rest(), (b"after your end: last words".to_vec(), End::Orderly));

    let (told, heard) = mpsc::channel();
    let told = Mutex::new(told);
    let upstream = switching(move |mut talk| {
        talk.write("bye");
        talk.half_close();
        told.lock().expect("unpoisoned").send(talk.rest()).expect("a listener");
    });
    let (_gateway, address) = allowing(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(ask());
    switched(&mut client);
    assert_eq!(client.rest(), (b"bye".to_vec(), End::Orderly));
    client.write("still here");
    drop(client);
    assert_eq!(heard.recv_timeout(PATIENCE).expect("its end"), (b"still here".to_vec(), End::Orderly));
}

#[test]
fn a_side_that_breaks_off_breaks_the_other() {
    let (told, heard) = mpsc::channel();
    let told = Mutex::new(told);
    let upstream = switching(move |mut talk| {
        talk.write("go");
        told.lock().expect("unpoisoned").send(talk.rest().1).expect("a listener");
    });
    let (gateway, address) = allowing(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(ask());
    switched(&mut client);
    assert_eq!(client.take(2).expect("some bytes"), b"go");
    client.reset();
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(End::Broken));
    let log = gateway.output_when(|log| log.contains("\"status\":101"));
    assert!(log.contains("\"outcome\":\"failed\"") && log.contains("to or from the client"), "{log}");

    let upstream = switching(|mut talk| {
        talk.take(2).expect("some bytes");
        talk.reset();
    });
    let (_gateway, address) = allowing(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(ask());
    switched(&mut client);
    client.write("go");
    assert_eq!(client.rest().1, End::Broken);
}

#[test]
fn a_signed_request_may_be_upgraded_and_an_unsigned_one_may_not() {
    let upstream = switching(echo);
    let config = format!(
        "keys: {{ k: {{ shared: {{ value: {KEY} }} }} }}\nschemes: {{ v2: {{ preset: device-v2, keys: k }} }}\n\
         upstreams: {{ app: {{ servers: [\"http://{}\"] }} }}\n\
         routes: [{{ match: {{ path: /** }}, require: {{ hmac: v2 }}, to: app, upgrade: websocket }}]\n",
        upstream.address
    );
    let (_gateway, address) = run(&config, &[]);
    let mut stranger = Talk::open(address);
    stranger.write(format!("{}GET /chat HTTP/1.1\r\nHost: a\r\n\r\n", ask()));
    assert_eq!(stranger.answer(false).expect("a refusal").0.status(), 400);
    assert_eq!(stranger.rest().0, b"");
    assert_eq!(upstream.connections(), 0, "nothing unverified reaches it");
    let mut client = Talk::open(address);
    let request = format!("{}{ASK}", device_v2_get("/chat"));
    client.write(&request);
    switched(&mut client);
    client.write("in");
    assert_eq!(client.take(2).expect("an echo"), b"in");
    let mut again = Talk::open(address);
    again.write(&request);
    assert_eq!(again.answer(false).expect("a refusal").0.status(), 409, "a claim holds for upgrades too");
}

#[test]
fn each_upgrade_has_a_connection_of_its_own_that_is_never_used_again() {
    let upstream = Upstream::start(|mut talk| {
        while let Some((head, _)) = talk.request() {
            talk.write(if head.target() == "/refused" || head.field("upgrade").is_none() {
                ok("")
            } else {
                SWITCH.into()
            });
        }
    });
    let (_gateway, address) = allowing(upstream.address, "");
    let mut plain = Talk::open(address);
    for connections in [1, 1] {
        assert_eq!(plain.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").0.status(), 200);
        assert_eq!(upstream.connections(), connections);
    }
    let mut client = Talk::open(address);
    client.write(ask());
    switched(&mut client);
    assert_eq!(upstream.connections(), 2);
    drop(client);
    let mut refused = Talk::open(address);
    refused.write(ask().replace("/chat", "/refused"));
    assert_eq!(refused.answer(false).expect("an answer").0.status(), 200);
    assert_eq!(upstream.connections(), 3);
}

#[test]
fn an_upgrade_counts_against_the_upstream_s_limit_until_it_ends() {
    let upstream = switching(echo);
    let (_gateway, address) = allowing(upstream.address, "limits: { upstream_requests: 1 }\n");
    // The limit holds per worker, and there are two.
    let mut open: Vec<Talk> = (0..2).map(|_| Talk::open(address)).collect();
    for client in &mut open {
        client.write(ask());
        switched(client);
    }
    let status = || {
        let mut late = Talk::open(address);
        late.write(ask());
        late.head().expect("an answer").status()
    };
    assert_eq!(status(), 503);
    open.clear();
    assert!(eventually(PATIENCE, || status() == 101));
}

#[test]
fn a_tunnel_on_which_nothing_moves_is_closed() {
    let upstream = switching(|mut talk| {
        talk.ends_within(PATIENCE);
    });
    let (gateway, address) = allowing(upstream.address, "timeouts: { tunnel: 1s }\n");
    let mut client = Talk::open(address);
    client.write(ask());
    switched(&mut client);
    for _ in 0..8 {
        thread::sleep(Duration::from_millis(200));
        assert!(client.write("x"), "while something moves it stays open");
    }
    assert_eq!(client.rest().1, End::Broken);
    let log = gateway.output_when(|log| log.contains("\"status\":101"));
    assert!(log.contains("nothing moved for too long") && log.contains("\"bytes_in\":8"), "{log}");
}

#[test]
fn the_line_of_a_tunnel_comes_at_its_end_with_the_bytes_of_both_ways() {
    let upstream = switching(|mut talk| {
        talk.take(7).expect("a message");
        talk.write("an answer");
        talk.rest();
    });
    let (gateway, address) = allowing(upstream.address, "");
    let mut client = Talk::open(address);
    client.write(ask());
    switched(&mut client);
    client.write("7 bytes");
    assert_eq!(client.take(9).expect("an answer"), b"an answer");
    drop(client);
    let log = gateway.output_when(|log| log.contains("\"status\":101"));
    for part in
        ["\"outcome\":\"allowed\"", "\"path\":\"/chat\"", "\"bytes_in\":7", "\"bytes_out\":9", "upstream_micros"]
    {
        assert!(log.contains(part), "{part} in {log}");
    }
    assert_eq!(log.matches("\"status\":101").count(), 1, "{log}");
}

#[test]
fn when_it_is_told_to_stop_a_tunnel_has_the_time_to_drain_and_no_more() {
    let upstream = switching(echo);
    let (mut gateway, address) = allowing(upstream.address, "timeouts: { drain: 3s }\n");
    let (mut done, mut stays) = (Talk::open(address), Talk::open(address));
    for client in [&mut done, &mut stays] {
        client.write(ask());
        switched(client);
    }
    let signalled = Command::new("kill").args(["-TERM", &gateway.id().to_string()]).status().expect("kill");
    assert!(signalled.success());
    thread::sleep(Duration::from_millis(300));
    for client in [&mut done, &mut stays] {
        client.write("still");
        assert_eq!(client.take(5).expect("an echo"), b"still");
    }
    drop(done);
    assert_eq!(stays.rest().1, End::Broken);
    let status = gateway.ended_within(PATIENCE).expect("it ends");
    assert_eq!(status.code(), Some(0));
    let log = gateway.output_when(|log| log.matches("\"status\":101").count() == 2);
    assert_eq!(log.matches("\"status\":101").count(), 2, "{log}");
    assert_eq!(log.matches("the gateway stopped").count(), 1, "{log}");
}

#[test]
fn megabytes_go_both_ways_at_once_and_none_is_lost() {
    const WHOLE: usize = 24 << 20;
    let upstream = switching(|mut talk| {
        let mut other = Talk::plain(talk.stream.try_clone().expect("a clone"));
        let sending = thread::spawn(move || other.write(noise(WHOLE)));
        let came = talk.take(WHOLE).expect("all of it");
        assert!(sending.join().expect("it ends"));
        talk.write(if came == noise(WHOLE) { "whole" } else { "torn!" });
    });
    let (gateway, address) = allowing(upstream.address, "");
    settle(&gateway, address);
    let (before, files) = (resident(&gateway), descriptors(&gateway));
    let mut client = Talk::open(address);
    client.write(ask());
    switched(&mut client);
    let mut other = Talk::plain(client.stream.try_clone().expect("a clone"));
    let sending = thread::spawn(move || other.write(noise(WHOLE)));
    // What is not read for a while is held back and not held.
    thread::sleep(Duration::from_millis(500));
    assert!(resident(&gateway).saturating_sub(before) < 8 << 20);
    assert!(client.take(WHOLE).expect("all of it") == noise(WHOLE), "what the upstream sent");
    assert_eq!(client.take(5).expect("a verdict"), b"whole");
    assert!(sending.join().expect("it ends"));
    drop(client);
    assert!(eventually(PATIENCE, || descriptors(&gateway) <= files), "nothing stays open");
}
