//! What delimits requests and answers, and what becomes of a body that nobody wants.

use std::{
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use super::support::{End, Talk, Upstream, get, noise, ok, open_to, post, run};

const TICK: Duration = Duration::from_millis(300);

/// A route that wants a signature, one that answers by itself, and one that answers nothing.
const WITHOUT_UPSTREAM: &str = r#"
keys: { k: { shared: { value: a-key-of-more-than-thirty-two-bytes } } }
schemes: { body: { preset: raw-body, keys: k } }
upstreams: { fixed: { respond: { body: "fixed" } }, bare: { respond: { status: 204 } } }
routes:
  - { match: { path: /signed }, require: { hmac: body }, to: fixed }
  - { match: { path: /fixed }, public: true, to: fixed }
  - { match: { path: /bare }, public: true, to: bare }
"#;

fn targets() -> Upstream {
    Upstream::answering(|head, _| ok(head.target()))
}

#[test]
fn a_connection_is_kept_for_the_next_request() {
    let upstream = targets();
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    for target in ["/a", "/b", "/c"] {
        let (head, body) = client.exchange(get(target));
        assert_eq!((head.status(), body.as_slice()), (200, target.as_bytes()));
        assert_eq!(head.field("connection"), None);
    }
    assert_eq!(upstream.connections(), 1, "the connection to the upstream is kept too");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let upstream = Upstream::answering(|head, _| {
        // The first is the slowest, so that an answer out of order would come first.
        std::thread::sleep(Duration::from_millis(if head.target() == "/0" { 200 } else { 0 }));
        ok(head.target())
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    let all: String = (0..20).map(|number| get(&format!("/{number}"))).collect();
    client.write(all);
    for number in 0..20 {
        let (_, body) = client.answer(false).expect("an answer");
        assert_eq!(String::from_utf8_lossy(&body), format!("/{number}"));
    }
}

#[test]
fn a_body_between_pipelined_requests_stays_with_its_own() {
    let upstream = Upstream::echo();
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\nX: y\r\n\r\n";
    client.write([post("/", "one"), chunked.into(), post("/", "three")].concat());
    for expected in ["one", "two", "three"] {
        let (_, body) = client.answer(false).expect("an answer");
        assert_eq!(String::from_utf8_lossy(&body), expected);
    }
}

#[test]
fn http_1_0_closes_unless_it_asks_to_keep() {
    let upstream = targets();
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    let (head, body) = client.exchange("GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!((head.field("connection"), body.as_slice()), (Some("keep-alive"), &b"/a"[..]));
    let (head, _) = client.exchange("GET /b HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!(head.field("connection"), Some("close"));
    assert_eq!(client.rest(), (Vec::new(), End::Orderly));
}

#[test]
fn http_1_0_never_gets_chunks() {
    let upstream = Upstream::answering(|_, _| {
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".to_vec()
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    let (head, body) = client.exchange("GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(head.values("transfer-encoding"), [] as [&str; 0]);
    assert_eq!((head.field("connection"), body.as_slice()), (Some("close"), &b"abcde"[..]));
}

#[test]
fn an_answer_to_head_has_a_length_and_no_body() {
    let upstream = Upstream::answering(|head, _| match head.method() {
        "HEAD" => b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".to_vec(),
        _ => ok("next"),
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    let (head, _) = client.exchange("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((head.status(), head.field("content-length")), (200, Some("1234")));
    assert_eq!(client.exchange(get("/b")).1, b"next");
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn a_refusal_of_head_has_no_body_either() {
    let (_gateway, address) = run(WITHOUT_UPSTREAM, &[]);
    let mut client = Talk::open(address);
    let (head, _) = client.exchange("HEAD /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(head.status(), 404);
    assert_eq!(client.exchange(get("/fixed")).1, b"fixed");
}

#[test]
fn answers_without_a_body_end_with_their_head() {
    let upstream = Upstream::answering(|head, _| match head.target() {
        "/204" => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        "/304" => b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: \"x\"\r\n\r\n".to_vec(),
        _ => ok("next"),
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    let (head, _) = client.exchange(get("/204"));
    assert_eq!((head.status(), head.field("content-length"), head.field("transfer-encoding")), (204, None, None));
    let (head, _) = client.exchange(get("/304"));
    assert_eq!((head.status(), head.field("etag")), (304, Some("\"x\"")));
    assert_eq!(client.exchange(get("/after")).1, b"next");
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn a_204_of_the_gateway_s_own_has_no_length() {
    let (_gateway, address) = run(WITHOUT_UPSTREAM, &[]);
    let mut client = Talk::open(address);
    let (head, _) = client.exchange(get("/bare"));
    assert_eq!((head.status(), head.field("content-length"), head.field("transfer-encoding")), (204, None, None));
    assert_eq!(client.exchange(get("/fixed")).1, b"fixed");
}

#[test]
fn a_body_that_is_wanted_is_invited() {
    let upstream = Upstream::echo();
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    assert_eq!(client.head().expect("an invitation").status(), 100);
    client.write("body");
    let (head, body) = client.answer(false).expect("an answer");
    assert_eq!((head.status(), body.as_slice()), (200, &b"body"[..]));
    assert_eq!(client.exchange(get("/next")).0.status(), 200);
}

#[test]
fn a_body_that_came_unasked_is_not_invited() {
    let upstream = Upstream::echo();
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody");
    assert_eq!(client.head().expect("an answer").status(), 200);
}

#[test]
fn the_expectation_is_the_gateway_s_and_goes_no_further() {
    let (told, heads) = mpsc::channel();
    let told = Mutex::new(told);
    let upstream = Upstream::answering(move |head, body| {
        told.lock().expect("unpoisoned").send(head.clone()).expect("a listener");
        ok(body)
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody");
    client.answer(false).expect("an answer");
    assert_eq!(heads.recv().expect("a request").field("expect"), None);
}

#[test]
fn a_body_that_is_not_wanted_is_not_invited_and_the_connection_ends() {
    let (_gateway, address) = run(WITHOUT_UPSTREAM, &[]);
    for (target, status) in [("/signed", 400), ("/nowhere", 404), ("/fixed", 200)] {
        let mut client = Talk::open(address);
        let request = format!("POST {target} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        let (head, _) = client.exchange(request);
        assert_eq!((head.status(), head.field("connection")), (status, Some("close")), "{target}");
        assert_eq!(client.rest(), (Vec::new(), End::Orderly));
    }
}

#[test]
fn an_unknown_expectation_is_refused() {
    let (_gateway, address) = run(WITHOUT_UPSTREAM, &[]);
    let (head, _) = Talk::open(address).exchange("GET /fixed HTTP/1.1\r\nHost: a\r\nExpect: cake\r\n\r\n");
    assert_eq!(head.status(), 417);
}

#[test]
fn a_refusal_can_be_read_while_the_body_is_still_being_sent() {
    let (_gateway, address) = run(WITHOUT_UPSTREAM, &[]);
    let mut client = Talk::open(address);
    client.write("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    // More than the gateway will throw away in one go, so that it must close with bytes unread.
    let body = get("/fixed").repeat(1000);
    client.write(body);
    let (head, _) = client.answer(false).expect("the refusal");
    assert_eq!((head.status(), head.field("connection")), (404, Some("close")));
    let (rest, _) = client.rest();
    assert_eq!(String::from_utf8_lossy(&rest), "", "the body is no request");
}

#[test]
fn a_small_body_that_nobody_read_does_not_cost_the_connection() {
    let (_gateway, address) = run(WITHOUT_UPSTREAM, &[]);
    let mut client = Talk::open(address);
    let body = "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n";
    let (head, _) = client.exchange(post("/fixed", body));
    assert_eq!((head.status(), head.field("connection")), (200, None));
    assert_eq!(client.exchange(get("/fixed")).1, b"fixed");
}

#[test]
fn lengths_and_chunks_are_passed_on_as_they_are_and_trailers_are_not() {
    let (told, seen) = mpsc::channel();
    let told = Mutex::new(told);
    let upstream = Upstream::start(move |mut talk| {
        while let Some((head, body)) = talk.request() {
            told.lock().expect("unpoisoned").send((head, body)).expect("a listener");
            talk.write(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n2\r\nok\r\n0\r\nX-A: b\r\n\r\n",
            );
        }
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.exchange(post("/a", "12345"));
    let (head, body) = seen.recv().expect("a request");
    assert_eq!((head.field("content-length"), head.field("transfer-encoding")), (Some("5"), None));
    assert_eq!(body, b"12345");
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nTrailer: X-B\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-B: c\r\n\r\n";
    let (head, body) = client.exchange(chunked);
    // `exchange` fails where a trailer follows the last chunk.
    assert_eq!((head.field("transfer-encoding"), head.field("trailer")), (Some("chunked"), None));
    assert_eq!(body, b"ok");
    let (head, body) = seen.recv().expect("a request");
    assert_eq!((head.field("content-length"), head.field("transfer-encoding")), (None, Some("chunked")));
    assert_eq!((head.field("trailer"), body.as_slice()), (None, &b"abc"[..]));
}

#[test]
fn a_request_without_a_body_gets_none_on_its_way() {
    let (told, seen) = mpsc::channel();
    let told = Mutex::new(told);
    let upstream = Upstream::answering(move |head, body| {
        told.lock().expect("unpoisoned").send(head.clone()).expect("a listener");
        ok(body)
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    client.exchange(get("/a"));
    let head = seen.recv().expect("a request");
    assert_eq!((head.field("content-length"), head.field("transfer-encoding")), (None, None));
    client.exchange(post("/a", ""));
    assert_eq!(seen.recv().expect("a request").field("content-length"), Some("0"));
}

#[test]
fn more_beside_the_chunks_than_the_limit_is_a_413_whoever_reads_them() {
    let upstream = Upstream::echo();
    let (_open, open) = open_to(upstream.address, "");
    let (_signed, signed) = run(WITHOUT_UPSTREAM, &[]);
    let much = "a".repeat(20 * 1024);
    for body in [format!("0\r\nX-Trailer: {much}\r\n\r\n"), format!("1;a={much}\r\na\r\n0\r\n\r\n")] {
        for address in [open, signed] {
            let fields = format!("Host: a\r\nX-HMAC-Signature: {}\r\nTransfer-Encoding: chunked", "0".repeat(64));
            let (head, _) = Talk::open(address).exchange(format!("POST /signed HTTP/1.1\r\n{fields}\r\n\r\n{body}"));
            assert_eq!(head.status(), 413, "{address}");
        }
    }
}

/// Known of servers that are made of a few lines, such as Python's `http.server`: where no handler asks for a body there is none.
#[test]
fn a_body_that_its_upstream_does_not_look_for_is_no_request_there() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::start(move |mut talk| {
        while let Some(head) = talk.head() {
            let _ = tell.send(format!("{} {}", head.method(), head.target()));
            talk.write(ok(head.target()));
            if head.field("connection") == Some("close") {
                return;
            }
        }
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let hidden = get("/hidden");
    for method in ["GET", "DELETE", "OPTIONS"] {
        let fields = format!("Host: a\r\nContent-Length: {}", hidden.len());
        let (head, body) = Talk::open(address).exchange(format!("{method} /a HTTP/1.1\r\n{fields}\r\n\r\n{hidden}"));
        assert_eq!((head.status(), body.as_slice()), (200, &b"/a"[..]), "{method}");
        assert_eq!(Talk::open(address).exchange(get("/next")).1, b"/next", "{method}");
        let seen: Vec<String> = told.try_iter().collect();
        assert_eq!(seen, [format!("{method} /a"), "GET /next".to_owned()]);
    }
}

#[test]
fn nothing_follows_a_body_that_has_no_meaning_on_its_connection() {
    let upstream = targets();
    let (_gateway, address) = open_to(upstream.address, "");
    let mut client = Talk::open(address);
    for (number, request) in [
        "GET /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na",
        "GET /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "HEAD /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na",
        "GET /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "POST /5 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na",
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(client.exchange(request).0.status(), 200, "{request}");
        assert_eq!(upstream.connections(), (number + 1).min(4), "{request}");
    }
}

#[test]
fn an_upstream_without_keep_alive_has_a_connection_for_each_request() {
    let upstream = targets();
    let config = format!(
        "upstreams: {{ app: {{ servers: [\"http://{}\"], keep_alive: false }} }}\n\
         routes: [{{ match: {{ path: /** }}, public: true, to: app }}]\n",
        upstream.address
    );
    let (_gateway, address) = run(&config, &[]);
    let mut client = Talk::open(address);
    for number in 1..4 {
        let request = format!("POST /{number} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na");
        assert_eq!(client.exchange(request).0.status(), 200);
        assert_eq!(upstream.connections(), number);
    }
}

#[test]
fn bodies_of_any_size_come_back_byte_for_byte() {
    let upstream = Upstream::echo();
    let (_gateway, address) = open_to(upstream.address, "");
    for size in [0, 1, 4095, 65_536, 65_537, 5 << 20] {
        let body = noise(size);
        let mut chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for piece in body.chunks(70_001) {
            chunked.extend(format!("{:x}\r\n", piece.len()).into_bytes());
            chunked.extend(piece);
            chunked.extend(b"\r\n");
        }
        chunked.extend(b"0\r\n\r\n");
        for request in [post("/", &body), chunked] {
            let (head, answer) = Talk::open(address).exchange(request);
            assert_eq!(head.status(), 200);
            assert!(answer == body, "{size} bytes came back as {} others", answer.len());
        }
    }
}

#[test]
fn a_half_closed_client_gets_the_answer_that_is_ready() {
    let (_gateway, address) = run(WITHOUT_UPSTREAM, &[]);
    let mut client = Talk::open(address);
    client.write(get("/fixed"));
    client.half_close();
    assert_eq!(client.answer(false).expect("an answer").1, b"fixed");
    assert_eq!(client.rest(), (Vec::new(), End::Orderly));
}

#[test]
fn a_client_that_closes_in_mid_head_or_body_gets_nothing_forwarded() {
    let served = Arc::new(Mutex::new(0));
    let count = served.clone();
    let upstream = Upstream::answering(move |_, body| {
        *count.lock().expect("unpoisoned") += 1;
        ok(body)
    });
    let (_gateway, address) = open_to(upstream.address, "");
    for request in ["GET / HTTP/1.1\r\nHos", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"] {
        let mut client = Talk::open(address);
        client.write(request);
        client.half_close();
        assert!(client.ends_within(Duration::from_secs(5)), "{request}");
    }
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";
    let mut client = Talk::open(address);
    client.write(chunked);
    client.half_close();
    assert_eq!(client.answer(false).expect("a refusal").0.status(), 400);
    assert_eq!(*served.lock().expect("unpoisoned"), 0, "no request was whole");
    assert_eq!(Talk::open(address).exchange(get("/")).0.status(), 200);
}

#[test]
fn absolute_form_is_forwarded_in_origin_form() {
    let upstream = Upstream::answering(|head, _| ok(format!("{} {}", head.target(), head.field("host").unwrap_or(""))));
    let (_gateway, address) = open_to(upstream.address, "");
    let request = "GET http://example.com/a?b=c HTTP/1.1\r\nHost: example.com\r\n\r\n";
    let (_, body) = Talk::open(address).exchange(request);
    assert_eq!(String::from_utf8_lossy(&body), "/a?b=c example.com");
    let (head, _) = Talk::open(address).exchange("GET http://example.com/a HTTP/1.1\r\nHost: other.com\r\n\r\n");
    assert_eq!(head.status(), 400);
}

#[test]
fn one_request_id_stands_in_the_request_and_in_the_answer() {
    let upstream = Upstream::answering(|head, _| {
        let id = head.field("x-request-id").unwrap_or("none");
        format!("HTTP/1.1 200 OK\r\nX-Request-Id: theirs\r\nContent-Length: {}\r\n\r\n{id}", id.len()).into_bytes()
    });
    let (_gateway, address) = open_to(upstream.address, "");
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: forged\r\n\r\n";
    let (head, body) = Talk::open(address).exchange(request);
    let id = head.field("x-request-id").expect("an id").to_owned();
    assert_ne!(id, "theirs");
    assert_eq!(String::from_utf8_lossy(&body), id);
}

#[test]
fn what_is_no_request_is_refused_and_the_connection_ends() {
    let (_gateway, address) = run(WITHOUT_UPSTREAM, &[]);
    for nonsense in
        ["\x16\x03\x01\x02\x00", "hello\r\n\r\n", "GET /fixed HTTP/2.0\r\nHost: a\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n"]
    {
        let mut client = Talk::open(address);
        client.write(nonsense);
        client.write(get("/fixed"));
        let (head, _) = client.answer(false).expect("a refusal");
        assert!(matches!(head.status(), 400 | 505), "{nonsense:?}: {head:?}");
        assert_eq!(String::from_utf8_lossy(&client.rest().0), "", "{nonsense:?}");
    }
    let mut client = Talk::open(address);
    assert!(client.is_silent_for(TICK));
    assert_eq!(client.exchange(get("/fixed")).1, b"fixed");
}

#[test]
fn what_the_gateway_never_does_is_said_in_words() {
    let (_gateway, address) = run(WITHOUT_UPSTREAM, &[]);
    for (request, status, words) in [
        ("TRACE /fixed HTTP/1.1\r\nHost: a\r\n\r\n", 501, "this method"),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501, "this method"),
        ("GET /fixed HTTP/3.0\r\nHost: a\r\n\r\n", 505, "HTTP/1.1"),
        ("POST /fixed HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417, "100-continue"),
    ] {
        let (head, body) = Talk::open(address).exchange(request);
        let body = String::from_utf8_lossy(&body);
        assert!(head.status() == status && body.contains(words), "{request}: {} {body}", head.status());
    }
}
