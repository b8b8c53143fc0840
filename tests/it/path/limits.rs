//! Time-outs and bounds, and honest clients beside those that run into them.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use super::support::{
    End, PATIENCE, Talk, Upstream, descriptors, eventually, get, noise, ok, open_to, post, resident, run, settle,
};

/// Room for a busy machine, and for time-outs that are counted in ticks.
const SLACK: Duration = Duration::from_millis(1500);

fn answering() -> Upstream {
    Upstream::answering(|_, _| ok("ok"))
}

#[test]
fn a_head_that_drips_is_refused_in_time() {
    let upstream = answering();
    let (_gateway, address) = open_to(upstream.address, "timeouts: { head: 500ms }\n");
    let mut client = Talk::open(address);
    let start = Instant::now();
    for byte in get("/").repeat(10).replace("\r\n", "\r\nX: y\r\n").bytes() {
        sleep(Duration::from_millis(50));
        if !client.write([byte]) || start.elapsed() > Duration::from_millis(700) {
            break;
        }
    }
    let (head, _) = client.answer(false).expect("a refusal");
    assert_eq!((head.status(), head.field("connection")), (408, Some("close")));
    assert!(start.elapsed() < Duration::from_millis(500) + SLACK, "{:?}", start.elapsed());
}

#[test]
fn a_connection_that_sends_nothing_is_closed_without_a_word() {
    let upstream = answering();
    let (_gateway, address) = open_to(upstream.address, "timeouts: { head: 300ms }\n");
    let start = Instant::now();
    assert_eq!(Talk::open(address).rest(), (Vec::new(), End::Orderly));
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert!(start.elapsed() < Duration::from_millis(300) + SLACK, "{:?}", start.elapsed());
}

#[test]
fn a_kept_connection_is_closed_after_its_idle_time() {
    let upstream = answering();
    let (_gateway, address) = open_to(upstream.address, "timeouts: { idle: 500ms, head: 10s }\n");
    let mut client = Talk::open(address);
    client.exchange(get("/"));
    let start = Instant::now();
    assert_eq!(client.rest(), (Vec::new(), End::Orderly));
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_millis(500) + SLACK, "{:?}", start.elapsed());
}

#[test]
fn a_body_that_stalls_is_refused() {
    let upstream = Upstream::echo();
    let (_gateway, address) = open_to(upstream.address, "timeouts: { body: 300ms }\n");
    let start = Instant::now();
    let (head, _) = Talk::open(address).exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    assert_eq!((head.status(), head.field("connection")), (408, Some("close")));
    assert!(start.elapsed() < Duration::from_millis(300) + SLACK, "{:?}", start.elapsed());
}

#[test]
fn a_body_that_stalls_or_breaks_behind_an_early_answer_is_laid_at_the_client_s_door() {
    let upstream = Upstream::start(|mut talk| {
        talk.head();
        talk.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nearly");
        talk.ends_within(PATIENCE);
    });
    for (rest, why) in [("5\r\nab", "from the client: the body stalled"), ("zz\r\n", "from the client: malformed body")]
    {
        let (gateway, address) = open_to(upstream.address, "timeouts: { body: 300ms }\n");
        let mut client = Talk::open(address);
        client.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(client.head().expect("an early answer").status(), 200);
        client.write(rest);
        assert!(client.rest().1 != End::TimedOut);
        let log = gateway.output_when(|log| log.contains("\"outcome\":\"failed\""));
        assert!(log.contains(why), "{why} in {log}");
    }
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let body = noise(50 << 20);
    let upstream = Upstream::answering(move |_, _| ok(&body));
    let (gateway, address) = open_to(upstream.address, "timeouts: { write: 500ms }\n");
    let mut client = Talk::open(address);
    client.write(get("/"));
    let log = gateway.output_when(|log| log.contains("\"outcome\":\"failed\""));
    assert!(log.contains("\"outcome\":\"failed\""), "{log}");
    assert!(client.answer(false).is_none(), "it never gets a whole answer");
}

#[test]
fn heads_are_bounded_in_bytes_and_fields() {
    let upstream = answering();
    let (_gateway, address) = open_to(upstream.address, "limits: { head: 4KiB, headers: 20 }\n");
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(5000));
    let endless = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(20));
    for request in [&long, &endless, &many] {
        let mut client = Talk::open(address);
        client.write(request);
        let (head, _) = client.answer(false).expect("a refusal");
        assert_eq!((head.status(), head.field("connection")), (431, Some("close")));
    }
    let target = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(5000));
    let (head, _) = Talk::open(address).exchange(target);
    assert!(matches!(head.status(), 414 | 431), "{head:?}");
    let just = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(19));
    assert_eq!(Talk::open(address).exchange(just).0.status(), 200);
}

#[test]
fn beyond_the_limit_a_connection_waits_until_another_ends() {
    let upstream = answering();
    let (_gateway, address) = open_to(upstream.address, "limits: { connections: 20 }\n");
    let mut held: Vec<Talk> = (0..20).map(|_| Talk::open(address)).collect();
    for client in &mut held {
        assert_eq!(client.exchange(get("/")).0.status(), 200);
    }
    let mut late = Talk::open(address);
    late.write(get("/"));
    assert!(late.is_silent_for(Duration::from_millis(300)), "it has to wait");
    held.pop();
    assert_eq!(late.answer(false).expect("its turn").0.status(), 200);
}

#[test]
fn idle_connections_make_room_when_the_limit_is_near() {
    let upstream = answering();
    let (_gateway, address) = open_to(upstream.address, "limits: { connections: 20 }\n");
    let mut held: Vec<Talk> = (0..20).map(|_| Talk::open(address)).collect();
    for client in &mut held {
        assert_eq!(client.exchange(get("/")).0.status(), 200);
    }
    let start = Instant::now();
    assert_eq!(Talk::open(address).exchange(get("/")).0.status(), 200);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn too_many_requests_at_one_upstream_are_refused_and_not_queued() {
    let upstream = Upstream::start(|mut talk| {
        while let Some((head, _)) = talk.request() {
            if head.target() == "/slow" {
                sleep(Duration::from_millis(700));
            }
            talk.write(ok("ok"));
        }
    });
    let (_gateway, address) = open_to(upstream.address, "limits: { upstream_requests: 2 }\n");
    // The limit holds per worker, and there are two.
    let mut slow: Vec<Talk> = (0..8).map(|_| Talk::open(address)).collect();
    slow.iter_mut().for_each(|client| assert!(client.write(get("/slow"))));
    let mut statuses: Vec<u16> =
        slow.iter_mut().map(|client| client.answer(false).expect("an answer").0.status()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 503, 503, 503, 503]);
    assert_eq!(Talk::open(address).exchange(get("/")).0.status(), 200);
}

#[test]
fn a_thousand_slow_connections_do_not_stop_honest_ones() {
    let upstream = Upstream::echo();
    let (gateway, address) = open_to(upstream.address, "");
    settle(&gateway, address);
    let before = resident(&gateway);
    let slow: Vec<Talk> = (0..1000)
        .map(|number| {
            let mut client = Talk::open(address);
            client.write(match number % 3 {
                0 => "",
                1 => "GET / HTTP/1.1\r\nHost: a\r\nX: ",
                _ => "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome",
            });
            client
        })
        .collect();
    let start = Instant::now();
    for number in 0..200 {
        let text = format!("honest {number}");
        assert_eq!(Talk::open(address).exchange(post("/", &text)).1, text.as_bytes());
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let grown = resident(&gateway).saturating_sub(before);
    assert!(grown < 64 << 20, "grown by {grown} bytes");
    drop(slow);
    assert!(eventually(PATIENCE, || descriptors(&gateway) < 100), "{} descriptors are left", descriptors(&gateway));
}

#[test]
fn a_slow_client_of_a_signed_route_is_refused_too() {
    let config = r#"
keys: { k: { shared: { value: a-key-of-more-than-thirty-two-bytes } } }
schemes: { body: { preset: raw-body, keys: k } }
upstreams: { fixed: { respond: { body: "fixed" } } }
routes: [{ match: { path: /signed }, require: { hmac: body }, to: fixed }]
timeouts: { body: 300ms }
"#;
    let (_gateway, address) = run(config, &[]);
    let request = format!(
        "POST /signed HTTP/1.1\r\nHost: a\r\nX-HMAC-Signature: {}\r\nContent-Length: 10\r\n\r\nhalf",
        "ab".repeat(32)
    );
    assert_eq!(Talk::open(address).exchange(request).0.status(), 408);
}
