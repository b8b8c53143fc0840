//! Which server a request goes to, over which connection, and that it goes there once.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{JoinHandle, sleep},
    time::{Duration, Instant},
};

use super::support::{
    PATIENCE, Talk, Upstream, black_hole, eventually, free_address, get, ok, open_to, open_to_each, post, run,
};

const HEAD_200: &str = "HTTP/1.1 200 OK\r\n";

#[test]
fn a_late_answer_is_nobody_s() {
    let upstream = Upstream::start(|mut talk| {
        while let Some((head, _)) = talk.request() {
            if head.target() == "/late" {
                sleep(Duration::from_millis(900));
            }
            talk.write(ok(head.target()));
        }
    });
    let (_gateway, address) = open_to(upstream.address, "timeouts: { upstream: 300ms }\n");
    assert_eq!(Talk::open(address).exchange(get("/late")).0.status(), 504);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        assert_eq!(Talk::open(address).exchange(get("/next")).1, b"/next");
    }
}

#[test]
fn a_server_that_refuses_connections_is_a_502() {
    let (_gateway, address) = open_to(free_address(), "");
    assert_eq!(Talk::open(address).exchange(get("/")).0.status(), 502);
}

#[test]
fn a_server_that_never_accepts_is_a_504() {
    let (address, _held) = black_hole();
    let (_gateway, gateway) = open_to(address, "timeouts: { connect: 300ms }\n");
    let start = Instant::now();
    assert_eq!(Talk::open(gateway).exchange(get("/")).0.status(), 504);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_connection_that_is_closed_after_each_answer_is_not_used_again() {
    let upstream = Upstream::start(|mut talk| {
        let Some((head, _)) = talk.request() else { return };
        // No `Connection: close`: the gateway has to find out.
        talk.write(ok(head.target()));
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    for number in 0..20 {
        let target = format!("/{number}");
        let (head, body) = client.exchange(post(&target, "body"));
        assert_eq!((head.status(), body), (200, target.into_bytes()));
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_kept_connection_that_has_gone_stale_is_not_used() {
    let upstream = Upstream::start(|mut talk| {
        for _ in 0..2 {
            let Some((head, _)) = talk.request() else { return };
            talk.write(ok(head.target()));
        }
        sleep(Duration::from_millis(20));
        talk.reset();
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    for number in 0..10 {
        let target = format!("/{number}");
        assert_eq!(client.exchange(get(&target)).1, target.into_bytes());
        sleep(Duration::from_millis(if number % 2 == 1 { 60 } else { 0 }));
    }
    assert_eq!(upstream.connections(), 5, "each connection served two requests");
}

/// Answers the first request of each connection, and ends the connection when a second one has come. `/count` tells how
/// many requests of each method it has seen.
fn closing_on_the_second(reset: bool) -> (Upstream, Arc<Mutex<HashMap<String, usize>>>) {
    let seen: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let counted = seen.clone();
    let upstream = Upstream::start(move |mut talk| {
        let count = |talk: &mut Talk| {
            let (head, _) = talk.request()?;
            *counted.lock().expect("unpoisoned").entry(head.method().to_owned()).or_default() += 1;
            Some(head)
        };
        let Some(head) = count(&mut talk) else { return };
        talk.write(if head.method() == "HEAD" { ok("") } else { ok(head.target()) });
        if count(&mut talk).is_some() && reset {
            talk.reset();
        }
    });
    (upstream, seen)
}

#[test]
fn a_safe_request_that_meets_the_end_of_a_kept_connection_is_sent_once_more() {
    for (method, reset) in [("GET", false), ("GET", true), ("HEAD", false), ("OPTIONS", true)] {
        let (upstream, seen) = closing_on_the_second(reset);
        let admin = free_address();
        let (_gateway, address) = open_to(upstream.address, &format!("admin: {admin}\n"));
        let mut client = Talk::open(address);
        assert_eq!(client.exchange(get("/first")).0.status(), 200);
        let (head, _) = client.exchange(format!("{method} /second HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(head.status(), 200, "{method}, reset: {reset}");
        assert_eq!(upstream.connections(), 2, "{method}, reset: {reset}");
        let twice = if method == "GET" { 3 } else { 2 };
        assert_eq!(seen.lock().expect("unpoisoned")[method], twice, "{method}, reset: {reset}");
        let shown = || {
            let (_, text) = Talk::open(admin).exchange(format!("GET /metrics HTTP/1.1\r\nHost: {admin}\r\n\r\n"));
            String::from_utf8_lossy(&text).contains("countersign_upstream_retries_total{upstream=\"app\"} 1")
        };
        assert!(eventually(PATIENCE, shown), "it is counted");
    }
}

/// A server that answers one request, ends at the second, and is there no more.
fn going() -> (SocketAddr, JoinHandle<()>) {
    let going = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = going.local_addr().expect("an address");
    let server = std::thread::spawn(move || {
        let (mut stream, _) = going.accept().expect("a connection");
        let read = |stream: &mut std::net::TcpStream| stream.read(&mut [0; 4096]).expect("a request");
        assert!(read(&mut stream) > 0);
        stream.write_all(&ok("going")).expect("an answer");
        assert!(read(&mut stream) > 0);
        drop(going);
    });
    (address, server)
}

#[test]
fn a_safe_request_goes_to_another_server_where_the_one_that_it_was_sent_to_has_gone() {
    let (gone, server) = going();
    let other = Upstream::echo();
    let (_gateway, address) = open_to_each(&[gone, other.address], "");
    let mut client = Talk::open(address);
    assert_eq!(client.exchange(get("/1")).1, b"going");
    assert_eq!(client.exchange(get("/2")).0.status(), 200);
    let (head, body) = client.exchange(get("/3"));
    assert_eq!((head.status(), body.as_slice()), (200, &b""[..]), "the other server echoes that there is no body");
    server.join().expect("no panic");
}

#[test]
fn a_request_in_the_name_of_a_server_that_has_gone_goes_to_no_other() {
    let (gone, server) = going();
    let (hosts, seen) = mpsc::channel();
    let hosts = Mutex::new(hosts);
    let other = Upstream::answering(move |head, _| {
        let host = head.field("host").map(str::to_owned);
        hosts.lock().expect("unpoisoned").send(host).expect("the test listens");
        ok("")
    });
    let (_gateway, address) = open_to_each(&[gone, other.address], "");
    // The oldest clients name no host: then each server is sent its own name. One connection, so that one worker serves all.
    let mut client = Talk::open(address);
    let mut old = || client.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(old().1, b"going");
    assert_eq!(old().0.status(), 200);
    assert_eq!(old().0.status(), 502);
    assert_eq!(old().0.status(), 200);
    server.join().expect("no panic");
    let seen: Vec<_> = seen.try_iter().collect();
    assert_eq!(seen, [Some(other.address.to_string()), Some(other.address.to_string())]);
}

#[test]
fn a_request_that_is_not_safe_to_repeat_is_sent_once() {
    let body = "Content-Length: 4\r\n\r\nbody";
    for (method, rest) in [("POST", body), ("PUT", body), ("DELETE", "\r\n"), ("PATCH", body)] {
        let (upstream, seen) = closing_on_the_second(false);
        let (_gateway, address) = open_to(upstream.address, "");
        let mut client = Talk::open(address);
        assert_eq!(client.exchange(get("/first")).0.status(), 200);
        let (head, _) = client.exchange(format!("{method} /second HTTP/1.1\r\nHost: a\r\n{rest}"));
        assert_eq!(head.status(), 502, "{method}");
        assert_eq!((seen.lock().expect("unpoisoned")[method], upstream.connections()), (1, 1), "{method}");
    }
}

#[test]
fn a_safe_request_whose_body_is_still_on_its_way_is_sent_once() {
    let (upstream, seen) = closing_on_the_second(false);
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    assert_eq!(client.exchange(post("/first", "")).0.status(), 200);
    let (head, _) =
        client.exchange("GET /second HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
    assert_eq!(head.status(), 502);
    assert_eq!((seen.lock().expect("unpoisoned")["GET"], upstream.connections()), (1, 1));
}

#[test]
fn a_request_is_sent_once_more_and_not_twice_more() {
    // Every connection but the first ends with its first request.
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let upstream = Upstream::start(move |mut talk| {
        let is_first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        if talk.request().is_some() && is_first {
            talk.write(ok("first"));
            talk.request();
        }
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    assert_eq!(client.exchange(get("/")).1, b"first");
    assert_eq!(client.exchange(get("/")).0.status(), 502, "kept, then new: that is all");
    assert_eq!(connections.load(Ordering::SeqCst), 2);
    assert_eq!(client.exchange(get("/")).0.status(), 502, "on a new connection nothing is sent again");
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

#[test]
fn an_answer_that_had_begun_and_a_late_one_are_not_asked_for_again() {
    for begun in ["", "HTTP/1.1 103 Early Hints\r\n\r\n", "HTT", "HTTP/1.1 200 OK\r\nContent-"] {
        let upstream = Upstream::start(move |mut talk| {
            talk.request();
            talk.write(ok("first"));
            if talk.request().is_some() {
                talk.write(begun);
                if begun.is_empty() {
                    talk.ends_within(PATIENCE);
                }
            }
        });
        let (_gateway, address) = open_to(upstream.address, "timeouts: { upstream: 300ms }\n");
        let mut client = Talk::open(address);
        assert_eq!(client.exchange(get("/")).1, b"first");
        let status = client.exchange(get("/")).0.status();
        assert_eq!((status, upstream.connections()), (if begun.is_empty() { 504 } else { 502 }, 1), "{begun}");
    }
}

#[test]
fn two_servers_take_turns() {
    let servers: Vec<Upstream> = ["one", "two"].map(|name| Upstream::answering(move |_, _| ok(name))).into();
    let (_gateway, address) = open_to_each(&[servers[0].address, servers[1].address], "");
    let mut counts: HashMap<Vec<u8>, usize> = HashMap::new();
    for _ in 0..20 {
        *counts.entry(Talk::open(address).exchange(get("/")).1).or_default() += 1;
    }
    assert_eq!((counts[&b"one"[..]], counts[&b"two"[..]]), (10, 10));
}

#[test]
fn a_server_that_is_down_is_passed_over_whatever_the_method() {
    let server = Upstream::echo();
    let (_gateway, address) = open_to_each(&[free_address(), server.address], "");
    for _ in 0..10 {
        let (head, body) = Talk::open(address).exchange(post("/", "body"));
        assert_eq!((head.status(), body.as_slice()), (200, &b"body"[..]));
    }
}

#[test]
fn no_request_is_ever_forwarded_twice() {
    let counts: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let counted = counts.clone();
    let served = Arc::new(AtomicUsize::new(0));
    let upstream = Upstream::start(move |mut talk| {
        while let Some((head, _)) = talk.request() {
            let id = head.field("x-request-id").expect("an id").to_owned();
            *counted.lock().expect("unpoisoned").entry(id).or_default() += 1;
            // Every seventh request ends its connection instead of being answered.
            if served.fetch_add(1, Ordering::SeqCst) % 7 == 6 {
                return;
            }
            talk.write(ok("ok"));
        }
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                let mut client = Talk::open(address);
                for _ in 0..100 {
                    let (head, _) = client.exchange(post("/", "body"));
                    assert!(matches!(head.status(), 200 | 502), "{head:?}");
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("each request is answered"));
    let counts = counts.lock().expect("unpoisoned");
    let twice = counts.values().filter(|count| **count > 1).count();
    assert_eq!(twice, 0, "of {}", counts.len());
    assert!(counts.len() >= 390, "{} of 400 arrived", counts.len());
}

#[test]
fn answers_of_many_clients_at_once_are_never_mixed_up() {
    let upstream = Upstream::answering(|head, _| {
        let size: usize = head.target().bytes().map(usize::from).sum::<usize>() * 13;
        let body = head.target().as_bytes().repeat(size);
        match size % 3 {
            0 => ok(body),
            1 => [
                format!("{HEAD_200}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len()).as_bytes(),
                &body,
                b"\r\n0\r\n\r\n",
            ]
            .concat(),
            _ => [b"HTTP/1.1 500 Oops\r\nContent-Length: ", body.len().to_string().as_bytes(), b"\r\n\r\n", &body]
                .concat(),
        }
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            std::thread::spawn(move || {
                let mut client = Talk::open(address);
                for number in 0..50 {
                    let target = format!("/{thread}-{number}");
                    let (_, body) = client.exchange(get(&target));
                    assert!(
                        !body.is_empty() && body.chunks(target.len()).all(|part| part == target.as_bytes()),
                        "{target}"
                    );
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("each answer is its own"));
}

#[test]
fn an_upstream_that_comes_back_is_used_again() {
    let address = free_address();
    let (_gateway, gateway) = open_to(address, "");
    assert_eq!(Talk::open(gateway).exchange(get("/")).0.status(), 502);
    let listener = TcpListener::bind(address).expect("the port is still free");
    let _upstream = Upstream::on(listener, |mut talk| {
        while talk.request().is_some() {
            talk.write(ok("back"));
        }
    });
    assert!(eventually(PATIENCE, || Talk::open(gateway).exchange(get("/")).1 == b"back"));
}

#[test]
fn a_prefix_and_a_host_of_the_upstream_s_own_are_used() {
    let (told, heads) = mpsc::channel();
    let told = Mutex::new(told);
    let upstream = Upstream::answering(move |head, _| {
        told.lock().expect("unpoisoned").send(head.clone()).expect("a listener");
        ok("")
    });
    let config = format!(
        "upstreams:\n  client: {{ servers: [\"http://{0}/prefix\"] }}\n  server: {{ servers: [\"http://{0}\"], host: server }}\n  \
         fixed: {{ servers: [\"http://{0}\"], host: {{ fixed: api.internal }} }}\n\
         routes:\n  - {{ match: {{ path: /client }}, public: true, to: client }}\n  \
         - {{ match: {{ path: /server }}, public: true, to: server }}\n  \
         - {{ match: {{ path: /fixed }}, public: true, to: fixed }}\n",
        upstream.address
    );
    let (_gateway, address) = run(&config, &[]);
    let own = upstream.address.to_string();
    for (target, forwarded, host) in [
        ("/client?a=b", "/prefix/client?a=b", "a"),
        ("/server", "/server", own.as_str()),
        ("/fixed", "/fixed", "api.internal"),
    ] {
        Talk::open(address).exchange(get(target));
        let head = heads.recv().expect("a request");
        assert_eq!((head.target(), head.field("host")), (forwarded, Some(host)));
    }
}

#[test]
fn a_thousand_pipelined_requests_are_all_answered_and_none_read_ahead_without_bound() {
    let upstream = Upstream::answering(|head, _| ok(head.target()));
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write((0..1000).map(|number| get(&format!("/{number}"))).collect::<String>());
    for number in 0..1000 {
        assert_eq!(client.answer(false).expect("an answer").1, format!("/{number}").into_bytes());
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn a_server_that_never_accepts_is_passed_over_in_time() {
    let (hole, _held) = black_hole();
    let server = Upstream::echo();
    let (_gateway, address) = open_to_each(&[hole, server.address], "timeouts: { connect: 300ms }\n");
    for _ in 0..2 {
        assert_eq!(Talk::open(address).exchange(post("/", "body")).1, b"body");
    }
}

#[test]
fn a_server_that_is_silent_costs_one_request_its_time_and_not_every_second() {
    let (hole, _held) = black_hole();
    let server = Upstream::echo();
    let (_gateway, address) = open_to_each(&[hole, server.address], "timeouts: { connect: 1s }\n");
    // On one connection, and so by one worker.
    let mut client = Talk::open(address);
    let started = Instant::now();
    for _ in 0..10 {
        assert_eq!(client.exchange(post("/", "body")).1, b"body");
    }
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

/// Nobody waits as long as the gateway would.
#[test]
fn a_server_that_is_silent_rests_though_all_who_waited_for_it_have_gone() {
    let (hole, _held) = black_hole();
    let server = Upstream::echo();
    let (_gateway, address) = open_to_each(&[hole, server.address], "");
    let waits_in_vain = || {
        let mut client = Talk::open(address);
        client.write(post("/", "body"));
        client.is_silent_for(Duration::from_millis(1200))
    };
    // Each worker finds out for itself.
    let in_vain = (0..12).filter(|_| waits_in_vain()).count();
    assert!((1..=3).contains(&in_vain), "{in_vain} of 12");
}

#[test]
fn a_route_may_have_a_patience_of_its_own() {
    let upstream = Upstream::answering(|_, _| {
        sleep(Duration::from_millis(700));
        ok("late")
    });
    let config = format!(
        "upstreams: {{ app: {{ servers: [\"http://{}\"] }} }}\nroutes:\n  \
         - {{ match: {{ path: /short }}, public: true, to: app, upstream_timeout: 200ms }}\n  \
         - {{ match: {{ path: /long }}, public: true, to: app }}\n",
        upstream.address
    );
    let (_gateway, address) = run(&config, &[]);
    assert_eq!(Talk::open(address).exchange(get("/short")).0.status(), 504);
    assert_eq!(Talk::open(address).exchange(get("/long")).1, b"late");
}
