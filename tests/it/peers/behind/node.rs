//! Node's http server.

use super::super::{
    server::Behind,
    tools::{beside, node},
};
use crate::support::{Answer, Connection};

fn server() -> Behind {
    Behind::that_prints_its_port(node().arg(beside("behind/server.mjs")))
}

fn get(connection: &mut Connection, target: &str) -> Option<Answer> {
    connection.exchange(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes())
}

#[test]
fn answers_of_every_framing_come_whole() {
    let server = server();
    let mut connection = server.connect();
    for (target, status, body) in [
        ("/chunked", 200, "one two three"),
        ("/trailers", 200, "with trailers"),
        ("/hints", 200, "after three hints"),
        ("/until-close", 200, "to the end"),
        ("/nothing", 204, ""),
        ("/echo", 200, ""),
    ] {
        let answer = get(&mut connection, target).expect("an answer");
        assert_eq!((answer.status, answer.text().as_str()), (status, body), "{target}");
        assert_eq!(answer.field("x-digest"), None, "{target}");
    }
}

#[test]
fn an_answer_that_breaks_off_is_broken_off() {
    let server = server();
    assert!(get(&mut server.connect(), "/broken-off").is_none());
    assert_eq!(get(&mut server.connect(), "/echo").expect("an answer").status, 200);
}

#[test]
fn head_and_uploads_share_one_connection() {
    let server = server();
    let mut connection = server.connect();
    let body: Vec<u8> = (0..=250).cycle().take(2 << 20).collect();
    let put =
        [format!("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat();
    let chunks = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n";
    let mut seen = Vec::new();
    for (request, expected) in [
        (&put[..], &body[..]),
        (b"HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n", b""),
        (chunks, b"one"),
        (b"DELETE /echo HTTP/1.1\r\nHost: a\r\n\r\n", b""),
    ] {
        let answer = connection.exchange_of(request, request.starts_with(b"HEAD")).expect("an answer");
        assert!(answer.status == 200 && answer.body == expected, "{:?}", answer.field("x-seen"));
        seen.push(answer.field("x-seen").expect("what it saw").to_owned());
    }
    let port = seen[0].rsplit(' ').next().expect("a port");
    assert_eq!(seen, ["PUT", "HEAD", "POST", "DELETE"].map(|method| format!("{method} 0 {port}")));
}

#[test]
fn the_gateway_answers_an_expectation_in_node_s_stead() {
    let server = server();
    let mut connection = server.connect();
    connection.write(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(connection.head().expect("an invitation").status, 100);
    let answer = connection.exchange(b"hello").expect("an answer");
    assert_eq!(answer.text(), "hello");
    assert!(answer.field("x-seen").is_some_and(|seen| seen.starts_with("POST 0 ")), "it was not asked");
}
