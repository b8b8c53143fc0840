//! Python's servers: http.server as HTTP/1.0 and 1.1, and aiohttp's.

use super::super::{
    server::Behind,
    tools::{beside, python},
};
use crate::support::Answer;

fn http_server(version: &str) -> Behind {
    Behind::that_prints_its_port(python().arg(beside("behind/http_server.py")).arg(version))
}

fn aiohttp_server() -> Behind {
    Behind::that_prints_its_port(python().arg(beside("behind/aiohttp_server.py")))
}

fn with_length(line: &str, body: &[u8]) -> Vec<u8> {
    [format!("{line} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

fn noted(answer: &Answer) -> (u16, Vec<u8>) {
    (answer.status, answer.body.clone())
}

#[test]
fn http_server_is_understood_in_both_versions() {
    for version in ["HTTP/1.0", "HTTP/1.1"] {
        let server = http_server(version);
        let mut connection = server.connect();
        let mut ports = Vec::new();
        for target in ["/a", "/until-close", "/b", "/c"] {
            let answer = connection.exchange(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
            let answer = answer.expect("an answer");
            let text = answer.text();
            let port = text.strip_prefix(&format!("GET {target} ")).unwrap_or_else(|| panic!("{text}"));
            ports.push(port.to_owned());
        }
        assert_eq!(ports[2] == ports[3], version == "HTTP/1.1", "its connections: {ports:?}");
        let head = connection.exchange_of(b"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n", true).expect("an answer");
        assert!(head.status == 200 && head.field("content-length").is_some());
        let body = vec![7; 3 << 20];
        let posted = connection.exchange(&with_length("POST /", &body)).expect("an answer");
        assert_eq!(posted.status, 201);
        assert!(posted.body == body);
    }
}

#[test]
fn aiohttp_gets_and_sends_bodies_of_either_framing() {
    let server = aiohttp_server();
    let mut connection = server.connect();
    let body: Vec<u8> = (0..=250).cycle().take(3 << 20).collect();
    let echoed = connection.exchange(&with_length("PUT /echo", &body)).expect("an answer");
    assert!(echoed.body == body && echoed.field("x-method") == Some("PUT"));
    let chunks = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\none\r\n4\r\n two\r\n0\r\nX: y\r\n\r\n";
    assert_eq!(noted(&connection.exchange(chunks).expect("an answer")), (200, b"one two".to_vec()));
    let streamed = connection.exchange(&with_length("POST /stream", b"a body")).expect("an answer");
    assert_eq!(noted(&streamed), (200, b"a body and the end".to_vec()));
    assert_eq!(streamed.field("transfer-encoding"), Some("chunked"));
    let head = connection.exchange_of(b"HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n", true).expect("an answer");
    assert_eq!((head.status, head.field("x-method")), (200, Some("HEAD")));
}

#[test]
fn aiohttp_may_answer_before_it_has_read_the_body() {
    let server = aiohttp_server();
    let body = vec![7; 8 << 20];
    let early = server.connect().exchange(&with_length("POST /early", &body)).expect("an answer");
    assert_eq!(noted(&early), (403, b"not that".to_vec()));
    let next = server.connect().exchange(&with_length("PUT /echo", b"next")).expect("an answer");
    assert_eq!(noted(&next), (200, b"next".to_vec()), "the next request is nobody's rest");
}

#[test]
fn the_gateway_answers_an_expectation_in_aiohttp_s_stead() {
    let server = aiohttp_server();
    let mut connection = server.connect();
    connection.write(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(connection.head().expect("an invitation").status, 100);
    assert_eq!(noted(&connection.exchange(b"hello").expect("an answer")), (200, b"hello".to_vec()));
}
