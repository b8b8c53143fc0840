//! Our HTTP/1 codec against hyper's, fed the same bytes. Ours is the stricter one, so whatever it accepts hyper must
//! accept too, and both must read the same request. Not a test of what we refuse: that is in the codec's own tests.
#![allow(clippy::expect_used)] // Here a failed expectation is a failed test.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use countersign::http1::{BodyDecoder, Limits, RequestHead, Step};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a reader made of the first request.
#[derive(Debug, PartialEq)]
struct Reading {
    method: String,
    target: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// The first request by our codec, when it is whole and accepted.
fn ours(input: &[u8]) -> Option<Reading> {
    let limits = Limits::default();
    let mut buffer = BytesMut::from(input);
    let head = RequestHead::parse(&mut buffer, &limits).ok()??;
    let mut decoder = BodyDecoder::new(head.framing(), &limits);
    let mut body = Vec::new();
    loop {
        match decoder.decode(&mut buffer).ok()? {
            Step::Data(data) => body.extend_from_slice(&data),
            Step::More => return None,
            Step::End => break,
        }
    }
    Some(Reading {
        method: head.method().to_owned(),
        target: head.target().to_owned(),
        fields: sorted(head.fields().map(|(name, value)| (name.to_ascii_lowercase(), value.to_vec()))),
        body,
    })
}

/// The first request by hyper, when it is whole and accepted.
fn hypers(input: &[u8]) -> Option<Reading> {
    let first = Arc::new(Mutex::new(None));
    let seen = first.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let seen = seen.clone();
        async move {
            let reading = reading(request).await;
            seen.lock().expect("not poisoned").get_or_insert(reading);
            Ok::<_, Infallible>(hyper::Response::new(Empty::<Bytes>::new()))
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        client.write_all(input).await.expect("written");
        client.shutdown().await.expect("shut down");
        let serve =
            hyper::server::conn::http1::Builder::new().half_close(true).serve_connection(TokioIo::new(server), service);
        let mut answers = Vec::new();
        // What hyper thinks of later requests on the connection is of no interest here.
        let (_, read) = tokio::join!(serve, client.read_to_end(&mut answers));
        read.expect("an in-memory pipe");
    });
    first.lock().expect("not poisoned").take().flatten()
}

async fn reading(request: hyper::Request<Incoming>) -> Option<Reading> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.ok()?.to_bytes().to_vec();
    Some(Reading {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        fields: sorted(head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))),
        body,
    })
}

/// By name alone, so that the order among lines of one name still counts.
fn sorted(fields: impl Iterator<Item = (String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let mut fields: Vec<_> = fields.collect();
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    fields
}

/// Requests that are right in most places and odd in some.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        6 => "(GET|POST|PUT|PURGE) /[a-z%.;/]{0,8}(\\?[a-z=&/?]{0,6})? HTTP/1\\.[01]\r\n",
        1 => "(GET|OPTIONS) (http://a/[a-z]{0,3}|\\*|a:80|/a#b) HTTP/1.1\r\n",
        1 => "[A-Z]{1,4} ?/?[ -~]{0,6} HTTP/[0-3].[0-3]\r?\n",
    ];
    let field = prop_oneof![
        4 => Just("Host: a\r\n".to_owned()),
        2 => "Content-Length: ?[+0-9, ]{1,2}\r\n",
        2 => "Transfer-Encoding: (chunked|CHUNKED|,chunked|gzip)\r\n",
        4 => "X-[A-Za-z_]{1,4}:[ \t]?[ -~]{0,6}\r\n",
        1 => "[ -~]{0,8}\r?\n",
        1 => "(Connection|Expect): (close|keep-alive|100-continue|x)\r\n",
    ];
    let body = prop_oneof![
        2 => "[a-z]{0,9}",
        4 => "([1-3];?a?\r\n[a-z]{1,3}\r\n){0,3}0(;a=b)?\r\n(X: y\r\n)?\r\n",
    ];
    (line, vec(field, 0..5), body).prop_map(|(line, fields, body)| {
        let head = fields.concat();
        // Most without a Host would be refused at once and prove nothing.
        let host = if head.contains("Host") { "" } else { "Host: a\r\n" };
        format!("{line}{host}{head}\r\n{body}").into_bytes()
    })
}

fn agree(input: &[u8]) -> Result<(), TestCaseError> {
    if let Some(ours) = ours(input) {
        prop_assert_eq!(hypers(input), Some(ours), "{:?}", String::from_utf8_lossy(input));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_we_accept_hyper_reads_the_same(input in request()) {
        agree(&input)?;
    }
}

#[test]
fn the_oracle_sees_plain_requests_as_we_do() {
    for input in [
        "GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n",
    ] {
        assert!(ours(input.as_bytes()).is_some(), "{input:?}");
        agree(input.as_bytes()).expect("agreement");
    }
}
